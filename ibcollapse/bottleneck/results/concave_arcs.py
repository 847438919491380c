"""Concave interpolation of the information curve between two of its points.

At an optimum of trade-off beta the curve has slope 1/beta, so two neighbouring points come with
their tangents. The parabola (quadratic Bézier arc) that touches both tangents at both points is
concave whatever the slopes are, which a cubic Hermite interpolant in I(X;T) is not; like it, it
misses a smooth curve by O(h⁴). Everything on it has a closed form: rate, relevance, and beta.
"""

import dataclasses
import functools
import math

# A corner closer than this share of the arc to one of its ends carries no information.
_CORNER_MARGIN = 1e-9


@dataclasses.dataclass(frozen=True)
class Knot:
    """A point of the curve, nats, and the trade-offs for which it is optimal.

    `beta_low` and `beta_high` differ only at corners, such as the trivial representation.
    """

    i_xt: float
    i_ty: float
    beta_low: float
    beta_high: float


@dataclasses.dataclass(frozen=True)
class Arc:
    """The curve from `start` to `end`, at larger I(X;T); positions on it are u in [0, 1]."""

    start: Knot
    end: Knot

    @property
    def run(self) -> float:
        """Extent in I(X;T), nats."""
        return self.end.i_xt - self.start.i_xt

    @property
    def rise(self) -> float:
        """Extent in I(T;Y), nats."""
        return self.end.i_ty - self.start.i_ty

    @functools.cached_property
    def slopes(self) -> tuple[float, float]:
        """Slopes at the two ends; those of the chord when the arc is straight."""
        if self.is_straight:
            return (self.rise / self.run,) * 2
        return 1 / self.start.beta_high, 1 / self.end.beta_low

    @functools.cached_property
    def corner(self) -> float:
        """Where the two tangents meet, as a share of `run`; NaN where they do not.

        They fail to meet between the ends on a straight segment, and where rounding or a gap
        moves the chord out of the cone of the two slopes.
        """
        leaving, arriving = 1 / self.start.beta_high, 1 / self.end.beta_low
        if leaving <= arriving or self.run <= 0:
            return math.nan
        share = (self.rise / self.run - arriving) / (leaving - arriving)
        return share if _CORNER_MARGIN < share < 1 - _CORNER_MARGIN else math.nan

    @property
    def is_straight(self) -> bool:
        """Whether the arc is the chord itself."""
        return math.isnan(self.corner)

    def at_rate(self, i_xt: float) -> float:
        """Position at which the arc has this I(X;T)."""
        share = min(max((i_xt - self.start.i_xt) / self.run, 0.0), 1.0)
        if self.is_straight:
            return share
        c = self.corner
        return share / (c + math.sqrt(c * c + (1 - 2 * c) * share)) if share > 0 else 0.0

    def at_relevance(self, i_ty: float) -> float:
        """Position at which the arc has this I(T;Y)."""
        gained = min(max(i_ty - self.start.i_ty, 0.0), self.rise)
        if self.is_straight:
            return gained / self.rise if self.rise > 0 else 0.0
        b = self.slopes[0] * self.corner * self.run
        root = math.sqrt(max(b * b + (self.rise - 2 * b) * gained, 0.0))
        return min(gained / (b + root), 1.0) if gained > 0 else 0.0

    def at_beta(self, beta: float) -> float:
        """Position at which the arc has the slope 1/beta; on a straight one its nearer end."""
        leaving, arriving = self.slopes
        slope = min(max(1 / beta, arriving), leaving)
        if self.is_straight:
            return 0.0 if beta <= 1 / leaving else 1.0
        before, after = self.corner * (leaving - slope), (1 - self.corner) * (slope - arriving)
        return before / (before + after)

    def point(self, u: float) -> tuple[float, float, float]:
        """(I(X;T), I(T;Y), beta) at position u."""
        if self.is_straight:
            slope = self.slopes[0]
            beta = 1 / slope if slope > 0 else self.end.beta_low
            return self.start.i_xt + u * self.run, self.start.i_ty + u * self.rise, beta
        c, (leaving, arriving) = self.corner, self.slopes
        i_xt = self.start.i_xt + self.run * u * (2 * (1 - u) * c + u)
        i_ty = self.start.i_ty + u * (2 * (1 - u) * leaving * c * self.run + u * self.rise)
        weight, other = (1 - u) * c, u * (1 - c)
        return i_xt, i_ty, (weight + other) / (weight * leaving + other * arriving)
