"""Representations on the straight segment of a first-order transition.

At its beta two solutions have the same Lagrangian, and so has every mixture of them: the free
energy is convex in the mixing measure. All optimal measures share one partition function Z(x),
hence one p(x|t) for each atom, so that mixing the measures mixes I(X;T) and I(T;Y) linearly.
"""

from collections.abc import Callable

import numpy as np
import scipy.optimize

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture, evaluate, information
from ibcollapse.bottleneck.pricing.ascent import Maxima
from ibcollapse.bottleneck.pricing.oracle import Options, Search, search
from ibcollapse.bottleneck.results.solution import CONVERGED
from ibcollapse.bottleneck.solver.column_generation import SolvedState
from ibcollapse.bottleneck.solver.support import merge_coincident

# How far past its target (nats) a point (i_xt, i_ty, beta) is.
Excess = Callable[[float, float, float], float]

_MOST_ROUNDS = 30
_RTOL = 1e-15


def share_time(
    channel: Channel,
    low: SolvedState,
    high: SolvedState,
    excess: Excess,
    options: Options,
) -> SolvedState:
    """The mixture of two phases at their common beta at which `excess` vanishes, certified.

    Both branches are first followed to the beta at which their Lagrangians agree. When no mixture
    meets the target, the end that is nearer to it.
    """
    met = _meet(channel, low, high, options.tol)
    mixture = _balanced(channel, *met, excess)
    if mixture is None:
        # The branches lead away from the target before they meet: mix them where they are. Where
        # double precision cannot tell their Lagrangians apart, that is optimal to rounding too.
        met = low, high, met[2]
        mixture = _balanced(channel, *met, excess)
    if mixture is None:
        return min(low, high, key=lambda state: abs(excess(*_place(channel, state), state.beta)))
    low, high, beta = met
    evaluation = evaluate(channel, mixture, beta)
    found = _certified(channel, mixture, evaluation, beta, options, high.maxima)
    status = CONVERGED
    if not found.gap <= options.tol:
        status = f"the mixture of two phases has a gap of {found.gap:.3g} nats; raise gap_tol"
    residual = max(low.residual, high.residual)
    n_sweeps = low.n_sweeps + high.n_sweeps
    proven = found.gap, found.how, found.maxima, residual, n_sweeps, status
    return SolvedState(channel, beta, mixture, evaluation, *proven)


def _certified(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    beta: float,
    options: Options,
    known: Maxima,
) -> Search:
    if beta <= 1:
        # Data processing: the optimum is zero, so the Lagrangian itself is the gap.
        gap = max(0.0, evaluation.free_energy)
        return Search(Maxima(mixture.log_r, np.zeros(mixture.n_t)), gap, "exhaustive")
    rng = np.random.default_rng(0)
    return search(channel, mixture, evaluation, beta, options, rng, known.log_r)


def _meet(
    channel: Channel, low: SolvedState, high: SolvedState, tol: float
) -> tuple[SolvedState, SolvedState, float]:
    """Both branches, optimal to `tol` nats, at the beta at which their Lagrangians agree.

    Newton's method on the difference, whose slope in beta is that of I(T;Y): each step goes to the
    inverse slope of the chord. A branch that cannot be followed stays where it was solved.
    """
    beta, ends = low.beta, (low.beta, high.beta)
    for _ in range(_MOST_ROUNDS):
        (a_xt, a_ty), (b_xt, b_ty) = _place(channel, low), _place(channel, high)
        if b_ty <= a_ty:
            break
        rise = b_ty - a_ty
        # Between two optima it lies between theirs; of nearby points rounding leaves few digits.
        slack = tol / rise
        chord = min(max((b_xt - a_xt) / rise, 1.0, ends[0] - slack), ends[1] + slack)
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
        channel,
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


def _balanced(
    channel: Channel, low: SolvedState, high: SolvedState, beta: float, excess: Excess
) -> Mixture | None:
    """The mixture of both at which the excess of its encoder at `beta` vanishes, if there is one.

    On a segment I(X;T) and I(T;Y) are linear in the weight, and the root takes one secant step.
    """

    def mixed_excess(weight: float) -> float:
        evaluation = evaluate(channel, _mix(low.mixture, high.mixture, weight), beta)
        return excess(*information(channel, evaluation.joint, evaluation.p_t_given_x), beta)

    at_low, at_high = mixed_excess(0.0), mixed_excess(1.0)
    if at_low >= 0 or at_high <= 0:
        return None
    weight = float(scipy.optimize.brentq(mixed_excess, 0.0, 1.0, xtol=1e-16, rtol=1e-15))
    return _mix(low.mixture, high.mixture, weight)


def _mix(low: Mixture, high: Mixture, weight: float) -> Mixture:
    if weight in (0.0, 1.0):
        return high if weight else low
    log_q = np.concatenate([low.log_q + np.log1p(-weight), high.log_q + np.log(weight)])
    return merge_coincident(Mixture(np.concatenate([low.log_r, high.log_r]), log_q))
