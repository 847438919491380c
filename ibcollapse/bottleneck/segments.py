"""Representations on the straight segment of a first-order transition.

At its beta two solutions have the same Lagrangian, and so has every mixture of them: the free
energy is convex in the mixing measure. All optimal measures share one partition function Z(x),
hence one p(x|t) for each atom, so that mixing the measures mixes I(X;T) and I(T;Y) linearly.
"""

from collections.abc import Callable

import numpy as np
import scipy.optimize

from ibcollapse.bottleneck.branch import follow
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import Evaluation, Mixture, evaluate, information
from ibcollapse.bottleneck.refinement import merge_coincident
from ibcollapse.bottleneck.searching import Options, search
from ibcollapse.bottleneck.solution import CONVERGED
from ibcollapse.bottleneck.solver import SolvedState

_MOST_ROUNDS = 30
_RTOL = 1e-15


def share_time(
    channel: Channel,
    low: SolvedState,
    high: SolvedState,
    excess: Callable[[float, float, float], float],
    options: Options,
) -> SolvedState:
    """The mixture of two phases at their common beta at which `excess` vanishes, certified.

    Both branches are first followed to the beta at which their Lagrangians agree.
    """
    low, high, beta = _meet(channel, low, high)
    starts, ends = _place(channel, low), _place(channel, high)

    def mixed_excess(weight: float) -> float:
        i_xt, i_ty = ((1 - weight) * a + weight * b for a, b in zip(starts, ends, strict=True))
        return excess(i_xt, i_ty, beta)

    if mixed_excess(0.0) >= 0:
        weight = 0.0
    elif mixed_excess(1.0) <= 0:
        weight = 1.0
    else:
        weight = float(scipy.optimize.brentq(mixed_excess, 0.0, 1.0, xtol=1e-16))
    mixture = _mix(low.mixture, high.mixture, weight)
    evaluation = evaluate(channel, mixture, beta)
    # Below or at one the optimum is zero and the trivial state and T = Y both have it.
    if beta <= 1:
        return SolvedState(
            beta, mixture, evaluation, 0.0, "exhaustive", low.maxima, 0.0, 1, CONVERGED
        )
    rng = np.random.default_rng(0)
    found = search(channel, mixture, evaluation, beta, options, rng, high.maxima.log_r)
    status = CONVERGED
    if found.gap > options.tol:
        status = f"the mixture of two phases has a gap of {found.gap:.3g} nats; raise gap_tol"
    residual = max(low.residual, high.residual)
    n_sweeps = low.n_sweeps + high.n_sweeps
    return SolvedState(
        beta, mixture, evaluation, found.gap, found.how, found.maxima, residual, n_sweeps, status
    )


def _meet(
    channel: Channel, low: SolvedState, high: SolvedState
) -> tuple[SolvedState, SolvedState, float]:
    """Both branches at the beta at which their Lagrangians agree.

    Newton's method on the difference, whose slope in beta is that of I(T;Y): each step goes to the
    inverse slope of the chord. A branch that cannot be followed stays where it was solved.
    """
    beta = low.beta
    for _ in range(_MOST_ROUNDS):
        (a_xt, a_ty), (b_xt, b_ty) = _place(channel, low), _place(channel, high)
        if b_ty <= a_ty:
            break
        chord = (b_xt - a_xt) / (b_ty - a_ty)
        arrived = abs(chord - beta) <= _RTOL * chord
        beta = chord
        if arrived:
            break
        low, high = _moved(channel, low, beta), _moved(channel, high, beta)
    return low, high, beta


def _moved(channel: Channel, state: SolvedState, beta: float) -> SolvedState:
    if beta <= 1:
        return state
    ended = follow(channel, state.mixture, None, state.beta, beta)
    if ended is None:
        return state
    return SolvedState(
        beta,
        ended.mixture,
        ended.evaluation,
        state.gap,
        state.gap_search,
        state.maxima,
        ended.residual,
        state.n_sweeps + ended.n_sweeps,
        state.status,
    )


def _place(channel: Channel, state: SolvedState) -> tuple[float, float]:
    evaluation: Evaluation = state.evaluation
    return information(channel, evaluation.joint, evaluation.p_t_given_x)


def _mix(low: Mixture, high: Mixture, weight: float) -> Mixture:
    if weight in (0.0, 1.0):
        return high if weight else low
    log_q = np.concatenate([low.log_q + np.log1p(-weight), high.log_q + np.log(weight)])
    return merge_coincident(Mixture(np.concatenate([low.log_r, high.log_r]), log_q))
