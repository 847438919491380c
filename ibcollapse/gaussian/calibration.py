"""One temperature for all posteriors, and how well they are calibrated."""

import dataclasses

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ibcollapse.gaussian.scatter import Codes, Floats

# Rows tempered at once; bounds the temporaries at a few (65 536, K) arrays.
_BLOCK_ROWS = 2**16
# A temperature below this needs margins that no float64 log-likelihood resolves.
_MAX_INVERSE_TEMPERATURE = 1e6
N_CONFIDENCE_BINS = 15


def tempered_log_posterior(
    log_likelihood: Floats, log_priors: Floats, inverse_temperature: float
) -> Floats:
    """log p(c|x) ∝ log p(c) + log p(x|c)/T, float64 (n, K) in nats; rows sum to one.

    Only the likelihood is tempered, so that T → ∞ gives the priors back and not the uniform
    distribution.
    """
    joint = inverse_temperature * log_likelihood + log_priors
    joint -= joint.max(axis=1, keepdims=True)
    joint -= np.log(np.exp(joint).sum(axis=1, keepdims=True))
    return joint


def calibrated_inverse_temperature(
    log_likelihood: Floats, labels: Codes, priors: Floats, weights: Floats
) -> float:
    """1/T ≥ 0 that minimises the held-out log-loss with one pseudo-observation.

    The loss is convex in b = 1/T. Among the n rows one more is counted whose label is drawn from
    the priors, i.e. the target of each row is (n onehot + priors)/(n + 1): without it, rows that
    are all classified correctly would send T to 0 and claim certainty, with it they claim an error
    of about 1/n. The root of the derivative is found to a relative 1e-10.

    Parameters
    ----------
    log_likelihood : float64 (n, K)
        Held-out log p(x|c), nats, up to a term a row.
    labels : int64 (n,)
        Class codes.
    priors, weights : float64 (K,), (n,)
        Class priors, and row weights that sum to one.

    Returns
    -------
    float
        b; 0 when no temperature makes the features better than the priors.
    """
    surprise = 1 / (len(labels) + 1)

    def slope(b: float) -> float:
        total = 0.0
        for start in range(0, len(labels), _BLOCK_ROWS):
            rows = slice(start, start + _BLOCK_ROWS)
            block = log_likelihood[rows]
            posterior = np.exp(tempered_log_posterior(block, np.log(priors), b))
            expected = np.einsum("ij,ij->i", posterior, block)
            target = (1 - surprise) * block[np.arange(len(block)), labels[rows]]
            target += surprise * (block @ priors)
            total += float(weights[rows] @ (expected - target))
        return total

    if slope(0.0) >= 0:
        return 0.0
    upper = 1.0
    while slope(upper) < 0 and upper < _MAX_INVERSE_TEMPERATURE:
        upper *= 4
    # Over-confident scores may need a temperature of many decades: keep the bracket relative.
    while slope(upper / 4) > 0:
        upper /= 4
    if upper >= _MAX_INVERSE_TEMPERATURE:
        return _MAX_INVERSE_TEMPERATURE
    return float(scipy.optimize.brentq(slope, upper / 4, upper, rtol=1e-10, xtol=1e-300))


@dataclasses.dataclass(frozen=True)
class PosteriorQuality:
    """How posteriors do on labelled rows.

    Attributes
    ----------
    log_loss : float
        Weighted mean of −log p(y_i|x_i), nats: an estimate of H(Y|X) from above.
    accuracy : float
        Weighted share of rows whose most probable class is theirs.
    calibration_error : float
        Expected calibration error, Σ_bins weight · |accuracy − mean confidence| over
        `N_CONFIDENCE_BINS` equal bins of the confidence (Guo et al. 2017, arXiv:1706.04599).
    """

    log_loss: float
    accuracy: float
    calibration_error: float


def posterior_quality(log_posterior: Floats, labels: Codes, weights: Floats) -> PosteriorQuality:
    """Quality of `log_posterior` (n, K) on rows with `labels` and weights of any positive sum."""
    shares = weights / weights.sum()
    top = log_posterior.argmax(axis=1)
    everyone = np.arange(len(labels))
    correct = top == labels
    confidence = np.exp(log_posterior[everyone, top])
    return PosteriorQuality(
        log_loss=float(-shares @ log_posterior[everyone, labels]),
        # One sum over the other, so that all correct is exactly 1.
        accuracy=float(weights[correct].sum() / weights.sum()),
        calibration_error=_binned_error(confidence, correct, shares),
    )


def mean_entropy(log_posterior: Floats, weights: Floats) -> float:
    """Weighted mean of the rows' entropies in nats; with plug-in posteriors, H(Y|X) as claimed."""
    entropies = -np.einsum("ij,ij->i", np.exp(log_posterior), log_posterior)
    return float(weights @ entropies)


def _binned_error(confidence: Floats, correct: NDArray[np.bool_], shares: Floats) -> float:
    bins = np.minimum((confidence * N_CONFIDENCE_BINS).astype(np.int64), N_CONFIDENCE_BINS - 1)
    gaps = np.bincount(bins, shares * (correct - confidence), minlength=N_CONFIDENCE_BINS)
    return float(np.abs(gaps).sum())
