"""The unit of each feature in which covariances are shrunk: its deviation inside classes."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features.precision import Precision, listed_features
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.scatter import Floats
from ibcollapse.gaussian.sparse_features import MIN_ACTIVE_ROWS

# Smallest deviation inside classes relative to that of the class means. At 1e6 deviations apart,
# log-likelihoods reach 1e12, whose float64 rounding of 1e-4 nats still lets other features speak.
COLLAPSED = 1e-6


@dataclasses.dataclass(frozen=True)
class FeatureScales:
    """Pooled standard deviations inside classes, the coordinates that do not depend on units.

    Attributes
    ----------
    deviation : float64 (d,)
        Unit of each feature; 0 for the constant ones, which are left out.
    filled : float64 (d,)
        Variance added to features that are (nearly) constant inside every class but not between
        them, to raise their deviation to `COLLAPSED` of that of their class means, or to the
        rounding of the stored type; in units of `deviation`², 0 … 1.
    sparse : bool (K, d)
        Where too few rows of a class are off the feature's ordinary value to carry a variance:
        the class then takes the pooled one, uncorrelated with its other features.
    rare : bool (d,)
        Features left out because too few rows of all are.
    """

    deviation: Floats
    filled: Floats
    sparse: NDArray[np.bool_]
    rare: NDArray[np.bool_]

    @property
    def live(self) -> NDArray[np.intp]:
        """Features that are not constant."""
        return np.flatnonzero(self.deviation > 0)

    @property
    def inverse(self) -> Floats:
        """1/deviation, float64 (d,), with 0 for the constant features."""
        return np.divide(
            1.0, self.deviation, out=np.zeros(len(self.deviation)), where=self.deviation > 0
        )

    def standardise(self, covariance: Floats) -> Floats:
        """A covariance (d, d), or its diagonal (d,), of the live features in their units.

        Without what `filled` adds.
        """
        live = self.live
        inverse = self.inverse[live]
        if covariance.ndim == 1:
            return covariance[live] * inverse * inverse
        part = covariance if len(live) == len(covariance) else covariance[np.ix_(live, live)]
        return part * inverse * inverse[:, None]

    def own(self, c: int) -> NDArray[np.intp]:
        """Which of the live features have a variance of their own in class c."""
        return np.flatnonzero(~self.sparse[c, self.live])

    def class_inverse(self) -> Floats:
        """`inverse` for each class, float64 (K, d), with 0 for its `sparse` features, too."""
        return np.where(self.sparse, 0.0, self.inverse)

    def fill(self, standardised: Floats) -> Floats:
        """The standardised covariance with `filled` on its diagonal, in place."""
        _diagonal(standardised)[...] += self.filled[self.live]
        return standardised

    def restore(self, standardised: Floats) -> Floats:
        """Undo `standardise`; zeros where a feature was left out."""
        live, d = self.live, len(self.deviation)
        unit = self.deviation[live]
        if standardised.ndim == 1:
            diagonal = np.zeros(d)
            diagonal[live] = standardised * unit * unit
            return diagonal
        scaled = standardised * unit * unit[:, None]
        if len(live) == d:
            return scaled
        matrix = np.zeros((d, d))
        matrix[np.ix_(live, live)] = scaled
        return matrix

    def notes(self) -> tuple[str, ...]:
        """What was left out and what was filled, by feature number."""
        constant = np.flatnonzero((self.deviation == 0) & ~self.rare).tolist()
        rare = np.flatnonzero(self.rare).tolist()
        collapsed = np.flatnonzero(self.filled > 0).tolist()
        notes = []
        if len(constant):
            notes.append(
                f"{len(constant)} of {len(self.deviation)} features are constant up to the "
                f"rounding of their stored type and were left out: {listed_features(constant)}"
            )
        if len(rare):
            notes.append(
                f"{len(rare)} of {len(self.deviation)} features are off one value on fewer than "
                f"{MIN_ACTIVE_ROWS} rows and were left out: {listed_features(rare)}"
            )
        if len(collapsed):
            notes.append(
                f"{len(collapsed)} of {len(self.deviation)} features hardly vary inside classes: "
                f"their deviation was raised to {COLLAPSED:g} of that of their class means, or to "
                f"the rounding of their stored type: {listed_features(collapsed)}"
            )
        return tuple(notes)


def feature_scales(
    counts: NDArray[np.int64],
    means: Floats,
    within_squares: Floats,
    precision: Precision,
    few_active: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None,
) -> FeatureScales:
    """`FeatureScales` from class counts (K,), means (K, d) and pooled sums of squares (d,).

    `few_active` is what `ActiveRows.few` says of the same rows; None where nobody counted.

    A feature is constant when its deviation over all rows is at most `precision.rounding` of its
    root mean square: a spread that the stored type does not resolve, whatever its unit.

    Raises
    ------
    InputError
        When every feature is constant, or there are not more rows than classes.
    """
    freedom = require_freedom(counts)
    between, rounding, constant = _spreads(counts, means, within_squares, precision)
    if constant.all():
        raise InputError(
            "all rows are equal up to the rounding of their stored type: there is nothing to fit; "
            "check the features"
        )
    sparse, rare = few_active or (np.zeros(means.shape, bool), np.zeros(means.shape[1], bool))
    rare = rare & ~constant
    if (constant | rare).all():
        raise InputError(
            f"all rows are equal but for fewer than {MIN_ACTIVE_ROWS} in any feature: there is "
            "nothing to fit; check the features"
        )
    within = within_squares / freedom
    least = np.maximum(COLLAPSED**2 * between, rounding**2)
    variance = np.where(constant | rare, 0.0, np.maximum(within, least))
    filled = np.divide(variance - within, variance, out=np.zeros_like(variance), where=variance > 0)
    return FeatureScales(np.sqrt(variance), filled, sparse, rare)


def constant_features(moments: ClassMoments, precision: Precision) -> NDArray[np.intp]:
    """Numbers of the features whose deviation over all rows their stored type does not resolve."""
    spreads = _spreads(moments.counts, moments.means, moments.within_squares(), precision)
    return np.flatnonzero(spreads[2])


def _spreads(
    counts: NDArray[np.int64], means: Floats, within_squares: Floats, precision: Precision
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Variance of the class means, deviation that is rounding, and what is constant, (d,) each."""
    present, n = counts > 0, counts.sum()
    shares = counts[present] / n
    # Differences to one of the means keep a common offset out of the squares.
    shifts = means[present] - means[present][0]
    centre = shares @ shifts
    between = shares @ (shifts - centre) ** 2
    variance = within_squares / n + between
    rounding = precision.rounding(variance + (means[present][0] + centre) ** 2)
    return between, rounding, ~(variance > rounding**2)


def require_freedom(counts: NDArray[np.int64]) -> int:
    """Degrees of freedom of the pooled covariance: rows less classes.

    Raises
    ------
    InputError
        When there are none.
    """
    n, present = int(counts.sum()), int((counts > 0).sum())
    if n - present < 1:
        raise InputError(
            f"{n} rows for {present} classes leave nothing to estimate a covariance from; give at "
            "least two rows in some class"
        )
    return n - present


def scales_of(
    parts: Sequence[ClassMoments],
    precision: Precision,
    few_active: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> FeatureScales:
    """`FeatureScales` of the rows of all `parts`, whose covariances are never merged for it."""
    counts = np.array([part.counts for part in parts])
    means = np.nan_to_num([part.means for part in parts])
    total = counts.sum(axis=0)
    base = means[counts.argmax(axis=0), np.arange(counts.shape[1])]
    shares = counts / np.maximum(total, 1)
    centre = base + np.einsum("pk,pkd->kd", shares, means - base)
    squares = np.sum([part.within_squares() for part in parts], axis=0)
    squares = squares + np.einsum("pk,pkd->d", counts.astype(np.float64), (means - centre) ** 2)
    return feature_scales(total, centre, squares, precision, few_active)


def _diagonal(covariance: Floats) -> Floats:
    """A writeable view of the diagonal of (d, d), or the array (d,) itself."""
    return covariance if covariance.ndim == 1 else np.einsum("ii->i", covariance)
