"""Moving a solved state a very small distance along its branch, without solving again.

Where the curve is flat in beta, the rounding of the free energy lets a refined state lag behind
its beta, and I(X;T) then moves in steps of 1e-9 to 1e-8 nats. The tangent does not know that
rounding: along it I(X;T) moves smoothly, and the certificate says that nothing was lost.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import predicted
from ibcollapse.bottleneck.objective.mixture import evaluate, information
from ibcollapse.bottleneck.pricing.oracle import Options, search
from ibcollapse.bottleneck.solver.column_generation import SolvedState

_MOST_SECANTS = 6


def slide(
    channel: Channel,
    state: SolvedState,
    excess: Callable[[float, float, float], float],
    tol: float,
    options: Options,
) -> SolvedState | None:
    """The state moved along its tangent to where |`excess`| ≤ `tol` nats; None when it is not.

    Secant steps in beta; the result is certified anew, and None also when its gap exceeds both the
    tolerance and the gap that the state had.
    """
    slope = state.slope
    place = information(channel, state.evaluation.joint, state.evaluation.p_t_given_x)
    step, moved, evaluation = 0.0, state.mixture, state.evaluation
    value = excess(*place, state.beta)
    # First guess of d excess/d beta: the derivatives along the branch, dI(X;T) = beta dI(T;Y).
    probe = 1e-6 * (state.beta - 1)
    ahead = (place[0] + state.beta * slope.i_ty * probe, place[1] + slope.i_ty * probe)
    rise = (excess(*ahead, state.beta + probe) - value) / probe
    for _ in range(_MOST_SECANTS):
        if abs(value) <= tol or not rise > 0:
            break
        before, last = step, value
        step = before - value / rise
        moved = predicted(state.mixture, slope, step)
        evaluation = evaluate(channel, moved, state.beta + step)
        value = excess(
            *information(channel, evaluation.joint, evaluation.p_t_given_x), state.beta + step
        )
        rise = (value - last) / (step - before) if step != before else 0.0
    if not abs(value) <= tol:
        return None
    beta = state.beta + step
    rng = np.random.default_rng(0)
    found = search(channel, moved, evaluation, beta, options, rng, state.maxima.log_r)
    if not found.gap <= max(options.tol, state.gap):
        return None
    return dataclasses.replace(
        state,
        beta=beta,
        mixture=moved,
        evaluation=evaluation,
        gap=found.gap,
        gap_search=found.how,
        maxima=found.maxima,
        hessian=None,
    )
