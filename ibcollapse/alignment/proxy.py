"""The Gaussian information bottleneck of a pair of networks: critical betas with intervals.

With X one network's features and Y the other's, mode i of the Gaussian bottleneck opens at
beta_i = 1/rho_i² (Chechik et al. 2005), the same for both directions.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment.fits import Canonical, FloatArray
from ibcollapse.alignment.options import AlignmentOptions
from ibcollapse.alignment.similarity import SpaceSimilarity
from ibcollapse.alignment.spaces import Spaces
from ibcollapse.features.pairing import PairedSources
from ibcollapse.progress import Progress
from ibcollapse.storage.serialize import register

_BLOCK_ROWS = 1024
_MAX_MODES = 64  # beyond the identified rank, more modes than a table or a figure can show


@register("alignment/PairBottleneck")
@dataclasses.dataclass(frozen=True)
class PairBottleneck:
    """Critical betas of the Gaussian bottleneck between two networks, leading modes.

    A collapsed mixture is not Gaussian: this is a proxy for the discrete bottleneck of the
    classes, not a solution of it.

    Attributes
    ----------
    critical_betas : float64 (n_modes,)
        1/ρ², increasing; infinite for ρ = 0. Either network may be X.
    beta_low, beta_high : float64 (n_modes,)
        Percentile interval over bootstrap samples; NaN without bootstrap.
    rho : float64 (n_modes,)
        Canonical correlations, decreasing.
    null_floor : float
        ρ² that independent features of these ranks would reach.
    resolved : bool (n_modes,)
        ρ² above the floor; an unresolved beta is a property of the sample size.
    directions_a : float64 (d_a, n_modes), directions_b : float64 (d_b, n_modes)
        Canonical directions: the projections that the bottleneck of a about b, and of b about a,
        opens one by one.
    loadings_a : float64 (d_a, n_modes), loadings_b : float64 (d_b, n_modes)
        Covariance of each feature with the canonical variates: where in feature space a mode
        lies, to be compared with class means.
    confidence : float
        Coverage of the interval.
    n_bootstrap : int
    """

    critical_betas: NDArray[np.float64]
    beta_low: NDArray[np.float64]
    beta_high: NDArray[np.float64]
    rho: NDArray[np.float64]
    null_floor: float
    resolved: NDArray[np.bool_]
    directions_a: NDArray[np.float64]
    directions_b: NDArray[np.float64]
    loadings_a: NDArray[np.float64]
    loadings_b: NDArray[np.float64]
    confidence: float
    n_bootstrap: int

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def n_resolved(self) -> int:
        """Number of modes above the floor."""
        return int(self.resolved.sum())


def pair_bottleneck(
    paired: PairedSources,
    whole: SpaceSimilarity,
    canonical: Canonical,
    spaces: Spaces,
    options: AlignmentOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> PairBottleneck:
    """`PairBottleneck` of the leading modes: those above the floor, at least the identified rank.

    The interval is that of a Poisson bootstrap over samples of each pair of canonical variates'
    correlation, from one more read of the features. Directions are held fixed: fitting them anew
    would spread the equal correlations of a collapsed pair. So it covers the sampling error of
    the correlations, and the held-out correlations show that of the directions.
    """
    n_modes = max(min(whole.n_above_floor, _MAX_MODES), *spaces.ranks)
    rho, u, v = whole.rho[:n_modes], canonical.u[:, :n_modes], canonical.v[:, :n_modes]
    low = high = np.full(len(rho), np.nan)
    if options.n_bootstrap:
        sampled = _bootstrap_rho(paired, u, v, options.n_bootstrap, rng, progress)
        edges = 0.5 - options.confidence / 2, 0.5 + options.confidence / 2
        low, high = np.quantile(_betas(sampled), edges, axis=0)
    return PairBottleneck(
        critical_betas=_betas(rho),
        beta_low=low,
        beta_high=high,
        rho=rho.copy(),
        null_floor=whole.null_floor,
        resolved=rho**2 > whole.null_floor,
        directions_a=u.copy(),
        directions_b=v.copy(),
        loadings_a=spaces.whole.total.s_aa @ u,
        loadings_b=spaces.whole.total.s_bb @ v,
        confidence=options.confidence,
        n_bootstrap=options.n_bootstrap,
    )


def _betas(rho: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(1 / rho**2, dtype=np.float64)


def _bootstrap_rho(
    paired: PairedSources,
    u: FloatArray,
    v: FloatArray,
    n_bootstrap: int,
    rng: np.random.Generator,
    progress: Progress,
) -> FloatArray:
    """Correlations of canonical variates, Poisson-weighted, float64 (n_bootstrap, n_modes)."""
    n_modes = u.shape[1]
    sums = np.zeros((n_bootstrap, 5 * n_modes + 1))
    centre: FloatArray | None = None
    progress.start("bootstrap of critical betas", paired.n_samples)
    for x, y in paired.blocks(_BLOCK_ROWS):
        variates = np.concatenate([x @ u, y @ v], axis=1, dtype=np.float64)
        # Any fixed point near the data keeps the differences of moments below exact.
        centre = variates.mean(axis=0) if centre is None else centre
        s, t = np.split(variates - centre, 2, axis=1)
        columns = np.concatenate([s, t, s * s, t * t, s * t, np.ones((len(s), 1))], axis=1)
        sums += rng.poisson(1.0, size=(n_bootstrap, len(x))).astype(np.float64) @ columns
        progress.advance(len(x))
    progress.finish()
    s, t, ss, tt, st = np.split(sums[:, :-1] / sums[:, -1:], 5, axis=1)
    rho = (st - s * t) / np.sqrt((ss - s**2) * (tt - t**2))
    return np.asarray(np.clip(rho, -1.0, 1.0), dtype=np.float64)
