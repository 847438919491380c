"""What is reported of a transition once the states on both sides of it are known."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.continuation.softness import may_trade
from ibcollapse.bottleneck.kernels.small_ascent import is_small
from ibcollapse.bottleneck.objective.mixture import UNIT
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.objective.stability import split_directions
from ibcollapse.bottleneck.pricing.oracle import HIDDEN, Options, search
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.solver.column_generation import SolvedState, solve_state, to_solution
from ibcollapse.bottleneck.solver.newton import Descent
from ibcollapse.bottleneck.transitions.branch_switching import FRACTIONS
from ibcollapse.bottleneck.transitions.class_separation import separated_classes
from ibcollapse.bottleneck.transitions.locate import Event
from ibcollapse.bottleneck.transitions.spinodal import spinodal

# States closer than this fraction of beta − 1 are not told apart any further.
RESOLUTION = 1e-6
# What log Φ may be above zero, nats, where a root of it was found.
_AT_ROOT = 1e-11
# Free energies this close (nats) are the same, however near beta is to one.
_SAME_ENERGY = 1e-14
# Rounding of log Φ, nats.
_VANISHING = 1e-15
# Gaps that are no more than this share of beta − 1 prove what happens at a transition.
_CERTAIN = 2e-8
# A state is next to an event that is so many times as near as it is looked for.
_NEARBY = 1.5
# So is a beta that is known to so little of beta − 1.
_VAGUE = 1e-5
# A jump of I(T;Y) below this share of I(X;Y) cannot be told from a steep continuous rise.
_SMALLEST_JUMP = 1e-3
# Nor can one that is less than so many times what the slopes make I(X;T) rise by on the way.
_STEEPER = 10.0
# Where an atom with a soft mode dies dI(T;Y)/dbeta changes by more than this share of itself, or
# nothing happens but that fewer atoms do the same, as on a ring.
_LEAST_KINK = 1e-4


@dataclasses.dataclass(frozen=True, eq=False)
class Passage:
    """What lies between two states: solutions and transitions, by increasing beta.

    `postponed` is the state below a change that the upper state does not show yet.
    """

    solutions: tuple[IBSolution, ...] = ()
    transitions: tuple[PhaseTransition, ...] = ()
    postponed: SolvedState | None = None

    def __add__(self, later: "Passage") -> "Passage":
        return Passage(
            self.solutions + later.solutions,
            self.transitions + later.transitions,
            later.postponed,
        )


def crossed(
    channel: Channel,
    event: Event,
    above: SolvedState,
    options: Options,
    rng: np.random.Generator,
    local: Callable[[], float] | None = None,
) -> Passage:
    """The transition at `event` from its branch to the state `above`.

    `local` waits for the event's spinodal where it is being looked for already.
    """
    here = at_event(channel, event, above, options, rng)
    return described(channel, event, here, above, options, local)


def described(
    channel: Channel,
    event: Event,
    here: SolvedState,
    above: SolvedState,
    options: Options,
    local: Callable[[], float] | None = None,
) -> Passage:
    """What `crossed` says, from the state at the event."""
    first = to_solution(channel, here)
    second = _upper_end(channel, event, first, above, options)
    jump_xt = jump_ty = 0.0
    solutions, order = [first], 2
    if second is not None:
        jump_xt, jump_ty, order = second.i_xt - first.i_xt, second.i_ty - first.i_ty, 1
        solutions.append(second)
    beta = event.beta
    beta_local = beta
    if order == 1 or not event.is_split:
        beta_local = spinodal(channel, event) if local is None else local()
    is_split = event.is_split or _cannot_be_told_apart(beta, beta_local)
    mechanism = "jump" if order == 1 else "split" if is_split else "nucleation"
    if mechanism == "split":
        beta = beta_local
    transition = PhaseTransition(
        beta=beta,
        beta_local=beta_local,
        order=order,
        mechanism=mechanism,
        jump_i_xt=jump_xt,
        jump_i_ty=jump_ty,
        clusters_before=event.mixture.n_t,
        clusters_after=above.mixture.n_t,
        multiplicity=event.multiplicity,
        separates=separated_classes(channel, event.mixture, above.mixture),
        certified=_is_certain(event, first.gap, above, order, options)
        and abs(beta - event.beta) <= _VAGUE * (event.beta - 1.0),
    )
    if order == 2 and transition.clusters_before == transition.clusters_after:
        # As many atoms at other places without a break of I(X;T): no transition of the optimum.
        return Passage(tuple(solutions))
    return Passage(tuple(solutions), (transition,))


def _is_next(event: Event, above: SolvedState) -> bool:
    """Whether a state is so near the event that nothing else happens before it."""
    return above.beta - event.beta <= _NEARBY * FRACTIONS[-1] * (event.beta - 1.0)


def _is_certain(event: Event, gap: float, above: SolvedState, order: int, options: Options) -> bool:
    """Whether states of these gaps (nats) prove what happens at an event, and nothing else.

    Next to beta = 1 the state above may be seen only so far away that more than one atom may have
    come on the way.
    """
    one_came = order == 2 and above.mixture.n_t == event.mixture.n_t + 1
    return _is_proven(event, max(gap, above.gap), options) and (one_came or _is_next(event, above))


def _is_proven(event: Event, gap: float, options: Options) -> bool:
    """Whether a gap, with its rounding, is nothing beside the Lagrangian's beta − 1."""
    rounding = HIDDEN * UNIT
    return gap <= options.tol and gap + rounding <= _CERTAIN * (event.beta - 1.0)


def at_once(beta: float, later: float) -> bool:
    """Whether two betas are closer than the resolution."""
    return later - beta <= RESOLUTION * (beta - 1.0)


def _cannot_be_told_apart(beta: float, beta_local: float) -> bool:
    """Whether rounding hides the atom that comes before the spinodal.

    At a share u of beta − 1 before it, log Φ of that atom is of the order of (beta − 1) u².
    """
    share = RESOLUTION + math.sqrt(_VANISHING / (beta - 1.0))
    return abs(beta_local - beta) <= share * (beta - 1.0)


def at_event(
    channel: Channel,
    event: Event,
    above: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> SolvedState:
    """The branch at the event itself, where it is still optimal.

    The root may lie a rounding beyond the transition, where solving steps over to the upper branch
    and would hide a jump: states of one free energy are both optimal, and the branch's is meant.
    """
    hints = np.concatenate([event.violators, above.hills])
    if _is_next(event, above) and not is_small(channel.prepared.packed):
        # Φ is that of the state above, nearly: it has no other hills.
        at = (channel, event.mixture, event.evaluation, event.beta, options, rng)
        found = search(*at, hints, near_hints=True)
        if found.gap <= max(_AT_ROOT, options.aim_at(event.beta)):
            return SolvedState.of(channel, event.beta, event.ended, found)
    solved = solve_state(channel, event.beta, event.mixture, options, rng, hints)
    above_it = event.evaluation.free_energy - solved.evaluation.free_energy
    if not above_it <= max(_AT_ROOT * min(1.0, event.beta - 1.0), _SAME_ENERGY):
        return solved
    log_v = potential_weights(channel, event.evaluation.log_z)
    log_phi, _ = log_potential(channel, log_v, solved.maxima.log_r, event.beta)
    gap = max(solved.gap + max(0.0, above_it), float(log_phi.max()))
    status = solved.status
    if not gap <= options.tol:
        status = f"the branch at this transition has a gap of {gap:.3g} nats; raise tol"
    return dataclasses.replace(
        solved,
        mixture=event.mixture,
        evaluation=event.evaluation,
        gap=gap,
        status=status,
        hessian=event.hessian,
    )


def _is_jump(channel: Channel, beta: float, rise: float, slope: float, width: float) -> bool:
    """Whether I(X;T) is discontinuous: the one criterion of a transition's order.

    `rise` is what it changes by (nats) beyond its branches' own slopes over a `width` in beta, all
    of it that the states on the two sides leave open; `slope` is the largest dI(T;Y)/dbeta there.
    """
    smallest = _SMALLEST_JUMP * channel.i_xy * beta
    return rise > max(smallest, _STEEPER * slope * beta * width)


def _upper_end(
    channel: Channel, event: Event, first: IBSolution, above: SolvedState, options: Options
) -> IBSolution | None:
    """The far end of the straight segment that begins at `first`; None where there is no jump.

    It is the upper branch followed down to the event. A continuous transition is where that branch
    ends: where it cannot be followed so far, its tangent decides.
    """
    slope = above.slope.i_ty
    step = above.beta - event.beta
    end = to_solution(channel, above)
    rise = end.i_xt - slope * above.beta * step - first.i_xt
    if not _is_jump(channel, event.beta, rise, slope, 0.0):
        return None
    ended = follow(channel, above.mixture, None, above.beta, event.beta)
    if ended is None:
        return end if _is_jump(channel, event.beta, rise, slope, step) else None
    gap = max(0.0, ended.evaluation.free_energy - event.evaluation.free_energy)
    moved = moved_to(above, event.beta, ended)
    end = to_solution(channel, dataclasses.replace(moved, gap=max(gap, above.gap)))
    return end if _is_jump(channel, event.beta, end.i_xt - first.i_xt, slope, 0.0) else None


def died(channel: Channel, event: Event, below: SolvedState, options: Options) -> Passage:
    """The transition at which the upper branch of `event` takes over from `below`."""
    slope = below.slope.i_ty if below.mixture.n_t > 1 else 0.0
    step = event.beta - below.beta
    ended = follow(channel, below.mixture, None, below.beta, event.beta)
    lower = below if ended is None else moved_to(below, event.beta, ended)
    upper = moved_to(below, event.beta, event.ended)
    first, second = to_solution(channel, lower), to_solution(channel, upper)
    rise = second.i_xt - first.i_xt
    if ended is None:
        rise -= slope * event.beta * step
    is_jump = _is_jump(channel, event.beta, rise, slope, step if ended is None else 0.0)
    has_kink = abs(event.slope.i_ty - slope) > _LEAST_KINK * slope
    trade = not has_kink and may_trade(below, upper)
    dies = below.mixture.n_t != event.mixture.n_t and not trade
    if not is_jump and not dies:
        # Other atoms that do the same are no transition of the optimum.
        return Passage()
    transition = PhaseTransition(
        beta=event.beta,
        beta_local=math.nan,
        order=1 if is_jump else 2,
        mechanism="jump" if is_jump else "death",
        jump_i_xt=second.i_xt - first.i_xt if is_jump else 0.0,
        jump_i_ty=second.i_ty - first.i_ty if is_jump else 0.0,
        clusters_before=below.mixture.n_t,
        clusters_after=event.mixture.n_t,
        multiplicity=1,
        separates=(),
        certified=_is_proven(event, below.gap, options),
    )
    return Passage((first, second) if is_jump else (), (transition,))


def moved_to(state: SolvedState, beta: float, ended: Descent) -> SolvedState:
    """A state that is optimal at its own beta, moved to `beta` along with what it proves."""
    return dataclasses.replace(
        state,
        beta=beta,
        mixture=ended.mixture,
        evaluation=ended.evaluation,
        residual=ended.residual,
        n_sweeps=ended.n_sweeps,
        hessian=ended.hessian,
    )


def unresolved(channel: Channel, before: SolvedState, after: SolvedState) -> Passage:
    """Several changes within the resolution, reported as one."""
    first, second = to_solution(channel, before), to_solution(channel, after)
    splits = split_directions(channel, before.mixture, before.evaluation, before.beta)
    beta, width = 0.5 * (before.beta + after.beta), after.beta - before.beta
    slopes = [s.slope.i_ty for s in (before, after) if s.mixture.n_t > 1]
    jump = second.i_xt - first.i_xt
    rise = jump - beta * width * sum(slopes) / 2.0
    is_jump = _is_jump(channel, beta, rise, max(slopes, default=0.0), width)
    transition = PhaseTransition(
        beta=beta,
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


def coalesce(transitions: list[PhaseTransition]) -> list[PhaseTransition]:
    """Transitions closer together than the resolution, merged into one with their total jump."""
    merged: list[PhaseTransition] = []
    for later in transitions:
        if merged and at_once(merged[-1].beta, later.beta):
            merged[-1] = _together(merged[-1], later)
        else:
            merged.append(later)
    return merged


def _together(first: PhaseTransition, second: PhaseTransition) -> PhaseTransition:
    kinds = {first.mechanism, second.mechanism}
    growing = second.clusters_after > first.clusters_before
    mechanism = "jump" if "jump" in kinds else "unresolved"
    if len(kinds - {"death"} if growing else kinds) == 1:
        mechanism = first.mechanism if first.mechanism != "death" else second.mechanism
    groups = first.separates + tuple(g for g in second.separates if g not in first.separates)
    return dataclasses.replace(
        first,
        order=min(first.order, second.order),
        mechanism=mechanism,
        jump_i_xt=first.jump_i_xt + second.jump_i_xt,
        jump_i_ty=first.jump_i_ty + second.jump_i_ty,
        clusters_after=second.clusters_after,
        multiplicity=max(first.multiplicity, second.multiplicity),
        separates=groups,
        certified=first.certified and second.certified,
    )
