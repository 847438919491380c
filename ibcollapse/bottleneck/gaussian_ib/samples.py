"""Samples and class moments as the Gaussian bottleneck takes them: checked once, here."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.errors import InputError

FloatArray = NDArray[np.float64]


def read_samples(
    x: ArrayLike, y: ArrayLike
) -> tuple[FloatArray, FloatArray | None, NDArray[np.intp]]:
    """Features (n, d_x), the second variable (n, d_y) or None for labels, class indices (n,)."""
    features = _matrix(x, "x")
    given = as_array(y)
    if len(given.shape) == 0 or len(given) != len(features):
        raise InputError(f"x has {len(features)} samples, y has shape {given.shape}; pair them")
    if given.ndim == 1 and given.dtype.kind in "iubUS":
        classes, labels = np.unique(given, return_inverse=True)
        if len(classes) < 2:
            raise InputError(f"y holds the one class {classes[0]!r}; at least two are needed")
        return features, None, labels
    return features, _matrix(given, "y"), np.zeros(0, dtype=np.intp)


def _matrix(values: ArrayLike, name: str) -> FloatArray:
    try:
        array = np.asarray(as_array(values), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} does not hold numbers ({error})") from error
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2 or array.shape[0] < 2 or array.shape[1] < 1:
        raise InputError(
            f"{name} has shape {array.shape}, expected (n_samples ≥ 2, n_features ≥ 1)"
        )
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        raise InputError(f"{name} has {int(np.sum(~finite))} rows with NaN or infinity; drop them")
    return array


def joint_covariance(samples: FloatArray) -> FloatArray:
    """Covariance (d, d) of the columns, divided by n; exactly zero for constant columns."""
    centred = _centred(samples)
    return np.asarray(centred.T @ centred / len(samples))


def class_moments(
    features: FloatArray, labels: NDArray[np.intp]
) -> tuple[NDArray[np.intp], FloatArray, FloatArray]:
    """Counts (K,), means (K, d) and pooled within-class covariance (d, d), divided by n."""
    counts = np.bincount(labels)
    centre = features.mean(axis=0)
    residual = _centred(features)
    means = np.zeros((len(counts), features.shape[1]))
    for c in range(len(counts)):
        members = labels == c
        means[c] = residual[members].mean(axis=0)
        residual[members] -= means[c]
    return counts, means + centre, residual.T @ residual / len(features)


def _centred(samples: FloatArray) -> FloatArray:
    """Deviations from the mean; a constant column's are zero, not the rounding of its mean."""
    deviations = samples - samples.mean(axis=0)
    deviations[:, np.ptp(samples, axis=0) == 0] = 0.0
    return np.asarray(deviations)


def check_priors(
    weights: ArrayLike, means: FloatArray, within: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Priors of the classes present, and which those are."""
    given = np.asarray(as_array(weights), dtype=np.float64)
    if given.ndim != 1 or not np.all(np.isfinite(given)) or np.any(given < 0):
        raise InputError("weights must be finite counts or priors ≥ 0, shape (n_classes,)")
    if means.ndim != 2 or len(means) != len(given) or within.shape != (means.shape[1],) * 2:
        raise InputError(
            f"weights {given.shape}, means {means.shape} and within_covariance {within.shape} do "
            "not fit; expected (n_classes,), (n_classes, d), (d, d)"
        )
    present = given > 0
    if np.sum(present) < 2:
        raise InputError(f"{int(np.sum(present))} class has positive weight; two are needed")
    if not np.all(np.isfinite(means[present])):
        raise InputError("means of present classes hold NaN or infinity")
    return given[present] / np.sum(given), present
