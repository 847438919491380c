"""From which checkpoint on something holds, and how sure that is."""

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
    return sustained_from(epochs, np.abs(column - column[-1]) <= tolerance)


def accuracy_plateau(
    epochs: ArrayLike,
    accuracy: ArrayLike,
    n_samples: ArrayLike,
    *,
    tolerance: float,
    confidence: float,
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    """Epoch of the plateau of an accuracy, and its interval under the noise of the test samples.

    Accuracies are drawn from binomials of `n_samples` at each checkpoint, independently. The same
    samples are scored at every checkpoint, which makes their errors alike; independent draws leave
    that out and widen the interval.

    Returns
    -------
    (epoch, low, high)
    """
    values, sizes = np.asarray(accuracy, dtype=np.float64), np.asarray(n_samples)
    epoch = plateau_epoch(epochs, values, tolerance)
    draws = rng.binomial(sizes, np.clip(values, 0, 1), size=(n_draws, len(values))) / sizes
    sampled = [plateau_epoch(epochs, row, tolerance) for row in draws]
    edges = 0.5 - confidence / 2, 0.5 + confidence / 2
    # Epochs are a few checkpoints: no value between them means anything.
    low, high = np.quantile(sampled, edges, method="inverted_cdf")
    return epoch, float(low), float(high)
