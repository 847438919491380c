"""The temperature minimises the held-out log-loss, and never claims more than n rows can show."""

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.gaussian.calibration import (
    calibrated_inverse_temperature,
    mean_entropy,
    posterior_quality,
    tempered_log_posterior,
)

PRIORS = np.array([0.5, 0.3, 0.2])


def exact_problem(n=4000, seed=0):
    """Labels drawn from known posteriors: log p(x|c) = log p(c|x) − log p(c)."""
    rng = np.random.default_rng(seed)
    log_likelihood = 2 * rng.standard_normal((n, 3))
    p = np.exp(tempered_log_posterior(log_likelihood, np.log(PRIORS), 1.0))
    y = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return log_likelihood, y


def uniform(n):
    return np.full(n, 1 / n)


def test_posteriors_sum_to_one_and_temper_only_the_likelihood():
    log_likelihood = np.array([[0.0, -1.0, -2.0], [-900.0, 0.0, -5000.0]])
    log_p = tempered_log_posterior(log_likelihood, np.log(PRIORS), 0.5)
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, rtol=1e-15)
    weights = PRIORS * np.exp(0.5 * log_likelihood[0])
    np.testing.assert_allclose(np.exp(log_p[0]), weights / weights.sum(), rtol=1e-14)
    assert log_p[1, 2] == pytest.approx(-2500 + np.log(0.2 / 0.3), rel=1e-14)
    flat = tempered_log_posterior(log_likelihood, np.log(PRIORS), 0.0)
    np.testing.assert_allclose(np.exp(flat), [PRIORS, PRIORS], rtol=1e-14)


@pytest.mark.parametrize("factor", [0.2, 1.0, 7.0, 1e9])
def test_temperature_undoes_a_known_scale(factor):
    log_likelihood, y = exact_problem()
    b = calibrated_inverse_temperature(factor * log_likelihood, y, PRIORS, uniform(len(y)))
    # Labels of 4000 rows fix the scale to a few per cent.
    assert factor * b == pytest.approx(1.0, rel=0.08)


def test_temperature_minimises_the_smoothed_log_loss():
    log_likelihood, y = exact_problem(n=200)
    n = len(y)
    weights = np.random.default_rng(1).dirichlet(np.ones(n))
    target = (n * np.eye(3)[y] + PRIORS) / (n + 1)

    def loss(b):
        log_p = tempered_log_posterior(log_likelihood, np.log(PRIORS), b)
        return -weights @ (target * log_p).sum(axis=1)

    best = scipy.optimize.minimize_scalar(loss, bounds=(0, 10), method="bounded")
    ours = calibrated_inverse_temperature(log_likelihood, y, PRIORS, weights)
    # minimize_scalar stops at 1e-5 in b; the minimum is flat there.
    assert ours == pytest.approx(best.x, abs=1e-4)
    assert loss(ours) <= best.fun + 1e-14


def test_useless_scores_fall_back_to_the_priors():
    rng = np.random.default_rng(0)
    y = rng.choice(3, size=500, p=PRIORS)
    against = -np.eye(3)[y]  # scores that point away from the labels
    assert calibrated_inverse_temperature(against, y, PRIORS, uniform(500)) == 0.0


@pytest.mark.parametrize("n", [100, 10_000])
def test_perfect_scores_claim_an_error_of_order_one_in_n(n):
    y = np.arange(n) % 2
    log_likelihood = 1000 * np.eye(2)[y]
    b = calibrated_inverse_temperature(log_likelihood, y, np.array([0.5, 0.5]), uniform(n))
    log_p = tempered_log_posterior(log_likelihood, np.log([0.5, 0.5]), b)
    # The optimum is the smoothed target itself: an error of (1/2)/(n + 1).
    assert np.exp(log_p[0, 1]) == pytest.approx(0.5 / (n + 1), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 40), scale=st.floats(1e-3, 1e3))
def test_calibrated_log_loss_never_exceeds_the_entropy_of_empirical_priors(seed, n, scale):
    rng = np.random.default_rng(seed)
    y = np.concatenate([[0, 1], rng.integers(2, size=n)])
    priors = np.bincount(y) / len(y)
    scores = scale * rng.standard_normal((len(y), 2))
    b = calibrated_inverse_temperature(scores, y, priors, uniform(len(y)))
    log_p = tempered_log_posterior(scores, np.log(priors), b)
    quality = posterior_quality(log_p, y, uniform(len(y)))
    assert quality.log_loss <= -priors @ np.log(priors) + 1e-12


def test_quality_of_hand_computed_posteriors():
    log_p = np.log([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    y = np.array([0, 1, 1, 0])
    quality = posterior_quality(log_p, y, np.array([1.0, 1.0, 1.0, 3.0]))
    # Weighted by 1, 1, 1, 3 over 6; each confidence falls into its own bin of width 1/15.
    log_loss = -(np.log(0.9) + np.log(0.4) + np.log(0.8) + 3 * np.log(0.7)) / 6
    assert quality.log_loss == pytest.approx(log_loss, rel=1e-14)
    assert quality.accuracy == pytest.approx(5 / 6)
    assert quality.calibration_error == pytest.approx((0.1 + 0.6 + 0.2 + 3 * 0.3) / 6)


def test_certain_posteriors_are_in_the_last_bin_and_have_no_entropy():
    log_p = np.array([[0.0, -800.0], [0.0, -800.0]])
    quality = posterior_quality(log_p, np.array([0, 1]), np.ones(2))
    assert quality.calibration_error == pytest.approx(0.5)
    assert mean_entropy(log_p, np.array([0.5, 0.5])) == pytest.approx(0.0, abs=1e-300)
