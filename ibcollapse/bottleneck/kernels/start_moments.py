"""Φ of many decoders with the first and second moments of the posteriors under its terms."""

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.blocks import (
    NO_WEIGHT,
    Block,
    add_moments,
    make_block,
    score_coefficients,
    score_slab,
    tile_edges,
)
from ibcollapse.bottleneck.kernels.compilation import aligned, kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.numba_calls import column_powers, moment_tile
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.side_by_side import side_by_side
from ibcollapse.bottleneck.kernels.tiles import (
    LEAST_SCORE,
    MOMENT_HEIGHT,
    MOMENT_WIDTH,
    SCORE_HEIGHT,
    SLAB,
)

Array = NDArray[np.float64]

# A block of rows with less than this share of Φ adds nothing to its second moments.
_NOTHING = 1e-17
# Multiply-adds below which a second thread costs more than it saves.
_WORTH_A_THREAD = 4_000_000
# Starts scored together: their scores of a block of rows stay in the second-level cache.
_STARTS_AT_ONCE = 48


class StartMoments(NamedTuple):
    """log Φ (n,), means (n, n_classes), lower triangles of second moments (n, K, K) or empty."""

    log_phi: Array
    mean: Array
    second: Array


def moments_of_starts(
    channel: PackedChannel,
    offset: Array,
    log_r: Array,
    beta: float,
    *,
    second: bool = False,
    n_threads: int = 1,
) -> StartMoments:
    """Φ(r) = Σ_x exp(offset_x + beta Σ_y p(y|x) log r_y), and moments of p(y|x) under its terms.

    Parameters
    ----------
    offset : float64 (n_x,)
        Nats.
    log_r : float64 (n, n_classes)
        Log decoders, nats; `mean` is zero where log Φ is −inf.
    second : bool
        Whether to sum the second moments too; they are K/2 times the work.
    n_threads : int
        Threads over the decoders; each decoder's result is the same bits for any number.
    """
    n, n_classes = log_r.shape
    rows = padded_offset(channel, offset)
    found = StartMoments(
        np.empty(n),
        np.empty((n, n_classes)),
        np.empty((n, n_classes, n_classes) if second else (0, 0, 0)),
    )
    edges = [*range(0, n, _STARTS_AT_ONCE), n]
    pairs = list(itertools.pairwise(edges))
    work = channel.p_x.size * n * n_classes * (n_classes if second else 1)
    if n_threads > 1 and work > _WORTH_A_THREAD:
        length = min(_STARTS_AT_ONCE, -(-n // n_threads))
        pairs = list(itertools.pairwise([*range(0, n, length), n]))

    def fill(pair: tuple[int, int]) -> None:
        part = slice(*pair)
        seconds = found.second[part] if second else found.second
        sum_over_rows(
            channel.posteriors,
            rows,
            np.ascontiguousarray(log_r[part]),
            float(beta),
            found.log_phi[part],
            found.mean[part],
            seconds,
        )

    if n_threads > 1 and len(pairs) > 1 and work > _WORTH_A_THREAD:
        side_by_side(fill, pairs)
    else:
        for pair in pairs:
            fill(pair)
    return found


def padded_offset(channel: PackedChannel, offset: Array) -> Array:
    """Offsets (n_x,) in nats as the kernels want them: in bits, (n_slabs, 32)."""
    rows = np.full(channel.p_x.shape, NO_WEIGHT)
    rows.reshape(-1)[: channel.n_x] = offset
    rows.reshape(-1)[: channel.n_x] /= math.log(2.0)
    return rows


@kernel
def sum_over_rows(
    posteriors: Array,
    offset: Array,
    log_r: Array,
    beta: float,
    log_phi: Array,
    mean: Array,
    second: Array,
) -> None:
    """Fill log Φ (n,), means (n, K) and, where it has rows, second moments (n, K, K).

    `offset` is `padded_offset`'s.
    """
    n, n_classes = log_r.shape
    coefficients = score_coefficients(log_r, np.zeros(n), beta)
    edges = tile_edges(n, SCORE_HEIGHT)
    block = make_block(n, n_classes)
    n_slabs_at_once = len(block.top)
    weighted = aligned(n_slabs_at_once * n_classes * SLAB)
    products = weighted.reshape(n_slabs_at_once, n_classes, SLAB)
    shift = np.full(n, LEAST_SCORE)
    before = np.zeros(n)
    _scale_all(mean.reshape(-1), 0.0)
    _scale_all(second.reshape(-1), 0.0)
    for first in range(0, len(posteriors), n_slabs_at_once):
        n_slabs = min(n_slabs_at_once, len(posteriors) - first)
        for i in range(n_slabs):
            for x in range(SLAB):
                block.offset[i, x] = offset[first + i, x]
            score_slab(coefficients, edges, posteriors, first + i, block, i)
        for t in range(n):
            raised = column_powers(block.scores, n_slabs, t, shift[t])
            if raised > shift[t]:
                factor = 2.0 ** (shift[t] - raised)
                _scale_all(mean[t], factor)
                if len(second) > 0:
                    _scale_all(second[t].reshape(-1), factor)
                shift[t] = raised
            before[t] = _total(mean[t])
        add_moments(block.scores, n_slabs, posteriors, first, mean)
        if len(second) > 0:
            for t in range(n):
                total = _total(mean[t])
                if total - before[t] > _NOTHING * total:
                    _add_second(block, n_slabs, t, posteriors, first, products, second[t])
    for t in range(n):
        total = _total(mean[t])
        log_phi[t] = -math.inf
        if total > 0.0:
            log_phi[t] = math.log(total) + shift[t] * math.log(2.0)
            _scale_all(mean[t], 1.0 / total)
            if len(second) > 0:
                _scale_all(second[t].reshape(-1), 1.0 / total)


@part_of_kernel
def _scale_all(array: Array, factor: float) -> None:
    """array *= factor; 0 overwrites what the uninitialised array held, NaN too.

    A loop: for an operation on whole arrays Numba compiles functions for seconds.
    """
    for i in range(len(array)):
        array[i] = array[i] * factor if factor != 0.0 else 0.0


@part_of_kernel
def _total(array: Array) -> float:
    total = 0.0
    for i in range(len(array)):
        total += array[i]
    return total


@part_of_kernel
def _add_second(
    block: Block,
    n_slabs: int,
    t: int,
    posteriors: Array,
    first: int,
    products: Array,
    second: Array,
) -> None:
    """second += Σ_x share_x p(y|x) p(z|x) over the rows of a block, tiles with y ≥ z only."""
    n_classes = posteriors.shape[1]
    for i in range(n_slabs):
        for y in range(n_classes):
            for x in range(SLAB):
                products[i, y, x] = block.scores[i, t, x] * posteriors[first + i, y, x]
    rows = tile_edges(n_classes, MOMENT_HEIGHT)
    columns = tile_edges(n_classes, MOMENT_WIDTH)
    for column in range(len(columns) - 1):
        z = columns[column]
        width = columns[column + 1] - z
        for row in range(column, len(rows) - 1):
            y = rows[row]
            height = rows[row + 1] - y
            moment_tile(products, n_slabs, y, height, posteriors, first, z, width, second)
