"""From two certified states to every transition between them."""

import dataclasses
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import certificate
from ibcollapse.bottleneck.birth import Birth
from ibcollapse.bottleneck.branch import follow
from ibcollapse.bottleneck.certificate import hellinger_squared
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.continuation import continued, optimal_from
from ibcollapse.bottleneck.crossing import RESOLUTION, Passage, crossed, died, unresolved
from ibcollapse.bottleneck.events import Event, locate
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.kernels.side_by_side import begun
from ibcollapse.bottleneck.mixture import Mixture
from ibcollapse.bottleneck.newton import Descent
from ibcollapse.bottleneck.parting import parted
from ibcollapse.bottleneck.refinement import join
from ibcollapse.bottleneck.searching import Options
from ibcollapse.bottleneck.solver import SolvedState, enlarged, solve_state
from ibcollapse.bottleneck.spinodal import spinodal
from ibcollapse.bottleneck.stability import onset_beta_local, split_directions

Array = NDArray[np.float64]

# The state beside a transition is solved this far from it, as a fraction of beta − 1; the first
# fraction at which its atoms differ is taken.
_BESIDE = (1e-6, 1e-5, 1e-4, 1e-3)
# The trivial state is followed from this share of beta − 1 below its spinodal.
_BELOW_SPINODAL = 1e-3
# Betas closer than this share of themselves are one, for the rounding of what is solved at them.
_FINEST = 1e-14
# Free energies that differ by less (nats) may be equal; a birth is first looked at where it should
# have gained the second.
_VISIBLE = 1e-14
_CLEAR = 1e-13
_CLEAR_SPLIT = 1e-9
_FEW_VARIABLES = 30
# A state that lies below another by so many times its own gap has the optimum's atoms: beside a
# symmetric split three atoms may do as well as two to within the gap.
_SURELY = 10.0
# Atoms further apart than this (squared Hellinger) are different ones.
_SAME_ATOM = 0.05
# The gap in nats at which the states beside a transition rest: they show it early. One that takes
# more sweeps than this is better looked for further on.
SHARP = 1e-11
# So often a first transition turns out to come after one that nothing had pointed at.
_MOST_EARLIER = 6
_MOST_SWEEPS = 200


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
    is more than one kind of event and the interval is halved. A change too small to show in `after`
    is left for later (`Passage.postponed`). `branch` is that of `before` at `after.beta`, where it
    has been followed and searched already.
    """
    if _one_branch(channel, before, after, branch=branch):
        return Passage()
    before = _while_stable(channel, before)
    width = after.beta - before.beta
    if width <= max(RESOLUTION * (before.beta - 1), _FINEST * before.beta):
        return unresolved(channel, before, after)
    states: tuple[Array, ...] = (
        after.mixture.log_r,
        after.maxima.log_r,
        before.mixture.log_r,
        before.maxima.log_r,
    )
    starts = np.empty((0, channel.n_classes))
    if branch is None:
        splits = split_directions(channel, after.mixture, after.evaluation, after.beta)
        log_v = certificate.potential_weights(channel, after.evaluation.log_z)
        starts = certificate.starting_decoders(
            channel, after.mixture, splits, log_v, after.beta, rng
        )
    else:
        states = (*states, branch.maxima.log_r)
    hints = certificate.apart(np.concatenate(states), after.beta)
    at_bad = None if branch is None else branch.mixture
    event = locate(
        channel, before.mixture, None, before.beta, after.beta, starts, hints, at_bad=at_bad
    )
    if event is not None and event.beta > before.beta:
        # Where the branch loses stability is looked for at the same time.
        local = None if event.is_split else begun(partial(spinodal, channel, event))
        above = _beside(channel, event, after, options, rng)
        if not _differs(event, above):
            # The atoms stay where they are, to the tolerance, up to `after` and beyond.
            return Passage(postponed=before)
        passed = crossed(channel, event, above, options, rng, local)
        return passed if above is after else passed + resolve(channel, above, after, options, rng)
    event = locate(channel, after.mixture, None, after.beta, before.beta, starts, hints)
    if event is not None and event.beta < after.beta:
        below = _beside(channel, event, before, options, rng)
        if not _differs(event, below):
            return Passage()
        earlier = Passage() if below is before else resolve(channel, before, below, options, rng)
        return earlier + died(channel, event, below)
    middle_beta = 0.5 * (before.beta + after.beta)
    branch = continued(channel, before, middle_beta, options, rng)
    middle = optimal_from(channel, before, branch, middle_beta, options, rng)
    if middle is branch:
        # Other atoms may do as well there to the last digit: those of the branch stay.
        return resolve(channel, middle, after, options, rng)
    lower = resolve(channel, before, middle, options, rng, branch)
    if lower.postponed is before:
        # Halving shows no more of the change: one within the tolerance is none.
        if _one_branch(channel, before, after, tol=options.tol):
            return Passage()
        return unresolved(channel, before, after)
    return lower + resolve(channel, lower.postponed or middle, after, options, rng)


def first_transition(
    channel: Channel,
    before: SolvedState,
    branch: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> tuple[Passage, SolvedState] | None:
    """The first transition of a branch that has failed, and the certified state just above it.

    `branch` is that of `before` at a higher beta, where it is not optimal any more. None where more
    has to be known than the maxima of Φ that were met there: then solve there and `resolve`.
    """
    none = np.empty((0, channel.n_classes))
    hints: tuple[Array, ...] = (before.maxima.log_r, branch.maxima.log_r)
    bad, at_bad = branch.beta, branch.mixture
    for _ in range(_MOST_EARLIER):
        known = certificate.apart(np.concatenate(hints), bad)
        event = locate(channel, before.mixture, None, before.beta, bad, none, known, at_bad=at_bad)
        if event is None or event.beta <= before.beta:
            return None
        local = None if event.is_split else begun(partial(spinodal, channel, event))
        # Nothing is solved at the end of the branch: what shows only beyond it may be there.
        far = event.beta + 2.0 * _BESIDE[-1] * (event.beta - 1.0)
        limit = dataclasses.replace(branch, beta=max(branch.beta, far))
        above = _beside(channel, event, limit, options, rng)
        if above is limit or above.gap > options.tol:
            return None
        if above.mixture.n_t == event.mixture.n_t + 1:
            passed = crossed(channel, event, above, options, rng, local)
            return (passed, above) if passed.transitions[0].certified else None
        # Nothing had pointed at an earlier birth: the state above it does.
        hints = (*hints, above.mixture.log_r, above.maxima.log_r)
        bad, at_bad = event.beta, event.mixture
    return None


def _while_stable(channel: Channel, before: SolvedState) -> SolvedState:
    """The trivial state below its spinodal, where it was kept beyond: other states as they are.

    Just above an onset near beta = 1 no gap shows that it is not the optimum any more.
    """
    if before.mixture.n_t > 1:
        return before
    stable = 1.0 + (1.0 - _BELOW_SPINODAL) * (onset_beta_local(channel) - 1.0)
    if before.beta <= stable:
        return before
    # Its encoder and its free energy, zero, are the same at every beta.
    return dataclasses.replace(before, beta=stable)


def _one_branch(
    channel: Channel,
    before: SolvedState,
    after: SolvedState,
    *,
    tol: float = 1e-10,
    branch: SolvedState | None = None,
) -> bool:
    """Whether following `before`, to `branch`, leads to `after` or less than `tol` nats above."""
    if before.mixture.n_t != after.mixture.n_t:
        return False
    if branch is not None:
        evaluation = branch.evaluation
    else:
        ended = follow(channel, before.mixture, None, before.beta, after.beta)
        if ended is None:
            return False
        evaluation = ended.evaluation
    gained = evaluation.free_energy - after.evaluation.free_energy
    return gained <= max(after.gap, tol)


def _beside(
    channel: Channel,
    event: Event,
    limit: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> SolvedState:
    """The certified state next to an event, on the side of `limit`, that has other atoms.

    Above a birth that is the state with the new atom, below a death the one with the dying atom. It
    has to lie below the branch of the event, visibly and by several times its own gap, or it is no
    better known than the branch is. `limit` itself where none nearer by shows the change.
    """
    most = min(options.max_sweeps, _MOST_SWEEPS)
    sharper = dataclasses.replace(options, target=SHARP, rigorous=False, max_sweeps=most)
    side = 1.0 if limit.beta > event.beta else -1.0
    birth = Birth.at(channel, event) if len(event.violators) == 1 else None
    for fraction in _fractions(event, birth):
        beta = event.beta + side * fraction * (event.beta - 1)
        if side * (limit.beta - beta) <= 0:
            break
        branch = follow(channel, event.mixture, None, event.beta, beta, nearby=event.hessian)
        start = _with_new_atoms(channel, event, birth, branch, beta)
        if start is None:
            continue
        state = solve_state(channel, beta, start, sharper, rng, event.violators)
        state = _without_the_parent(channel, event, state, sharper, rng)
        if _differs(event, state) and (
            branch is None
            or branch.evaluation.free_energy - state.evaluation.free_energy
            >= max(_SURELY * state.gap, _VISIBLE)
        ):
            return state
    return limit


def _without_the_parent(
    channel: Channel,
    event: Event,
    state: SolvedState,
    options: Options,
    rng: np.random.Generator,
) -> SolvedState:
    """The state beside a split without the atom that split, where that does as well.

    Just above a symmetric split the parent between its two children costs less than any gap shows.
    """
    if not event.is_split or state.mixture.n_t <= event.mixture.n_t + 1:
        return state
    parent = np.argmin(hellinger_squared(event.mixture.log_r[event.atom], state.mixture.log_r))
    children = state.mixture.take(np.arange(state.mixture.n_t) != parent)
    fewer = solve_state(channel, state.beta, children, options, rng, state.maxima.log_r)
    higher = fewer.evaluation.free_energy - state.evaluation.free_energy
    as_good = higher <= max(state.gap, _VISIBLE) and fewer.gap <= max(state.gap, options.aim)
    return fewer if as_good and fewer.mixture.n_t < state.mixture.n_t else state


def _fractions(event: Event, birth: Birth | None) -> list[float]:
    """How far from an event its new atoms are looked for, as fractions of beta − 1."""
    nearest, farthest = _BESIDE[0], _BESIDE[-1]
    if birth is not None:
        # Gaps known to several times their size: the more variables, the more rounding in them.
        clear = _CLEAR * max(1.0, event.mixture.log_r.size / _FEW_VARIABLES)
        shows = birth.distance_of_gain(clear) / (event.beta - 1)
        nearest = min(max(nearest, shows), farthest)
    return [nearest, *(f for f in _BESIDE if f > nearest)]


def _with_new_atoms(
    channel: Channel, event: Event, birth: Birth | None, ended: Descent | None, beta: float
) -> Mixture | None:
    """The branch of an event, `ended` at `beta` beside it, with what violates its optimality.

    None where a split does not show there.
    """
    if event.is_split:
        if event.multiplicity > 1 or ended is None:
            return event.mixture
        at = (channel, ended.mixture, ended.evaluation, event.atom, beta)
        return parted(*at, least=max(_CLEAR, _CLEAR_SPLIT * (beta - 1.0)))
    if ended is None:
        return join(event.mixture, event.violators, share=1e-3)
    guess = None if birth is None else birth.guess(ended.mixture, abs(beta - event.beta))
    if guess is not None:
        return guess
    log_v = certificate.potential_weights(channel, ended.evaluation.log_z)
    maxima = certificate.climb(
        channel, log_v, np.empty((0, channel.n_classes)), beta, hints=event.violators
    )
    violators = maxima.log_r[maxima.log_phi > 0]
    if not len(violators):
        return ended.mixture
    return enlarged(channel, ended.mixture, violators, beta)


def _differs(event: Event, state: SolvedState) -> bool:
    if event.mixture.n_t != state.mixture.n_t:
        return True
    far = _SAME_ATOM * closeness(event.beta)
    return any(hellinger_squared(r, event.mixture.log_r).min() > far for r in state.mixture.log_r)
