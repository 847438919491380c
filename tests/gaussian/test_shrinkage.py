"""Shrinkage formulas from moments against scikit-learn's from data, and the held-out choices."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf, oas

from ibcollapse.gaussian.shrinkage import (
    INTENSITIES,
    held_out_intensity,
    held_out_rank,
    held_out_spectrum,
    ledoit_wolf_intensity,
    oas_intensity,
    shrunk,
)


def centred_rows(n, d, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) @ np.diag(np.linspace(0.2, 2, d)) @ rng.standard_normal((d, d))
    return x - x.mean(axis=0)


@pytest.mark.parametrize(("n", "d"), [(200, 5), (30, 40), (8, 3), (500, 1)])
def test_ledoit_wolf_from_moments_equals_scikit_learn_from_data(n, d):
    z = centred_rows(n, d)
    covariance = z.T @ z / n
    sum_fourth = float(((z**2).sum(axis=1) ** 2).sum())
    expected_covariance, expected = ledoit_wolf(z, assume_centered=True)
    intensity = ledoit_wolf_intensity(covariance, n, sum_fourth)
    if d == 1:  # every 1 x 1 covariance is a multiple of the identity: any intensity is right
        assert intensity == 0
    else:
        assert intensity == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(shrunk(covariance, intensity), expected_covariance, rtol=1e-10)


@pytest.mark.parametrize(("n", "d"), [(200, 5), (30, 40), (8, 3)])
def test_oas_from_moments_equals_scikit_learn_from_data(n, d):
    z = centred_rows(n, d)
    covariance = z.T @ z / n
    expected_covariance, expected = oas(z, assume_centered=True)
    intensity = oas_intensity(covariance, n)
    assert intensity == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(shrunk(covariance, intensity), expected_covariance, rtol=1e-12)


def test_diagonal_ledoit_wolf_is_near_the_oracle_of_its_own_loss():
    # The intensity minimises E‖(1−α)s + αm − σ²‖² over vectors of variances; against the best α of
    # 200 simulated data sets the estimate is right on average.
    rng = np.random.default_rng(0)
    variances = np.linspace(0.8, 1.2, 60)
    n, estimates, gains = 40, [], np.zeros(len(INTENSITIES))
    for _ in range(200):
        z = rng.standard_normal((n, 60)) * np.sqrt(variances)
        s = (z**2).mean(axis=0)
        estimates.append(ledoit_wolf_intensity(s, n, float((z**4).sum())))
        gains += [((shrunk(s, a) - variances) ** 2).sum() for a in INTENSITIES]
    best = INTENSITIES[gains.argmin()]
    # The grid has steps of 26 %.
    assert np.mean(estimates) == pytest.approx(best, rel=0.26)


def test_isotropic_covariance_needs_no_shrinkage_and_zero_covariance_is_no_error():
    assert ledoit_wolf_intensity(np.eye(3), 10, 100.0) == 0.0
    assert ledoit_wolf_intensity(np.zeros((3, 3)), 10, 0.0) == 0.0
    assert oas_intensity(np.zeros((3, 3)), 10) == 1.0


@pytest.mark.parametrize("diagonal", [False, True])
def test_held_out_likelihood_is_the_gaussian_likelihood_of_the_rows(diagonal):
    train, test = centred_rows(50, 6), centred_rows(20, 6, seed=1)
    covariance, scatter = train.T @ train / 50, test.T @ test
    if diagonal:
        covariance, scatter = np.diag(covariance), np.diag(scatter)
    spectrum = held_out_spectrum(covariance, scatter, 20)
    alpha = 0.3
    model = shrunk(covariance, alpha)
    model = np.diag(model) if diagonal else model
    expected = multivariate_normal(np.zeros(6), model).logpdf(test).sum()
    values = (1 - alpha) * spectrum.values + alpha * spectrum.values.mean()
    ours = spectrum.log_likelihood(values) - 20 * 6 / 2 * np.log(2 * np.pi)
    assert ours == pytest.approx(expected, rel=1e-10)


def test_held_out_intensity_is_the_best_of_the_grid_by_brute_force():
    train, test = centred_rows(15, 10), centred_rows(40, 10)
    covariance = train.T @ train / 15
    likelihoods = [
        multivariate_normal(np.zeros(10), shrunk(covariance, a)).logpdf(test).sum()
        for a in INTENSITIES
    ]
    spectrum = held_out_spectrum(covariance, test.T @ test, 40)
    assert held_out_intensity([spectrum]) == INTENSITIES[np.argmax(likelihoods)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_held_out_rank_is_the_best_probabilistic_pca_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    loadings = rng.standard_normal((8, 2)) * 2
    truth = loadings @ loadings.T + np.eye(8)
    factor = np.linalg.cholesky(truth)
    train, test = (rng.standard_normal((n, 8)) @ factor.T for n in (300, 300))
    covariance = train.T @ train / 300
    values, vectors = np.linalg.eigh(covariance)
    likelihoods = []
    for rank in range(1, 8):
        kept = values.copy()
        kept[: 8 - rank] = kept[: 8 - rank].mean()
        model = vectors @ np.diag(kept) @ vectors.T
        likelihoods.append(multivariate_normal(np.zeros(8), model).logpdf(test).sum())
    chosen = held_out_rank([held_out_spectrum(covariance, test.T @ test, 300)])
    assert chosen == 1 + int(np.argmax(likelihoods))


def test_singular_training_covariance_has_a_finite_held_out_choice():
    train = centred_rows(4, 10)
    spectrum = held_out_spectrum(train.T @ train / 4, np.eye(10), 10)
    assert 0 < held_out_intensity([spectrum]) <= 1
    assert 1 <= held_out_rank([spectrum]) < 10
