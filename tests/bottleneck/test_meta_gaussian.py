"""Normal scores, the meta-Gaussian bottleneck, and Mardia's test."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck.gaussian_ib import GaussianIB
from ibcollapse.bottleneck.meta_gaussian import mardia_kurtosis, normal_scores


def correlated_pair(rng, n, rho):
    y = rng.standard_normal((n, len(rho)))
    noise = rng.standard_normal((n, len(rho)))
    return rho * y + np.sqrt(1 - rho**2) * noise, y


def test_scores_are_normal_quantiles_of_the_ranks():
    from statistics import NormalDist

    column = np.array([3.0, -1.0, 10.0, 4.0, 0.0])
    quantiles = np.array([NormalDist().inv_cdf(rank / 6) for rank in (3, 1, 5, 4, 2)])
    expected = quantiles / np.sqrt(np.mean(quantiles**2))
    np.testing.assert_allclose(normal_scores(column[:, None])[:, 0], expected, atol=1e-14)


def test_ties_share_their_average_rank_and_constants_score_zero():
    scores = normal_scores(np.array([[1.0, 7], [2, 7], [2, 7], [3, 7]]))
    assert scores[1, 0] == scores[2, 0]
    np.testing.assert_allclose(scores[:, 0], [-np.sqrt(2), 0, 0, np.sqrt(2)], atol=1e-14)
    np.testing.assert_array_equal(scores[:, 1], 0.0)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_increasing_maps_of_the_marginals_change_nothing(seed):
    x, y = correlated_pair(np.random.default_rng(seed), 80, np.array([0.9, 0.4]))
    plain = GaussianIB.from_samples(x, y, copula=True)
    warped = GaussianIB.from_samples(np.exp(3 * x), y**3 + y, copula=True)
    np.testing.assert_array_equal(warped.snr, plain.snr)


def test_copula_recovers_the_gaussian_correlations_behind_warped_marginals():
    rho = np.array([0.9, 0.5])
    x, y = correlated_pair(np.random.default_rng(1), 20_000, rho)
    warped = GaussianIB.from_samples(np.exp(3 * x), y**5, copula=True)
    # Standard error of a correlation is (1 − rho²)/√n ≤ 0.0053; four of them.
    np.testing.assert_allclose(warped.rho, rho, atol=0.021)
    assert GaussianIB.from_samples(np.exp(3 * x), y**5).rho[0] < 0.6
    assert warped.copula


def test_labels_enter_the_copula_variant_as_their_one_hot_columns():
    rng = np.random.default_rng(2)
    labels = np.arange(90) % 3
    x = rng.standard_normal((90, 2)) + labels[:, None]
    by_label = GaussianIB.from_samples(x, labels, copula=True)
    by_one_hot = GaussianIB.from_samples(x, np.eye(3)[labels], copula=True)
    np.testing.assert_allclose(by_label.rho, by_one_hot.rho, rtol=1e-10)


def test_kurtosis_agrees_with_the_definition():
    samples = np.random.default_rng(3).gamma(2.0, size=(40, 3))
    centred = samples - samples.mean(0)
    inverse = np.linalg.inv(np.cov(samples.T, bias=True))
    distances = [row @ inverse @ row for row in centred]
    assert mardia_kurtosis(samples).kurtosis == pytest.approx(np.mean(np.square(distances)))


def test_standardised_kurtosis_of_gaussian_samples_has_mean_zero_and_variance_one():
    rng = np.random.default_rng(4)
    z = np.array([mardia_kurtosis(rng.standard_normal((60, 8))).z for _ in range(1500)])
    # Four standard errors: 1/√1500 of the mean, √(2/1500) of the variance (widened for skew).
    assert abs(z.mean()) < 4 / np.sqrt(1500)
    assert z.var() == pytest.approx(1.0, abs=0.2)


def test_collapsed_clusters_and_heavy_tails_are_called_not_gaussian():
    rng = np.random.default_rng(5)
    labels = np.arange(600) % 4
    clusters = 4 * np.eye(4)[labels] + 0.3 * rng.standard_normal((600, 4))
    gaussian = GaussianIB.from_samples(clusters, labels, copula=True)
    assert gaussian.normality.z < -5
    assert any("not jointly Gaussian" in text for text in gaussian.warnings)
    scale = np.sqrt(3 / rng.chisquare(3, (600, 1)))
    assert mardia_kurtosis(rng.standard_normal((600, 4)) * scale).z > 5


def test_gaussian_copulas_are_rarely_called_not_gaussian():
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(200):
        x, y = correlated_pair(rng, 100, np.array([0.8, 0.3]))
        scores = normal_scores(np.hstack([np.exp(x), y]))
        rejected += mardia_kurtosis(scores).p_value < 0.05
    # The test is conservative on scores: at most 5 % expected, 200 trials, four standard errors.
    assert rejected <= 10 + 4 * np.sqrt(10)


def test_too_few_rows_give_no_test():
    assert mardia_kurtosis(np.random.default_rng(7).standard_normal((5, 4))) is None
    assert mardia_kurtosis(np.ones((5, 2))) is None
