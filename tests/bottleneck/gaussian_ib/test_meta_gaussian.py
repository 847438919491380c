"""Normal scores and the meta-Gaussian bottleneck."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
from ibcollapse.bottleneck.gaussian_ib.meta_gaussian import normal_scores


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


def test_collapsed_clusters_are_called_not_gaussian():
    rng = np.random.default_rng(5)
    for rotation in (np.eye(8), np.linalg.qr(rng.standard_normal((8, 8)))[0]):
        labels = np.arange(600) % 4
        clusters = (4 * np.eye(4, 8)[labels] + 0.3 * rng.standard_normal((600, 8))) @ rotation
        gaussian = GaussianIB.from_samples(clusters, labels, copula=True)
        assert gaussian.normality.p_value < 1e-6
        assert any("not jointly Gaussian" in text for text in gaussian.warnings)


def test_gaussian_copulas_are_rarely_called_not_gaussian():
    rng = np.random.default_rng(6)
    rejected = 0
    for _ in range(100):
        x, y = correlated_pair(rng, 100, np.array([0.8, 0.3]))
        gaussian = GaussianIB.from_samples(np.exp(x), y, copula=True)
        rejected += gaussian.normality.p_value < 0.05
    # The test is conservative on scores: at most 5 expected of 100, four standard errors above.
    assert rejected <= 5 + 4 * np.sqrt(5)


def test_a_fixed_choice_of_rows_is_tested_where_there_are_many():
    x, y = correlated_pair(np.random.default_rng(7), 2500, np.array([0.5]))
    first, second = (GaussianIB.from_samples(x, y, seed=3).normality for _ in range(2))
    assert first == second
    assert first.n_samples == 2000
    assert GaussianIB.from_samples(x, y, seed=4).normality != first
