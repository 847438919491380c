"""Where a branch is expected to stop being optimal, to first order."""

import math

import numpy as np

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import growth_slope, potential_slope
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.objective.distances import from_nearest
from ibcollapse.bottleneck.solver.column_generation import SolvedState
from ibcollapse.bottleneck.solver.tangent import Tangent
from ibcollapse.bottleneck.transitions.locate import AT_ATOM

# What is nearer to the bound than this (as a share of beta − 1 near one) is there within the
# shortest step, or it is a soft mode that stays there and foretells nothing.
_NO_SPLIT, _NO_BIRTH = 1e-5, 1e-10


def next_failure(channel: Channel, state: SolvedState, slope: Tangent) -> float:
    """Beta of the first failure that Φ, the least stable atom and the weights point at; or inf."""
    return min(
        _first_split(channel, state, slope),
        _first_birth(channel, state, slope),
        _first_death(state, slope),
    )


def _first_split(channel: Channel, state: SolvedState, slope: Tangent) -> float:
    mixture, evaluation, beta = state.mixture, state.evaluation, state.beta
    splits = state.splits
    atom = int(np.argmax(splits.growth))
    lacking = 1.0 - float(splits.growth[atom])
    rise = growth_slope(channel, mixture, evaluation, slope, splits, atom, beta)
    nothing = _NO_SPLIT * min(1.0, beta - 1.0)
    return beta + lacking / rise if lacking > nothing and rise > 0 else math.inf


def _first_birth(channel: Channel, state: SolvedState, slope: Tangent) -> float:
    beta, first = state.beta, math.inf
    maxima = state.maxima
    away = from_nearest(maxima.log_r, state.mixture.log_r) > AT_ATOM * closeness(beta)
    coming = away & (maxima.log_phi < -_NO_BIRTH * min(1.0, beta - 1.0))
    for log_r, log_phi in zip(maxima.log_r[coming], maxima.log_phi[coming], strict=True):
        rise = potential_slope(channel, state.evaluation, slope, log_r, beta)
        if rise > 0:
            first = min(first, beta - float(log_phi) / rise)
    return first


def _first_death(state: SolvedState, slope: Tangent) -> float:
    # Beside a birth or a death the weight itself, not its logarithm, is linear in beta.
    fastest = float(slope.log_q.min())
    return state.beta - 1.0 / fastest if fastest < 0 else math.inf
