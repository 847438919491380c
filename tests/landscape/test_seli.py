import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from ibcollapse.errors import InputError
from ibcollapse.landscape import seli_geometry, simplex_gram
from ibcollapse.serialize import load_result, save


@pytest.mark.parametrize("n_classes", [4, 10])
@pytest.mark.parametrize("ratio", [1, 3, 7, 10, 100])
def test_half_half_step_norms_are_the_closed_forms(n_classes, ratio):
    n_min, k = 5, n_classes
    geometry = seli_geometry([ratio * n_min] * (k // 2) + [n_min] * (k // 2))
    s, root = np.sqrt((ratio + 1) / 2), np.sqrt(ratio)
    w = np.diag(geometry.classifier_gram) / np.sqrt(n_min)
    h = np.diag(geometry.feature_gram) * np.sqrt(n_min)
    # Thrampoulidis et al. 2022, theory §4.
    assert w[0] == pytest.approx(root * (1 - 2 / k) + s / k, rel=1e-12)
    assert w[-1] == pytest.approx((1 - 2 / k) + s / k, rel=1e-12)
    assert h[0] == pytest.approx((1 - 2 / k) / root + 1 / (k * s), rel=1e-12)
    assert h[-1] == pytest.approx((1 - 2 / k) + 1 / (k * s), rel=1e-12)


def test_ten_classes_at_ratio_ten():
    geometry = seli_geometry([10] * 5 + [1] * 5)
    w, h = np.diag(geometry.classifier_gram), np.diag(geometry.feature_gram)
    # Theory §4.
    assert w[0] / w[-1] == pytest.approx(2.6720999, abs=5e-8)
    assert h[0] / h[-1] == pytest.approx(0.3508287, abs=5e-8)
    assert geometry.classifier_cosines[-1, -2] == pytest.approx(0.0333689, abs=5e-8)


def test_minority_classifiers_are_orthogonal_at_ratio_seven():
    geometry = seli_geometry([7] * 5 + [1] * 5)
    assert geometry.classifier_cosines[-1, -2] == pytest.approx(0, abs=1e-13)


def test_balanced_classes_give_the_simplex_twice():
    geometry = seli_geometry([6] * 5)
    assert geometry.gram == pytest.approx(simplex_gram(5), abs=1e-14)
    assert geometry.classifier_cosines == pytest.approx(simplex_gram(5), abs=1e-14)


def test_the_small_matrix_stands_for_all_samples():
    counts = [5, 3, 2, 1]
    labels = np.repeat(np.arange(4), counts)
    encoded = (np.eye(4) - 0.25)[:, labels]
    left, values, right = np.linalg.svd(encoded, full_matrices=False)
    geometry = seli_geometry(counts)
    samples = (right.T * values) @ right
    assert geometry.classifier_gram == pytest.approx((left * values) @ left.T, abs=1e-13)
    assert geometry.feature_gram[np.ix_(labels, labels)] == pytest.approx(samples, abs=1e-13)
    assert geometry.loss == pytest.approx(values.sum(), rel=1e-13)


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(1, 10**5), min_size=2, max_size=12))
def test_interpolation_is_certified_at_any_counts(counts):
    geometry = seli_geometry(counts)
    assert geometry.converged
    assert geometry.gap <= 1e-12 * geometry.loss
    assert geometry.rank == len(counts) - 1
    assert geometry.logits == pytest.approx(np.eye(len(counts)) - 1 / len(counts), abs=1e-12)


def test_balanced_ridge_is_the_scalar_equation():
    k, n, ridge = 4, 10, 0.02
    geometry = seli_geometry([n] * k, ridge=ridge)
    # logits a (I − 11ᵀ/K): mean CE log(1 + (K − 1) e^{−a}), penalty γ a √n (K − 1).
    a = brentq(lambda a: 1 / (np.exp(a) + k - 1) - ridge * np.sqrt(n), 0, 50, xtol=1e-14)
    loss = np.log1p((k - 1) * np.exp(-a)) + ridge * a * np.sqrt(n) * (k - 1)
    assert geometry.loss == pytest.approx(loss, rel=1e-9)
    # Logits to the square root of the gap.
    assert geometry.logits == pytest.approx(a * (np.eye(k) - 1 / k), abs=1e-4)


@pytest.mark.parametrize("ridge", [0.05, 0.01, 1e-3])
@pytest.mark.parametrize("counts", [[20, 20, 2, 2], [40, 9, 4, 3, 1]])
def test_a_general_convex_solver_agrees_on_the_ridge_path(counts, ridge):
    cvxpy = pytest.importorskip("cvxpy")
    n, k = np.array(counts, dtype=float), len(counts)
    scaled = cvxpy.Variable((k, k))
    rows = []
    for c in range(k):
        column = scaled[:, c] / np.sqrt(n[c])
        rows.append(n[c] / n.sum() * (cvxpy.log_sum_exp(column) - column[c]))
    problem = cvxpy.Problem(cvxpy.Minimize(sum(rows) + ridge * cvxpy.normNuc(scaled)))
    problem.solve(solver=cvxpy.CLARABEL)
    geometry = seli_geometry(counts, ridge=ridge)
    assert geometry.converged
    # Clarabel's own tolerance is 1e-8.
    assert geometry.loss == pytest.approx(problem.value, abs=5e-8)


@pytest.mark.parametrize("ratio", [100, 1000])
@pytest.mark.parametrize("ridge", [5e-4, 1e-4, 1e-6])
def test_a_hundred_long_tailed_classes_take_little_work(ratio, ridge):
    counts = np.round(5 * ratio ** (1 - np.arange(100) / 99)).astype(int)
    geometry = seli_geometry(counts, ridge=ridge)
    assert geometry.converged
    assert geometry.gap <= 1e-8
    # 883 at most when written, half a second of one core; 17 671 while each step was solved
    # to rounding.
    assert 0 < geometry.n_iterations < 3000


def test_a_vanishing_ridge_approaches_the_interpolation():
    counts = [30, 30, 3, 3]
    limit = seli_geometry(counts)
    apart = []
    for ridge in (1e-2, 1e-4, 1e-6):
        path = seli_geometry(counts, ridge=ridge)
        apart.append(np.abs(path.classifier_cosines - limit.classifier_cosines).max())
    assert apart[0] > apart[1] > apart[2]
    assert apart[2] < 0.05  # logits grow like log(1/γ), and directions settle like its inverse


def test_minority_classes_merge_and_vanish_as_the_ridge_grows():
    counts = [500] * 5 + [5] * 5
    merged = seli_geometry(counts, ridge=1e-3)
    # Four directions among the majority and one between the groups.
    assert merged.rank == 5
    assert merged.classifier_cosines[-1, -2] == pytest.approx(1, abs=1e-5)
    vanished = seli_geometry(counts, ridge=2.5e-3)
    assert vanished.rank == 4
    assert np.all(np.isnan(vanished.classifier_cosines[5:]))
    assert vanished.classifier_cosines[:5, :5] == pytest.approx(simplex_gram(5), abs=1e-4)


def test_everything_collapses_from_the_slope_at_zero_on():
    counts = np.array([20, 20, 2, 2])
    edge = np.linalg.norm((np.eye(4) - 0.25) * np.sqrt(counts), 2) / counts.sum()
    above, below = (seli_geometry(counts, ridge=f * edge) for f in (1.0001, 0.99))
    assert (above.rank, above.gap, above.loss) == (0, 0.0, pytest.approx(np.log(4)))
    assert np.all(np.isnan(above.gram))
    assert below.rank > 0
    assert below.loss < np.log(4)


def test_the_result_survives_a_file(tmp_path):
    geometry = seli_geometry([5, 3, 1])
    loaded = load_result(save(geometry, tmp_path / "seli.json"))
    assert np.array_equal(loaded.feature_gram, geometry.feature_gram)
    assert loaded.ridge is None


@pytest.mark.parametrize(
    ("counts", "options", "message"),
    [
        ([5], {}, "at least two"),
        ([5, 0], {}, "class 1 has 0"),
        ([5, 5], {"ridge": 0.0}, "ridge is"),
        ([5, 5], {"ridge": float("nan")}, "ridge is"),
        ([5, 5], {"tol": 0.0}, "tol is"),
    ],
)
def test_bad_input_is_refused(counts, options, message):
    with pytest.raises(InputError, match=message):
        seli_geometry(counts, **options)
