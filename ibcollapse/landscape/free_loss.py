"""Supervised-contrastive loss of free unit features, for many sets of features at once."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.linear_algebra import singular_parts, symmetric_eigenvalues

Array = NDArray[np.float64]


class FreeSupCon:
    """Mean loss over samples of features H (..., n_samples, dimension) with unit rows.

    (1/n) Σ_i [ log Σ_{l≠i} exp(h_iᵀh_l/τ) − mean_{j: y_j = y_i, j ≠ i} h_iᵀh_j/τ ]
    """

    def __init__(self, labels: NDArray[np.int64], temperature: float) -> None:
        n = len(labels)
        self.temperature = temperature
        self._n = n
        positive = (labels[:, None] == labels).astype(np.float64)
        np.fill_diagonal(positive, 0.0)
        self._attraction = positive / positive.sum(axis=1, keepdims=True)
        self._barred = np.where(np.eye(n, dtype=bool), -np.inf, 0.0)

    def value_and_slope(self, features: Array) -> tuple[Array, Array, Array]:
        """Losses (...), ∂ loss / ∂ H, and the softmax weights (..., n_samples, n_samples)."""
        scores = features @ np.swapaxes(features, -1, -2) / self.temperature
        barred = scores + self._barred
        # Unit rows: exponents are at most 1/τ; shift by the row maximum all the same.
        top = barred.max(axis=-1, keepdims=True)
        terms = np.exp(barred - top)
        total = terms.sum(axis=-1, keepdims=True)
        share = terms / total
        log_sum = (top + np.log(total))[..., 0]
        pull = np.sum(self._attraction * scores, axis=-1)
        by_score = (share - self._attraction) / (self.temperature * self._n)
        slope = (by_score + np.swapaxes(by_score, -1, -2)) @ features
        return np.mean(log_sum - pull, axis=-1), slope, share

    def hessian_products(self, features: Array, share: Array, directions: Array) -> Array:
        """Euclidean Hessian at one H (n, d) times directions (m, n, d)."""
        moved = directions @ features.T
        moved = (moved + np.swapaxes(moved, -1, -2)) / self.temperature
        change = share * (moved - np.sum(share * moved, axis=-1, keepdims=True))
        change /= self.temperature * self._n
        slope = (share - self._attraction) / (self.temperature * self._n)
        return np.asarray(
            (change + np.swapaxes(change, -1, -2)) @ features + (slope + slope.T) @ directions
        )


def riemannian(features: Array, slope: Array) -> Array:
    """Part of the slope tangent to the unit spheres."""
    return np.asarray(slope - np.sum(slope * features, axis=-1, keepdims=True) * features)


def lowest_curvature(loss: FreeSupCon, features: Array, *, relu: bool) -> float:
    """Smallest eigenvalue of the Riemannian Hessian at one H (n, d), modulo rotations.

    With `relu` only coordinates above zero may move and there are no rotations to remove; inf
    where nothing can move.
    """
    _, slope, share = loss.value_and_slope(features)
    basis = _tangent_basis(features, relu=relu)
    if len(basis) == 0:
        return float("inf")
    normal = np.sum(slope * features, axis=1, keepdims=True)
    products = loss.hessian_products(features, share, basis) - normal * basis
    hessian = np.tensordot(basis, products, axes=((1, 2), (1, 2)))
    if not relu:
        free = _without_rotations(basis, features)
        hessian = free.T @ hessian @ free
    return float(symmetric_eigenvalues((hessian + hessian.T) / 2)[0])


def _tangent_basis(features: Array, *, relu: bool) -> Array:
    """Orthonormal tangent vectors (m, n, d) at unit rows, within their support if `relu`."""
    n, d = features.shape
    vectors = []
    for i, row in enumerate(features):
        axes = np.flatnonzero(row > 0) if relu else np.arange(d)
        complement = singular_parts(row[axes][None, :], whole=True)[2][1:]
        block = np.zeros((len(complement), n, d))
        block[:, i, axes] = complement
        vectors.append(block)
    return np.concatenate(vectors)


def _without_rotations(basis: Array, features: Array) -> Array:
    """Orthonormal coordinates, in `basis`, of the moves orthogonal to every rotation H A."""
    d = features.shape[1]
    rows, columns = np.triu_indices(d, 1)
    turns = np.zeros((len(rows), *features.shape))
    index = np.arange(len(rows))
    turns[index, :, columns] = features[:, rows].T
    turns[index, :, rows] -= features[:, columns].T
    coordinates = np.tensordot(basis, turns, axes=((1, 2), (1, 2)))
    left, values, _ = singular_parts(coordinates, whole=True)
    rank = int(np.sum(values > 1e-8 * max(1.0, values.max(initial=0.0))))
    return np.asarray(left[:, rank:])
