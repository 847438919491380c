"""Where a branch is expected to stop being optimal, to first order."""

import math

from ibcollapse.bottleneck.branch import Tangent, potential_slope
from ibcollapse.bottleneck.certificate import hellinger_squared
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.events import AT_ATOM
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.solver import SolvedState
from ibcollapse.bottleneck.stability import split_directions


class Foresight:
    """Where the branch that is followed will fail, from its state and the one before it.

    `memory` is what is kept of the one before: its number of atoms, beta and largest growth.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.memory: tuple[int, float, float] | None = None

    def next_failure(self, state: SolvedState, slope: Tangent) -> float:
        """Beta of the first failure that the maxima of Φ and the atoms' growth point at; or inf.

        The potentials of the maxima away from the atoms move with their exact slopes. The slope of
        an atom's growth beta λ₂ would cost third moments: the change since the last state with as
        many atoms takes its place.
        """
        return min(self._first_split(state), _first_birth(self._channel, state, slope))

    def _first_split(self, state: SolvedState) -> float:
        splits = split_directions(self._channel, state.mixture, state.evaluation, state.beta)
        growth, n_t = float(splits.growth.max()), state.mixture.n_t
        last, self.memory = self.memory, (n_t, state.beta, growth)
        if last is None or last[0] != n_t or growth <= last[2] or growth >= 1.0:
            return math.inf
        return state.beta + (1.0 - growth) * (state.beta - last[1]) / (growth - last[2])


def _first_birth(channel: Channel, state: SolvedState, slope: Tangent) -> float:
    beta, first = state.beta, math.inf
    at_atom = AT_ATOM * closeness(beta)
    for log_r, log_phi in zip(state.maxima.log_r, state.maxima.log_phi, strict=True):
        if log_phi >= 0 or hellinger_squared(log_r, state.mixture.log_r).min() <= at_atom:
            continue
        rise = potential_slope(channel, state.evaluation, slope, log_r, beta)
        if rise > 0:
            first = min(first, beta - float(log_phi) / rise)
    return first
