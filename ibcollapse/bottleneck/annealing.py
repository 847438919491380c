"""Annealing: warm-started local descent from beta to beta.

A local optimiser stays on its branch after the branch has stopped being globally optimal, until an
atom loses stability; upwards in beta this is deterministic annealing (Rose 1998, doi
10.1109/5.726788). The certificate of each solution says what staying costs.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import LOG_ZERO, Evaluation, Mixture
from ibcollapse.bottleneck.newton import Descent
from ibcollapse.bottleneck.refinement import refine
from ibcollapse.bottleneck.searching import Options, search
from ibcollapse.bottleneck.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.solver import SolvedState, to_solution
from ibcollapse.bottleneck.stability import split_directions

Array = NDArray[np.float64]

# An unstable atom becomes two, this far towards the simplex's boundary along its split direction.
_PUSH = 0.02
# beta λ₂ above one by less is rounding at the critical point itself.
_UNSTABLE = 1e-9
_MOST_SPLITS = 64


def anneal(
    channel: Channel, start: Mixture, betas: NDArray[np.float64], options: Options
) -> tuple[IBSolution, ...]:
    """Local optima at `betas`, in their order, each started from the one before.

    `channel` must have distinct rows. The gap of each solution is that of the certificate; its
    status says so when the global optimum is elsewhere.
    """
    rng = np.random.default_rng(0)
    solutions, mixture = [], start
    for beta in betas:
        ended = settle(channel, mixture, float(beta))
        mixture = ended.mixture
        solutions.append(_certified(channel, ended, float(beta), options, rng))
    return tuple(solutions)


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
    r, direction = splits.means[unstable], splits.directions[unstable]
    reach = np.divide(r, np.abs(direction), out=np.full_like(r, np.inf), where=direction != 0)
    shift = _PUSH * reach.min(axis=1, keepdims=True) * direction
    with np.errstate(divide="ignore"):
        pushed = np.maximum(np.log(np.concatenate([r + shift, r - shift])), LOG_ZERO)
    halves = np.tile(mixture.log_q[unstable] - np.log(2), 2)
    return Mixture(
        np.concatenate([mixture.log_r[~unstable], pushed]),
        np.concatenate([mixture.log_q[~unstable], halves]),
    )


def _certified(
    channel: Channel, ended: Descent, beta: float, options: Options, rng: np.random.Generator
) -> IBSolution:
    found = search(channel, ended.mixture, ended.evaluation, beta, options, rng)
    status = CONVERGED
    if found.gap > options.tol:
        status = (
            f"a local optimum, at most {found.gap:.3g} nats above the global one; use solve to "
            "leave its branch"
        )
    return to_solution(channel, SolvedState.of(beta, ended, found, status))
