"""Whitening of a covariance that may be singular, full and partial."""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf

from ibcollapse.errors import InputError

# A column whose deviation is below this share of its mean is constant up to float64 rounding.
_CONSTANT = 1e-12


@dataclasses.dataclass(frozen=True)
class Whitening:
    """Cholesky factor of a covariance on a largest set of linearly independent features.

    `columns` (rank,): the features kept; `factor` (rank, rank): lower triangular L with
    L Lᵀ = S[columns, columns]. The features left out are, up to the tolerance, combinations of
    those kept, so the space of linear functions of the features is the same.
    """

    columns: NDArray[np.int64]
    factor: NDArray[np.float64]

    @property
    def rank(self) -> int:
        """Number of independent features."""
        return len(self.columns)

    def apply(self, s: NDArray[np.float64]) -> NDArray[np.float64]:
        """L⁻¹ s[columns], float64 (rank, k), of s (n_features, k)."""
        solved = solve_triangular(self.factor, s[self.columns], lower=True)
        return np.asarray(solved, dtype=np.float64)

    def directions(self, u: NDArray[np.float64], n_features: int) -> NDArray[np.float64]:
        """L⁻ᵀ u placed into the rows of all features, float64 (n_features, k)."""
        placed = np.zeros((n_features, u.shape[1]))
        placed[self.columns] = solve_triangular(self.factor, u, lower=True, trans="T")
        return placed


def whiten(
    covariance: NDArray[np.float64],
    mean: NDArray[np.float64],
    *,
    diagonal: float = 0.0,
    tolerance: float = 1e-10,
) -> Whitening:
    """`Whitening` of `covariance` + `diagonal`·I by pivoted Cholesky of the correlation matrix.

    Working on correlations makes the result independent of the units of each feature. A feature
    is left out when the share of its variance that those before it leave unexplained is at most
    `tolerance`, or when it is constant.

    Raises
    ------
    InputError
        When every feature is constant.
    """
    variance = np.diag(covariance).copy()
    varying = np.flatnonzero(variance > (_CONSTANT * mean) ** 2)
    if len(varying) == 0:
        raise InputError(f"all {len(mean)} features are constant; nothing can be aligned")
    block = covariance[np.ix_(varying, varying)] + diagonal * np.eye(len(varying))
    deviation = np.sqrt(np.diag(block))
    factor, pivots, rank, _ = dpstrf(block / np.outer(deviation, deviation), tolerance, lower=1)
    columns = pivots[:rank] - 1
    lower = np.tril(factor[:rank, :rank]) * deviation[columns][:, None]
    return Whitening(varying[columns], lower)


def partial_whitening(covariance: NDArray[np.float64], alpha: float) -> NDArray[np.float64]:
    """α I + (1 − α) S^{-1/2} with S scaled to mean variance 1 (Williams et al. 2021, eq. 11).

    S^{-1/2} is the pseudo-inverse root over eigenvalues above rounding. The scaling makes the
    mixture independent of the features' common unit; at α = 1 and α = 0 it changes nothing that
    an angle sees.
    """
    scaled = covariance / (np.trace(covariance) / len(covariance))
    values, axes = np.linalg.eigh(scaled)
    keep = values > len(values) * np.finfo(np.float64).eps * values[-1]
    root = (axes[:, keep] / np.sqrt(values[keep])) @ axes[:, keep].T
    return np.asarray(alpha * np.eye(len(values)) + (1 - alpha) * root, dtype=np.float64)
