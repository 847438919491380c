"""Where a curve and its transitions lie in the information plane, in nats."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.transition import PhaseTransition

Array = NDArray[np.float64]


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
