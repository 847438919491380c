"""The Gaussian and the meta-Gaussian bottleneck of a pair of networks, against their classes."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment import Alignment, align
from ibcollapse.alignment.spaces import centred_axes
from ibcollapse.bottleneck import henze_zirkler, normal_scores
from ibcollapse.coincidence.angles import principal_angles
from ibcollapse.features.pairing import PairedSources
from ibcollapse.progress import Progress
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]

_BLOCK_ROWS = 4096
_TESTED_ROWS = 1000
_TESTED_MODES = 2


@register("coincidence/PairProxy")
@dataclasses.dataclass(frozen=True)
class PairProxy:
    """Critical betas of two networks' features of the same samples, and where their modes lie.

    Either network may be X: both directions share the betas and differ in the projections.

    Attributes
    ----------
    critical_betas, beta_low, beta_high, held_out_betas : float64 (n_modes,)
        1/ρ² of the leading modes, increasing, with the bootstrap interval of `align`, and of the
        modes fitted without the held-out samples and measured on them (infinite where their
        correlation is not positive).
    resolved : bool (n_modes,)
        ρ² above `null_floor`.
    null_floor : float
        ρ² that independent features would reach.
    angles_a, angles_b : float64 (n_span,)
        Principal angles, radians, increasing, between the span of the centred class means and
        that of the leading modes' loadings (covariances of features and canonical variates), as
        many modes as the means have dimensions.
    direction_angles_a, direction_angles_b : float64 (n_span,)
        The same with the modes' directions, by which the bottleneck projects the features.
    chance_overlap_a, chance_overlap_b : float
        Mean squared cosine of such angles for a random span: its dimension over the features'.
    n_span : int
        Leading modes that the angles are about.
    n_resolved : int
        Modes above the floor, also beyond those listed.
    normal_p_value : float
        Henze–Zirkler test that the two leading pairs of variates are jointly Gaussian; NaN where
        it was not made. At a small value the proxy describes no distribution at hand.
    copula : bool
        Whether features were replaced by normal scores: the meta-Gaussian bottleneck (Rey, Roth
        2012), invariant under monotone maps of single features, but not under rotations.
    n_samples : int
    """

    critical_betas: FloatArray
    beta_low: FloatArray
    beta_high: FloatArray
    held_out_betas: FloatArray
    resolved: NDArray[np.bool_]
    null_floor: float
    angles_a: FloatArray
    angles_b: FloatArray
    direction_angles_a: FloatArray
    direction_angles_b: FloatArray
    chance_overlap_a: float
    chance_overlap_b: float
    n_span: int
    n_resolved: int
    normal_p_value: float
    copula: bool
    n_samples: int

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


def held_rows(paired: PairedSources) -> tuple[FloatArray, FloatArray]:
    """All samples of both networks in one order, float64 (n, d_a) and (n, d_b)."""
    columns = zip(*[[x.copy() for x in block] for block in paired.blocks(_BLOCK_ROWS)], strict=True)
    a, b = (np.concatenate(parts).astype(np.float64) for parts in columns)
    return a, b


def gaussian_proxy(
    rows: tuple[FloatArray, FloatArray],
    labels: NDArray[np.int64],
    alignment: Alignment,
    seed: int,
) -> PairProxy:
    """`PairProxy` of an alignment of `rows`."""
    return _proxy(rows, labels, alignment, seed, copula=False)


def meta_gaussian_proxy(
    rows: tuple[FloatArray, FloatArray],
    labels: NDArray[np.int64],
    *,
    seed: int,
    progress: Progress,
    **options: Any,
) -> PairProxy:
    """`PairProxy` of the normal scores of `rows`, aligned with `options` of `align`."""
    scores = normal_scores(rows[0]), normal_scores(rows[1])
    alignment = align(
        (scores[0], labels),
        (scores[1], labels),
        n_permutations=0,
        seed=seed,
        progress=progress,
        **options,
    )
    return _proxy(scores, labels, alignment, seed, copula=True)


def _proxy(
    rows: tuple[FloatArray, FloatArray],
    labels: NDArray[np.int64],
    alignment: Alignment,
    seed: int,
    *,
    copula: bool,
) -> PairProxy:
    pair = alignment.bottleneck
    n_span = min(alignment.identified_rank_a, alignment.identified_rank_b, len(pair.rho))
    # Twice the span shows where the spectrum breaks off; the rest is counted only.
    shown = slice(0, min(len(pair.rho), 2 * n_span))
    spans = [centred_axes(_class_means(x, labels)) for x in rows]
    loadings = [x[:, :n_span] for x in (pair.loadings_a, pair.loadings_b)]
    directions = [x[:, :n_span] for x in (pair.directions_a, pair.directions_b)]
    return PairProxy(
        critical_betas=pair.critical_betas[shown].copy(),
        beta_low=pair.beta_low[shown].copy(),
        beta_high=pair.beta_high[shown].copy(),
        held_out_betas=_betas_of_positive(alignment.whole.held_out_rho[shown]),
        resolved=pair.resolved[shown].copy(),
        null_floor=pair.null_floor,
        angles_a=principal_angles(loadings[0], spans[0]),
        angles_b=principal_angles(loadings[1], spans[1]),
        direction_angles_a=principal_angles(directions[0], spans[0]),
        direction_angles_b=principal_angles(directions[1], spans[1]),
        chance_overlap_a=n_span / rows[0].shape[1],
        chance_overlap_b=n_span / rows[1].shape[1],
        n_span=n_span,
        n_resolved=alignment.whole.n_above_floor,
        normal_p_value=_normality(rows, directions, seed),
        copula=copula,
        n_samples=alignment.n_samples,
    )


def _class_means(x: FloatArray, labels: NDArray[np.int64]) -> FloatArray:
    return np.stack([x[labels == c].mean(axis=0) for c in np.unique(labels)])


def _betas_of_positive(rho: FloatArray) -> FloatArray:
    """1/ρ², infinite where a held-out correlation has lost its sign."""
    betas = np.full(len(rho), np.inf)
    np.divide(1.0, rho**2, where=rho > 0, out=betas)
    return betas


def _normality(
    rows: tuple[FloatArray, FloatArray], directions: Sequence[FloatArray], seed: int
) -> float:
    variates = [x @ u[:, :_TESTED_MODES] for x, u in zip(rows, directions, strict=True)]
    test = henze_zirkler(np.hstack(variates), max_rows=_TESTED_ROWS, seed=seed)
    return float("nan") if test is None else test.p_value
