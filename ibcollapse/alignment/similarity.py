"""How alike two networks are in one space: every figure with held-out value and null."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment.fits import Canonical, FloatArray
from ibcollapse.alignment.indices import DISTANCES, NAMES, factors, fit_pair, permuted_scores
from ibcollapse.alignment.options import AlignmentOptions
from ibcollapse.alignment.spaces import SpaceMoments
from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import null_floor
from ibcollapse.progress import Progress
from ibcollapse.storage.serialize import register


@register("alignment/Index")
@dataclasses.dataclass(frozen=True)
class Index:
    """One figure with what it takes to read it.

    Attributes
    ----------
    value : float
        On all samples, with maps fitted to them; NaN where it is not defined.
    held_out : float
        On the held-out samples, with maps fitted to the others; NaN without held-out samples.
    null_mean, null_std : float
        Mean and deviation over permutations of the rows of b, maps fitted anew each time, among
        the `null_samples` samples of the alignment; NaN without permutations.
    z : float
        (value among those samples − null_mean) / null_std; negative is alike for a distance.
    p_value : float
        (1 + permutations at least as alike) / (1 + permutations), one-sided.
    """

    value: float
    held_out: float
    null_mean: float
    null_std: float
    z: float
    p_value: float


@register("alignment/SpaceSimilarity")
@dataclasses.dataclass(frozen=True)
class SpaceSimilarity:
    """Similarity of two networks' centred features in a space and, in brackets, its invariance.

    Attributes
    ----------
    r2_a_to_b, r2_b_to_a : Index
        R² of the (ridge) linear map, all target features together [invertible maps of the source].
    cca_mean_rho, cca_mean_rho_squared : Index
        Mean canonical correlation, and mean square, over the smaller rank [invertible maps].
    pwcca_a, pwcca_b : Index
        Canonical correlations weighted by their projection on the features of a or of b (Morcos,
        Raghu, Bengio 2018) [invertible maps of the other network].
    procrustes_cosine : Index
        Cosine after the best rotation: nuclear norm of S_ab over √(tr S_aa tr S_bb) [rotation,
        scale].
    procrustes_r2, procrustes_r2_unscaled : Index
        R² of b from the rotated a, with the best common scale and with none [rotation].
    shape_angle : Index
        Angular shape distance arccos of the Procrustes cosine after partial whitening (Williams
        et al. 2021), radians; a distance.
    cka, cka_debiased : Index
        Linear CKA with biased and unbiased HSIC; no fitted map [rotation, scale]. The unbiased
        one is given for the whole space only.
    rho, held_out_rho : float64 (n_modes,)
        Canonical correlations on all samples, decreasing, and those of the same-numbered modes
        fitted without the held-out samples and measured on them (empty without any). Under
        shrinkage they are the plain correlations of the regularised fit's variates.
    null_floor : float
        Edge of ρ² for independent features of these ranks and this many samples: 4c(1 − c) for
        equal ranks, c = rank / n_samples. Modes below it are indistinguishable from noise.
    n_above_floor : int
        Modes with ρ² above it.
    rank_a, rank_b : int
        Linearly independent features.
    """

    r2_a_to_b: Index
    r2_b_to_a: Index
    cca_mean_rho: Index
    cca_mean_rho_squared: Index
    pwcca_a: Index
    pwcca_b: Index
    procrustes_cosine: Index
    procrustes_r2: Index
    procrustes_r2_unscaled: Index
    shape_angle: Index
    cka: Index
    cka_debiased: Index
    rho: NDArray[np.float64]
    held_out_rho: NDArray[np.float64]
    null_floor: float
    n_above_floor: int
    rank_a: int
    rank_b: int

    def __post_init__(self) -> None:
        for array in (self.rho, self.held_out_rho):
            array.setflags(write=False)

    @property
    def indices(self) -> dict[str, Index]:
        """Every `Index` by its name."""
        return {name: getattr(self, name) for name in NAMES}


def measure_similarity(
    space: SpaceMoments,
    options: AlignmentOptions,
    permutations: Sequence[NDArray[np.int64]],
    progress: Progress,
) -> tuple[SpaceSimilarity, Canonical]:
    """`SpaceSimilarity`, and the canonical directions fitted to all samples."""
    regulariser, alpha = options.regulariser, options.alpha
    whole = fit_pair(space.total, factors(space.total, regulariser), alpha)
    values, held_out = whole.score(space.total), dict.fromkeys(NAMES, math.nan)
    held_out_rho: FloatArray = np.zeros(0)
    if space.test is not None:
        fitted = fit_pair(space.train, factors(space.train, regulariser), alpha)
        held_out = fitted.score(space.test)
        held_out_rho = fitted.canonical.correlations(space.test)
    scores: list[dict[str, float]] = []
    if permutations:
        scores = permuted_scores(space.rows, regulariser, alpha, permutations, progress)
    canonical = whole.canonical
    rho = canonical.rho.copy()
    floor = null_floor(space.total.n_samples, canonical.rank_a, canonical.rank_b)
    similarity = SpaceSimilarity(
        **{name: _index(name, values[name], held_out[name], scores) for name in NAMES},
        rho=rho,
        held_out_rho=held_out_rho,
        null_floor=floor,
        n_above_floor=int(np.sum(rho**2 > floor)),
        rank_a=canonical.rank_a,
        rank_b=canonical.rank_b,
    )
    return similarity, canonical


def _index(name: str, value: float, held_out: float, scores: list[dict[str, float]]) -> Index:
    if not scores or math.isnan(value):
        return Index(value, held_out, *[math.nan] * 4)
    sampled = np.array([score[name] for score in scores])
    observed, null = sampled[0], sampled[1:]
    alike = null <= observed if name in DISTANCES else null >= observed
    mean, deviation = float(null.mean()), float(null.std(ddof=1))
    z = (float(observed) - mean) / deviation if deviation > 0 else math.nan
    return Index(value, held_out, mean, deviation, z, float((1 + alike.sum()) / len(sampled)))
