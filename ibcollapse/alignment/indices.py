"""The similarity figures of a pair as one table: in-sample, held-out and under permutation."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment.fits import (
    Canonical,
    FloatArray,
    LinearMap,
    Procrustes,
    Regulariser,
    debiased_cka,
    fit_canonical,
    fit_linear_map,
    fit_procrustes,
    linear_cka,
    partially_whitened,
)
from ibcollapse.alignment.moments import PairMoments
from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import CovarianceFactor
from ibcollapse.progress import Progress

NAMES = (
    "r2_a_to_b",
    "r2_b_to_a",
    "cca_mean_rho",
    "cca_mean_rho_squared",
    "pwcca_a",
    "pwcca_b",
    "procrustes_cosine",
    "procrustes_r2",
    "procrustes_r2_unscaled",
    "shape_angle",
    "cka",
    "cka_debiased",
)
# Where a smaller value says that the networks are more alike.
DISTANCES = frozenset({"shape_angle"})


@dataclasses.dataclass(frozen=True)
class Factors:
    """Factors of the covariances of a and b for regression and for CCA; permutations share them."""

    regression: tuple[CovarianceFactor, CovarianceFactor]
    correlation: tuple[CovarianceFactor, CovarianceFactor]


def factors(moments: PairMoments, regulariser: Regulariser) -> Factors:
    """`Factors` of `moments`."""
    regression = tuple(regulariser.for_regression(s) for s in (moments.s_aa, moments.s_bb))
    if regulariser.ridge == 0 and regulariser.shrinkage == 0:
        correlation = regression
    else:
        correlation = tuple(regulariser.for_correlation(s) for s in (moments.s_aa, moments.s_bb))
    return Factors((regression[0], regression[1]), (correlation[0], correlation[1]))


@dataclasses.dataclass(frozen=True)
class PairFit:
    """All maps between a pair, fitted to `moments`."""

    moments: PairMoments
    forward: LinearMap
    backward: LinearMap
    canonical: Canonical
    procrustes: Procrustes
    shape: Procrustes
    alpha: float

    def score(self, moments: PairMoments) -> dict[str, float]:
        """Every figure of `NAMES` for these maps under `moments`, which may be other samples'."""
        rho = self.canonical.correlations(moments)
        weights_a, weights_b = self.canonical.projection_weights(self.moments)
        whitened = partially_whitened(moments, self.moments, self.alpha)
        cosine = np.clip(self.shape.cosine(whitened), -1.0, 1.0)
        back, fitted = transposed(moments), transposed(self.moments)
        values = (
            self.forward.r2(moments, self.moments),
            self.backward.r2(back, fitted),
            rho.mean(),
            (rho**2).mean(),
            weights_a @ rho,
            weights_b @ rho,
            self.procrustes.cosine(moments),
            self.procrustes.r2(moments, self.moments, scaled=True),
            self.procrustes.r2(moments, self.moments, scaled=False),
            np.arccos(cosine),
            linear_cka(moments),
            debiased_cka(moments),
        )
        return {name: float(value) for name, value in zip(NAMES, values, strict=True)}


def fit_pair(moments: PairMoments, shared: Factors, alpha: float) -> PairFit:
    """`PairFit` of `moments`, whose own covariances `shared` factors."""
    procrustes = fit_procrustes(moments)
    shape = procrustes
    if alpha != 1.0:
        shape = fit_procrustes(partially_whitened(moments, moments, alpha))
    return PairFit(
        moments,
        fit_linear_map(moments, shared.regression[0]),
        fit_linear_map(transposed(moments), shared.regression[1]),
        fit_canonical(moments, *shared.correlation),
        procrustes,
        shape,
        alpha,
    )


def transposed(m: PairMoments) -> PairMoments:
    """The same moments with a and b exchanged."""
    return PairMoments(
        m.n_samples, m.mean_b, m.mean_a, m.s_bb, m.s_ab.T, m.s_aa, m.fourth[::-1, ::-1]
    )


def permuted_scores(
    rows: tuple[FloatArray, FloatArray],
    regulariser: Regulariser,
    alpha: float,
    permutations: Sequence[NDArray[np.int64]],
    progress: Progress,
) -> list[dict[str, float]]:
    """Scores of the rows as they are, then with the rows of b permuted; maps fitted anew each time.

    Only the cross-covariance changes with a permutation, so the factors are shared. `progress` is
    advanced once a fit.
    """
    a, b = (x - x.mean(axis=0) for x in rows)
    lengths = np.sum(a**2, axis=1), np.sum(b**2, axis=1)
    moments = _moments_of_rows(a, b, lengths)
    shared = factors(moments, regulariser)
    scores = []
    for order in [np.arange(len(b)), *permutations]:
        fourth = moments.fourth.copy()
        fourth[0, 1] = fourth[1, 0] = lengths[0] @ lengths[1][order] / len(b)
        shuffled = dataclasses.replace(moments, s_ab=a.T @ b[order] / len(b), fourth=fourth)
        scores.append(fit_pair(shuffled, shared, alpha).score(shuffled))
        progress.advance()
    return scores


def _moments_of_rows(
    a: FloatArray, b: FloatArray, lengths: tuple[FloatArray, FloatArray]
) -> PairMoments:
    n = len(a)
    fourth = np.array([[k @ l / n for l in lengths] for k in lengths])  # noqa: E741
    zero_a, zero_b = np.zeros(a.shape[1]), np.zeros(b.shape[1])
    return PairMoments(n, zero_a, zero_b, a.T @ a / n, a.T @ b / n, b.T @ b / n, fourth)
