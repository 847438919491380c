"""The certified state next to an event, which shows what happens there."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.continuation.split import parted
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.objective.distances import from_nearest, hellinger_squared
from ibcollapse.bottleneck.objective.mixture import Mixture
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.objective.stability import split_directions
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.solver.birth import Birth
from ibcollapse.bottleneck.solver.column_generation import SolvedState, solve_state
from ibcollapse.bottleneck.solver.newton import Descent
from ibcollapse.bottleneck.solver.support import enlarged, join
from ibcollapse.bottleneck.transitions.locate import Event

Array = NDArray[np.float64]

# The state is solved this far from the event, as a fraction of beta − 1; the first fraction at
# which its atoms differ is taken.
FRACTIONS = (1e-6, 1e-5, 1e-4, 1e-3)
# Near beta = 1, where rounding hides more, it is looked for as far as this.
_FARTHEST = 0.1
# Free energies that differ by less (nats) may be equal; a birth is first looked at where it should
# have gained the second, times the number of variables in units of the last, and a split where it
# has gained that or the third, times beta − 1.
_VISIBLE = 1e-14
_CLEAR = 1e-13
_CLEAR_SPLIT = 1e-9
_FEW_VARIABLES = 30
# A state that lies below another by so many times its own gap has the optimum's atoms: beside a
# symmetric split three atoms may do as well as two to within the gap.
_SURELY = 10.0
# Atoms further apart than this (squared Hellinger) are different ones.
_SAME_ATOM = 0.05
# Those of a state that lies below the branch at its own beta need not be as far.
_OTHER_ATOM = 1e-4
SHARP = 1e-11
"""The gap in nats at which the states beside a transition rest: they show it early."""
# The branch is followed to this squared scaled gradient (nats), which F does not show.
_FOLLOWED = 1e-20
# One that takes more sweeps than this is better looked for further on.
_MOST_SWEEPS = 200


def beside(
    channel: Channel,
    event: Event,
    limit: float,
    options: Options,
    rng: np.random.Generator,
    beyond: Mixture | None = None,
) -> SolvedState | None:
    """The certified state next to an event, on the side of the beta `limit`, with other atoms.

    Above a birth that is the state with the new atom, below a death the one with the dying atom. It
    has to lie below the branch of the event, visibly and by several times its own gap, or it is no
    better known than the branch is. None where no state nearer than `limit` shows the change.
    `beyond` are atoms further away: where several directions open at once, as on a ring, they say
    which of many supports that do as well next to the event is the one that stays.
    """
    most = min(options.max_sweeps, _MOST_SWEEPS)
    sharper = dataclasses.replace(options, target=SHARP, rigorous=False, max_sweeps=most)
    side = 1.0 if limit > event.beta else -1.0
    birth = None
    if len(event.violators) == 1:
        birth = Birth.at(channel, event.ended, event.beta, event.violators[0])
    for fraction in _fractions(event, birth):
        beta = event.beta + side * fraction * (event.beta - 1)
        if side * (limit - beta) <= 0:
            break
        at = channel, event.mixture, event.slope, event.beta, beta
        branch = follow(*at, tol=_FOLLOWED, nearby=event.hessian)
        start = _with_new_atoms(channel, event, birth, branch, beta, beyond)
        if start is None:
            continue
        state = solve_state(channel, beta, start, sharper, rng, event.violators)
        state = _without_the_parent(channel, event, state, sharper, rng)
        if differs(event, state) if branch is None else _is_better(branch, state):
            return state
    return None


def _is_better(branch: Descent, state: SolvedState) -> bool:
    """Whether a state has other atoms than the branch at its beta, and surely less free energy."""
    gained = branch.evaluation.free_energy - state.evaluation.free_energy
    if not gained >= max(_SURELY * state.gap, _VISIBLE):
        return False
    if branch.mixture.n_t != state.mixture.n_t:
        return True
    moved = from_nearest(state.mixture.log_r, branch.mixture.log_r).max()
    return bool(moved > _OTHER_ATOM * closeness(state.beta))


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
    if not event.is_split or event.multiplicity > 1 or state.mixture.n_t <= event.mixture.n_t + 1:
        return state
    parent = np.argmin(hellinger_squared(event.mixture.log_r[event.atom], state.mixture.log_r))
    children = state.mixture.take(np.arange(state.mixture.n_t) != parent)
    fewer = solve_state(channel, state.beta, children, options, rng, state.maxima.log_r)
    higher = fewer.evaluation.free_energy - state.evaluation.free_energy
    as_good = higher <= max(state.gap, _VISIBLE) and fewer.gap <= max(state.gap, options.aim)
    return fewer if as_good and fewer.mixture.n_t < state.mixture.n_t else state


def _fractions(event: Event, birth: Birth | None) -> list[float]:
    """How far from an event its new atoms are looked for, as fractions of beta − 1."""
    nearest, farthest = FRACTIONS[0], FRACTIONS[-1]
    shown = _shown_at(event.beta)
    further = [] if shown <= farthest else [math.sqrt(farthest * shown), shown]
    if birth is not None:
        # Gaps known to several times their size: the more variables, the more rounding in them.
        clear = _CLEAR * max(1.0, event.mixture.log_r.size / _FEW_VARIABLES)
        lacking = birth.potential_of_gain(clear)
        slope = abs(event.steepness) * (event.beta - 1)
        shows = lacking / slope if slope > 0 else math.inf
        nearest = min(max(nearest, shows), farthest)
    return [nearest, *(f for f in FRACTIONS if f > nearest), *further]


def _shown_at(beta: float) -> float:
    """The fraction of beta − 1 beyond an event at which rounding does not hide it any more.

    What an atom gains at a share u of beta − 1 beyond its event is of the order of (beta − 1) u².
    """
    return min(_FARTHEST, 2.0 * math.sqrt(_CLEAR / (beta - 1.0)))


def is_unseen(channel: Channel, event: Event, state: SolvedState) -> bool:
    """Whether a state so near an event that rounding may hide what happens there gains nothing."""
    if state.beta - event.beta > _shown_at(event.beta) * (event.beta - 1.0):
        return False
    at = channel, event.mixture, event.slope, event.beta, state.beta
    branch = follow(*at, tol=_FOLLOWED, nearby=event.hessian)
    return branch is not None and not _is_better(branch, state)


def _with_new_atoms(
    channel: Channel,
    event: Event,
    birth: Birth | None,
    ended: Descent | None,
    beta: float,
    beyond: Mixture | None,
) -> Mixture | None:
    """The branch of an event, `ended` at `beta` beside it, with what violates its optimality.

    None where a split does not show there.
    """
    if event.is_split:
        if event.multiplicity > 1:
            return event.mixture if beyond is None else beyond
        if ended is None:
            return event.mixture
        here = (channel, ended.mixture, ended.evaluation)
        least = max(_CLEAR, _CLEAR_SPLIT * (beta - 1.0))
        splits = split_directions(*here, beta, np.array([event.atom]))
        return parted(*here, splits, event.atom, beta, least)
    if ended is None:
        return join(event.mixture, event.violators, share=1e-3)
    guess = (
        None
        if birth is None
        else birth.guess(ended.mixture, abs(event.steepness * (beta - event.beta)))
    )
    if guess is not None:
        return guess
    log_v = potential_weights(channel, ended.evaluation.log_z)
    maxima = climb(channel, log_v, np.empty((0, channel.n_classes)), beta, hints=event.violators)
    violators = maxima.log_r[maxima.log_phi > 0]
    if not len(violators):
        return ended.mixture
    return enlarged(channel, ended.mixture, violators, beta)


def differs(event: Event, state: SolvedState) -> bool:
    """Whether a state has other atoms than the branch of an event."""
    if event.mixture.n_t != state.mixture.n_t:
        return True
    far = _SAME_ATOM * closeness(event.beta)
    return bool(from_nearest(state.mixture.log_r, event.mixture.log_r).max() > far)
