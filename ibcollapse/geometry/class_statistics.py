"""Class means and within-class variability in two reads of the features.

The first read gives class means; the second projects what is left onto the span of the centred
means. The K − 1 dimensional projection is all that tr(Σ_W Σ_B⁺) depends on, so no covariance of
all features is ever formed.
"""

import dataclasses
import math
from collections.abc import Iterator
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features.source import FeatureSource
from ibcollapse.gaussian.moments import Weighting, class_sums
from ibcollapse.geometry.outputs import Block, Output
from ibcollapse.linear_algebra import singular_parts
from ibcollapse.progress import Progress

_SUM_ROWS = 512  # rows a block of the class sums: the float64 copy stays in cache (1.7-2.5x)
# Within 2^±30 the squares of residuals down to 2^-30 of the class means stay normal in float32.
_PLAIN_EXPONENT = 30


@dataclasses.dataclass(frozen=True)
class ClassMeans:
    """Counts and means of the classes that are present.

    `present` (n_classes,) int64 are their codes; `counts` (n_classes,), `means`
    (n_classes, n_features) float64; `weights` (n_classes,) sum to one; `dtype` is the precision
    of the features.
    """

    present: NDArray[np.int64]
    counts: NDArray[np.int64]
    means: NDArray[np.float64]
    weights: NDArray[np.float64]
    dtype: np.dtype[np.floating]

    @property
    def centred(self) -> NDArray[np.float64]:
        """Means less the weighted global mean, float64 (n_classes, n_features)."""
        return self.means - self.weights @ self.means


@dataclasses.dataclass(frozen=True)
class BetweenSpace:
    """Orthonormal axes of the span of the centred class means, by decreasing Σ_B variance.

    `axes` (n_features, rank); `deviation` (rank,): standard deviation of the means along each
    axis, feature units; `tolerance`: relative deviation below which an axis was left out.
    """

    axes: NDArray[np.float64]
    deviation: NDArray[np.float64]
    tolerance: float

    @property
    def rank(self) -> int:
        """Rank of Σ_B at the tolerance."""
        return len(self.deviation)


@dataclasses.dataclass(frozen=True)
class WithinClass:
    """What the second read collects for each present class, float64 (n_classes,) each.

    `variance`: mean squared distance from the class mean. `whitened`: tr(Σ_c Σ_B⁺). `angle`: mean
    angle to the own mean about the global mean, radians. `nearest_hits`, `classifier_hits`,
    `agreements`: samples whose nearest class mean is their own, whose output is their own, and for
    which the two agree (the latter two NaN without an output).
    """

    variance: NDArray[np.float64]
    whitened: NDArray[np.float64]
    angle: NDArray[np.float64]
    nearest_hits: NDArray[np.float64]
    classifier_hits: NDArray[np.float64]
    agreements: NDArray[np.float64]


def class_means(source: FeatureSource, weighting: Weighting, progress: Progress) -> ClassMeans:
    """First read: `ClassMeans`, summed in float64.

    Raises
    ------
    InputError
        On an unknown weighting, or with fewer than two classes present.
    """
    if weighting not in get_args(Weighting):
        raise InputError(f"weighting {weighting!r}; expected 'class' or 'sample'")
    n_classes = len(source.class_names)
    counts = np.bincount(source.labels, minlength=n_classes)
    present = np.flatnonzero(counts)
    if len(present) < 2:
        raise InputError(f"{len(present)} of {n_classes} classes has samples; geometry needs 2")
    sums, dtype = np.zeros((n_classes, source.n_features)), np.dtype(np.float32)
    progress.start("class means", source.n_samples)
    for x, y in source.chunks():
        dtype = np.result_type(dtype, x.dtype)
        _add_class_sums(sums, x, y)
        progress.advance(len(y))
    progress.finish()
    kept = counts[present]
    weights = kept / kept.sum() if weighting == "sample" else np.full(len(kept), 1 / len(kept))
    return ClassMeans(present, kept, sums[present] / kept[:, None], weights, dtype)


def _add_class_sums(
    sums: NDArray[np.float64], x: NDArray[np.floating], y: NDArray[np.int64]
) -> None:
    for start in range(0, len(y), _SUM_ROWS):
        block = slice(start, start + _SUM_ROWS)
        sums += class_sums(x[block], y[block], len(sums))


def between_space(means: ClassMeans, rank_tolerance: float | None) -> BetweenSpace:
    """`BetweenSpace` from the K × d singular value decomposition of the weighted centred means.

    Σ_B = Σ_c w_c m_c m_cᵀ has the square roots of its eigenvalues as singular values; those at
    most `rank_tolerance` (None: max(K, d) · eps of the features' precision) times the largest are
    rounding.

    Raises
    ------
    InputError
        When all means coincide.
    """
    rows = means.centred * np.sqrt(means.weights)[:, None]
    _, sigma, axes = singular_parts(rows)
    scale = np.abs(means.means).max()
    tolerance = float(max(rows.shape) * np.finfo(means.dtype).eps)
    # Below the rounding of the means themselves nothing separates the classes.
    if not sigma[0] > np.finfo(means.dtype).eps * scale / 8:
        raise InputError("all class means coincide; there is no geometry between classes")
    if rank_tolerance is not None:
        tolerance = rank_tolerance
    keep = sigma > tolerance * sigma[0]
    return BetweenSpace(axes[keep].T, sigma[keep], tolerance)


def within_class(
    source: FeatureSource,
    means: ClassMeans,
    space: BetweenSpace,
    output: Output | None,
    progress: Progress,
) -> WithinClass:
    """Second read: `WithinClass`.

    Products run in the precision of the features, on samples less their class mean, so that
    neither a common offset nor the class means are rounded; sums are float64.
    """
    names = [field.name for field in dataclasses.fields(WithinClass)]
    sums = dict.fromkeys(names, np.zeros(len(means.counts)))
    progress.start("within-class geometry", source.n_samples)
    for y, columns in _sample_statistics(source, means, space, output):
        for name, values in columns.items():
            sums[name] = sums[name] + np.bincount(y, weights=values, minlength=len(means.counts))
        progress.advance(len(y))
    progress.finish()
    averages = {name: total / means.counts for name, total in sums.items()}
    # Σ‖x − m‖² = Σ‖x − m'‖² − n‖m − m'‖² for the mean m' as rounded to the features' precision.
    rounding = means.means.astype(means.dtype).astype(np.float64) - means.means
    averages["variance"] = averages["variance"] - np.sum(rounding**2, axis=1)
    if output is None:
        averages["classifier_hits"] = averages["agreements"] = np.full(len(means.counts), np.nan)
    return WithinClass(**averages)


def _unit(deviation: float) -> float:
    """Power of two, 1 as a rule, in units of which squares of residuals fit into float32."""
    exponent = math.frexp(deviation)[1]
    return 1.0 if abs(exponent) < _PLAIN_EXPONENT else math.ldexp(1.0, exponent)


def _sample_statistics(
    source: FeatureSource, means: ClassMeans, space: BetweenSpace, output: Output | None
) -> Iterator[tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]]:
    """Row numbers among the present classes, and each statistic of `WithinClass` a sample."""
    rounded = means.means.astype(means.dtype)
    rounding = (rounded - means.means) @ space.axes
    places = means.centred @ space.axes
    row_of_code = np.full(len(source.class_names), -1)
    row_of_code[means.present] = np.arange(len(means.present))
    axes, start = space.axes.astype(means.dtype), 0
    unit = _unit(float(space.deviation[0]))
    for x, codes in source.chunks():
        y = row_of_code[codes]
        residual = x - rounded[y]
        if unit != 1:
            residual /= means.dtype.type(unit)
        squared = np.einsum("ij,ij->i", residual, residual).astype(np.float64) * unit**2
        along = (residual @ axes).astype(np.float64) * unit + rounding[y]
        place = along + places[y]
        nearest = np.argmax(2 * place @ places.T - np.sum(places**2, axis=1), axis=1)
        columns = {
            "variance": squared,
            "whitened": np.sum((along / space.deviation) ** 2, axis=1),
            "angle": _angle_to_own_mean(squared, along, places[y]),
            "nearest_hits": (nearest == y).astype(np.float64),
        }
        if output is not None:
            rows = slice(start, start + len(y))
            said = output.codes(Block(rows, residual, rounded, y))
            columns["classifier_hits"] = (said == codes).astype(np.float64)
            columns["agreements"] = (said == means.present[nearest]).astype(np.float64)
        start += len(y)
        yield y, columns


def _angle_to_own_mean(
    squared: NDArray[np.float64], along: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Angle between m and m + r from ‖r‖², the projection of r on the means' span, and m."""
    inner, norm = np.sum(along * mean, axis=1), np.sum(mean**2, axis=1)
    lengths = np.sqrt(norm * np.maximum(squared + 2 * inner + norm, 0.0))
    # A sample or a mean at the centre has no direction: count it as orthogonal.
    cosine = np.divide(inner + norm, lengths, where=lengths > 0, out=np.zeros_like(lengths))
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)), dtype=np.float64)
