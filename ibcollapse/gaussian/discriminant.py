"""Class log-likelihoods of rows, up to a term that all classes share.

Everything goes through Cholesky factors and triangular solves on blocks of rows.
"""

import dataclasses
from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.gaussian.results import CovarianceModel
from ibcollapse.gaussian.scatter import Floats

# Rows scored at once; a float64 block of 512 features is then 8 MiB.
BLOCK_ROWS = 2048


class Discriminant(Protocol):
    """Scores rows under every class."""

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """log p(x|c) plus a term without c, nats, float64 (n, K), for rows (n, d)."""


def make_discriminant(means: Floats, covariance: CovarianceModel) -> Discriminant:
    """Scorer of the Gaussians with `means` (K, d) and the covariance model.

    Features without variance are not looked at.
    """
    live = covariance.live
    if len(live) < means.shape[1]:
        return LiveDiscriminant(live, _make(means[:, live], _part(covariance, live)))
    return _make(means, covariance)


def _make(means: Floats, covariance: CovarianceModel) -> Discriminant:
    if covariance.kind == "tied":
        return LinearDiscriminant(means, covariance.matrix)
    if covariance.kind == "full":
        return QuadraticDiscriminant(means, covariance.matrix)
    if covariance.kind == "diagonal":
        return DiagonalDiscriminant(means, covariance.matrix)
    assert covariance.loadings is not None
    return LowRankDiscriminant(means, covariance.matrix, covariance.loadings)


def _part(covariance: CovarianceModel, live: NDArray[np.intp]) -> CovarianceModel:
    """The model of the features `live` alone."""
    matrix, loadings = covariance.matrix[..., live], covariance.loadings
    if covariance.kind in ("tied", "full"):
        matrix = matrix[..., live, :]
    if loadings is not None:
        loadings = loadings[:, live]
    return dataclasses.replace(covariance, matrix=matrix, loadings=loadings)


class LiveDiscriminant:
    """Scores of the features `live` alone."""

    def __init__(self, live: NDArray[np.intp], score: Discriminant) -> None:
        self._live, self._score = live, score

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Scores (n, K)."""
        scores = [
            self._score(x[start : start + BLOCK_ROWS][:, self._live])
            for start in range(0, len(x), BLOCK_ROWS)
        ]
        return np.concatenate(scores) if scores else self._score(x[:, self._live])


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
    """Woodbury on z = N^{-1/2}(x − μ): ‖z‖² − ‖L⁻¹Gᵀz‖² with G = N^{-1/2}F and I + GᵀG = LLᵀ.

    `noise` (K, d), or (K, 1) where it is isotropic, holds the diagonals of N.
    """

    def __init__(self, means: Floats, noise: Floats, loadings: Floats) -> None:
        self._means = means
        self._precision_roots = 1 / np.sqrt(np.broadcast_to(noise, means.shape))
        self._projections: list[Floats] = []
        self._half_log_det: list[float] = []
        rank = loadings.shape[2]
        for root, factor in zip(self._precision_roots, loadings, strict=True):
            scaled = factor * root[:, None]
            small = scipy.linalg.cholesky(np.eye(rank) + scaled.T @ scaled, lower=True)
            self._projections.append(scipy.linalg.solve_triangular(small, scaled.T, lower=True))
            log_det = np.log(np.diagonal(small)).sum() - np.log(root).sum()
            self._half_log_det.append(float(log_det))

    def __call__(self, x: NDArray[np.generic]) -> Floats:
        """Quadratic scores (n, K)."""
        scores = np.empty((len(x), len(self._means)))
        for start in range(0, len(x), BLOCK_ROWS):
            rows = x[start : start + BLOCK_ROWS]
            for c, mean in enumerate(self._means):
                centred = (rows - mean) * self._precision_roots[c]
                explained = centred @ self._projections[c].T
                squares = np.einsum("ij,ij->i", centred, centred)
                squares -= np.einsum("ij,ij->i", explained, explained)
                scores[start : start + len(rows), c] = -0.5 * squares - self._half_log_det[c]
        return scores
