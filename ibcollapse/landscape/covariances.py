"""Data and augmentation covariances: checked, whitened, estimated from pairs of views."""

import dataclasses
import os

import numpy as np
from numpy.typing import NDArray

from ibcollapse.array_backend import as_floats
from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features.stores.formats import open_store
from ibcollapse.features.stores.store import Store, StoredArray
from ibcollapse.landscape.counts import validated_positive
from ibcollapse.linear_algebra import symmetric_eigenpairs, symmetric_eigenvalues
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]

# Relative to the largest eigenvalue: below it a direction of Σ carries no data.
RANK_TOLERANCE = 1e-12
_SYMMETRIC_TO = 1e-10


@register("landscape/AugmentationCovariances")
@dataclasses.dataclass(frozen=True)
class AugmentationCovariances:
    """Covariances of data and augmentation noise, estimated from pairs of views.

    Attributes
    ----------
    a0, c : float64 (n_inputs, n_inputs)
        Data covariance A0 and noise covariance C; A0 + C is the covariance of one view.
    n_pairs : int
        Pairs used.
    clipped : float
        Size of the most negative eigenvalue of the sample A0, which sampling noise can produce
        and which was set to zero; 0 when there was none.
    """

    a0: Array
    c: Array
    n_pairs: int
    clipped: float

    def __post_init__(self) -> None:
        self.a0.setflags(write=False)
        self.c.setflags(write=False)


def covariances_from_pairs(view_a: Array, view_b: Array) -> AugmentationCovariances:
    """A0 and C of x = s + ε from two independent views of the same samples.

    C = ½ cov(x_a − x_b) and A0 the symmetric part of cov(x_a, x_b), about the mean, divisor n − 1.

    Parameters
    ----------
    view_a, view_b : float (n_pairs, n_inputs)
        Row i of both is an augmentation of sample i.

    Raises
    ------
    InputError
        On other shapes, different shapes, fewer than two pairs, or values that are not finite.
    """
    a, b = as_floats(view_a), as_floats(view_b)
    if a.ndim != 2 or a.shape != b.shape or len(a) < 2:
        raise InputError(
            f"views have shapes {a.shape} and {b.shape}; give two (n_pairs, n_inputs) arrays of "
            f"the same shape with at least two rows"
        )
    bad = int(np.sum(~np.isfinite(a)) + np.sum(~np.isfinite(b)))
    if bad:
        raise InputError(f"the views hold {bad} values that are not finite; drop those pairs")
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    difference = a - b
    noise = difference.T @ difference / (2 * (len(a) - 1))
    cross = a.T @ b / (len(a) - 1)
    values, vectors = symmetric_eigenpairs((cross + cross.T) / 2)
    data = (vectors * np.maximum(values, 0)) @ vectors.T
    return AugmentationCovariances(
        (data + data.T) / 2, (noise + noise.T) / 2, len(a), max(0.0, -float(values[0]))
    )


def load_pairs(path: str | os.PathLike[str]) -> tuple[Array, Array]:
    """Arrays `view_a` and `view_b` of an .npz or HDF5 file.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    FeatureFileError
        When it cannot be read or holds no two arrays of those names.
    """
    store = open_store(path)
    found = {array.key: array for array in store.arrays}
    return _view(store, found, "view_a"), _view(store, found, "view_b")


def _view(store: Store, found: dict[str, StoredArray], key: str) -> Array:
    if key not in found:
        raise FeatureFileError(
            f"{store.name}: needs the arrays 'view_a' and 'view_b', two augmentations of the same "
            f"samples, row by row"
        )
    array = found[key]
    if array.problem or not array.is_real:
        raise FeatureFileError(f"{store.name}: {key}: {array.problem or array.form}")
    return store.read(key).astype(np.float64)


def rare_group_covariance(fraction: float, shift: Array) -> Array:
    """p(1 − p) δδᵀ: what a fraction p of samples, moved by δ, adds to the data covariance.

    Raises
    ------
    InputError
        When `fraction` is outside (0, 1) or `shift` is no finite vector.
    """
    p, delta = validated_positive(fraction, "fraction"), as_floats(shift)
    if p >= 1:
        raise InputError(f"fraction is {p}, expected a number below 1")
    if delta.ndim != 1 or not np.all(np.isfinite(delta)):
        raise InputError(f"shift has shape {delta.shape}; give a vector of finite numbers")
    return np.asarray(p * (1 - p) * np.outer(delta, delta))


def validated_pair(a0: Array, c: Array) -> tuple[Array, Array]:
    """Both covariances as exactly symmetric float64; see `selfsupervised` for the errors."""
    data, noise = _validated(a0, "a0"), _validated(c, "c")
    if data.shape != noise.shape:
        raise InputError(f"a0 has shape {data.shape} and c {noise.shape}; they must agree")
    if not np.any(data) and not np.any(noise):
        raise InputError("a0 and c are both zero; there are no data")
    return data, noise


def _validated(matrix: Array, name: str) -> Array:
    given = as_floats(matrix)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or given.size == 0:
        raise InputError(f"{name} has shape {given.shape}, expected a square matrix")
    if not np.all(np.isfinite(given)):
        raise InputError(f"{name} holds values that are not finite")
    scale = float(np.abs(given).max())
    apart = float(np.abs(given - given.T).max())
    if apart > _SYMMETRIC_TO * scale:
        raise InputError(f"{name} differs from its transpose by {apart:.3g}; symmetrise it")
    symmetric = (given + given.T) / 2
    lowest = float(symmetric_eigenvalues(symmetric)[0])
    if lowest < -_SYMMETRIC_TO * scale:
        raise InputError(f"{name} has the eigenvalue {lowest:.3g}; a covariance has none below 0")
    return symmetric


def whitened(attraction: Array, covariance: Array) -> tuple[Array, Array, Array]:
    """Eigenvalues of Σ^{-1/2} B Σ^{-1/2}, decreasing, with Σ^{1/2} U and Σ^{-1/2} U as columns.

    Directions in which Σ has no variance (relative 1e-12) are left out.
    """
    values, vectors = symmetric_eigenpairs(covariance)
    kept = values > RANK_TOLERANCE * values[-1]
    scale, basis = np.sqrt(values[kept]), vectors[:, kept]
    inner = (basis / scale).T @ attraction @ (basis / scale)
    eigenvalues, rotation = symmetric_eigenpairs((inner + inner.T) / 2)
    rotation = rotation[:, ::-1]
    return eigenvalues[::-1].copy(), (basis * scale) @ rotation, (basis / scale) @ rotation
