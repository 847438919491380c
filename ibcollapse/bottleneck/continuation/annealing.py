"""Annealing: warm-started local descent from beta to beta.

A local optimiser stays on its branch after the branch has stopped being globally optimal, until an
atom loses stability; upwards in beta this is deterministic annealing (Rose 1998, doi
10.1109/5.726788). The certificate of each solution says what staying costs.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.decoders import floored_log
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture
from ibcollapse.bottleneck.objective.stability import split_directions
from ibcollapse.bottleneck.pricing.oracle import Options, Search, search
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.solver.column_generation import SolvedState, to_solution
from ibcollapse.bottleneck.solver.newton import Descent
from ibcollapse.bottleneck.solver.support import refine

Array = NDArray[np.float64]

# An unstable atom becomes two, this far towards the simplex's boundary along its split direction.
_PUSH = 0.02
# beta λ₂ above one by less is rounding at the critical point itself.
_UNSTABLE = 1e-9
_MOST_SPLITS = 64


def anneal(
    channel: Channel, lowest: Mixture, highest: Mixture, betas: Array, options: Options
) -> tuple[tuple[IBSolution, ...], tuple[IBSolution, ...]]:
    """Local optima at increasing `betas`, met upwards and downwards, each in its own order.

    Every state starts from the one before, the first from `lowest` or `highest`. `channel` must
    have distinct rows. Of two states at one beta the lower one is certified: the other misses the
    optimum by at most that gap and their distance, which is less than its own certificate says.
    The status of a solution says when the global optimum is elsewhere.
    """
    rng = np.random.default_rng(0)
    up = _settle_along(channel, lowest, betas)
    down = _settle_along(channel, highest, betas[::-1])[::-1]
    pairs = [
        _certify_pair(channel, both, float(beta), options, rng)
        for beta, *both in zip(betas, up, down, strict=True)
    ]
    return tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs[::-1])


def _settle_along(channel: Channel, start: Mixture, betas: Array) -> list[Descent]:
    states: list[Descent] = []
    for beta in betas:
        states.append(settle(channel, states[-1].mixture if states else start, float(beta)))
    return states


def settle(channel: Channel, mixture: Mixture, beta: float) -> Descent:
    """The locally stable state that descent from `mixture` ends in: unstable atoms are split."""
    ended = refine(channel, mixture, beta)
    for _ in range(_MOST_SPLITS):
        split = _split_unstable(channel, ended.mixture, ended.evaluation, beta)
        if split is None:
            break
        before = ended.evaluation.free_energy
        ended = refine(channel, split, beta)
        if ended.evaluation.free_energy >= before:
            break
    return ended


def is_stable(channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float) -> bool:
    """Whether no atom gains by splitting: beta λ₂ ≤ 1 for each of them."""
    splits = split_directions(channel, mixture, evaluation, beta)
    return bool(splits.growth.max() <= 1 + _UNSTABLE)


def _split_unstable(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> Mixture | None:
    splits = split_directions(channel, mixture, evaluation, beta)
    unstable = splits.growth > 1 + _UNSTABLE
    if not unstable.any():
        return None
    pushed = floored_log(splits.pushed(_PUSH)[np.tile(unstable, 2)])
    halves = np.tile(mixture.log_q[unstable] - np.log(2), 2)
    return Mixture(
        np.concatenate([mixture.log_r[~unstable], pushed]),
        np.concatenate([mixture.log_q[~unstable], halves]),
    )


def _certify_pair(
    channel: Channel,
    states: Sequence[Descent],
    beta: float,
    options: Options,
    rng: np.random.Generator,
) -> list[IBSolution]:
    heights = [state.evaluation.free_energy for state in states]
    lower = states[int(np.argmin(heights))]
    found = search(channel, lower.mixture, lower.evaluation, beta, options, rng)
    return [
        to_solution(
            channel, _with_gap(channel, beta, state, height - min(heights), found, options.tol)
        )
        for state, height in zip(states, heights, strict=True)
    ]


def _with_gap(
    channel: Channel, beta: float, ended: Descent, above: float, found: Search, tol: float
) -> SolvedState:
    """`ended`, whose free energy lies `above` that of the state that `found` is about."""
    gap, status = found.gap + above, CONVERGED
    if not gap <= tol:
        status = (
            f"a local optimum, at most {gap:.3g} nats above the global one; use solve to leave "
            "its branch"
        )
    return dataclasses.replace(SolvedState.of(channel, beta, ended, found, status), gap=gap)
