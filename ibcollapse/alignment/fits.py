"""Maps between two networks' features, fitted to moments and scored on other moments.

Everything here is a function of covariances, so a fit on one part of the samples is scored on
another without reading any features again.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment.moments import PairMoments
from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import CovarianceFactor, factor_covariance
from ibcollapse.errors import InputError
from ibcollapse.gaussian.shrinkage import mean_variance
from ibcollapse.linear_algebra import singular_parts, symmetric_eigenpairs

FloatArray = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Regulariser:
    """How the covariances of a fit are regularised.

    `ridge`: share of the mean variance added to the diagonal before regressing. `shrinkage`:
    weight in [0, 1] of mean variance · I in the covariances of CCA. `rank_tolerance`: unexplained
    share of its variance below which a feature is dropped as a combination of others. Features
    without variance take no part: they are not among the means, and stay without.
    """

    ridge: float
    shrinkage: float
    rank_tolerance: float

    def for_regression(self, s: FloatArray) -> CovarianceFactor:
        """Factor of S + ridge · tr(S)/d · I."""
        return self._factor(s, 1.0, self.ridge)

    def for_correlation(self, s: FloatArray) -> CovarianceFactor:
        """Factor of (1 − shrinkage) S + shrinkage · tr(S)/d · I."""
        return self._factor(s, 1 - self.shrinkage, self.shrinkage)

    def _factor(self, s: FloatArray, share: float, of_mean: float) -> CovarianceFactor:
        variance = np.diagonal(s)
        varying = np.flatnonzero(variance > 0)
        mixed = share * s
        if len(varying):
            mixed[varying, varying] += of_mean * float(variance[varying].mean())
        factor = factor_covariance(mixed, self.rank_tolerance, "covariance of a network's features")
        if factor.rank == 0:
            raise InputError("all features of a network are constant; nothing can be aligned")
        return factor


@dataclasses.dataclass(frozen=True)
class LinearMap:
    """Least-squares map b ≈ bᵐ + Tᵀ(a − aᵐ), `weight` T (d_a, d_b)."""

    weight: FloatArray

    def r2(self, moments: PairMoments, fitted_on: PairMoments) -> float:
        """1 − residual / total sum of squares over all targets together (variance weighted)."""
        m = moments.about(fitted_on)
        explained = 2 * np.sum(self.weight * m.s_ab) - np.sum(self.weight * (m.s_aa @ self.weight))
        return float(1 - (np.trace(m.s_bb) - explained) / np.trace(moments.s_bb))


def fit_linear_map(moments: PairMoments, factor: CovarianceFactor) -> LinearMap:
    """`LinearMap` from a to b by the normal equations on the factor's independent features."""
    white = factor.whiten(moments.s_ab[factor.features])
    return LinearMap(factor.directions(white.T, len(moments.s_ab)).T)


@dataclasses.dataclass(frozen=True)
class Canonical:
    """Canonical correlations `rho` (r,), decreasing, and directions `u` (d_a, r), `v` (d_b, r).

    Directions have unit variance under the covariances they were fitted to (regularised ones,
    where they were); `rho` are the correlations of their variates on the fitted samples, without
    regularisation, which order the modes; r is the smaller rank.
    """

    rho: FloatArray
    u: FloatArray
    v: FloatArray
    rank_a: int
    rank_b: int

    def correlations(self, moments: PairMoments) -> FloatArray:
        """Correlations of the r pairs of canonical variates under `moments`; 0 for a constant."""
        return _correlations(self.u, self.v, moments)

    def projection_weights(self, moments: PairMoments) -> tuple[FloatArray, FloatArray]:
        """Weights of the modes by the features of a and of b, each summing to one (PWCCA).

        α_i = Σ_j |cov(u_i·a, a_j)| (Morcos, Raghu, Bengio 2018, eq. 2, arXiv 1806.05759).
        """
        a = np.abs(moments.s_aa @ self.u).sum(axis=0)
        b = np.abs(moments.s_bb @ self.v).sum(axis=0)
        return a / a.sum(), b / b.sum()


def fit_canonical(
    moments: PairMoments, factor_a: CovarianceFactor, factor_b: CovarianceFactor
) -> Canonical:
    """`Canonical` from the singular vectors of the whitened cross-covariance.

    With regularised factors its singular values are no correlations (they may exceed one), and
    their order is not that of the variates' correlations.
    """
    half = factor_a.whiten(moments.s_ab[np.ix_(factor_a.features, factor_b.features)])
    left, _, right = singular_parts(factor_b.whiten(half.T).T)
    u = factor_a.directions(left.T, len(moments.s_aa)).T
    v = factor_b.directions(right, len(moments.s_bb)).T
    rho = _correlations(u, v, moments)
    order = np.argsort(-rho, kind="stable")
    return Canonical(rho[order], u[:, order], v[:, order], factor_a.rank, factor_b.rank)


def _correlations(u: FloatArray, v: FloatArray, moments: PairMoments) -> FloatArray:
    cross = np.sum(u * (moments.s_ab @ v), axis=0)
    a = np.sum(u * (moments.s_aa @ u), axis=0)
    b = np.sum(v * (moments.s_bb @ v), axis=0)
    scale = np.sqrt(np.maximum(a, 0.0) * np.maximum(b, 0.0))
    rho = np.divide(cross, scale, where=scale > 0, out=np.zeros_like(cross))
    return np.asarray(np.clip(rho, -1.0, 1.0), dtype=np.float64)


@dataclasses.dataclass(frozen=True)
class Procrustes:
    """Orthogonal map a Q ≈ b, `rotation` Q (d_a, d_b), and the best `scale` (Schönemann 1966).

    Networks of different width are compared after padding the narrower with zeros.
    """

    rotation: FloatArray
    scale: float

    def cosine(self, m: PairMoments) -> float:
        """⟨A Q, B⟩ / (‖A‖ ‖B‖) of centred features: 1 for equal shapes."""
        inner = np.sum(self.rotation * m.s_ab)
        return float(inner / np.sqrt(np.trace(m.s_aa) * np.trace(m.s_bb)))

    def r2(self, moments: PairMoments, fitted_on: PairMoments, *, scaled: bool) -> float:
        """1 − ‖B − s A Q‖² / ‖B‖² with the fitted scale, or with s = 1."""
        m, s = moments.about(fitted_on), self.scale if scaled else 1.0
        inner = np.sum(self.rotation * m.s_ab)
        residual = np.trace(m.s_bb) - 2 * s * inner + s**2 * np.trace(m.s_aa)
        return float(1 - residual / np.trace(moments.s_bb))


def fit_procrustes(moments: PairMoments) -> Procrustes:
    """`Procrustes` from the singular value decomposition of the cross-covariance."""
    left, sigma, right = singular_parts(moments.s_ab)
    return Procrustes(left @ right, float(sigma.sum() / np.trace(moments.s_aa)))


def linear_cka(moments: PairMoments) -> float:
    """‖S_ab‖² / (‖S_aa‖ ‖S_bb‖), linear CKA with the biased HSIC (Kornblith et al. 2019)."""
    scale = np.linalg.norm(moments.s_aa) * np.linalg.norm(moments.s_bb)
    return float(np.sum(moments.s_ab**2) / scale)


def debiased_cka(moments: PairMoments) -> float:
    """Linear CKA with the unbiased HSIC; NaN below 4 samples or where an HSIC is not positive.

    For centred features and k_i = ‖a_i‖², l_i = ‖b_i‖² the U-statistic of Song et al. (2012, JMLR
    13:1393, eq. 5) needs only ‖S_ab‖², the traces and Σ k_i l_i:
    n(n − 3) HSIC = (n²‖S_ab‖² − q) + n² tr S_aa tr S_bb / ((n − 1)(n − 2)) − 2q / (n − 2),
    q = Σ k_i l_i.
    """
    n = moments.n_samples
    if n < 4:
        return float("nan")
    traces = np.array([np.trace(moments.s_aa), np.trace(moments.s_bb)])
    squares = np.array(
        [
            [np.sum(moments.s_aa**2), np.sum(moments.s_ab**2)],
            [np.sum(moments.s_ab**2), np.sum(moments.s_bb**2)],
        ]
    )
    q = n * moments.fourth
    hsic = (
        n**2 * squares - q + n**2 * np.outer(traces, traces) / ((n - 1) * (n - 2)) - 2 * q / (n - 2)
    )
    if not min(hsic[0, 0], hsic[1, 1]) > 0:
        return float("nan")
    return float(hsic[0, 1] / np.sqrt(hsic[0, 0] * hsic[1, 1]))


def partially_whitened(moments: PairMoments, like: PairMoments, alpha: float) -> PairMoments:
    """`moments` after a → a Z_a, b → b Z_b with Z = α I + (1 − α) S^{-1/2} of `like`.

    S is scaled to mean variance one first, so that the mixture does not depend on the unit of the
    features (Williams et al. 2021, arXiv 2110.14739, eq. 11, leaves that open); α = 1 changes
    nothing, α = 0 whitens.
    """
    if alpha == 1.0:
        return moments
    z_a, z_b = (_partial_root(s, alpha) for s in (like.s_aa, like.s_bb))
    return moments.project(z_a, z_b)


def _partial_root(s: FloatArray, alpha: float) -> FloatArray:
    values, axes = symmetric_eigenpairs(s / mean_variance(s))
    keep = values > len(values) * np.finfo(np.float64).eps * values[-1]
    root = (axes[:, keep] / np.sqrt(values[keep])) @ axes[:, keep].T
    return np.asarray(alpha * np.eye(len(s)) + (1 - alpha) * root, dtype=np.float64)
