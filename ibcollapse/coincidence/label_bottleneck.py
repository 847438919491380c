"""The Gaussian bottleneck of features about their labels, against what collapse predicts of it."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import GaussianIB
from ibcollapse.coincidence.angles import principal_angles
from ibcollapse.coincidence.degeneracy import relative_spread, spread_of_equal_modes
from ibcollapse.errors import InputError
from ibcollapse.features import FeatureSource
from ibcollapse.features.precision import stored_precision
from ibcollapse.gaussian import ClassMoments, between_covariance, within_covariance
from ibcollapse.gaussian.scales import constant_features
from ibcollapse.gaussian.shrinkage import mean_variance, shrunk
from ibcollapse.linear_algebra import symmetric_eigenpairs
from ibcollapse.progress import Progress
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]

_BLOCK_ROWS = 2048
_DRAWS = 200
# Standard deviation of the means along an axis of Σ_B, relative to the largest, that is rounding.
_RANK_TOLERANCE = 1e-6


@register("coincidence/LabelBottleneck")
@dataclasses.dataclass(frozen=True)
class LabelBottleneck:
    """Gaussian bottleneck of features X about one-hot labels Y, and the geometry it rests on.

    Classes weigh as many samples as they have, in Σ_W and Σ_B alike.

    Attributes
    ----------
    critical_betas : float64 (n_modes,)
        1/ρ² of the canonical correlations of features and labels, increasing; 1 + 1/s with
        Σ_B v = s Σ_W v.
    beta_low, beta_high : float64 (n_modes,)
        Percentile interval over bootstrap samples, directions held fixed; NaN without bootstrap.
    resolved : bool (n_modes,)
        ρ² above `null_floor`.
    null_floor : float
        ρ² that labels independent of the features would reach.
    angles : float64 (n_modes,)
        Principal angles, radians, increasing, between the span of the bottleneck's directions and
        that of the centred class means; all zero iff range(Σ_B) is invariant under Σ_W.
    excess : float
        Σ_i (beta_i − 1).
    bound : float
        tr(Σ_W Σ_B⁺), which `excess` never exceeds; equal iff range(Σ_B) is Σ_W-invariant.
    spread : float
        Standard deviation of beta_i − 1 over their mean: 0 when all K − 1 open at once.
    spread_if_equal, spread_limit : float
        Median and 97.5 % quantile of that spread for samples of this size from equal modes (NaN
        where there are too few samples): above the limit the betas differ.
    information : float
        The Gaussian I(X;Y), nats; unbounded under collapse, not to be compared with H(Y).
    n_classes, n_samples, n_features, rank_between : int
    shrinkage : float
        Weight of (tr Σ_W / d) I that was mixed into Σ_W, of the d features that vary.
    constant : tuple of int
        Features that are constant up to the rounding of their stored type, and left out.
    """

    critical_betas: FloatArray
    beta_low: FloatArray
    beta_high: FloatArray
    resolved: NDArray[np.bool_]
    null_floor: float
    angles: FloatArray
    excess: float
    bound: float
    spread: float
    spread_if_equal: float
    spread_limit: float
    information: float
    n_classes: int
    n_samples: int
    n_features: int
    rank_between: int
    shrinkage: float
    constant: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)


def label_bottleneck(
    source: FeatureSource,
    *,
    shrinkage: float,
    n_bootstrap: int,
    confidence: float,
    rng: np.random.Generator,
    progress: Progress,
) -> LabelBottleneck:
    """`LabelBottleneck` of labelled features from one pass, two with a bootstrap.

    Raises
    ------
    InputError
        When the classes are separated without noise (every beta is 1), fewer than two classes
        have samples, or no feature varies.
    """
    moments = ClassMoments(len(source.class_names), source.n_features)
    dtypes = set()
    progress.start("bottleneck about the labels", source.n_samples)
    for x, y in source.chunks():
        moments.update(x, y)
        dtypes.add(x.dtype)
        progress.advance(len(y))
    progress.finish()
    counts = moments.counts
    present = counts > 0
    constant = constant_features(moments, stored_precision(source, dtypes))
    live = np.setdiff1d(np.arange(source.n_features), constant)
    if live.size == 0:
        raise InputError("no feature varies by more than the rounding of its stored type")
    within = within_covariance(moments, "sample")[np.ix_(live, live)]
    within = shrunk(within, shrinkage)
    means = np.where(present[:, None], moments.means[:, live], 0.0)
    gaussian = GaussianIB.from_class_moments(counts, means, within, n_samples=moments.n_samples)
    # A mode that carries nothing (rank Σ_B < K − 1) never opens and has no place in the sums.
    open_modes = gaussian.snr > 0
    betas = gaussian.critical_betas[open_modes]
    assert gaussian.directions is not None
    directions = gaussian.directions[open_modes]
    axes, spread = _between_axes(between_covariance(moments, "sample")[np.ix_(live, live)])
    low = high = np.full(len(betas), np.nan)
    if n_bootstrap:
        noise = shrinkage * mean_variance(within) * np.sum(directions**2, axis=1)
        embedded = np.zeros((len(directions), source.n_features))
        embedded[:, live] = directions
        sampled = _bootstrap(source, embedded, shrinkage, noise, n_bootstrap, rng, progress)
        edges = 0.5 - confidence / 2, 0.5 + confidence / 2
        low, high = np.quantile(sampled, edges, axis=0)
    excess = 1 / gaussian.snr[open_modes]
    equal = spread_of_equal_modes(
        counts[present], len(live), float(excess.mean()), n_draws=_DRAWS, rng=rng
    )
    known = equal.size > 0 and len(betas) == present.sum() - 1
    return LabelBottleneck(
        critical_betas=betas,
        beta_low=low,
        beta_high=high,
        resolved=gaussian.above_floor[open_modes],
        null_floor=float(gaussian.null_floor or 0.0),
        angles=principal_angles(directions.T, axes),
        excess=float(excess.sum()),
        bound=float(np.sum((within @ axes) * axes / spread**2)),
        spread=relative_spread(excess),
        spread_if_equal=float(np.median(equal)) if known else float("nan"),
        spread_limit=float(np.quantile(equal, 0.975)) if known else float("nan"),
        information=gaussian.i_xy,
        n_classes=int(present.sum()),
        n_samples=moments.n_samples,
        n_features=source.n_features,
        rank_between=len(spread),
        shrinkage=shrinkage,
        constant=tuple(constant.tolist()),
    )


def _between_axes(between: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal axes (d, rank) of range(Σ_B) and the means' standard deviation along each."""
    values, axes = symmetric_eigenpairs(between)
    # Rounding of Σ_B is eps of its largest eigenvalue, so deviations below its root are noise.
    keep = values > _RANK_TOLERANCE**2 * values[-1]
    return axes[:, keep], np.sqrt(values[keep])


def _bootstrap(
    source: FeatureSource,
    directions: FloatArray,
    shrinkage: float,
    noise: FloatArray,
    n_bootstrap: int,
    rng: np.random.Generator,
    progress: Progress,
) -> FloatArray:
    """Critical betas under Poisson weights of the samples, float64 (n_bootstrap, n_modes)."""
    n_modes, n_classes = len(directions), len(source.class_names)
    # Per bootstrap sample and class: Σ w t, Σ w t², Σ w of the variates t.
    sums = np.zeros((n_classes, n_bootstrap, 2 * n_modes + 1))
    centre: FloatArray | None = None
    progress.start("bootstrap of critical betas", source.n_samples)
    for x, y in source.chunks(_BLOCK_ROWS):
        t = np.asarray(x, dtype=np.float64) @ directions.T
        centre = t.mean(axis=0) if centre is None else centre
        columns = np.hstack([t - centre, (t - centre) ** 2, np.ones((len(t), 1))])
        weights = rng.poisson(1.0, size=(n_bootstrap, len(t))).astype(np.float64)
        for c in np.unique(y):
            sums[c] += weights[:, y == c] @ columns[y == c]
        progress.advance(len(y))
    progress.finish()
    first, second, mass = np.split(sums, [n_modes, 2 * n_modes], axis=2)
    square = np.divide(first**2, mass, where=mass > 0, out=np.zeros_like(first)).sum(axis=0)
    total = mass.sum(axis=0)
    between = (square - first.sum(axis=0) ** 2 / total) / total
    within = (second.sum(axis=0) - square) / total
    return np.asarray(1 + ((1 - shrinkage) * within + noise) / between, dtype=np.float64)
