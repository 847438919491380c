"""The concave hull of solved points: the whole information curve, not only its solved points."""

import bisect
import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.results.concave_arcs import Arc, Knot
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]

# Solutions closer than this (nats, both coordinates) are one point of the curve.
_SAME_POINT = 1e-13
# Rates and relevances this far (nats) outside the curve are taken for its end.
_ROUNDING = 1e-12


@register("bottleneck/CurvePoint")
@dataclasses.dataclass(frozen=True)
class CurvePoint:
    """A point of the information curve between solved ones, nats.

    Attributes
    ----------
    beta : float
        Inverse slope of the curve there; at a corner the largest beta that is optimal.
    i_xt, i_ty : float
        I(X;T) and I(T;Y).
    i_ty_low, i_ty_high : float
        The true curve at `i_xt` lies between them: above the chord of the two solutions around it,
        which sharing time between them achieves, and below the lines I(T;Y) = (I(X;T) − L + gap) /
        beta of those two, which no representation exceeds as far as their gaps are right.
    """

    beta: float
    i_xt: float
    i_ty: float
    i_ty_low: float
    i_ty_high: float


def concave_hull(i_xt: Array, i_ty: Array) -> Array:
    """Vertices, shape (n, 2), of the upper concave hull of the points and the origin.

    Every point on it is achieved by sharing time between two of the solutions.
    """
    points = np.column_stack([np.append(i_xt, 0.0), np.append(i_ty, 0.0)])
    points = points[np.isfinite(points).all(axis=1)]
    hull: list[Array] = []
    for point in points[np.lexsort((-points[:, 1], points[:, 0]))]:
        if hull and point[1] <= hull[-1][1]:
            continue
        while len(hull) > 1 and _lies_below(hull[-1], hull[-2], point):
            hull.pop()
        hull.append(point)
    return np.array(hull)


def _lies_below(middle: Array, left: Array, right: Array) -> bool:
    run, rise = right - left
    return bool((middle[1] - left[1]) * run <= rise * (middle[0] - left[0]))


class Hull:
    """Solutions strung into concave arcs, by increasing I(X;T)."""

    def __init__(self, solutions: Sequence[IBSolution]) -> None:
        self._solutions = solutions
        vertices = concave_hull(
            np.array([s.i_xt for s in solutions]), np.array([s.i_ty for s in solutions])
        )
        self.knots = tuple(self._knot(float(x), float(y)) for x, y in vertices)
        self.arcs = tuple(Arc(*pair) for pair in zip(self.knots[:-1], self.knots[1:], strict=True))

    def _knot(self, i_xt: float, i_ty: float) -> Knot:
        betas = [
            s.beta
            for s in self._solutions
            if abs(s.i_xt - i_xt) <= _SAME_POINT and abs(s.i_ty - i_ty) <= _SAME_POINT
        ]
        # The origin is optimal up to beta = 1 whether or not it was solved (data processing).
        at_origin = i_xt <= _SAME_POINT
        low = 0.0 if at_origin else min(betas)
        return Knot(i_xt, i_ty, low, max(betas, default=1.0))

    def at_rate(self, i_xt: float) -> CurvePoint:
        """The point of this I(X;T)."""
        ends = self._ends([knot.i_xt for knot in self.knots], i_xt, "I(X;T)")
        return self._on(*ends, "at_rate", i_xt)

    def at_relevance(self, i_ty: float) -> CurvePoint:
        """The point of this I(T;Y)."""
        ends = self._ends([knot.i_ty for knot in self.knots], i_ty, "I(T;Y)")
        return self._on(*ends, "at_relevance", i_ty)

    def at_beta(self, beta: float) -> CurvePoint:
        """The optimum at this trade-off."""
        after = bisect.bisect_left([knot.beta_high for knot in self.knots], beta)
        if after == len(self.knots):
            return self._bounded(self.knots[-1].i_xt, self.knots[-1].i_ty, beta)
        if self.knots[after].beta_low <= beta:
            return self._bounded(self.knots[after].i_xt, self.knots[after].i_ty, beta)
        return self._on(after - 1, after, "at_beta", beta)

    def _ends(self, values: list[float], wanted: float, name: str) -> tuple[int, int]:
        """Indices of the knots around `wanted`; equal when it is the value of a knot."""
        if not values[0] - _ROUNDING <= wanted <= values[-1] + _ROUNDING:
            raise InputError(
                f"{name} = {wanted:.9g} nats is not on this curve, which runs from {values[0]:.9g} "
                f"to {values[-1]:.9g}; trace it with a larger fraction"
            )
        after = min(bisect.bisect_left(values, wanted), len(values) - 1)
        return (after, after) if values[after] <= wanted else (max(after - 1, 0), after)

    def _on(self, before: int, after: int, coordinate: str, value: float) -> CurvePoint:
        if before == after:
            knot = self.knots[after]
            return self._bounded(knot.i_xt, knot.i_ty, knot.beta_high)
        arc = self.arcs[before]
        i_xt, i_ty, beta = arc.point(getattr(arc, coordinate)(value))
        return self._bounded(i_xt, i_ty, beta)

    def _bounded(self, i_xt: float, i_ty: float, beta: float) -> CurvePoint:
        rates = [knot.i_xt for knot in self.knots]
        low = float(np.interp(i_xt, rates, [knot.i_ty for knot in self.knots]))
        lines = [
            (i_xt - s.lagrangian + max(s.gap, 0.0)) / s.beta
            for s in self._solutions
            if s.beta > 0 and np.isfinite(s.gap)
        ]
        # Data processing bounds the curve too, with or without a solution at beta = 1.
        high = max(min([*lines, i_xt]), low)
        return CurvePoint(beta, i_xt, min(max(i_ty, low), high), low, high)
