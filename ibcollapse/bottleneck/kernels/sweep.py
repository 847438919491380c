"""One Blahut–Arimoto sweep over the rows of a channel, without storing its encoder."""

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
from ibcollapse.bottleneck.kernels.numba_calls import normalise_slab
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.partition import over_slabs
from ibcollapse.bottleneck.kernels.tiles import LEAST_SCORE, SCORE_HEIGHT, SLAB


class Sweep(NamedTuple):
    """What one sweep returns.

    Attributes
    ----------
    joint : float64 (n_t, n_classes)
        p(t, y) under the encoder of the decoders given: its row sums are the next p(t), its rows
        over them the next decoders.
    mean_log_z : float
        sum_x p(x) log Z(x), nats; at a fixed point the Lagrangian is -mean_log_z - beta I(X;Y).
    """

    joint: NDArray[np.float64]
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
    Bialek 1999, arXiv physics/0004057). Scores are shifted by their largest one in each row, so
    that no Z(x) underflows at any beta.

    Parameters
    ----------
    channel : PackedChannel
        Rows p(x), p(y|x).
    log_p_y_given_t : float64 (n_t, n_classes)
        Log-decoders in nats; -inf for zero.
    log_p_t : float64 (n_t,)
        Log-weights in nats; -inf for a cluster without weight.
    beta : float
        Trade-off, finite and not negative.
    n_threads : int
        Threads over equal parts of the rows; results are the same bits for the same number.

    Raises
    ------
    InputError
        When the decoders do not fit the channel, or beta is negative or not finite.
    """
    decoders, weights = checked_decoders(channel, log_p_y_given_t, log_p_t, beta)
    work = len(channel.p_x) * SLAB * decoders.size
    parts = over_slabs(
        lambda first, last: _sweep(
            channel.posteriors,
            channel.negentropy,
            channel.p_x,
            decoders,
            weights,
            beta,
            first,
            last,
        ),
        len(channel.p_x),
        n_threads,
        work,
    )
    joint, total = parts[0]
    for further_joint, further_total in parts[1:]:
        joint += further_joint
        total += further_total
    return Sweep(joint, total if total > _UNREACHABLE else -math.inf)


def log_partition(
    channel: PackedChannel, log_p_y_given_t: ArrayLike, log_p_t: ArrayLike, beta: float
) -> NDArray[np.float64]:
    """log Z(x) of every row in nats, (n_x,): sum_t p(t) exp(-beta KL(p(y|x) ‖ p(y|t))).

    -inf where every cluster with weight excludes a class that the row can have. Arguments and
    errors as in `sweep`.
    """
    decoders, weights = checked_decoders(channel, log_p_y_given_t, log_p_t, beta)
    bits = np.empty(channel.p_x.shape)
    _log_partition(channel.posteriors, channel.negentropy, decoders, weights, beta, bits)
    log_z = bits.reshape(-1)[: channel.n_x] * math.log(2.0)
    log_z[log_z < _UNREACHABLE] = -math.inf
    return log_z


def encode(
    channel: PackedChannel, log_p_y_given_t: ArrayLike, log_p_t: ArrayLike, beta: float
) -> NDArray[np.float64]:
    """Encoder p(t|x) as a dense float64 array (n_x, n_t), rows summing to one.

    Arguments and errors as in `sweep`.
    """
    decoders, weights = checked_decoders(channel, log_p_y_given_t, log_p_t, beta)
    p_t_given_x = np.empty((channel.n_x, len(decoders)))
    _encode(channel.posteriors, channel.negentropy, decoders, weights, beta, p_t_given_x)
    return p_t_given_x


# The log-partition of a row that no cluster reaches comes out at -1e308, in the mean times p(x).
_UNREACHABLE = -1e280


@kernel
def _offsets(negentropy, first, n_slabs, beta, offset):  # type: ignore[no-untyped-def]
    for i in range(n_slabs):
        for x in range(SLAB):
            offset[i, x] = -beta * negentropy[first + i, x]


@kernel
def _sweep(  # type: ignore[no-untyped-def]
    posteriors, negentropy, p_x, log_p_y_given_t, log_p_t, beta, start, stop
):
    n_t, n_classes = log_p_y_given_t.shape
    length = slabs_per_block(n_t, n_classes)
    coefficients = score_coefficients(log_p_y_given_t, log_p_t, beta)
    edges = tile_edges(n_t, SCORE_HEIGHT)
    scores = aligned(length * n_t * SLAB).reshape(length, n_t, SLAB)
    offset = aligned(length * SLAB).reshape(length, SLAB)
    top = np.full((length, SLAB), LEAST_SCORE)
    log_z = np.empty((length, SLAB))
    total = np.zeros(8)
    joint = np.zeros((n_t, n_classes))
    for first in range(start, stop, length):
        n_slabs = min(length, stop - first)
        _offsets(negentropy, first, n_slabs, beta, offset)
        for i in range(n_slabs):
            score_slab(coefficients, edges, posteriors, first + i, offset, scores, top, i)
            normalise_slab(scores, i, p_x, first + i, top, log_z, total)
        add_moments(scores, n_slabs, posteriors, first, joint)
    return joint, total.sum() * math.log(2.0)


@kernel
def _log_partition(  # type: ignore[no-untyped-def]
    posteriors, negentropy, log_p_y_given_t, log_p_t, beta, log_z
):
    n_t = len(log_p_t)
    coefficients = score_coefficients(log_p_y_given_t, log_p_t, beta)
    edges = tile_edges(n_t, SCORE_HEIGHT)
    scores = aligned(n_t * SLAB).reshape(1, n_t, SLAB)
    offset = np.empty((1, SLAB))
    top = np.full((1, SLAB), LEAST_SCORE)
    ones = np.ones((1, SLAB))
    total = np.zeros(8)
    for slab in range(len(posteriors)):
        _offsets(negentropy, slab, 1, beta, offset)
        score_slab(coefficients, edges, posteriors, slab, offset, scores, top, 0)
        normalise_slab(scores, 0, ones, 0, top, log_z[slab : slab + 1], total)


@kernel
def _encode(  # type: ignore[no-untyped-def]
    posteriors, negentropy, log_p_y_given_t, log_p_t, beta, p_t_given_x
):
    n_x, n_t = p_t_given_x.shape
    coefficients = score_coefficients(log_p_y_given_t, log_p_t, beta)
    edges = tile_edges(n_t, SCORE_HEIGHT)
    scores = aligned(n_t * SLAB).reshape(1, n_t, SLAB)
    offset = np.empty((1, SLAB))
    top = np.full((1, SLAB), LEAST_SCORE)
    log_z = np.empty((1, SLAB))
    ones = np.ones((1, SLAB))
    total = np.zeros(8)
    for slab in range(len(posteriors)):
        _offsets(negentropy, slab, 1, beta, offset)
        score_slab(coefficients, edges, posteriors, slab, offset, scores, top, 0)
        normalise_slab(scores, 0, ones, 0, top, log_z, total)
        for x in range(min(SLAB, n_x - slab * SLAB)):
            for t in range(n_t):
                p_t_given_x[slab * SLAB + x, t] = scores[0, t, x]
