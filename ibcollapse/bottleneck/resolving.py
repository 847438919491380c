"""From two certified states to every transition between them."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.branch import follow, tangent
from ibcollapse.bottleneck.certificate import hellinger_squared, starting_decoders
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.events import Event, locate
from ibcollapse.bottleneck.mixture import information
from ibcollapse.bottleneck.refinement import join
from ibcollapse.bottleneck.searching import Options
from ibcollapse.bottleneck.separation import separated_classes
from ibcollapse.bottleneck.solution import IBSolution
from ibcollapse.bottleneck.solver import SolvedState, solve_state, to_solution
from ibcollapse.bottleneck.spinodal import spinodal
from ibcollapse.bottleneck.stability import split_directions
from ibcollapse.bottleneck.transition import PhaseTransition

Array = NDArray[np.float64]

# The state above a transition is solved this far above it, as a fraction of beta − 1; the first
# fraction at which its atoms differ is taken.
_ABOVE = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
# States closer than this fraction of beta − 1 are not told apart any further.
_RESOLUTION = 1e-6
# A jump of I(T;Y) below this share of I(X;Y) cannot be told from a steep continuous rise.
_SMALLEST_JUMP = 1e-4
_SAME_ATOM = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class Passage:
    """What lies between two states: solutions and transitions, by increasing beta."""

    solutions: tuple[IBSolution, ...] = ()
    transitions: tuple[PhaseTransition, ...] = ()

    def __add__(self, later: "Passage") -> "Passage":
        return Passage(self.solutions + later.solutions, self.transitions + later.transitions)


def resolve(
    channel: Channel,
    before: SolvedState,
    after: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> Passage:
    """Every transition between two certified states, in order, each located to rounding.

    The lower branch is followed upwards to its first failure; where it fails to reach the upper
    state because an atom dies, the upper branch is followed downwards; where neither works there
    is more than one kind of event and the interval is halved.
    """
    if _one_branch(channel, before, after):
        return Passage()
    width = after.beta - before.beta
    if width <= _RESOLUTION * (before.beta - 1):
        return _unresolved(channel, before, after)
    starts = _starts(channel, before, after, rng)
    event = locate(channel, before.mixture, None, before.beta, after.beta, starts)
    if event is not None and event.beta > before.beta:
        above = _above(channel, event, after, options, rng)
        crossed = _crossed(channel, event, above, options, rng)
        if above is after:
            return crossed
        return crossed + resolve(channel, above, after, options, rng)
    event = locate(channel, after.mixture, None, after.beta, before.beta, starts)
    if event is not None and event.beta < after.beta:
        below = _below(channel, event, before, options, rng)
        earlier = Passage() if below is before else resolve(channel, before, below, options, rng)
        return earlier + _died(channel, event, below)
    middle_beta = 0.5 * (before.beta + after.beta)
    middle = solve_state(channel, middle_beta, before.mixture, options, rng)
    lower = resolve(channel, before, middle, options, rng)
    return lower + resolve(channel, middle, after, options, rng)


def _one_branch(channel: Channel, before: SolvedState, after: SolvedState) -> bool:
    """Whether following `before` leads to `after`."""
    if before.mixture.n_t != after.mixture.n_t:
        return False
    ended = follow(channel, before.mixture, None, before.beta, after.beta)
    if ended is None:
        return False
    gained = ended.evaluation.free_energy - after.evaluation.free_energy
    return gained <= max(after.gap, 1e-10)


def _starts(
    channel: Channel, before: SolvedState, after: SolvedState, rng: np.random.Generator
) -> Array:
    searched = starting_decoders(channel, after.mixture, after.evaluation, after.beta, rng)
    return np.concatenate([before.mixture.log_r, after.mixture.log_r, after.maxima.log_r, searched])


def _above(
    channel: Channel,
    event: Event,
    limit: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> SolvedState:
    """The certified state just above an event whose atoms differ from the branch's."""
    sharper = dataclasses.replace(options, tol=min(options.tol, 1e-11), rigorous=False)
    start = event.mixture
    if not event.is_split:
        start = join(start, event.violators, share=1e-3)
    for fraction in _ABOVE:
        beta = event.beta + fraction * (event.beta - 1)
        if beta >= limit.beta:
            break
        state = solve_state(channel, beta, start, sharper, rng, event.violators)
        if _differs(event, state):
            return state
    return limit


def _differs(event: Event, state: SolvedState) -> bool:
    if event.mixture.n_t != state.mixture.n_t:
        return True
    return any(
        hellinger_squared(r, event.mixture.log_r).min() > _SAME_ATOM for r in state.mixture.log_r
    )


def _crossed(
    channel: Channel,
    event: Event,
    above: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> Passage:
    """The transition at `event` from its branch to the state `above`."""
    here = _as_state(channel, event, options, rng)
    first = to_solution(channel, here)
    slope = tangent(channel, above.mixture, above.evaluation, above.beta).i_ty
    step = above.beta - event.beta
    i_xt, _ = information(channel, above.evaluation.joint, above.evaluation.p_t_given_x)
    jump_xt = i_xt - slope * above.beta * step - first.i_xt
    solutions = [first]
    jump_ty, order = 0.0, 2
    smallest = _SMALLEST_JUMP * channel.i_xy * event.beta
    if jump_xt > max(smallest, 10 * slope * above.beta * step):
        second = _upper_end(channel, event, above, options)
        jump_xt, jump_ty, order = second.i_xt - first.i_xt, second.i_ty - first.i_ty, 1
        solutions.append(second)
    mechanism = "jump" if order == 1 else "split" if event.is_split else "nucleation"
    transition = PhaseTransition(
        beta=event.beta,
        beta_local=event.beta if mechanism == "split" else spinodal(channel, event),
        order=order,
        mechanism=mechanism,
        jump_i_xt=jump_xt if order == 1 else 0.0,
        jump_i_ty=jump_ty,
        clusters_before=event.mixture.n_t,
        clusters_after=above.mixture.n_t,
        multiplicity=event.multiplicity,
        separates=separated_classes(channel, event.mixture, above.mixture),
        certified=first.gap <= options.tol and above.gap <= options.tol,
    )
    return Passage(tuple(solutions), (transition,))


def _as_state(
    channel: Channel, event: Event, options: Options, rng: np.random.Generator
) -> SolvedState:
    """The branch at the event itself, where it is still optimal.

    The root may lie a rounding beyond the transition, where solving steps over to the upper branch
    and would hide a jump: states of one free energy are both optimal, and the branch's is meant.
    """
    solved = solve_state(channel, event.beta, event.mixture, options, rng)
    above_it = event.evaluation.free_energy - solved.evaluation.free_energy
    if above_it > options.tol:
        return solved
    return dataclasses.replace(
        solved,
        mixture=event.mixture,
        evaluation=event.evaluation,
        gap=solved.gap + max(0.0, above_it),
    )


def _upper_end(channel: Channel, event: Event, above: SolvedState, options: Options) -> IBSolution:
    """The upper branch followed down to the event: the far end of the straight segment."""
    ended = follow(channel, above.mixture, None, above.beta, event.beta)
    if ended is None:
        return to_solution(channel, above)
    gap = max(0.0, ended.evaluation.free_energy - event.evaluation.free_energy)
    state = dataclasses.replace(
        above,
        beta=event.beta,
        mixture=ended.mixture,
        evaluation=ended.evaluation,
        gap=max(gap, above.gap),
        residual=ended.residual,
        n_sweeps=ended.n_sweeps,
    )
    return to_solution(channel, state)


def _below(
    channel: Channel,
    event: Event,
    limit: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> SolvedState:
    """The certified state just below a death, with the atom that dies."""
    sharper = dataclasses.replace(options, tol=min(options.tol, 1e-11), rigorous=False)
    start = event.mixture if event.is_split else join(event.mixture, event.violators, share=1e-3)
    for fraction in _ABOVE:
        beta = event.beta - fraction * (event.beta - 1)
        if beta <= limit.beta:
            break
        state = solve_state(channel, beta, start, sharper, rng, event.violators)
        if _differs(event, state):
            return state
    return limit


def _died(channel: Channel, event: Event, below: SolvedState) -> Passage:
    """The transition at which the upper branch of `event` takes over from `below`."""
    transition = PhaseTransition(
        beta=event.beta,
        beta_local=math.nan,
        order=2,
        mechanism="death",
        jump_i_xt=0.0,
        jump_i_ty=0.0,
        clusters_before=below.mixture.n_t,
        clusters_after=event.mixture.n_t,
        multiplicity=1,
        separates=(),
        certified=True,
    )
    return Passage((), (transition,))


def _unresolved(channel: Channel, before: SolvedState, after: SolvedState) -> Passage:
    """Several changes within the resolution, reported as one."""
    first, second = to_solution(channel, before), to_solution(channel, after)
    jump = second.i_xt - first.i_xt
    splits = split_directions(channel, before.evaluation, before.beta)
    is_jump = jump > 1e-3 * max(1e-3, second.i_xt)
    transition = PhaseTransition(
        beta=0.5 * (before.beta + after.beta),
        beta_local=math.nan,
        order=1 if is_jump else 2,
        mechanism="unresolved",
        jump_i_xt=jump if is_jump else 0.0,
        jump_i_ty=second.i_ty - first.i_ty if is_jump else 0.0,
        clusters_before=first.n_clusters,
        clusters_after=second.n_clusters,
        multiplicity=int(splits.multiplicity[np.argmax(splits.growth)]),
        separates=separated_classes(channel, before.mixture, after.mixture),
        certified=False,
    )
    return Passage((first, second), (transition,))
