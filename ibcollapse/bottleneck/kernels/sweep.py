"""One Blahut–Arimoto sweep over the rows of a channel, without storing its encoder."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
from ibcollapse.bottleneck.kernels.compilation import aligned, constant, kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.decoders import checked_decoders
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.partition import over_slabs
from ibcollapse.bottleneck.kernels.sweep_calls import row_powers, shares
from ibcollapse.bottleneck.kernels.tiles import SCORE_HEIGHT, SLAB
from ibcollapse.bottleneck.kernels.vectors import LANES

Array = NDArray[np.float64]

# An output of the pass that nobody asked for.
_NOTHING = np.empty((0, 0))

# The log-partition of a row that no cluster reaches comes out at -1e308, in the mean times p(x).
_UNREACHABLE = -1e280

# Slabs of a block at most.
_MOST_SLABS = 32
# Scores that are at most this many bits apart are taken against the last cluster's: rounding then
# costs their powers 1e-14 at most, and no sum of them overflows or underflows.
_NARROW = 64.0
# Sums of decoders and weights above one by this much leave scores far below the overflow.
_ROOM = 1e-6


class Sweep(NamedTuple):
    """What one sweep returns.

    Attributes
    ----------
    joint : float64 (n_t, n_classes)
        p(t, y) under the encoder of the decoders given: its row sums are the next p(t), its rows
        over them the next decoders.
    mean_log_z : float
        sum_x p(x) log Z(x), nats; at a fixed point the Lagrangian is -mean_log_z - beta I(X;Y).
        -inf when a row with weight has a class that every cluster with weight excludes; such a row
        goes to no cluster.
    """

    joint: Array
    mean_log_z: float


def sweep(
    channel: PackedChannel,
    log_p_y_given_t: ArrayLike,
    log_p_t: ArrayLike,
    beta: float,
    *,
    n_threads: int = 1,
) -> Sweep:
    """Joint p(t, y) and mean log-partition after one Blahut–Arimoto map.

    The encoder is p(t|x) = p(t) exp(-beta KL(p(y|x) ‖ p(y|t))) / Z(x) (Tishby, Pereira and
    Bialek 1999, arXiv physics/0004057). Where a Z(x) comes near the underflow, the rows around it
    are done again with the largest exponent of each taken out first: any beta is right.

    Parameters
    ----------
    channel : PackedChannel
        Rows p(x), p(y|x).
    log_p_y_given_t : float64 (n_t, n_classes)
        Log-decoders in nats; -inf for zero.
    log_p_t : float64 (n_t,)
        Log-weights in nats; -inf for a cluster without weight.
    beta : float
        Trade-off, finite and not negative. At 0 no distortion counts, not even an infinite one.
    n_threads : int
        Threads over equal parts of the rows; results are the same bits for the same number.

    Raises
    ------
    InputError
        When the decoders do not fit the channel, or beta is negative or not finite.

    Examples
    --------
    Two clusters that point at one class each, over a binary symmetric channel:

    >>> import numpy as np
    >>> from ibcollapse.bottleneck.kernels import PackedChannel, sweep
    >>> channel = PackedChannel.pack([0.5, 0.5], np.log([[0.9, 0.1], [0.1, 0.9]]))
    >>> log_decoders, log_weights = np.log([[0.8, 0.2], [0.2, 0.8]]), np.log([0.5, 0.5])
    >>> sweep(channel, log_decoders, log_weights, 2.0).joint.round(4)
    array([[0.4107, 0.0893],
           [0.0893, 0.4107]])
    """
    decoders, weights, beta = checked_decoders(channel, log_p_y_given_t, log_p_t, beta)

    def sweep_slabs(first: int, stop: int) -> tuple[Array, float]:
        joint = np.zeros(decoders.shape)
        rows = channel.posteriors, channel.negentropy, channel.p_x
        mean = pass_over_slabs(
            *rows, decoders, weights, beta, first, stop, joint, _NOTHING, _NOTHING
        )
        return joint, mean

    work = channel.p_x.size * decoders.size
    (joint, mean), *others = over_slabs(sweep_slabs, len(channel.p_x), n_threads, work)
    for further_joint, further_mean in others:
        joint += further_joint
        mean += further_mean
    return Sweep(joint, mean if mean > _UNREACHABLE else -math.inf)


def log_partition(
    channel: PackedChannel, log_p_y_given_t: ArrayLike, log_p_t: ArrayLike, beta: float
) -> Array:
    """log Z(x) of every row in nats, (n_x,): sum_t p(t) exp(-beta KL(p(y|x) ‖ p(y|t))).

    -inf where every cluster with weight excludes a class that the row can have. Arguments and
    errors as in `sweep`.
    """
    decoders, weights, beta = checked_decoders(channel, log_p_y_given_t, log_p_t, beta)
    bits = np.empty(channel.p_x.shape)
    rows = channel.posteriors, channel.negentropy, channel.p_x
    pass_over_slabs(*rows, decoders, weights, beta, 0, len(bits), _NOTHING, bits, _NOTHING)
    log_z = bits.reshape(-1)[: channel.n_x] * math.log(2.0)
    log_z[log_z < _UNREACHABLE] = -math.inf
    return log_z


def encode(
    channel: PackedChannel, log_p_y_given_t: ArrayLike, log_p_t: ArrayLike, beta: float
) -> Array:
    """Encoder p(t|x) as a dense float64 array (n_x, n_t).

    Rows sum to one; a row with a class that every cluster with weight excludes is zero. Arguments
    and errors as in `sweep`.
    """
    decoders, weights, beta = checked_decoders(channel, log_p_y_given_t, log_p_t, beta)
    p_t_given_x = np.empty((channel.n_x, len(decoders)))
    rows = channel.posteriors, channel.negentropy, constant(np.ones(channel.p_x.shape))
    stop = len(channel.p_x)
    pass_over_slabs(*rows, decoders, weights, beta, 0, stop, _NOTHING, _NOTHING, p_t_given_x)
    return p_t_given_x


@kernel
def pass_over_slabs(
    posteriors: Array,
    negentropy: Array,
    row_weights: Array,
    log_p_y_given_t: Array,
    log_p_t: Array,
    beta: float,
    start: int,
    stop: int,
    joint: Array,
    log_z: Array,
    p_t_given_x: Array,
) -> float:
    """Mean log-partition of some slabs; fills those of the last three arrays that have rows.

    With `joint` alone, log-partitions of single rows are of no use, and where scores are close to
    each other they are taken against the last cluster's: fewer products, fewer exponentials.
    """
    coefficients = score_coefficients(log_p_y_given_t, log_p_t, beta)
    n_t, n_classes = coefficients.shape
    edges = tile_edges(n_t, SCORE_HEIGHT)
    joint_alone = len(joint) > 1 and len(log_z) == 0 and len(p_t_given_x) == 0
    relative = joint_alone and _span(coefficients) <= _NARROW
    if relative:
        exponents = relative_exponents(coefficients)
        may_overflow = False
    else:
        exponents = absolute_exponents(coefficients, beta)
        may_overflow = not _scores_are_low(log_p_y_given_t, log_p_t, beta)
    n_scored = len(exponents.coefficients)
    n_slabs_at_once = min(slabs_in_cache(n_t, n_classes, _MOST_SLABS), max(1, stop - start))
    block = block_of(n_slabs_at_once, n_scored)
    log_z_of_block, share = rows_of(n_slabs_at_once, 0.0), rows_of(n_slabs_at_once, 0.0)
    lacking = -beta if relative else 0.0
    total, before = np.zeros(LANES), np.zeros(LANES)
    flat = aligned((n_t + 2) * n_classes * LANES)
    for i in range(len(flat)):
        flat[i] = 0.0
    lanes = flat.reshape(n_t + 2, n_classes, LANES)
    for first in range(start, stop, n_slabs_at_once):
        n_slabs = min(n_slabs_at_once, stop - first)
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
        if len(joint) > 0:
            add_shared_moments(block, n_scored, n_slabs, share, posteriors, first, lanes)
        if len(log_z) > 0:
            for i in range(n_slabs):
                for x in range(SLAB):
                    log_z[first + i, x] = log_z_of_block[i, x]
        if len(p_t_given_x) > 0:
            _unpack(block.scores, share, first, n_slabs, p_t_given_x)
    bits = 0.0
    for lane in range(LANES):
        bits += total[lane]
    for t in range(len(joint)):
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


@part_of_kernel
def _unpack(scores: Array, share: Array, first: int, n_slabs: int, p_t_given_x: Array) -> None:
    n_x, n_t = p_t_given_x.shape
    for i in range(n_slabs):
        slab = (first + i) * SLAB
        for x in range(min(SLAB, n_x - slab)):
            for t in range(n_t):
                p_t_given_x[slab + x, t] = scores[i, t, x] * share[i, x]
