"""The Gaussian bottleneck against the published formulas, log-determinants and populations."""

import numpy as np
import pytest
from bottleneck.gaussian_material import simplex_means
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
from ibcollapse.errors import InputError


def random_covariance(rng, d_x, d_y):
    factor = rng.standard_normal((d_x + d_y, d_x + d_y + 2))
    cov = factor @ factor.T / (d_x + d_y)
    return cov[:d_x, :d_x], cov[d_x:, d_x:], cov[:d_x, d_x:]


def log_det_informations(projection, cov_x, cov_x_given_y):
    """I(X;T) and I(T;Y) of T = A X + N(0, I), straight from the definition of Gaussian entropy."""
    noise = np.eye(len(projection))
    total = np.linalg.slogdet(projection @ cov_x @ projection.T + noise)[1]
    given_y = np.linalg.slogdet(projection @ cov_x_given_y @ projection.T + noise)[1]
    return 0.5 * total, 0.5 * (total - given_y)


def within_and_between(rng, n_classes, d):
    factor = rng.standard_normal((d, d + 3))
    priors = rng.dirichlet(np.full(n_classes, 3.0))
    means = rng.standard_normal((n_classes, d))
    centred = means - priors @ means
    return priors, means, factor @ factor.T / d, centred.T @ (priors[:, None] * centred)


# Pinned from the closed form of Chechik, Globerson, Tishby, Weiss (2005), checked by two programs.
def test_three_modes_reproduce_the_published_closed_form():
    gaussian = GaussianIB.from_correlations([0.3, 0.9, 0.6])
    np.testing.assert_allclose(
        gaussian.critical_betas, [1.234568, 2.777778, 11.111111], rtol=0, atol=5e-7
    )
    np.testing.assert_allclose(gaussian.point(2), (0.725005, 0.483792), rtol=0, atol=5e-7)
    np.testing.assert_allclose(gaussian.point(5), (1.823617, 0.830366), rtol=0, atol=5e-7)
    np.testing.assert_allclose(gaussian.breakpoints, [0, 1.012687, 2.750958], rtol=0, atol=5e-7)
    assert gaussian.i_xy == pytest.approx(1.100664, abs=5e-7)


@given(
    rho=arrays(np.float64, st.integers(1, 6), elements=st.floats(0.01, 0.999)),
    rate=st.floats(0, 8),
)
def test_rate_follows_the_geometric_mean_formula(rho, rate):
    gaussian = GaussianIB.from_correlations(rho)
    noise = 1 - np.sort(rho)[::-1] ** 2
    n = int(np.sum(gaussian.breakpoints <= rate))
    kept, lost = np.prod(1 - noise[:n]) ** (1 / n), np.prod(noise[:n]) ** (1 / n)
    expected = rate - n / 2 * np.log(kept + np.exp(2 * rate / n) * lost)
    # kept + e^(2R/n) lost loses digits when the second term is tiny, hence an absolute tolerance.
    assert gaussian.at_rate(rate)[1] == pytest.approx(expected, abs=1e-11)


@given(
    rho=arrays(np.float64, st.integers(1, 5), elements=st.floats(0.05, 0.99)),
    excess=st.floats(-6, 6),
)
def test_rate_and_beta_describe_one_curve(rho, excess):
    gaussian = GaussianIB.from_correlations(rho)
    beta = 1 + np.exp(excess)
    i_xt, i_ty = gaussian.point(beta)
    if beta > gaussian.critical_betas[0]:
        np.testing.assert_allclose(gaussian.at_rate(i_xt), (beta, i_ty), rtol=1e-9, atol=1e-12)
    else:
        assert (i_xt, i_ty) == (0.0, 0.0)


def test_slope_is_inverse_beta_and_curvature_shrinks_by_n_over_n_plus_one():
    gaussian = GaussianIB.from_correlations([0.9, 0.6, 0.3])
    step = 1e-4
    for n, opening in enumerate(gaussian.breakpoints[1:], start=1):
        curvature = []
        for rate in (opening - 2 * step, opening + 2 * step):
            left, middle, right = (gaussian.at_rate(rate + k * step)[1] for k in (-1, 0, 1))
            beta = gaussian.at_rate(rate)[0]
            # Central differences: error O(step²) ≈ 1e-8 in the slope, 1e-16/step² in curvature.
            assert (right - left) / (2 * step) == pytest.approx(1 / beta, rel=1e-6)
            curvature.append((right - 2 * middle + left) / step**2)
        assert curvature[1] / curvature[0] == pytest.approx(n / (n + 1), rel=2e-3)
        beta = gaussian.critical_betas[n]
        assert curvature[1] == pytest.approx(-2 * (beta - 1) / ((n + 1) * beta**2), rel=2e-3)


@pytest.mark.parametrize("beta", [1.5, 3.0, 40.0])
def test_projection_attains_the_closed_form_and_no_other_does_better(beta):
    rng = np.random.default_rng(3)
    cov_x, cov_y, cov_xy = random_covariance(rng, 5, 3)
    gaussian = GaussianIB.from_covariances(cov_x, cov_y, cov_xy)
    cov_x_given_y = cov_x - cov_xy @ np.linalg.solve(cov_y, cov_xy.T)
    projection = gaussian.projection(beta)
    attained = log_det_informations(projection, cov_x, cov_x_given_y)
    np.testing.assert_allclose(attained, gaussian.point(beta), rtol=1e-10, atol=1e-12)
    optimum = attained[0] - beta * attained[1]
    padded = np.vstack([projection, np.zeros((5 - len(projection), 5))])
    for size in (1e-3, 1e-1, 1.0):
        for _ in range(20):
            other = padded + size * rng.standard_normal((5, 5))
            i_xt, i_ty = log_det_informations(other, cov_x, cov_x_given_y)
            assert i_xt - beta * i_ty >= optimum - 1e-12


def test_directions_are_left_eigenvectors_of_conditional_times_inverse_covariance():
    cov_x, cov_y, cov_xy = random_covariance(np.random.default_rng(8), 4, 4)
    gaussian = GaussianIB.from_covariances(cov_x, cov_y, cov_xy)
    conditional = cov_x - cov_xy @ np.linalg.solve(cov_y, cov_xy.T)
    left = gaussian.directions @ conditional
    expected = (1 - gaussian.rho**2)[:, None] * gaussian.directions @ cov_x
    np.testing.assert_allclose(left, expected, atol=1e-12)
    np.testing.assert_allclose(
        gaussian.directions @ cov_x @ gaussian.directions.T, np.eye(4), atol=1e-12
    )


def test_two_networks_with_simplex_means_open_nine_modes_at_once():
    means = simplex_means(10)
    between = means.T @ means / 10
    gaussian = GaussianIB.from_covariances(
        between + 0.3**2 * np.eye(10), between + 0.5**2 * np.eye(10), between
    )
    # (1 + s_x)(1 + s_y) with s = 9 σ²: 1.81 × 3.25.
    np.testing.assert_allclose(gaussian.critical_betas[:9], 5.8825, rtol=1e-12)
    (transition,) = gaussian.transitions()
    assert transition.multiplicity == 9
    assert transition.rate == pytest.approx(0.0, abs=1e-12)


def test_one_hot_simplex_means_open_nine_modes_at_once():
    gaussian = GaussianIB.from_class_moments(np.full(10, 20), simplex_means(10), 0.09 * np.eye(10))
    np.testing.assert_allclose(gaussian.critical_betas, np.full(9, 1.81), rtol=1e-12)
    assert [t.multiplicity for t in gaussian.transitions()] == [9]


@given(seed=st.integers(0, 10_000), n_classes=st.integers(2, 7), d=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_excess_betas_sum_to_at_most_the_collapse_trace(seed, n_classes, d):
    priors, means, within, between = within_and_between(np.random.default_rng(seed), n_classes, d)
    gaussian = GaussianIB.from_class_moments(priors, means, within)
    trace = np.trace(within @ np.linalg.pinv(between, rcond=1e-10))
    assert np.sum(gaussian.critical_betas - 1) <= trace * (1 + 1e-6)


def test_excess_betas_reach_the_collapse_trace_when_noise_keeps_the_span_of_the_means():
    rng = np.random.default_rng(5)
    means = np.zeros((4, 6))
    means[:, :3] = simplex_means(4) @ rng.standard_normal((4, 3))
    within = np.zeros((6, 6))
    for block in (slice(0, 3), slice(3, 6)):
        factor = rng.standard_normal((3, 4))
        within[block, block] = factor @ factor.T
    gaussian = GaussianIB.from_class_moments(np.ones(4), means, within)
    between = means.T @ means / 4 - np.outer(means.mean(0), means.mean(0))
    trace = np.trace(within @ np.linalg.pinv(between, rcond=1e-10))
    assert np.sum(gaussian.critical_betas - 1) == pytest.approx(trace, rel=1e-9)
    within[0, 4] = within[4, 0] = 0.4
    leaking = GaussianIB.from_class_moments(np.ones(4), means, within)
    assert np.sum(leaking.critical_betas - 1) < trace * (1 - 1e-4)


@pytest.mark.parametrize(("n_classes", "d"), [(3, 8), (8, 3), (2, 1)])
def test_class_moments_agree_with_explicit_one_hot_covariances(n_classes, d):
    priors, means, within, between = within_and_between(np.random.default_rng(2), n_classes, d)
    by_class = GaussianIB.from_class_moments(priors, means, within)
    cov_y = np.diag(priors) - np.outer(priors, priors)
    cov_xy = (priors[:, None] * (means - priors @ means)).T
    by_covariance = GaussianIB.from_covariances(within + between, cov_y, cov_xy)
    assert by_covariance.rank_y == n_classes - 1
    np.testing.assert_allclose(by_class.rho, by_covariance.rho[: len(by_class.rho)], rtol=1e-9)
    np.testing.assert_allclose(
        by_class.directions @ (within + between) @ by_class.directions.T,
        np.eye(len(by_class.rho)),
        atol=1e-10,
    )


def test_more_features_than_samples_work_with_a_shrunk_covariance():
    rng = np.random.default_rng(4)
    labels = np.repeat(np.arange(3), 10)
    x = rng.standard_normal((30, 50)) + 3 * np.eye(3, 50)[labels]
    with pytest.raises(InputError, match="determine Y exactly"):
        GaussianIB.from_samples(x, labels)
    means = np.array([x[labels == c].mean(0) for c in range(3)])
    residual = x - means[labels]
    shrunk = 0.5 * residual.T @ residual / 30 + 0.5 * np.eye(50)
    gaussian = GaussianIB.from_class_moments([10, 10, 10], means, shrunk)
    centred = means - means.mean(0)
    expected = np.linalg.eigvals(np.linalg.solve(shrunk, centred.T @ centred / 3)).real
    np.testing.assert_allclose(gaussian.snr, np.sort(expected)[::-1][:2], rtol=1e-8)


def test_collapse_keeps_the_digits_of_beta_minus_one():
    gaussian = GaussianIB.from_class_moments(np.ones(10), simplex_means(10), 1e-24 * np.eye(10))
    np.testing.assert_allclose(1 / gaussian.snr, 9e-24, rtol=1e-10)
    beta, i_ty = gaussian.at_rate(1.0)
    assert i_ty == pytest.approx(1.0, rel=1e-12)
    assert beta == 1.0
    assert any("exceeds H(Y)" in text for text in gaussian.warnings)
