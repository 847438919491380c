import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.errors import InputError
from ibcollapse.landscape import cross_entropy_bound, simplex_gram, supcon_bound
from ibcollapse.serialize import load_result, save


def naive_members(counts, batch_size):
    """M_l by visiting every multiset."""
    labels = np.repeat(np.arange(len(counts)), counts)
    members = np.zeros(batch_size + 1)
    n_batches = 0
    for batch in itertools.combinations_with_replacement(labels, batch_size):
        n_batches += 1
        for c in range(len(counts)):
            members[batch.count(c)] += 1
    return members, n_batches


def naive_total(gram, counts, batch_size, temperature):
    """Loss of collapsed classes with cosines `gram`, summed over every batch and anchor."""
    labels = np.repeat(np.arange(len(counts)), counts)
    total = 0.0
    for batch in itertools.combinations_with_replacement(range(len(labels)), batch_size):
        codes = labels[list(batch)]
        for i, c in enumerate(codes):
            others = np.delete(np.arange(batch_size), i)
            scores = gram[c, codes[others]] / temperature
            same = codes[others] == c
            if same.any():
                total += np.log(np.exp(scores).sum()) - scores[same].mean()
    return total


def test_pinned_balanced_bound():
    bound = supcon_bound([2, 2, 2], 4)
    # Theory §5: 126 batches, M = (90, 48, 15), bound 247.3772723.
    assert np.exp(bound.log_n_batches) == pytest.approx(126)
    assert bound.members[2:] * 126 == pytest.approx([90, 48, 15])
    assert bound.total == pytest.approx(247.3772723, abs=5e-8)
    assert bound.tight


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_simplex_features_attain_the_balanced_bound(temperature):
    bound = supcon_bound([2, 2, 2], 4, temperature=temperature)
    total = naive_total(simplex_gram(3), [2, 2, 2], 4, temperature)
    assert bound.total == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("counts", [[2, 2, 2], [3, 2, 1], [4, 1]])
def test_members_are_counted_exactly(counts):
    bound = supcon_bound(counts, 4)
    members, n_batches = naive_members(counts, 4)
    assert bound.members * np.exp(bound.log_n_batches) == pytest.approx(members, rel=1e-12)
    assert np.exp(bound.log_n_batches) == pytest.approx(n_batches)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), temperature=st.sampled_from([0.2, 1.0]))
def test_no_geometry_goes_below_the_unbalanced_bound(seed, temperature):
    rng = np.random.default_rng(seed)
    counts = list(rng.integers(1, 4, 3))
    rows = rng.normal(size=(3, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    bound = supcon_bound(counts, 3, temperature=temperature)
    assert naive_total(rows @ rows.T, counts, 3, temperature) >= bound.total * (1 - 1e-12)


def test_the_unbalanced_formula_meets_the_balanced_one():
    nearly = supcon_bound([10**6, 10**6, 10**6 + 1], 8).mean
    assert nearly == pytest.approx(supcon_bound([10**6] * 3, 8).mean, rel=1e-5)


def test_large_batches_do_not_overflow():
    bound = supcon_bound([5000] * 10, 256, temperature=0.1)
    assert np.isfinite(bound.mean)
    assert bound.total == np.inf
    assert bound.members @ np.arange(257) == pytest.approx(256, rel=1e-9)


def test_pinned_cross_entropy_bound():
    # Theory §5: (K, ρ, r_W) = (3, 1, 2).
    bound = cross_entropy_bound([4, 4, 4], feature_norm=1.0, weight_norm=2.0)
    assert bound == pytest.approx(0.3029468, abs=5e-8)


def test_dual_bound_meets_the_closed_form_when_nearly_balanced():
    # The searched bound at 1000/1001 samples against the closed form; it moves by O(1/n).
    nearly = cross_entropy_bound([1000, 1000, 1001], feature_norm=1.5, weight_norm=2.0)
    closed = cross_entropy_bound([1000] * 3, feature_norm=1.5, weight_norm=2.0)
    assert nearly == pytest.approx(closed, rel=1e-3)


def test_unbalanced_cross_entropy_bound_is_sharp():
    cvxpy = pytest.importorskip("cvxpy")
    n, product = np.array([20.0, 20, 2, 2]), 6.0
    scaled = cvxpy.Variable((4, 4))
    rows = []
    for c in range(4):
        column = scaled[:, c] / np.sqrt(n[c])
        rows.append(n[c] / n.sum() * (cvxpy.log_sum_exp(column) - column[c]))
    limit = [cvxpy.normNuc(scaled) <= product * np.sqrt(n.sum())]
    problem = cvxpy.Problem(cvxpy.Minimize(sum(rows)), limit)
    problem.solve(solver=cvxpy.CLARABEL)
    bound = cross_entropy_bound([20, 20, 2, 2], feature_norm=2.0, weight_norm=3.0)
    # Never above the optimum; the search over γ and Clarabel leave 1e-6.
    assert bound <= problem.value + 1e-7
    assert bound == pytest.approx(problem.value, abs=1e-6)


def test_the_bound_survives_a_file(tmp_path):
    bound = supcon_bound([3, 2, 1], 4)
    loaded = load_result(save(bound, tmp_path / "bound.json"))
    assert loaded.mean == bound.mean
    assert np.array_equal(loaded.members, bound.members)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: supcon_bound([5], 4), "at least two"),
        (lambda: supcon_bound([5, 0], 4), "class 1"),
        (lambda: supcon_bound([5, 5], 1), "batch_size"),
        (lambda: supcon_bound([5, 5], 4, temperature=0.0), "temperature"),
        (lambda: cross_entropy_bound([5, 5], feature_norm=0.0, weight_norm=1.0), "feature_norm"),
        (lambda: cross_entropy_bound([5, 5], feature_norm=1.0, weight_norm=-1.0), "weight_norm"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
