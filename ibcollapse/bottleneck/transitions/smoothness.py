"""Whether anything happens: events that are no sharp roots, arcs of the curve without a break.

Cyclic and ordered classes have soft modes: along a circle of decoders Φ is one to the last digits,
and any few atoms on it do as well as any others. What their support does there is no transition of
the optimum: neither L, nor I(X;T) = L + beta I(T;Y), nor their slopes have a break.
"""

import math

import numpy as np

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.softness import relevance, rise
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.objective.distances import from_nearest
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.objective.stability import split_directions
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.solver.column_generation import SolvedState
from ibcollapse.bottleneck.transitions.locate import AT_ATOM, Event

# Where an event is a root, what crosses zero there is at least this share of its linear
# extrapolation below zero at the state from which the branch was followed, or this far below zero.
_SHARE = 0.1
_CLEARLY = 1e-6
# Closer to beta = 1, where slopes along the branch are rounding themselves, by less than that.
_NEXT_TO_ONE, _CLEARLY_NEAR_ONE = 1e-3, 1e-7
# A break of I(T;Y) may be this many times as large as what the gaps leave open of L.
_LOOSER = 10.0
# No more than this share of I(X;Y), whatever the gaps leave open.
_LARGEST_BREAK = 1e-3
# Shares of what the slopes' difference moves L and I(T;Y) by that a smooth arc may miss. A kink
# that is all of the difference misses more of one of the two, wherever it is.
_CURVED, _BENT = 0.01, 0.05
# Slopes of states in soft modes are known to a few hundredths: along with the width, this share of
# them may be missing besides.
_ROUGH_SLOPE = 0.03
# Over a step of the walk the slope of a smooth arc changes by less than this share of itself.
_MOST_BEND = 0.25
# Gaps beyond this share of (beta − 1) I(X;Y) leave open what happens between other atoms.
_VAGUE = 1e-4
# Next to beta = 1 widths of so many times what an atom needs to gain the second, nats, do as well.
_MANY, _ROUNDING = 10.0, 1e-14


def is_sharp(channel: Channel, origin: SolvedState, event: Event) -> bool:
    """Whether what reaches the bound at an event had been below it at `origin`, on its branch.

    A soft mode stays at the bound, to rounding, on all of the way.
    """
    if origin.mixture.n_t == 1:
        return True
    lacking = abs(event.steepness * (event.beta - origin.beta))
    beyond_one = event.beta - 1.0
    clearly = _CLEARLY if beyond_one >= _NEXT_TO_ONE else _CLEARLY_NEAR_ONE
    enough = min(_SHARE * lacking, clearly * min(1.0, beyond_one))
    if event.is_split:
        atom = np.array([event.atom])
        splits = split_directions(channel, origin.mixture, origin.evaluation, origin.beta, atom)
        return bool(1.0 - splits.growth[event.atom] >= enough)
    log_v = potential_weights(channel, origin.evaluation.log_z)
    violators = event.violators
    maxima = climb(channel, log_v, violators[:0], origin.beta, hints=violators)
    away = from_nearest(maxima.log_r, origin.mixture.log_r)
    others = maxima.log_phi[away > AT_ATOM * closeness(origin.beta)]
    if not len(others):
        # The maximum was a shoulder of an atom's own then.
        others, _ = log_potential(channel, log_v, violators, origin.beta)
    return bool(others.max() <= -enough)


def is_hidden(channel: Channel, before: SolvedState, after: SolvedState) -> bool:
    """Whether the gaps of two states are larger than all that lies between them.

    Each of the two may be the optimum at the other's beta then.
    """
    risen = relevance(channel, after) - relevance(channel, before)
    return not risen * (after.beta - before.beta) > before.gap + after.gap


def on_one_arc(
    channel: Channel,
    before: SolvedState,
    after: SolvedState,
    options: Options,
    *,
    are_soft: bool = False,
) -> bool:
    """Whether two states are the ends of a smooth arc, as far as their gaps tell.

    L falls by the integral of I(T;Y) over beta, which its values and slopes at both ends give to
    the fourth order of the width, and I(T;Y) rises by that of its slope. A jump or a kink in
    between breaks at least one of the two. Of states that `are_soft` the slopes are rough.
    """
    width = after.beta - before.beta
    known = before.gap + after.gap + options.aim_at(after.beta)
    beyond_one = before.beta - 1.0
    is_vague = not known <= _VAGUE * beyond_one * channel.i_xy
    if beyond_one < _NEXT_TO_ONE:
        # A birth and what it gains may both lie in the rounding of F.
        is_vague |= width <= _MANY * math.sqrt(_ROUNDING * beyond_one)
    if is_vague and before.mixture.n_t != after.mixture.n_t:
        return False
    low, high = relevance(channel, before), relevance(channel, after)
    rise_low, rise_high = rise(before), rise(after)
    fallen = before.evaluation.free_energy - after.evaluation.free_energy
    if not abs(rise_high - rise_low) <= _MOST_BEND * max(rise_low, rise_high):
        return False
    bend = width * abs(rise_high - rise_low)
    missing = abs(fallen - 0.5 * width * (low + high) + width**2 * (rise_high - rise_low) / 12.0)
    broken = abs(high - low - 0.5 * width * (rise_low + rise_high))
    rough = _ROUGH_SLOPE * width * max(rise_low, rise_high) if are_soft else 0.0
    return (
        missing <= max(known, _CURVED * bend * width, 0.1 * rough * width)
        and broken <= max(_LOOSER * known / width, _BENT * bend, rough)
        and broken <= _LARGEST_BREAK * channel.i_xy
    )
