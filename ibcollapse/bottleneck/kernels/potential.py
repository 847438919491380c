"""The potential of candidate decoders, and where its ascent map takes them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.kernels.blocks import (
    NO_WEIGHT,
    add_moments,
    make_block,
    score_coefficients,
    score_slab,
    tile_edges,
)
from ibcollapse.bottleneck.kernels.compilation import constant, kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.decoders import checked_decoders
from ibcollapse.bottleneck.kernels.numba_calls import column_powers
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.partition import over_slabs
from ibcollapse.bottleneck.kernels.tiles import LEAST_SCORE, SCORE_HEIGHT, SLAB
from ibcollapse.errors import InputError

Array = NDArray[np.float64]


class Potential(NamedTuple):
    """The potential of each candidate.

    Attributes
    ----------
    log_phi : float64 (n_candidates,)
        log of sum_x v(x) exp(-beta KL(p(y|x) ‖ r)), nats.
    ascended : float64 (n_candidates, n_classes)
        The mean of p(y|x) under the terms of that sum: the next candidate of the ascent map. Zero
        where log_phi is -inf.
    """

    log_phi: Array
    ascended: Array


def potential(
    channel: PackedChannel,
    log_weights: ArrayLike,
    log_candidates: ArrayLike,
    beta: float,
    *,
    n_threads: int = 1,
) -> Potential:
    """Potential of candidate decoders r and their images under the ascent map.

    With v(x) = p(x)/Z(x) of a solution, sum_x v(x) exp(-beta KL(p(y|x) ‖ r)) is at most one for
    every r exactly when it is optimal, and the map to `ascended` never lowers the sum. The largest
    term of each candidate is taken out first: nothing overflows or underflows.

    Parameters
    ----------
    channel : PackedChannel
        Rows p(x), p(y|x); its p(x) is not used.
    log_weights : float64 (n_x,)
        log v(x) in nats; -inf leaves a row out.
    log_candidates : float64 (n_candidates, n_classes)
        Logarithms of the candidates r in nats; -inf for zero.
    beta : float
        Trade-off, finite and not negative.
    n_threads : int
        Threads over equal parts of the rows; results are the same bits for the same number.

    Raises
    ------
    InputError
        When shapes do not fit the channel, or beta is negative or not finite.
    """
    log_candidates = np.asarray(log_candidates)
    candidates, unit, beta = checked_decoders(
        channel, log_candidates, np.zeros(log_candidates.shape[:1]), beta
    )
    rows = constant(np.ascontiguousarray(log_weights, dtype=np.float64))
    if rows.shape != (channel.n_x,):
        raise InputError(f"log_weights has shape {rows.shape}; the channel needs ({channel.n_x},)")

    def sum_slabs(first: int, stop: int) -> tuple[Array, Array]:
        arrays = channel.posteriors, channel.negentropy
        return _sum_slabs(*arrays, rows, candidates, unit, beta, first, stop)

    work = channel.p_x.size * candidates.size
    return _combined(over_slabs(sum_slabs, len(channel.p_x), n_threads, work))


def _combined(parts: list[tuple[Array, Array]]) -> Potential:
    moments, shift = parts[0]
    for further_moments, further_shift in parts[1:]:
        higher = np.maximum(shift, further_shift)
        moments *= np.exp2(shift - higher)[:, None]
        moments += further_moments * np.exp2(further_shift - higher)[:, None]
        shift = higher
    phi = moments.sum(axis=1)
    reached = phi > 0.0
    phi[~reached] = 1.0
    log_phi = np.log(phi) + shift * math.log(2.0)
    log_phi[~reached] = -math.inf
    return Potential(log_phi, moments / phi[:, None])


@kernel
def _sum_slabs(
    posteriors: Array,
    negentropy: Array,
    log_weights: Array,
    log_candidates: Array,
    unit: Array,
    beta: float,
    start: int,
    stop: int,
) -> tuple[Array, Array]:
    """Weighted sums of p(y|x) for each candidate, over 2**shift, and the shifts."""
    coefficients = score_coefficients(log_candidates, unit, beta)
    edges = tile_edges(len(coefficients), SCORE_HEIGHT)
    n_t, n_classes = coefficients.shape
    block = make_block(n_t, n_classes)
    shift = np.full(len(coefficients), LEAST_SCORE)
    moments = np.zeros(coefficients.shape)
    for first in range(start, stop, len(block.top)):
        n_slabs = min(len(block.top), stop - first)
        for i in range(n_slabs):
            _weighted_offset(log_weights, negentropy, first + i, beta, block.offset[i])
            score_slab(coefficients, edges, posteriors, first + i, block, i)
        for t in range(len(shift)):
            raised = column_powers(block.scores, n_slabs, t, shift[t])
            if raised > shift[t]:
                moments[t] *= 2.0 ** (shift[t] - raised)
                shift[t] = raised
        add_moments(block.scores, n_slabs, posteriors, first, moments)
    return moments, shift


@part_of_kernel
def _weighted_offset(
    log_weights: Array, negentropy: Array, slab: int, beta: float, offset: Array
) -> None:
    for x in range(SLAB):
        row = slab * SLAB + x
        bits = NO_WEIGHT
        if row < len(log_weights):
            bits = max(log_weights[row] / math.log(2.0), bits)
        offset[x] = bits - beta * negentropy[slab, x]
