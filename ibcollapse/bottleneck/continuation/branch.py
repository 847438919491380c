"""Following a stationary state along beta while its atoms stay the same.

The tangent of the branch (`solver.tangent`) predicts the state at the next beta, how fast Φ
approaches one at a decoder that is not an atom yet, and how fast an atom comes to split.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.distances import hellinger_squared
from ibcollapse.bottleneck.objective.hessian import Curvature
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture, exponents
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.objective.stability import Splits
from ibcollapse.bottleneck.solver.newton import (
    MOST_SHRINKAGE,
    Descent,
    moved_masses,
)
from ibcollapse.bottleneck.solver.support import MOST_SWEEPS, STATIONARY, refine
from ibcollapse.bottleneck.solver.tangent import Tangent

Array = NDArray[np.float64]

# A branch whose atoms move further than this (squared Hellinger) in one step has been lost.
_FARTHEST_MOVE = 0.05
_LONGEST_PREDICTION = 1.0


def predicted(mixture: Mixture, slope: Tangent, step: float) -> Mixture:
    """The state a distance `step` in beta further along the tangent, held to moderate moves."""
    largest = max(float(np.abs(slope.log_r).max()), float(np.abs(slope.log_q).max()))
    held = np.sign(step) * min(abs(step), _LONGEST_PREDICTION / max(largest, 1e-300))
    return moved_masses(
        mixture, np.maximum(held * slope.log_q, MOST_SHRINKAGE - 1.0), held * slope.log_r
    )


def follow(
    channel: Channel,
    mixture: Mixture,
    slope: Tangent | None,
    beta: float,
    to_beta: float,
    *,
    tol: float = STATIONARY,
    max_sweeps: int = MOST_SWEEPS,
    nearby: Curvature | None = None,
) -> Descent | None:
    """The same branch at `to_beta`; None when it lost an atom or moved too far on the way."""
    start = mixture if slope is None else predicted(mixture, slope, to_beta - beta)
    ended = refine(
        channel, start, to_beta, tol=tol, max_sweeps=max_sweeps, nearby=nearby, keep_atoms=True
    )
    if ended.mixture.n_t != mixture.n_t:
        return None
    moved = hellinger_squared(mixture.log_r, ended.mixture.log_r).max()
    return ended if moved <= _FARTHEST_MOVE else None


def potential_slope(
    channel: Channel, evaluation: Evaluation, slope: Tangent, log_r: Array, beta: float
) -> float:
    """d log Φ(r)/dbeta along the branch at a decoder `log_r` (n_classes,) that maximises Φ."""
    exponent, terms = _terms(channel, evaluation, log_r, beta)
    return float(terms @ (exponent / beta - slope.log_z) / terms.sum())


def growth_slope(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    slope: Tangent,
    splits: Splits,
    atom: int,
    beta: float,
) -> float:
    """d(beta λ₂)/dbeta of an atom along the branch, where λ₂ is simple.

    λ₂ = Σ_x p(x|t) (v·w_x)² for the v with Σ_y mean(y) v(y)² = 1 that maximises it: to first order
    only p(x|t) changes.
    """
    w = channel.p_y_given_x
    exponent, share = _terms(channel, evaluation, mixture.log_r[atom], beta)
    share /= share.sum()
    relative = exponent / beta + beta * (w @ slope.log_r[atom]) - slope.log_z
    change = share * (relative - share @ relative)
    mean = splits.means[atom]
    v = np.divide(splits.directions[atom], mean, out=np.zeros_like(mean), where=mean > 0)
    second = float(splits.growth[atom]) / beta
    return second + beta * float(change @ ((w @ v) ** 2 - second * (w @ v**2)))


def _terms(
    channel: Channel, evaluation: Evaluation, log_r: Array, beta: float
) -> tuple[Array, Array]:
    """Exponents (n_x,) of Φ's terms at a decoder, and the terms over the largest."""
    exponent = exponents(channel, log_r[None], beta)[:, 0]
    scores = exponent + potential_weights(channel, evaluation.log_z)
    return exponent, np.exp(scores - scores.max())
