"""The Gaussian bottleneck against the published formulas, log-determinants and populations."""

import numpy as np
import pytest
from bottleneck.gaussian_material import simplex_means
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import null_floor
from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
from ibcollapse.errors import InputError
from ibcollapse.serialize import load_result, save


def test_redundant_and_constant_features_change_nothing():
    rng = np.random.default_rng(6)
    y = rng.standard_normal((300, 2))
    x = rng.standard_normal((300, 3)) + y @ rng.standard_normal((2, 3))
    plain = GaussianIB.from_samples(x, y)
    padded = np.column_stack([x, x @ [1.0, 2.0, -1.0], np.full(300, 1.37e4)])
    wide = GaussianIB.from_samples(padded, y)
    assert (plain.rank_x, wide.rank_x, wide.rank_y) == (3, 3, 2)
    np.testing.assert_allclose(wide.rho, plain.rho, rtol=1e-10)
    labels = (y[:, 0] > 0).astype(int)
    np.testing.assert_allclose(
        GaussianIB.from_samples(padded, labels).rho,
        GaussianIB.from_samples(x, labels).rho,
        rtol=1e-10,
    )


@given(seed=st.integers(0, 10_000), exponents=st.tuples(*[st.integers(-7, 7)] * 3))
@settings(max_examples=20, deadline=None)
def test_units_and_invertible_maps_do_not_matter(seed, exponents):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((60, 2))
    x = rng.standard_normal((60, 3)) + y @ rng.standard_normal((2, 3))
    mixing = np.linalg.qr(rng.standard_normal((3, 3)))[0] @ np.diag([1.0, 2.0, 5.0])
    moved = (x @ mixing) * 10.0 ** np.array(exponents)
    np.testing.assert_allclose(
        GaussianIB.from_samples(moved, y).rho, GaussianIB.from_samples(x, y).rho, atol=1e-9
    )


def test_independent_samples_lie_below_the_null_floor_and_say_so():
    # 4c(1 − c) at c = 128 / 10 000.
    assert null_floor(10_000, 128, 128) == pytest.approx(0.0505, abs=5e-5)
    rng = np.random.default_rng(7)
    noise = GaussianIB.from_samples(
        rng.standard_normal((2000, 60)), rng.standard_normal((2000, 90))
    )
    # The largest of noise fluctuates about and a little below the edge, by n^(−2/3) of order 1 %
    # of one; 0.14 ± 0.01 here.
    assert noise.rho[0] ** 2 == pytest.approx(noise.null_floor, abs=0.01)
    assert not noise.above_floor[1:].any()
    by_label = GaussianIB.from_samples(rng.standard_normal((2000, 60)), np.arange(2000) % 10)
    assert by_label.rho[0] ** 2 == pytest.approx(by_label.null_floor, abs=0.01)
    assert any("not evidence" in text for text in noise.warnings)


def test_curve_holds_the_breakpoints_and_is_increasing_and_concave():
    gaussian = GaussianIB.from_correlations([0.9, 0.6, 0.3])
    curve = gaussian.curve(n_points=50)
    assert np.isin(gaussian.breakpoints, curve.i_xt).sum() >= 2
    assert curve.i_ty[-1] == pytest.approx(0.99 * gaussian.i_xy, rel=1e-12)
    slopes = np.diff(curve.i_ty) / np.diff(curve.i_xt)
    assert np.all(np.diff(slopes) < 1e-12)
    assert np.all(slopes > 0)
    np.testing.assert_array_equal(np.unique(curve.n_active), [0, 1, 2, 3])
    again = gaussian.curve(curve.beta)
    np.testing.assert_allclose(again.i_xt, curve.i_xt, atol=1e-12)
    np.testing.assert_allclose(again.i_ty, curve.i_ty, atol=1e-12)


def test_limits_of_beta():
    gaussian = GaussianIB.from_correlations([0.9, 0.0])
    assert gaussian.point(0) == (0.0, 0.0)
    assert gaussian.point(gaussian.critical_betas[0]) == (0.0, 0.0)
    i_xt, i_ty = gaussian.point(np.inf)
    assert i_xt == np.inf
    assert i_ty == pytest.approx(gaussian.i_xy, rel=1e-15)
    assert gaussian.critical_betas[1] == np.inf
    assert gaussian.at_rate(500.0) == (np.inf, pytest.approx(gaussian.i_xy, rel=1e-15))


def test_nothing_to_tell_gives_a_flat_curve():
    gaussian = GaussianIB.from_correlations([0.0, 0.0])
    assert gaussian.at_rate(1.0) == (np.inf, 0.0)
    assert gaussian.transitions() == ()
    np.testing.assert_array_equal(gaussian.curve(n_points=5).i_ty, 0.0)


def test_absent_classes_are_left_out():
    full = GaussianIB.from_class_moments([5, 5, 5], simplex_means(3), np.eye(3))
    means = np.vstack([simplex_means(3), np.full(3, np.nan)])
    absent = GaussianIB.from_class_moments([5, 5, 5, 0], means, np.eye(3))
    np.testing.assert_array_equal(full.snr, absent.snr)
    assert absent.h_y == pytest.approx(np.log(3), rel=1e-15)


@pytest.mark.parametrize("suffix", [".h5", ".json"])
def test_results_survive_a_file(tmp_path, suffix):
    rng = np.random.default_rng(9)
    gaussian = GaussianIB.from_samples(rng.standard_normal((50, 3)), np.arange(50) % 3)
    back = load_result(save(gaussian, tmp_path / f"gaussian{suffix}"))
    np.testing.assert_array_equal(back.snr, gaussian.snr)
    np.testing.assert_array_equal(back.directions, gaussian.directions)
    assert back.normality == gaussian.normality
    assert back.warnings == gaussian.warnings
    curve = load_result(save(gaussian.curve(), tmp_path / f"curve{suffix}"))
    np.testing.assert_array_equal(curve.i_ty, gaussian.curve().i_ty)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: GaussianIB.from_correlations([]), "n_modes ≥ 1"),
        (lambda: GaussianIB.from_correlations([0.5, 1.0]), "infinite"),
        (lambda: GaussianIB.from_correlations([np.nan]), "nan"),
        (lambda: GaussianIB.from_covariances(np.eye(2), np.eye(2), np.eye(3)), "cov_xy has shape"),
        (lambda: GaussianIB.from_covariances(np.eye(2), np.eye(2), np.eye(2)), "determine Y"),
        (
            lambda: GaussianIB.from_covariances([[1, 2], [2, 1]], np.eye(2), 0.1 * np.eye(2)),
            "not positive semi-definite",
        ),
        (
            lambda: GaussianIB.from_covariances([[1, 0.5], [0, 1]], np.eye(2), 0.1 * np.eye(2)),
            "not symmetric",
        ),
        (lambda: GaussianIB.from_samples(np.ones((4, 2)), [1, 1, 1, 1]), "one class"),
        (lambda: GaussianIB.from_samples(np.ones((4, 2)), [1, 2, 3]), "x has 4 samples"),
        (lambda: GaussianIB.from_samples(np.ones((4, 2)), [0, 0, 1, 1]), "no feature varies"),
        (lambda: GaussianIB.from_samples(np.ones((4, 2)), np.arange(4.0)), "no feature varies"),
        (lambda: GaussianIB.from_samples([[0.0], [0], [1], [1]], [0, 0, 1, 1]), "determine Y"),
        (lambda: GaussianIB.from_samples([[np.nan], [1.0]], [0, 1]), "1 rows with NaN"),
        (lambda: GaussianIB.from_samples([["a"], ["b"]], [0, 1]), "does not hold numbers"),
        (lambda: GaussianIB.from_samples(np.ones((2, 2, 2)), [0, 1]), "x has shape"),
        (lambda: GaussianIB.from_class_moments([1, 0], np.eye(2), np.eye(2)), "two are needed"),
        (lambda: GaussianIB.from_class_moments([1, -1], np.eye(2), np.eye(2)), "weights must be"),
        (lambda: GaussianIB.from_class_moments([1, 1], np.eye(2), np.eye(3)), "do not fit"),
        (
            lambda: GaussianIB.from_class_moments([1, 1], np.eye(2), np.diag([1.0, 0])),
            "determine Y",
        ),
        (lambda: GaussianIB.from_correlations([0.5]).point(-1), "beta holds -1"),
        (lambda: GaussianIB.from_correlations([0.5]).point(np.nan), "beta holds nan"),
        (lambda: GaussianIB.from_correlations([0.5]).at_rate(np.inf), "rate is infinite"),
        (lambda: GaussianIB.from_correlations([0.5]).curve(fraction=1.0), "fraction = 1.0"),
        (lambda: GaussianIB.from_correlations([0.5]).projection(2), "start from covariances"),
    ],
)
def test_bad_input_is_named(call, said):
    with pytest.raises(InputError, match=said):
        call()
