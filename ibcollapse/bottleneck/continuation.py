"""One step of the curve along a branch, certified."""

import numpy as np

from ibcollapse.bottleneck.branch import follow, tangent
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.searching import Options, search
from ibcollapse.bottleneck.solver import SolvedState, enlarged, solve_state


def continued(
    channel: Channel,
    state: SolvedState,
    beta: float,
    options: Options,
    rng: np.random.Generator,
) -> SolvedState | None:
    """The branch of `state` at `beta`, with its gap there; None where it ends on the way.

    Where it has stopped being optimal, the gap is that of the first violators that were met.
    """
    if state.mixture.n_t == 1:
        return None
    slope = tangent(channel, state.mixture, state.evaluation, state.beta)
    ended = follow(channel, state.mixture, slope, state.beta, beta)
    if ended is None:
        return None
    found = search(
        channel,
        ended.mixture,
        ended.evaluation,
        beta,
        options,
        rng,
        state.maxima.log_r,
        enough=options.aim_at(beta),
    )
    return SolvedState.of(beta, ended, found)


def optimal_from(
    channel: Channel,
    state: SolvedState,
    branch: SolvedState | None,
    beta: float,
    options: Options,
    rng: np.random.Generator,
) -> SolvedState:
    """The optimum at `beta`: the `branch` of `state` there, enlarged by what violates it."""
    if branch is None:
        return solve_state(channel, beta, state.mixture, options, rng, state.maxima.log_r)
    aim = options.aim_at(beta)
    if branch.gap <= aim:
        return branch
    violators = branch.maxima.log_r[branch.maxima.log_phi > 0.1 * aim]
    if not len(violators):
        # An exhaustive bound above the aim: there is no atom to add.
        return branch
    start = enlarged(channel, branch.mixture, violators, beta)
    return solve_state(channel, beta, start, options, rng, branch.maxima.log_r)
