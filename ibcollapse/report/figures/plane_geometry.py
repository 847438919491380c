"""Where a curve and its transitions lie in the information plane, in nats."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.curve import IBCurve
from ibcollapse.bottleneck.transition import PhaseTransition

Array = NDArray[np.float64]


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


def point_at(curve: IBCurve, beta: float) -> Array:
    """(I(X;T), I(T;Y)) of the curve at `beta`, interpolated; zero before its solutions."""
    if not curve.solutions:
        return np.zeros(2)
    columns = (curve.i_xt, curve.i_ty)
    return np.array([np.interp(beta, curve.beta, column, left=0.0) for column in columns])


def transition_ends(curve: IBCurve, transition: PhaseTransition) -> Array:
    """(I(X;T), I(T;Y)) before and after `transition`, shape (2, 2); equal at second order."""
    there = np.isclose(curve.beta, transition.beta, rtol=1e-9, atol=0.0)
    if transition.order == 1 and there.sum() >= 2:
        at_jump = np.column_stack([curve.i_xt, curve.i_ty])[there]
        return np.asarray(at_jump[[at_jump[:, 0].argmin(), at_jump[:, 0].argmax()]])
    before = point_at(curve, transition.beta)
    jump = np.array([transition.jump_i_xt, transition.jump_i_ty])
    return np.array([before, before + jump])
