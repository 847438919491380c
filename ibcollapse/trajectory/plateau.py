"""From which checkpoint on something holds, and how sure that is."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


def sustained_from(epochs: ArrayLike, holds: ArrayLike) -> float:
    """First epoch from which on `holds` is true to the end; infinite when not at the last one.

    Examples
    --------
    >>> sustained_from([0, 1, 5, 20], [True, False, True, True])
    5.0
    """
    at, true = np.asarray(epochs, dtype=np.float64), np.asarray(holds, dtype=np.bool_)
    failing = np.flatnonzero(~true)
    start = int(failing[-1]) + 1 if failing.size else 0
    return float(at[start]) if start < len(at) else float("inf")


def plateau_epoch(epochs: ArrayLike, values: ArrayLike, tolerance: float) -> float:
    """First epoch from which on `values` stay within `tolerance` of the last one.

    NaN is outside of every plateau.

    Examples
    --------
    >>> plateau_epoch([0, 1, 5, 20], [0.2, 0.981, 0.986, 0.99], 0.01)
    1.0
    """
    column = np.asarray(values, dtype=np.float64)
    # Shares of counts: 1.0 − 0.99 is 9e-18 more than 0.01 and counts as 0.01.
    return sustained_from(epochs, np.abs(column - column[-1]) <= tolerance + 1e-12)


@dataclasses.dataclass(frozen=True)
class Plateau:
    """From which epoch on an accuracy stays flat, with its interval, and what noise that is of."""

    epoch: float
    low: float
    high: float
    noise: str


def accuracy_plateau(
    epochs: ArrayLike,
    accuracy: ArrayLike,
    n_samples: ArrayLike,
    *,
    right: NDArray[np.bool_] | None = None,
    tolerance: float,
    confidence: float,
    n_draws: int,
    rng: np.random.Generator,
) -> Plateau:
    """Epoch of the plateau of an accuracy, and its interval under the noise of the test samples.

    The same samples are scored at every checkpoint, which makes their errors alike. Where it is
    known which samples were right, samples are drawn anew with all that the checkpoints said of
    them (a bootstrap of paired differences). Else accuracies are drawn from independent binomials,
    which leaves the pairing out and widens the interval.

    Parameters
    ----------
    epochs, accuracy, n_samples : array (n_checkpoints,)
    right : bool (n_checkpoints, n_samples), optional
        Which samples each checkpoint got right.
    """
    values, sizes = np.asarray(accuracy, dtype=np.float64), np.asarray(n_samples)
    if right is None:
        noise = "independent binomials"
        draws = rng.binomial(sizes, np.clip(values, 0, 1), size=(n_draws, len(values))) / sizes
    else:
        noise = "paired predictions"
        draws = values + _paired_noise(right, n_draws, rng)
    sampled = [plateau_epoch(epochs, row, tolerance) for row in draws]
    edges = 0.5 - confidence / 2, 0.5 + confidence / 2
    # Epochs are a few checkpoints: no value between them means anything.
    low, high = np.quantile(sampled, edges, method="inverted_cdf")
    return Plateau(plateau_epoch(epochs, values, tolerance), float(low), float(high), noise)


def _paired_noise(right: NDArray[np.bool_], n_draws: int, rng: np.random.Generator) -> FloatArray:
    """Accuracies of samples drawn with replacement less those of all, (n_draws, n_checkpoints)."""
    # Samples that every checkpoint treats alike are drawn together.
    patterns, counts = np.unique(right.T, axis=0, return_counts=True)
    n_samples = right.shape[1]
    drawn = rng.multinomial(n_samples, counts / n_samples, size=n_draws)
    return np.asarray((drawn - counts) @ patterns.astype(np.float64) / n_samples)
