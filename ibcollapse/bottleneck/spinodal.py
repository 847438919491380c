"""Where a branch that is no longer optimal loses its local stability too."""

import math

from ibcollapse.bottleneck.branch import follow, tangent
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.events import Event
from ibcollapse.bottleneck.stability import split_directions

_FARTHEST = 4.0
_MOST_STEPS = 30
_RTOL = 1e-10


def spinodal(channel: Channel, event: Event) -> float:
    """Beta at which beta λ₂ of the branch of `event` reaches one; NaN when it never does.

    The branch is followed upwards by secant steps on beta λ₂ − 1, until it loses an atom or
    beta − 1 has grown fourfold.
    """
    if event.mixture.n_t == 1:
        return event.beta / event.growth if event.growth > 0 else math.inf
    here, growth, state, evaluation = event.beta, event.growth, event.mixture, event.evaluation
    limit = 1 + _FARTHEST * (event.beta - 1)
    # λ₂ changes slowly: the first guess holds it fixed.
    guess = here / growth if growth > 0 else limit
    longest = 0.2 * (event.beta - 1)
    for _ in range(_MOST_STEPS):
        guess = min(max(guess, here - longest), here + longest)
        if guess > limit:
            return math.nan
        ended = follow(channel, state, tangent(channel, state, evaluation, here), here, guess)
        if ended is None:
            return math.nan
        before, last = here, growth
        here, state, evaluation = guess, ended.mixture, ended.evaluation
        growth = float(split_directions(channel, state, evaluation, here).growth.max())
        if abs(growth - 1.0) <= _RTOL:
            return here
        rise = (growth - last) / (here - before) if here != before else 0.0
        guess = here + (1.0 - growth) / rise if rise > 0 else here + longest
    return math.nan
