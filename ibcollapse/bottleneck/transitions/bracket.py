"""From two certified states to every transition between them."""

import dataclasses
import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import deadline
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.continuation.softness import is_soft, leaps, may_trade
from ibcollapse.bottleneck.continuation.step import continued, optimal_from
from ibcollapse.bottleneck.kernels.side_by_side import begun
from ibcollapse.bottleneck.objective.distances import apart
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.objective.stability import split_directions
from ibcollapse.bottleneck.pricing.ascent import Maxima
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.pricing.starts import starting_decoders
from ibcollapse.bottleneck.solver.column_generation import SolvedState
from ibcollapse.bottleneck.solver.tangent import Tangent
from ibcollapse.bottleneck.transitions.branch_switching import FRACTIONS, beside, differs, is_unseen
from ibcollapse.bottleneck.transitions.classify import (
    RESOLUTION,
    Passage,
    at_event,
    at_once,
    crossed,
    described,
    died,
    moved_to,
    unresolved,
)
from ibcollapse.bottleneck.transitions.locate import Event, locate
from ibcollapse.bottleneck.transitions.onset import onset_beta_local
from ibcollapse.bottleneck.transitions.smoothness import is_hidden, is_sharp, on_one_arc
from ibcollapse.bottleneck.transitions.spinodal import spinodal

Array = NDArray[np.float64]

# The trivial state is followed from at least the first share of beta − 1 below its spinodal; from
# the second share where it was kept beyond.
_BELOW_SPINODAL, _WELL_BELOW = 1e-3, 0.5
# Betas closer than this share of themselves are one, for the rounding of what is solved at them.
_FINEST = 1e-14
# Free energies this close (nats, times beta − 1 near one) are one state's, and those closer than
# the second whatever beta is.
_SAME_STATE, _LEAST_SAME = 1e-10, 1e-14
# States in soft modes that are further apart, as a share of beta − 1, may be too far for one arc.
_LONG = 1e-2
# So many pieces an interval is cut into; the rest of it is reported as unresolved.
_MOST_PIECES = 100
# So often a first transition turns out to come after one that nothing had pointed at.
_MOST_EARLIER = 6


@dataclasses.dataclass(frozen=True, eq=False)
class _Resolved:
    """All that lies between the two states."""

    passage: Passage


@dataclasses.dataclass(frozen=True, eq=False)
class _Above:
    """What lies below `state`; from there on nothing is known yet."""

    passage: Passage
    state: SolvedState


@dataclasses.dataclass(frozen=True, eq=False)
class _Below:
    """A state on the way, just below an event of the upper branch."""

    state: SolvedState


class _Unshown:
    """A change that the upper state does not show yet."""


class _Unlocated:
    """No single event that either branch leads to."""


_Piece = _Resolved | _Above | _Below | _Unshown | _Unlocated


@dataclasses.dataclass(eq=False)
class _Target:
    """A state to be reached, and the beta from which the way to it was halved."""

    state: SolvedState
    halved_from: float = math.nan


def resolve(
    channel: Channel,
    before: SolvedState,
    after: SolvedState,
    options: Options,
    rng: np.random.Generator,
    branch: SolvedState | None = None,
) -> Passage:
    """Every transition between two certified states, in order, each located to rounding.

    The lower branch is followed upwards to its first failure; where it fails to reach the upper
    state because an atom dies, the upper branch is followed downwards; where neither works there
    is more than one kind of event and the interval is halved, unless both ends lie on one smooth
    arc of the curve. A change too small to show in `after` is left for later
    (`Passage.postponed`). `branch` is that of `before` at `after.beta`, where it has been followed
    and searched already.
    """
    found, here, targets = Passage(), before, [_Target(after)]
    for _ in range(_MOST_PIECES):
        deadline.check()
        there = targets[-1]
        piece: _Piece | None = _next_piece(channel, here, there.state, options, rng, branch)
        branch = None
        if isinstance(piece, _Unshown) and len(targets) == 1:
            return dataclasses.replace(found, postponed=here)
        if isinstance(piece, _Unlocated):
            piece = _without_event(channel, here, there, options)
        if isinstance(piece, _Above):
            found, here = found + piece.passage, piece.state
        elif isinstance(piece, _Below):
            targets.append(_Target(piece.state))
        elif isinstance(piece, _Resolved):
            found, here = found + piece.passage, there.state
            targets.pop()
            if not targets:
                return found
        elif isinstance(piece, _Unshown):
            # Whatever lies beyond the middle begins with the change that it does not show.
            targets.pop()
        else:
            there.halved_from = here.beta
            middle_beta = 0.5 * (here.beta + there.state.beta)
            branch = continued(channel, here, middle_beta, options, rng)
            middle = optimal_from(channel, here, branch, middle_beta, options, rng)
            if middle.stays:
                # Other atoms may do as well there to the last digit: those of the branch stay.
                here, branch = middle.state, None
            else:
                targets.append(_Target(middle.state))
    return found + unresolved(channel, here, after)


def _next_piece(
    channel: Channel,
    before: SolvedState,
    after: SolvedState,
    options: Options,
    rng: np.random.Generator,
    branch: SolvedState | None,
) -> _Piece:
    """What the branches of two states say of the interval between them."""
    if _one_branch(channel, before, after, branch=branch):
        return _Resolved(Passage())
    before = _while_stable(channel, before)
    if _is_narrow(before, after):
        return _Unlocated()
    # What a branch does in a soft mode takes long to follow, and says nothing.
    if is_soft(before) and is_soft(after):
        if on_one_arc(channel, before, after, options, are_soft=True):
            return _Resolved(Passage())
        if after.beta - before.beta > _LONG * (before.beta - 1):
            return _Unlocated()
    states: tuple[Array, ...] = (
        after.mixture.log_r,
        after.maxima.log_r,
        before.mixture.log_r,
        before.maxima.log_r,
    )
    starts = np.empty((0, channel.n_classes))
    if branch is None:
        splits = split_directions(channel, after.mixture, after.evaluation, after.beta)
        log_v = potential_weights(channel, after.evaluation.log_z)
        starts = starting_decoders(channel, after.mixture, splits, log_v, after.beta, rng)
    else:
        states = (*states, branch.maxima.log_r)
    hints = apart(np.concatenate(states), after.beta)
    at_bad = None if branch is None else branch.ended
    slope = _slope(before)
    event = locate(
        channel, before.mixture, slope, before.beta, after.beta, starts, hints, at_bad=at_bad
    )
    if event is not None and event.beta > before.beta:
        if not is_sharp(channel, before, event):
            return _Unlocated()
        # Where the branch loses stability is looked for at the same time.
        local = _spinodal_begun(channel, event)
        above = beside(channel, event, after.beta, options, rng, after.mixture)
        if above is not None:
            return _Above(crossed(channel, event, above, options, rng, local), above)
        if not differs(event, after) or is_unseen(channel, event, after):
            # The atoms stay where they are, to the tolerance, up to `after` and beyond.
            return _Unshown()
        if event.mixture.n_t == after.mixture.n_t and on_one_arc(channel, before, after, options):
            # As many other atoms that do the same, as where a ring of them turns by half a step.
            return _Resolved(Passage())
        return _Resolved(crossed(channel, event, after, options, rng, local))
    slope = _slope(after)
    event = locate(channel, after.mixture, slope, after.beta, before.beta, starts, hints)
    if event is not None and event.beta < after.beta:
        if not is_sharp(channel, after, event):
            return _Unlocated()
        below = beside(channel, event, before.beta, options, rng)
        if below is not None:
            return _Below(below)
        upper = moved_to(after, event.beta, event.ended)
        turns = not _has_grown(before, upper)
        if not differs(event, before) or (turns and on_one_arc(channel, before, upper, options)):
            return _Resolved(Passage())
        return _Resolved(died(channel, event, before, options))
    return _Unlocated()


def _without_event(
    channel: Channel, here: SolvedState, there: _Target, options: Options
) -> _Resolved | None:
    """What is left to say where no event was located; None where halving may show more.

    Halving twice from one state does not, nor does it below the resolution of beta or of the gaps.
    """
    state = there.state
    may_show = not (_is_narrow(here, state) or is_hidden(channel, here, state))
    may_show = may_show and there.halved_from != here.beta
    if may_show and _has_grown(here, state):
        # However small the kink, another atom is a transition: it is looked for from nearer by.
        return None
    if on_one_arc(channel, here, state, options):
        return _Resolved(Passage())
    if may_show:
        return None
    if _one_branch(channel, here, state, tol=options.tol):
        return _Resolved(Passage())
    return _Resolved(unresolved(channel, here, state))


def _has_grown(here: SolvedState, there: SolvedState) -> bool:
    """Whether two states differ in their number of atoms, and not in soft modes alone."""
    return here.mixture.n_t != there.mixture.n_t and not may_trade(here, there)


def _is_narrow(before: SolvedState, after: SolvedState) -> bool:
    width = after.beta - before.beta
    return not width > max(RESOLUTION * (before.beta - 1), _FINEST * before.beta)


def first_transition(
    channel: Channel,
    before: SolvedState,
    branch: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> tuple[Callable[[], Passage], SolvedState] | None:
    """The first transition of a branch that has failed, and the certified state just above it.

    `branch` is that of `before` at a higher beta, where it is not optimal any more. The transition
    waits for its spinodal when it is called for. None where more has to be known than the maxima
    of Φ that were met there: then solve there and `resolve`.
    """
    none = np.empty((0, channel.n_classes))
    hints: tuple[Array, ...] = (before.maxima.log_r, branch.maxima.log_r)
    bad, at_bad = branch.beta, branch.ended
    met: Maxima | None = branch.maxima
    last: tuple[Event, SolvedState, Callable[[], float] | None] | None = None
    for _ in range(_MOST_EARLIER):
        known = apart(np.concatenate(hints), bad)
        event = locate(
            channel, before.mixture, None, before.beta, bad, none, known, at_bad=at_bad, met=met
        )
        again = last is not None and event is not None and at_once(event.beta, bad)
        if event is None or event.beta <= before.beta or again:
            # The one before, if any, is the first, whatever appears there at once.
            break
        local = _spinodal_begun(channel, event)
        # Nothing is solved at the end of the branch: what shows only beyond it may be there.
        far = event.beta + 2.0 * FRACTIONS[-1] * (event.beta - 1.0)
        above = beside(channel, event, max(branch.beta, far), options, rng)
        if above is None or not above.gap <= options.tol:
            return None
        last = event, above, local
        if above.mixture.n_t == event.mixture.n_t + 1:
            break
        # Nothing had pointed at an earlier birth: the state above it does.
        hints = (*hints, above.mixture.log_r, above.maxima.log_r)
        bad, at_bad, met = event.beta, event.ended, None
    if last is None:
        return None
    event, above, local = last
    here = at_event(channel, event, above, options, rng)
    if not here.gap <= options.tol:
        return None
    return partial(described, channel, event, here, above, options, local), above


def _spinodal_begun(channel: Channel, event: Event) -> Callable[[], float] | None:
    """Where the branch of an event loses stability, begun by another thread; None at a split."""
    if event.is_split:
        return None
    own = dataclasses.replace(event, hessian=event.hessian.for_thread())
    return begun(partial(spinodal, channel, own))


def _while_stable(channel: Channel, before: SolvedState) -> SolvedState:
    """The trivial state below its spinodal, where it was kept beyond: other states as they are.

    Just above an onset near beta = 1 no gap shows that it is not the optimum any more.
    """
    if before.mixture.n_t > 1:
        return before
    beyond_one = onset_beta_local(channel) - 1.0
    if before.beta <= 1.0 + (1.0 - _BELOW_SPINODAL) * beyond_one:
        return before
    # Its encoder and its free energy, zero, are the same at every beta. Its onset may be lower than
    # the spinodal.
    return dataclasses.replace(before, beta=1.0 + _WELL_BELOW * beyond_one, hessian=None)


def _slope(state: SolvedState) -> Tangent | None:
    return state.slope if state.mixture.n_t > 1 else None


def _one_branch(
    channel: Channel,
    before: SolvedState,
    after: SolvedState,
    *,
    tol: float | None = None,
    branch: SolvedState | None = None,
) -> bool:
    """Whether following `before`, to `branch`, leads to `after` or less than `tol` nats above.

    By default what is nothing beside F, which is of the order of beta − 1 near one.
    """
    if tol is None:
        tol = max(_SAME_STATE * min(1.0, after.beta - 1.0), _LEAST_SAME)
    if before.mixture.n_t != after.mixture.n_t:
        return False
    if branch is not None:
        evaluation = branch.evaluation
    else:
        slope = _slope(before)
        ended = follow(channel, before.mixture, slope, before.beta, after.beta)
        if ended is None or leaps(channel, before, ended, after.beta):
            return False
        evaluation = ended.evaluation
    gained = evaluation.free_energy - after.evaluation.free_energy
    return gained <= max(after.gap, tol)
