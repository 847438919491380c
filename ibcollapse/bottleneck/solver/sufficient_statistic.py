"""The optimum at large beta: T tells all rows of p(y|x) apart, a minimal sufficient statistic.

With an atom at each of n distinct rows w_x, of weight p(x), Z(x) ≥ p(x) exp(beta KL(w_x ‖ p_y)), so

    Φ(r) ≤ Σ_x exp(−beta KL(w_x ‖ r)) ≤ Σ_x exp(−2 beta h²(w_x, r)),

h² = 1 − Σ √(w r) being the squared Hellinger distance. √(2 h²) is a distance, so all rows but the
one nearest to r are at least half as far from it as rows are from one another, and the gap is at
most log(1 + (n − 1) exp(−beta d²/2)), d² the least h² of two rows. This holds in exact arithmetic,
where log Φ itself is lost in the rounding of beta KL.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.deadline import check
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution

Array = NDArray[np.float64]

LARGEST_BETA = 1e12
"""Beyond it beta KL rounds by more than 1e-4 nats, and the weights of an encoder with it."""
_ROWS_AT_ONCE = 512
# Affinities of rows closer than this (squared Hellinger) have too few digits left.
_CLOSE = 1e-12


def gap_of_rows(channel: Channel, beta: float, enough: float) -> float:
    """Bound of the optimality gap (nats) of T = X, whose rows must be distinct.

    Infinite, without looking further, where two rows are too close for a gap up to `enough`.
    """
    if channel.n_x == 1:
        return 0.0
    least = 2.0 * math.log((channel.n_x - 1) / math.expm1(enough)) / beta
    apart = 1.0
    for first in range(0, channel.n_x, _ROWS_AT_ONCE):
        check()
        apart = min(apart, _nearest(channel, first))
        if not apart >= least:
            return math.inf
    return math.log1p((channel.n_x - 1) * math.exp(-0.5 * beta * apart))


def _nearest(channel: Channel, first: int) -> float:
    """Least squared Hellinger distance of some rows from those before them and one another."""
    root = np.exp(0.5 * channel.log_p_y_given_x[: first + _ROWS_AT_ONCE])
    away = 1.0 - root[first:] @ root.T
    before = np.arange(len(root)) < np.arange(first, len(root))[:, None]
    nearest = float(away[before].min(initial=1.0))
    if nearest > _CLOSE:
        return nearest
    pairs = np.argwhere(before & (away <= _CLOSE))
    exact = [0.5 * float(np.sum((root[first + i] - root[j]) ** 2)) for i, j in pairs]
    return min(exact)


def sufficient_solution(channel: Channel, beta: float, gap: float, tol: float) -> IBSolution:
    """T = X of a channel of distinct rows, with `gap` or what is sure of it: H(X|Y) at most."""
    gap = min(gap, max(channel.h_x - channel.i_xy, 0.0))
    order = np.argsort(-channel.p_x, kind="stable")
    status = CONVERGED
    if not gap <= tol:
        status = (
            f"beta = {beta:.3g} times the rounding of double precision hides which rows belong "
            f"together; the minimal sufficient statistic is at most {gap:.3g} nats above the "
            "optimum; lower beta"
        )
    return IBSolution(
        beta=float(beta),
        i_xt=channel.h_x,
        i_ty=channel.i_xy,
        lagrangian=channel.h_x - beta * channel.i_xy,
        gap=gap,
        gap_search="exhaustive",
        p_t=channel.p_x[order],
        p_y_given_t=channel.p_y_given_x[order],
        status=status,
        n_iterations=0,
        residual=0.0,
    )


def beyond(solution: IBSolution, beta: float, i_xy: float) -> IBSolution:
    """A solution at `LARGEST_BETA` as one at a larger beta, whose encoder can be no finer."""
    lagrangian = solution.i_xt - beta * solution.i_ty
    gap = lagrangian + (beta - 1.0) * i_xy
    return dataclasses.replace(
        solution,
        beta=float(beta),
        lagrangian=lagrangian,
        gap=gap if gap >= 0.0 else math.inf,
        gap_search="unfinished",
        status=(
            f"solved at beta = {LARGEST_BETA:g}, beyond which double precision has no digits left "
            f"for an encoder: {solution.status}"
        ),
    )
