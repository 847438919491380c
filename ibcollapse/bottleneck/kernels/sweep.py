"""One Blahut–Arimoto sweep over the rows of a channel, without storing its encoder."""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.blocks import (
    NO_WEIGHT,
    TOO_LOW,
    absolute_exponents,
    add_shared_moments,
    block_of,
    power_block,
    relative_exponents,
    rows_of,
    score_coefficients,
    score_slab,
    slabs_in_cache,
    tile_edges,
)
from ibcollapse.bottleneck.kernels.compilation import aligned, kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.sweep_calls import row_powers, shares
from ibcollapse.bottleneck.kernels.tiles import SCORE_HEIGHT, SLAB
from ibcollapse.bottleneck.kernels.vectors import LANES

Array = NDArray[np.float64]

# Slabs of a block at most.
_MOST_SLABS = 32
# Scores that are at most this many bits apart are taken against the last cluster's: rounding then
# costs their powers 1e-14 at most, and no sum of them overflows or underflows.
_NARROW = 64.0
# Sums of decoders and weights above one by this much leave scores far below the overflow.
_ROOM = 1e-6


@kernel
def pass_over_slabs(
    posteriors: Array,
    negentropy: Array,
    row_weights: Array,
    log_p_y_given_t: Array,
    log_p_t: Array,
    beta: float,
    joint: Array,
) -> float:
    """Add p(t, y) of the map's encoder to `joint`; returns Σ p(x) log Z(x), nats.

    The encoder is p(t|x) = p(t) exp(-beta KL(p(y|x) ‖ p(y|t))) / Z(x) (Tishby, Pereira and
    Bialek 1999, arXiv physics/0004057). The first three arrays are those of a `PackedChannel`, the
    next two logs in nats, -inf for zero, (n_t, n_classes) and (n_t,). Where a Z(x) comes near the
    underflow, the rows around it are done again with the largest exponent of each taken out first:
    any beta is right. A row whose every cluster with weight excludes one of its classes goes to
    none, and its log Z(x) comes out at -1e308.

    Where scores are close to each other they are taken against the last cluster's: fewer products,
    fewer exponentials.
    """
    coefficients = score_coefficients(log_p_y_given_t, log_p_t, beta)
    n_t, n_classes = coefficients.shape
    edges = tile_edges(n_t, SCORE_HEIGHT)
    relative = n_t > 1 and _span(coefficients) <= _NARROW
    if relative:
        exponents = relative_exponents(coefficients)
        may_overflow = False
    else:
        exponents = absolute_exponents(coefficients, beta)
        may_overflow = not _scores_are_low(log_p_y_given_t, log_p_t, beta)
    n_scored = len(exponents.coefficients)
    n_slabs_at_once = min(slabs_in_cache(n_t, n_classes, _MOST_SLABS), len(row_weights))
    block = block_of(n_slabs_at_once, n_scored)
    log_z_of_block, share = rows_of(n_slabs_at_once, 0.0), rows_of(n_slabs_at_once, 0.0)
    lacking = -beta if relative else 0.0
    total, before = np.zeros(LANES), np.zeros(LANES)
    flat = aligned((n_t + 2) * n_classes * LANES)
    for i in range(len(flat)):
        flat[i] = 0.0
    lanes = flat.reshape(n_t + 2, n_classes, LANES)
    for first in range(0, len(row_weights), n_slabs_at_once):
        n_slabs = min(n_slabs_at_once, len(row_weights) - first)
        for lane in range(LANES):
            before[lane] = total[lane]
        power_block(exponents, posteriors, negentropy, first, n_slabs, block, share)
        lowest = shares(
            n_slabs, row_weights, first, negentropy, first, lacking, share, log_z_of_block, total
        )
        if may_overflow or (not relative and lowest < TOO_LOW):
            for i in range(n_slabs):
                for x in range(SLAB):
                    block.offset[i, x] = -beta * negentropy[first + i, x]
                score_slab(coefficients, edges, posteriors, first + i, block, i)
                row_powers(block.scores, block.top, log_z_of_block, share, i)
            for lane in range(LANES):
                total[lane] = before[lane]
            shares(
                n_slabs, row_weights, first, log_z_of_block, 0, 1.0, share, log_z_of_block, total
            )
        add_shared_moments(block, n_scored, n_slabs, share, posteriors, first, lanes)
    bits = 0.0
    for lane in range(LANES):
        bits += total[lane]
    for t in range(n_t):
        for y in range(n_classes):
            here = 0.0
            for lane in range(LANES):
                here += lanes[t, y, lane]
            joint[t, y] += here
            if relative:
                bits += here * coefficients[n_t - 1, y]
    return bits * math.log(2.0)


@part_of_kernel
def _span(coefficients: Array) -> float:
    """Bits that two scores of a row differ by at most; infinite where one may be of no weight."""
    lowest, highest = coefficients[0, 0], coefficients[0, 0]
    for t in range(coefficients.shape[0]):
        for y in range(coefficients.shape[1]):
            lowest = min(lowest, coefficients[t, y])
            highest = max(highest, coefficients[t, y])
    return highest - lowest if lowest > NO_WEIGHT else math.inf


@part_of_kernel
def _scores_are_low(log_p_y_given_t: Array, log_p_t: Array, beta: float) -> bool:
    """Whether no score can be large: of sub-probabilities, log p(t) - beta KL is at most zero."""
    n_t, n_classes = log_p_y_given_t.shape
    low = beta <= 1.0 / _ROOM
    for t in range(n_t):
        total = 0.0
        for y in range(n_classes):
            total += math.exp(log_p_y_given_t[t, y])
        low = low and total <= 1.0 + _ROOM and log_p_t[t] <= _ROOM
    return low
