"""Φ of many decoders with the first and second moments of the posteriors under its terms."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.deadline import check
from ibcollapse.bottleneck.kernels.blocks import (
    NO_WEIGHT,
    TOO_LOW,
    Block,
    Exponents,
    add_moments,
    make_block,
    moment_edges,
    power_block,
    score_coefficients,
)
from ibcollapse.bottleneck.kernels.compilation import aligned, kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.numba_calls import moment_tile
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.side_by_side import side_by_side
from ibcollapse.bottleneck.kernels.tiles import LEAST_SCORE, SLAB

Array = NDArray[np.float64]

# A block of rows with less than this share of Φ adds nothing to its second moments.
_NOTHING = 1e-17
# Multiply-adds below which a second thread costs more than it saves.
_WORTH_A_THREAD = 4_000_000
# Starts scored together: their scores of a block of rows stay in the second-level cache. Fewer
# where they are more than so many multiply-adds, a few tenths of a second: between them somebody
# looks at the clock.
_STARTS_AT_ONCE = 48
_MOST_WORK = 500_000_000


class StartMoments(NamedTuple):
    """log Φ (n,), means (n, n_classes), lower triangles of second moments (n, K, K) or empty."""

    log_phi: Array
    mean: Array
    second: Array


def over_starts(fill: Callable[[slice], None], n: int, work: int, n_threads: int) -> None:
    """`fill` done on parts of n starts, by threads where `work` multiply-adds are worth it."""
    length = max(1, min(_STARTS_AT_ONCE, n * _MOST_WORK // max(work, 1)))
    if n_threads > 1 and work > _WORTH_A_THREAD:
        length = max(1, min(length, -(-n // n_threads)))
        side_by_side(fill, [slice(i, min(i + length, n)) for i in range(0, n, length)])
    else:
        for i in range(0, n, length):
            check()
            fill(slice(i, min(i + length, n)))


class Offsets(NamedTuple):
    """What the scores of a potential have besides their decoder, in bits.

    Attributes
    ----------
    rows : float64 (n_slabs, 32)
        What every score of a row has in common.
    top : float
        No decoder's score is above it: a row's is largest at the row itself (Gibbs).
    """

    rows: Array
    top: float


def offsets_of(channel: PackedChannel, offset: Array, beta: float) -> Offsets:
    """Offsets (n_x,) in nats as the kernels want them."""
    rows = np.full(channel.p_x.shape, NO_WEIGHT)
    rows.reshape(-1)[: channel.n_x] = offset
    rows.reshape(-1)[: channel.n_x] /= math.log(2.0)
    return Offsets(rows, max(float((rows + beta * channel.negentropy).max()), LEAST_SCORE))


def moments_of_starts(
    channel: PackedChannel,
    offsets: Offsets,
    log_r: Array,
    beta: float,
    *,
    second: bool = False,
    n_threads: int = 1,
) -> StartMoments:
    """Φ(r) = Σ_x exp(offset_x + beta Σ_y p(y|x) log r_y), and moments of p(y|x) under its terms.

    Parameters
    ----------
    offsets : Offsets
        Of the scores, by `offsets_of`.
    log_r : float64 (n, n_classes)
        Log decoders, nats; `mean` is zero where log Φ is −inf.
    second : bool
        Whether to sum the second moments too; they are K/2 times the work.
    n_threads : int
        Threads over the decoders; each decoder's result is the same bits for any number.
    """
    n, n_classes = log_r.shape
    found = StartMoments(
        np.empty(n),
        np.empty((n, n_classes)),
        np.empty((n, n_classes, n_classes) if second else (0, 0, 0)),
    )
    _fill(channel, channel.posteriors, offsets, log_r, beta, found, n_threads)
    return found


def log_potential_of_starts(
    channel: PackedChannel, offsets: Offsets, log_r: Array, beta: float, *, n_threads: int = 1
) -> Array:
    """log Φ (n,) alone, in half to three quarters of the time of `moments_of_starts`."""
    ones = np.ones((len(channel.p_x), 1, SLAB))
    # As the channel's rows are: for a writable array Numba compiles the loop once more.
    ones.setflags(write=False)
    found = StartMoments(np.empty(len(log_r)), np.empty((len(log_r), 1)), np.empty((0, 0, 0)))
    _fill(channel, ones, offsets, log_r, beta, found, n_threads)
    return found.log_phi


def _fill(
    channel: PackedChannel,
    counted: Array,
    offsets: Offsets,
    log_r: Array,
    beta: float,
    found: StartMoments,
    n_threads: int,
) -> None:
    """Fill `found`, its means those of `counted`, as `sum_over_rows` says."""
    n, n_classes = log_r.shape
    second = len(found.second) > 0

    def fill(part: slice) -> None:
        sum_over_rows(
            channel.posteriors,
            counted,
            offsets.rows,
            offsets.top,
            np.ascontiguousarray(log_r[part]),
            float(beta),
            found.log_phi[part],
            found.mean[part],
            found.second[part] if second else found.second,
        )

    work = channel.p_x.size * n * n_classes * (n_classes if second else 1)
    over_starts(fill, n, work, n_threads)


@kernel
def sum_over_rows(
    posteriors: Array,
    counted: Array,
    offset: Array,
    top: float,
    log_r: Array,
    beta: float,
    log_phi: Array,
    mean: Array,
    second: Array,
) -> None:
    """Fill log Φ (n,), means (n, K) and, where it has rows, second moments (n, K, K).

    `counted` is what `mean` is the sum of under the powers, and adds up to one in every row: the
    posteriors, or ones (n_slabs, 1, 32), with no second moments, where Φ is all that is wanted.
    `offset` and `top` are those of `Offsets`. Powers are of the scores less the top; decoders so
    far from every row that theirs come near the underflow are done again with their own largest.
    """
    n, n_classes = log_r.shape
    coefficients = score_coefficients(log_r, np.zeros(n), beta)
    has_second = len(second) > 0
    shift, totals, chosen = np.empty(n), np.zeros(n), np.empty(n, dtype=np.intp)
    for t in range(n):
        size = 0.0
        for y in range(n_classes):
            size += math.exp(log_r[t, y])
            for z in range(n_classes if has_second else 0):
                second[t, y, z] = 0.0
        for y in range(mean.shape[1]):
            mean[t, y] = 0.0
        chosen[t] = t
        shift[t] = math.ceil(top + beta * max(math.log2(size), 0.0)) if size > 0.0 else top
    # Written once for both rounds: Numba compiles each place that a loop is called from.
    sums, squares = mean, second
    for once_more in (False, True):
        block = make_block(len(chosen), n_classes)
        masses = np.zeros(len(chosen))
        _add_up(
            posteriors, counted, offset, coefficients, shift, chosen, block, sums, squares, masses
        )
        n_low = 0
        for k in range(len(chosen)):
            t = chosen[k]
            totals[t] = masses[k]
            if once_more:
                for y in range(mean.shape[1]):
                    mean[t, y] = sums[k, y]
                    for z in range(n_classes if has_second else 0):
                        second[t, y, z] = squares[k, y, z]
            elif masses[k] < TOO_LOW:
                shift[t] = math.ceil(_largest_score(posteriors, offset, coefficients[t]))
                chosen[n_low] = t
                n_low += 1
        if n_low == 0:
            break
        chosen = chosen[:n_low]
        sums = np.zeros((n_low, mean.shape[1]))
        squares = np.zeros((n_low if has_second else 0, n_classes, n_classes))
    for t in range(n):
        log_phi[t] = -math.inf
        if totals[t] > 0.0:
            log_phi[t] = math.log(totals[t]) + shift[t] * math.log(2.0)
            scale = 1.0 / totals[t]
            for y in range(mean.shape[1]):
                mean[t, y] *= scale
                for z in range(n_classes if has_second else 0):
                    second[t, y, z] *= scale


@part_of_kernel
def _add_up(
    posteriors: Array,
    counted: Array,
    offset: Array,
    coefficients: Array,
    shift: Array,
    chosen: NDArray[np.intp],
    block: Block,
    mean: Array,
    second: Array,
    masses: Array,
) -> None:
    """Add to `mean` and `second` under powers 2**(score - shift) of the chosen starts.

    `masses` are the sums over `mean`, before and after.
    """
    n, n_classes = len(chosen), coefficients.shape[1]
    columns = np.empty((n, n_classes + 1))
    for k in range(n):
        for y in range(n_classes):
            columns[k, y] = coefficients[chosen[k], y]
        columns[k, n_classes] = -shift[chosen[k]]
    n_slabs_at_once = len(block.top)
    weighted = aligned(n_slabs_at_once * n_classes * SLAB)
    products = weighted.reshape(n_slabs_at_once, n_classes, SLAB)
    exponents = Exponents(columns, 1.0, 0.0)
    # Sums over starts, which are made besides, are of no use here.
    unused = block.top
    for first in range(0, len(posteriors), n_slabs_at_once):
        n_slabs = min(n_slabs_at_once, len(posteriors) - first)
        power_block(exponents, posteriors, offset, first, n_slabs, block, unused)
        add_moments(block.scores, n_slabs, counted, first, mean)
        for t in range(n):
            total = 0.0
            for y in range(mean.shape[1]):
                total += mean[t, y]
            if len(second) > 0 and total - masses[t] > _NOTHING * total:
                _add_second(block, n_slabs, t, posteriors, first, products, second[t])
            masses[t] = total


@part_of_kernel
def _largest_score(posteriors: Array, offset: Array, coefficients: Array) -> float:
    """Largest score of all rows at one decoder, in bits; at least LEAST_SCORE."""
    largest = LEAST_SCORE
    for slab in range(len(posteriors)):
        for x in range(SLAB):
            score = offset[slab, x]
            for y in range(len(coefficients)):
                score += coefficients[y] * posteriors[slab, y, x]
            largest = max(largest, score)
    return largest


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
    edges = moment_edges(n_classes)
    for column in range(len(edges) - 1):
        z = edges[column]
        width = edges[column + 1] - z
        for row in range(column, len(edges) - 1):
            y = edges[row]
            height = edges[row + 1] - y
            moment_tile(products, n_slabs, y, height, posteriors, first, z, width, second)
