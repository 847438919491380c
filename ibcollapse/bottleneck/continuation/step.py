"""One step of the curve along a branch, certified."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import deadline
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.continuation.softness import is_soft, leaps
from ibcollapse.bottleneck.continuation.split import NEAR, parted
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.objective.distances import from_nearest, hellinger_squared
from ibcollapse.bottleneck.objective.mixture import Mixture
from ibcollapse.bottleneck.objective.stability import leading_splits
from ibcollapse.bottleneck.pricing.oracle import Options, search
from ibcollapse.bottleneck.solver.column_generation import SolvedState, solve_state
from ibcollapse.bottleneck.solver.initial import first_guess
from ibcollapse.bottleneck.solver.support import enlarged

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Ahead:
    """The optimum at a beta, and whether it is the branch that was followed there."""

    state: SolvedState
    stays: bool


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
    deadline.check()
    if state.mixture.n_t == 1:
        return None
    ended = follow(channel, state.mixture, state.slope, state.beta, beta, nearby=state.curvature)
    if ended is None or leaps(channel, state, ended, beta):
        return None
    found = search(
        channel,
        ended.mixture,
        ended.evaluation,
        beta,
        options,
        rng,
        state.hills,
        enough=options.aim_at(beta),
    )
    return SolvedState.of(channel, beta, ended, found)


def optimal_from(
    channel: Channel,
    state: SolvedState,
    branch: SolvedState | None,
    beta: float,
    options: Options,
    rng: np.random.Generator,
) -> Ahead:
    """The optimum at `beta`: the `branch` of `state` there, enlarged by what violates it."""
    deadline.check()
    if branch is None:
        # Of many supports that do as well the one that the walk has met leads nowhere.
        is_lost = is_soft(state)
        begun = first_guess(channel, beta, options.until)[0] if is_lost else state.mixture
        solved = solve_state(channel, beta, begun, options, rng, state.maxima.log_r)
        return Ahead(solved, stays=False)
    aim = options.aim_at(beta)
    violators = branch.maxima.log_r[branch.maxima.log_phi > 0.1 * aim]
    if branch.gap <= aim or not len(violators):
        # Only an exhaustive bound may be above the aim then: there is no atom to add.
        return Ahead(branch, stays=True)
    start = _parted(channel, branch, violators, aim)
    if start is None:
        start = enlarged(channel, branch.mixture, violators, beta)
    solved = solve_state(channel, beta, start, options, rng, branch.maxima.log_r)
    return Ahead(lower(solved, branch), stays=False)


def lower(solved: SolvedState, other: SolvedState) -> SolvedState:
    """Of two states at one beta the one of less free energy, with what `solved` proves of it."""
    above = solved.evaluation.free_energy - other.evaluation.free_energy
    if not above > 0:
        return solved
    return dataclasses.replace(
        other,
        gap=max(0.0, solved.gap - above),
        gap_search=solved.gap_search,
        maxima=solved.maxima,
        status=solved.status,
    )


def _parted(
    channel: Channel, branch: SolvedState, violators: Array, least: float
) -> Mixture | None:
    """The branch with an unstable atom in two, and what violates its optimality elsewhere.

    Beside its children a parent would take long to die. None where no atom is unstable.
    """
    mixture, evaluation, beta = branch.mixture, branch.evaluation, branch.beta
    near_by = NEAR * closeness(beta)
    if from_nearest(mixture.log_r, violators).min() > near_by:
        return None
    splits = leading_splits(channel, mixture, evaluation, beta)
    atom = int(np.argmax(splits.growth))
    if splits.growth[atom] <= 1 or splits.multiplicity[atom] > 1:
        return None
    start = parted(channel, mixture, evaluation, splits, atom, beta, least)
    elsewhere = hellinger_squared(mixture.log_r[atom], violators) > near_by
    if start is None or not elsewhere.any():
        return start
    return enlarged(channel, start, violators[elsewhere], beta)
