"""Blocks of slabs: how the tiles are put together for any number of clusters and classes."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import aligned, part_of_kernel
from ibcollapse.bottleneck.kernels.numba_calls import moment_tile, score_tile
from ibcollapse.bottleneck.kernels.sweep_calls import score_powers_tile, shared_moment_tile
from ibcollapse.bottleneck.kernels.sweep_tiles import POWERS_HEIGHT, SHARED_HEIGHT, SHARED_WIDTH
from ibcollapse.bottleneck.kernels.tiles import (
    LEAST_SCORE,
    MOMENT_SIZES,
    SLAB,
)

Array = NDArray[np.float64]
Edges = NDArray[np.int64]

# Scores and posteriors of a block stay in half of a second-level cache of 1 MiB; blocks longer than
# 16 slabs no longer pay for the sums across lanes at the end of a moment tile (measured).
_BLOCK_DOUBLES = 65_536
_MOST_SLABS = 16
_FEWEST_SLABS = 4
# A sweep's moments take its blocks in pieces: the terms of ten clusters stay in a first-level cache
# of 32 KiB, where every tile reads them again.
_SLABS_IN_CACHE = 8

NO_WEIGHT = -1e307
"""Stands for a log-probability of -inf: times a posterior of 1e-290 it still leaves no weight, and
sums of it do not overflow."""

TOO_LOW = 2.0**-900
"""A sum of powers below this may miss terms lost to the underflow at 2**-1021 that mattered."""


class Block(NamedTuple):
    """Working arrays of one block of slabs.

    Attributes
    ----------
    scores : float64 (n_slabs, n_t, 32)
        Exponents in bits, in their place later the powers.
    offset : float64 (n_slabs, 32)
        What every score of a row has in common.
    top : float64 (n_slabs, 32)
        Largest score of each row.
    """

    scores: Array
    offset: Array
    top: Array


class Exponents(NamedTuple):
    """What the scores of a sweep are made of, and where sums of their powers start.

    Attributes
    ----------
    coefficients : float64 (n_t, n_columns + 1)
        Factors of the first classes' posteriors and, last, what is added to them, in bits.
    scale : float
        Factor of a row's negentropy.
    base : float
        The powers that every row has besides.
    """

    coefficients: Array
    scale: float
    base: float


@part_of_kernel
def make_block(n_t: int, n_classes: int) -> Block:
    """Working arrays for as many slabs as stay in cache."""
    return block_of(slabs_in_cache(n_t, n_classes, _MOST_SLABS), n_t)


@part_of_kernel
def slabs_in_cache(n_t: int, n_classes: int, most: int) -> int:
    """Slabs whose scores and posteriors stay in cache, `most` at most."""
    fitting = _BLOCK_DOUBLES // (SLAB * (n_t + n_classes))
    return min(most, max(_FEWEST_SLABS, fitting))


@part_of_kernel
def block_of(n_slabs: int, n_t: int) -> Block:
    """Working arrays for `n_slabs` slabs."""
    scores = aligned(n_slabs * n_t * SLAB).reshape(n_slabs, n_t, SLAB)
    top = rows_of(n_slabs, LEAST_SCORE)
    return Block(scores, rows_of(n_slabs, 0.0), top)


@part_of_kernel
def rows_of(n_slabs: int, value: float) -> Array:
    """(n_slabs, 32) filled with `value`, on cache lines of its own."""
    flat = aligned(n_slabs * SLAB)
    # Not flat[:] = value: for an assignment to a slice Numba compiles functions for seconds.
    for i in range(len(flat)):
        flat[i] = value
    return flat.reshape(n_slabs, SLAB)


@part_of_kernel
def score_coefficients(log_p_y_given_t: Array, log_p_t: Array, beta: float) -> Array:
    """beta · log2 p(y|t) + log2 p(t), (n_t, n_classes); p(t) folds in as posteriors sum to one.

    At beta = 0 a distortion counts nothing, an infinite one included.
    """
    n_t, n_classes = log_p_y_given_t.shape
    coefficients = np.empty((n_t, n_classes))
    for t in range(n_t):
        for y in range(n_classes):
            distortion = beta * log_p_y_given_t[t, y] if beta > 0.0 else 0.0
            bits = (distortion + log_p_t[t]) / math.log(2.0)
            coefficients[t, y] = max(bits, NO_WEIGHT)
    return coefficients


@part_of_kernel
def absolute_exponents(coefficients: Array, beta: float) -> Exponents:
    """Scores log2 of p(t) exp(-beta KL)."""
    n_t, n_classes = coefficients.shape
    columns = np.zeros((n_t, n_classes + 1))
    for t in range(n_t):
        for y in range(n_classes):
            columns[t, y] = coefficients[t, y]
    return Exponents(columns, -beta, 0.0)


@part_of_kernel
def relative_exponents(coefficients: Array) -> Exponents:
    """Scores less that of the last cluster, whose own power then is one in every row.

    As posteriors sum to one, those of the last class need no product either: of ten clusters and
    ten classes 81 products are left, 9 exponentials, and nothing of a row by itself.
    """
    n_t, n_classes = coefficients.shape[0] - 1, coefficients.shape[1] - 1
    columns = np.empty((n_t, n_classes + 1))
    for t in range(n_t):
        columns[t, n_classes] = coefficients[t, n_classes] - coefficients[n_t, n_classes]
        for y in range(n_classes):
            columns[t, y] = coefficients[t, y] - coefficients[n_t, y] - columns[t, n_classes]
    return Exponents(columns, 0.0, 1.0)


@part_of_kernel
def tile_edges(length: int, longest: int) -> Edges:
    """Edges that cut `length` into tiles of nearly equal size, at most `longest`."""
    n_tiles = (length + longest - 1) // longest
    edges = np.empty(n_tiles + 1, dtype=np.int64)
    for tile in range(n_tiles + 1):
        edges[tile] = tile * length // n_tiles
    return edges


@part_of_kernel
def moment_edges(length: int) -> Edges:
    """Edges of tiles of `MOMENT_SIZES`."""
    return tile_edges(length, MOMENT_SIZES[-1] if length != 2 else 1)


@part_of_kernel
def score_slab(
    coefficients: Array, edges: Edges, posteriors: Array, slab: int, block: Block, at: int
) -> None:
    """Scores of one slab at `at` in the block: offset plus coefficients times posteriors."""
    for tile in range(len(edges) - 1):
        t = edges[tile]
        height = edges[tile + 1] - t
        score_tile(
            coefficients, t, height, posteriors, slab, block.offset, block.scores, block.top, at
        )


@part_of_kernel
def add_moments(terms: Array, n_slabs: int, posteriors: Array, first: int, moments: Array) -> None:
    """moments (n_t, n_classes) += terms times posteriors over the rows of a block."""
    rows, columns = moment_edges(moments.shape[0]), moment_edges(moments.shape[1])
    for column in range(len(columns) - 1):
        y = columns[column]
        width = columns[column + 1] - y
        for row in range(len(rows) - 1):
            t = rows[row]
            height = rows[row + 1] - t
            moment_tile(terms, n_slabs, t, height, posteriors, first, y, width, moments)


@part_of_kernel
def power_block(
    exponents: Exponents,
    posteriors: Array,
    negentropy: Array,
    first: int,
    n_slabs: int,
    block: Block,
    sums: Array,
) -> None:
    """Powers of the scores of a block, and their sums over clusters, nothing taken out."""
    coefficients, scale, base = exponents
    edges = tile_edges(len(coefficients), POWERS_HEIGHT)
    for tile in range(len(edges) - 1):
        t = edges[tile]
        height = edges[tile + 1] - t
        score_powers_tile(
            coefficients,
            t,
            height,
            posteriors,
            first,
            negentropy,
            scale,
            n_slabs,
            block.scores,
            sums,
            base,
        )


@part_of_kernel
def add_shared_moments(
    block: Block,
    n_t: int,
    n_slabs: int,
    share: Array,
    posteriors: Array,
    first: int,
    lanes: Array,
) -> None:
    """lanes (n_t + 2, n_classes, 8) += terms · share · posteriors over a block, eight rows apart.

    Row n_t gathers share · posteriors; the last one is a spare.
    """
    rows = tile_edges(n_t, SHARED_HEIGHT)
    columns = tile_edges(lanes.shape[1], SHARED_WIDTH)
    for at in range(0, n_slabs, _SLABS_IN_CACHE):
        few = min(_SLABS_IN_CACHE, n_slabs - at)
        slab = first + at
        for row in range(len(rows) - 1):
            t = rows[row]
            height = rows[row + 1] - t
            ones = n_t if row == 0 else n_t + 1
            for column in range(len(columns) - 1):
                y = columns[column]
                width = columns[column + 1] - y
                shared_moment_tile(
                    block.scores,
                    at,
                    few,
                    t,
                    height,
                    posteriors,
                    slab,
                    y,
                    width,
                    share,
                    lanes,
                    ones,
                )
