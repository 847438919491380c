import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.errors import InputError
from ibcollapse.landscape import certify_supcon, simplex_gram, supcon_geometry
from ibcollapse.serialize import load_result, save


def naive_mean_loss(gram, counts, temperature):
    """The definition, one class at a time."""
    total = 0.0
    for c, n in enumerate(counts):
        others = sum(
            m * np.exp((gram[c, b] - 1) / temperature) for b, m in enumerate(counts) if b != c
        )
        total += n * np.log(n - 1 + others)
    return total / sum(counts)


def random_gram(n_classes, rng):
    rows = rng.normal(size=(n_classes, n_classes))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows @ rows.T


def test_balanced_loss_is_the_closed_form():
    geometry = supcon_geometry([5, 5, 5, 5], 1.0)
    # log(n − 1 + (K − 1) n exp(−K/((K − 1) τ))) at K = 4, n = 5, τ = 1.
    assert geometry.loss == pytest.approx(np.log(4 + 15 * np.exp(-4 / 3)), abs=1e-14)
    assert geometry.loss == pytest.approx(2.0736695497, abs=5e-11)
    assert geometry.gram == pytest.approx(simplex_gram(4), abs=1e-15)
    assert geometry.gap < 1e-14
    assert geometry.rank == 3


def test_step_imbalance_matches_the_pinned_geometry():
    geometry = supcon_geometry([20, 20, 2, 2], 1.0)
    # Theory §3: two programs agreed on these digits.
    assert geometry.loss == pytest.approx(3.1005326674, abs=5e-11)
    assert geometry.gram[0, 1] == pytest.approx(-0.893848, abs=5e-7)
    assert geometry.gram[0, 2] == pytest.approx(-0.202613, abs=5e-7)
    assert geometry.gram[2, 3] == pytest.approx(0.546920, abs=5e-7)
    assert geometry.rank == 3


@pytest.mark.parametrize(
    ("counts", "temperature", "loss"),
    [([10, 10, 2, 2], 1.0, 2.3961759191), ([20, 20, 2, 2], 0.1, 2.676769858)],
)
def test_pinned_losses(counts, temperature, loss):
    # Theory §3 (the second to its six digits, 2.676770, refined by the certified solution).
    geometry = supcon_geometry(counts, temperature)
    assert geometry.loss == pytest.approx(loss, abs=1e-9)
    assert geometry.gap <= 1e-9 * geometry.excess


def test_low_temperature_barely_separates_geometries():
    best = supcon_geometry([20, 20, 2, 2], 0.1).loss
    orthogonal = supcon_geometry([20, 20, 2, 2], 0.1, relu=True).loss
    # Theory §3: 2.676770 against 2.676988.
    assert best == pytest.approx(2.676770, abs=5e-7)
    assert orthogonal == pytest.approx(2.676988, abs=5e-7)


def test_relu_features_give_the_orthogonal_frame():
    geometry = supcon_geometry([10, 10, 2, 2], 1.0, relu=True)
    assert geometry.loss == pytest.approx(2.5760377590, abs=5e-11)  # theory §3
    assert np.array_equal(geometry.gram, np.eye(4))
    assert geometry.gap == 0


def test_relu_frame_beats_every_non_negative_gram():
    rng = np.random.default_rng(0)
    counts = [10, 10, 2, 2]
    best = supcon_geometry(counts, 1.0, relu=True).loss
    for _ in range(50):
        rows = np.abs(rng.normal(size=(4, 6)))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        assert naive_mean_loss(rows @ rows.T, counts, 1.0) > best


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_long_tail_of_a_hundred_classes_is_certified_fast(temperature):
    counts = [max(2, int(500 * 0.01 ** (k / 99))) for k in range(100)]
    start = time.perf_counter()
    geometry = supcon_geometry(counts, temperature)
    assert time.perf_counter() - start < 5
    assert geometry.converged
    assert geometry.gap < 1e-8
    gap, _ = certify_supcon(geometry.gram, counts, temperature)
    assert gap < 1e-8
    assert geometry.loss == pytest.approx(
        naive_mean_loss(geometry.gram, counts, temperature), rel=1e-13
    )


@pytest.mark.parametrize("counts", [[20, 2, 2], [2, 3, 4, 1000, 100_000]])
def test_extreme_imbalance_merges_the_minority(counts):
    # τ = 10 (1) is where the dual equations have no feasible solution and the primal takes over.
    geometry = supcon_geometry(counts, 10.0)
    assert geometry.converged
    assert geometry.rank == 1
    major = int(np.argmax(counts))
    assert np.delete(geometry.gram[major], major) == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "temperature"),
    [
        ([20, 20, 2, 2], 1.0),
        ([9, 7, 5, 3], 0.5),
        ([50, 30, 20, 10, 5, 5, 3, 2], 1.0),
        ([20, 2, 2], 10.0),
    ],
)
def test_a_general_convex_solver_agrees(counts, temperature):
    cvxpy = pytest.importorskip("cvxpy")
    k, n = len(counts), np.array(counts)
    gram = cvxpy.Variable((k, k), PSD=True)
    rows = []
    for c in range(k):
        others = [b for b in range(k) if b != c]
        exponents = (gram[c, others] - 1) / temperature + np.log(n[others])
        rows.append(cvxpy.log_sum_exp(cvxpy.hstack([np.log(n[c] - 1), exponents])))
    objective = sum(n[c] / n.sum() * row for c, row in enumerate(rows))
    problem = cvxpy.Problem(cvxpy.Minimize(objective), [cvxpy.diag(gram) == 1])
    problem.solve(solver=cvxpy.CLARABEL)
    geometry = supcon_geometry(counts, temperature)
    # Clarabel's own tolerance is 1e-8.
    assert geometry.loss == pytest.approx(problem.value, abs=2e-8)
    assert geometry.gram == pytest.approx(gram.value, abs=2e-3)


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(2, 3000), min_size=2, max_size=7),
    log_temperature=st.floats(-4, 2),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_certificate_bounds_every_other_gram(counts, log_temperature, seed):
    temperature = float(np.exp(log_temperature))
    rng = np.random.default_rng(seed)
    geometry = supcon_geometry(counts, temperature)
    assert geometry.converged
    assert np.linalg.eigvalsh(geometry.gram)[0] > -1e-12
    other = random_gram(len(counts), rng)
    # Rounding of the losses themselves: 1e-12.
    reached = naive_mean_loss(other, counts, temperature)
    assert reached >= geometry.loss - geometry.gap - 1e-12
    gap, _ = certify_supcon(other, counts, temperature)
    assert reached - gap <= geometry.loss + 1e-12


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_classes=st.integers(3, 7))
def test_classes_may_come_in_any_order(seed, n_classes):
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 60, n_classes)
    order = rng.permutation(n_classes)
    first, second = supcon_geometry(counts, 1.0), supcon_geometry(counts[order], 1.0)
    # Gram accuracy is the square root of the gap's.
    assert second.gram == pytest.approx(first.gram[np.ix_(order, order)], abs=1e-4)
    assert second.loss == pytest.approx(first.loss, rel=1e-9)


def test_a_temperature_that_underflows_still_has_a_geometry():
    geometry = supcon_geometry([20, 20, 2, 2], 1e-3)
    assert geometry.excess == 0.0  # exp(−1333) underflows; the geometry does not
    assert geometry.converged
    # τ → 0 maximises the smallest distance: the simplex.
    assert geometry.gram == pytest.approx(simplex_gram(4), abs=3e-3)


def test_rounding_at_tiny_temperatures_is_admitted():
    geometry = supcon_geometry([94, 60, 25, 6, 3], 1e-5)
    # 1/τ magnifies the rounding of a cosine to 1e-11 of a term; the simplex is still there.
    assert not geometry.converged
    assert supcon_geometry([94, 60, 25, 6, 3], 1e-5, tol=1e-5).converged
    assert geometry.gram == pytest.approx(simplex_gram(5), abs=1e-4)


def test_the_result_survives_a_file(tmp_path):
    geometry = supcon_geometry([20, 20, 2, 2], 1.0)
    loaded = load_result(save(geometry, tmp_path / "geometry.h5"))
    assert np.array_equal(loaded.gram, geometry.gram)
    assert (loaded.loss, loaded.status, loaded.rank) == (geometry.loss, "converged", 3)
    with pytest.raises(ValueError, match="read-only"):
        loaded.gram[0, 0] = 2


@pytest.mark.parametrize(
    ("counts", "temperature"),
    [([20, 20, 2, 2], 1.0), ([9, 7, 5, 3], 0.1), ([20, 2, 2], 10.0), ([300, 2, 3, 4], 5.0)],
)
def test_the_certificate_extends_to_every_sample(counts, temperature):
    # Collapse is a claim about the Gram of all samples; so is this dual matrix.
    geometry = supcon_geometry(counts, temperature)
    labels = np.repeat(np.arange(len(counts)), counts)
    gram = geometry.gram[np.ix_(labels, labels)]
    share = np.exp((gram - 1) / temperature)
    np.fill_diagonal(share, 0)
    share /= share.sum(axis=1, keepdims=True)
    positive = (labels[:, None] == labels).astype(float)
    np.fill_diagonal(positive, 0)
    slope = (share - positive / positive.sum(axis=1, keepdims=True)) / temperature / len(labels)
    slope = (slope + slope.T) / 2
    dual = slope - np.diag(np.sum(slope * gram, axis=1))
    assert np.linalg.eigvalsh(dual)[0] > -1e-9
    assert geometry.multiplier.min() > -1e-12


def test_an_unreachable_tolerance_is_a_status():
    geometry = supcon_geometry([37, 11, 5, 3, 2], 0.02, tol=1e-30)
    assert not geometry.converged
    assert "raise tol" in geometry.status


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([5], "at least two classes"),
        ([5, 1], "class 1 has 1 samples"),
        ([0, 5], "class 0 has 0 samples"),
        ([5, 2.5], "not whole"),
        ([5, float("nan")], "finite"),
        ([[5, 5]], "shape"),
        (["a", "b"], "finite numbers"),
    ],
)
def test_bad_counts_are_refused(counts, message):
    with pytest.raises(InputError, match=message):
        supcon_geometry(counts, 1.0)


@pytest.mark.parametrize("temperature", [0, -1, float("inf"), float("nan")])
def test_bad_temperatures_are_refused(temperature):
    with pytest.raises(InputError, match="temperature is"):
        supcon_geometry([5, 5], temperature)


@pytest.mark.parametrize(
    ("gram", "message"),
    [
        (np.eye(3), "shape"),
        (np.array([[1, 0.5], [0.4, 1]]), "symmetric"),
        (np.array([[1, 0.5], [0.5, 2]]), "diagonal"),
        (np.array([[1, 1.5], [1.5, 1]]), "eigenvalue"),
    ],
)
def test_only_grams_can_be_certified(gram, message):
    with pytest.raises(InputError, match=message):
        certify_supcon(gram, [5, 5], 1.0)
