"""The potential of candidate decoders, and where its ascent map takes them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.kernels.blocks import (
    add_moments,
    score_slab,
    score_coefficients,
    slabs_per_block,
    tile_edges,
)
from ibcollapse.bottleneck.kernels.compilation import aligned, kernel
from ibcollapse.bottleneck.kernels.decoders import checked_decoders
from ibcollapse.bottleneck.kernels.numba_calls import power_row
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.partition import over_slabs
from ibcollapse.bottleneck.kernels.tiles import LEAST_SCORE, SCORE_HEIGHT, SLAB
from ibcollapse.errors import InputError


class Potential(NamedTuple):
    """The potential of each candidate.

    Attributes
    ----------
    log_phi : float64 (n_candidates,)
        log of sum_x v(x) exp(-beta KL(p(y|x) ‖ r)), nats.
    ascended : float64 (n_candidates, n_classes)
        The mean of p(y|x) under the terms of that sum: the next candidate of the ascent map.
    """

    log_phi: NDArray[np.float64]
    ascended: NDArray[np.float64]


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
    n_candidates = len(np.atleast_2d(np.asarray(log_candidates)))
    candidates, unit = checked_decoders(channel, log_candidates, np.zeros(n_candidates), beta)
    rows = np.ascontiguousarray(log_weights, dtype=np.float64)
    if rows.shape != (channel.n_x,):
        raise InputError(f"log_weights has shape {rows.shape}; the channel needs ({channel.n_x},)")
    work = len(channel.p_x) * SLAB * candidates.size
    parts = over_slabs(
        lambda first, last: _potential(
            channel.posteriors, channel.negentropy, rows, candidates, unit, beta, first, last
        ),
        len(channel.p_x),
        n_threads,
        work,
    )
    shift = np.max([part_shift for _, part_shift in parts], axis=0)
    moments = np.zeros(candidates.shape)
    for part_moments, part_shift in parts:
        moments += part_moments * np.exp2(part_shift - shift)[:, None]
    return _normalised(moments, shift)


# Shifts of candidates that no row with weight can reach stay below this, in bits.
_UNREACHABLE = -1e290


def _normalised(moments: NDArray[np.float64], shift: NDArray[np.float64]) -> Potential:
    phi = moments.sum(axis=1)
    log_phi = np.where(shift < _UNREACHABLE, -math.inf, np.log(phi) + shift * math.log(2.0))
    return Potential(log_phi, moments / phi[:, None])


@kernel
def _potential(  # type: ignore[no-untyped-def]
    posteriors, negentropy, log_weights, log_candidates, unit, beta, start, stop
):
    n_t, n_classes = log_candidates.shape
    length = slabs_per_block(n_t, n_classes)
    coefficients = score_coefficients(log_candidates, unit, beta)
    edges = tile_edges(n_t, SCORE_HEIGHT)
    scores = aligned(length * n_t * SLAB).reshape(length, n_t, SLAB)
    offset = aligned(length * SLAB).reshape(length, SLAB)
    top = np.full((length, SLAB), LEAST_SCORE)
    shift = np.full(n_t, LEAST_SCORE)
    moments = np.zeros((n_t, n_classes))
    for first in range(start, stop, length):
        n_slabs = min(length, stop - first)
        _weighted_offsets(log_weights, negentropy, first, n_slabs, beta, offset)
        for i in range(n_slabs):
            score_slab(coefficients, edges, posteriors, first + i, offset, scores, top, i)
        for t in range(n_t):
            raised = power_row(scores, n_slabs, t, shift[t])
            if raised > shift[t]:
                moments[t] *= 2.0 ** (shift[t] - raised)
                shift[t] = raised
        add_moments(scores, n_slabs, posteriors, first, moments)
    return moments, shift


@kernel
def _weighted_offsets(  # type: ignore[no-untyped-def]
    log_weights, negentropy, first, n_slabs, beta, offset
):
    n_x = len(log_weights)
    for i in range(n_slabs):
        for lane in range(SLAB):
            x = (first + i) * SLAB + lane
            bits = -1e307
            if x < n_x:
                bits = max(log_weights[x] / math.log(2.0), bits)
            offset[i, lane] = bits - beta * negentropy[first + i, lane]
