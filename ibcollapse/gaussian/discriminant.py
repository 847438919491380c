"""Class log-likelihoods of rows, up to a term that all classes share.

Everything goes through Cholesky factors and triangular solves on blocks of rows.
"""

from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.gaussian.covariance import CovarianceModel
from ibcollapse.gaussian.scatter import Floats

# Rows scored at once; a float64 block of 512 features is then 8 MiB.
BLOCK_ROWS = 2048


class Discriminant(Protocol):
    """Scores rows under every class."""

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """log p(x|c) plus a term without c, nats, float64 (n, K), for rows (n, d)."""


def make_discriminant(means: Floats, covariance: CovarianceModel) -> Discriminant:
    """Scorer of the Gaussians with `means` (K, d) and the covariance model."""
    if covariance.kind == "tied":
        return LinearDiscriminant(means, covariance.matrix)
    if covariance.kind == "full":
        return QuadraticDiscriminant(means, covariance.matrix)
    if covariance.kind == "diagonal":
        return DiagonalDiscriminant(means, covariance.matrix)
    assert covariance.loadings is not None
    return LowRankDiscriminant(means, covariance.matrix[:, 0], covariance.loadings)


class LinearDiscriminant:
    """With one covariance the quadratic term cancels: (x − μ)·a_c − ½ (μ_c − μ)·a_c, one GEMM.

    a_c = Σ⁻¹(μ_c − μ); the common centre μ keeps an offset of the features out of the products.
    """

    def __init__(self, means: Floats, covariance: Floats) -> None:
        self._centre = means.mean(axis=0)
        centred = means - self._centre
        factor = scipy.linalg.cho_factor(covariance, lower=True, check_finite=False)
        self._directions = scipy.linalg.cho_solve(factor, centred.T, check_finite=False)
        self._constants = -0.5 * np.einsum("kd,dk->k", centred, self._directions)

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Linear scores (n, K)."""
        scores: Floats = (x - self._centre) @ self._directions + self._constants
        return scores


class QuadraticDiscriminant:
    """−½ ‖L_c⁻¹(x − μ_c)‖² − log det L_c with Σ_c = L_c L_cᵀ."""

    def __init__(self, means: Floats, covariances: Floats) -> None:
        self._means = means
        self._factors = [
            scipy.linalg.cholesky(c, lower=True, check_finite=False) for c in covariances
        ]
        self._half_log_det = [float(np.log(np.diagonal(f)).sum()) for f in self._factors]

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Quadratic scores (n, K)."""
        scores = np.empty((len(x), len(self._means)))
        for start in range(0, len(x), BLOCK_ROWS):
            rows = x[start : start + BLOCK_ROWS]
            for c, (mean, factor) in enumerate(zip(self._means, self._factors, strict=True)):
                whitened = scipy.linalg.solve_triangular(
                    factor, (rows - mean).T, lower=True, overwrite_b=True, check_finite=False
                )
                squares = np.einsum("ij,ij->j", whitened, whitened)
                scores[start : start + len(rows), c] = -0.5 * squares - self._half_log_det[c]
        return scores


class DiagonalDiscriminant:
    """−½ Σ_j (x_j − μ_cj)²/σ_cj² − Σ_j log σ_cj, expanded into two GEMMs about a common centre."""

    def __init__(self, means: Floats, variances: Floats) -> None:
        self._centre = means.mean(axis=0)
        centred = means - self._centre
        self._precisions = (1 / variances).T
        self._directions = (centred / variances).T
        self._constants = -0.5 * np.sum(centred**2 / variances + np.log(variances), axis=1)

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Quadratic scores (n, K)."""
        scores = np.empty((len(x), len(self._constants)))
        for start in range(0, len(x), BLOCK_ROWS):
            rows = x[start : start + BLOCK_ROWS] - self._centre
            scores[start : start + len(rows)] = (
                rows @ self._directions - 0.5 * (rows**2 @ self._precisions) + self._constants
            )
        return scores


class LowRankDiscriminant:
    """Woodbury: zᵀ(FFᵀ + sI)⁻¹z = (‖z‖² − ‖L⁻¹Fᵀz‖²)/s with sI + FᵀF = LLᵀ."""

    def __init__(self, means: Floats, noise: Floats, loadings: Floats) -> None:
        self._means, self._noise = means, noise
        self._projections: list[Floats] = []
        self._half_log_det: list[float] = []
        d, rank = loadings.shape[1:]
        for s, factor in zip(noise, loadings, strict=True):
            small = scipy.linalg.cholesky(s * np.eye(rank) + factor.T @ factor, lower=True)
            self._projections.append(scipy.linalg.solve_triangular(small, factor.T, lower=True))
            log_det = (d - rank) * np.log(s) + 2 * np.log(np.diagonal(small)).sum()
            self._half_log_det.append(0.5 * float(log_det))

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Quadratic scores (n, K)."""
        scores = np.empty((len(x), len(self._means)))
        for start in range(0, len(x), BLOCK_ROWS):
            rows = x[start : start + BLOCK_ROWS]
            for c, mean in enumerate(self._means):
                centred = rows - mean
                explained = centred @ self._projections[c].T
                squares = np.einsum("ij,ij->i", centred, centred)
                squares -= np.einsum("ij,ij->i", explained, explained)
                scores[start : start + len(rows), c] = (
                    -0.5 * squares / self._noise[c] - self._half_log_det[c]
                )
        return scores
