"""Blocks of slabs: how the tiles are put together for any number of clusters and classes."""

import math

import numpy as np

from ibcollapse.bottleneck.kernels.compilation import kernel
from ibcollapse.bottleneck.kernels.numba_calls import moment_tile, score_tile
from ibcollapse.bottleneck.kernels.tiles import MOMENT_HEIGHT, MOMENT_WIDTH, SCORE_HEIGHT, SLAB

# Scores and posteriors of a block stay in a second-level cache of 1 MiB; longer blocks than 16
# slabs no longer pay for the sums across lanes at the end of a moment tile (measured).
_BLOCK_DOUBLES = 65_536
import os
_MOST_SLABS = int(os.environ.get('S','16'))
_FEWEST_SLABS = 4

# Stands for a log-probability of -inf: times a posterior of 1e-300 it still leaves no weight, and
# sums of it do not overflow.
_IMPOSSIBLE = -1e307


@kernel
def slabs_per_block(n_t, n_classes):  # type: ignore[no-untyped-def]
    """Slabs that one block should have, so that its arrays stay in cache."""
    fitting = _BLOCK_DOUBLES // (SLAB * (n_t + n_classes))
    return min(_MOST_SLABS, max(_FEWEST_SLABS, fitting))


@kernel
def score_coefficients(log_p_y_given_t, log_p_t, beta):  # type: ignore[no-untyped-def]
    """beta · log2 p(y|t) + log2 p(t), (n_t, n_classes); p(t) folds in as posteriors sum to one.

    At beta = 0 a distortion counts nothing, an infinite one included.
    """
    n_t, n_classes = log_p_y_given_t.shape
    coefficients = np.empty((n_t, n_classes))
    for t in range(n_t):
        for y in range(n_classes):
            distortion = beta * log_p_y_given_t[t, y] if beta > 0.0 else 0.0
            bits = (distortion + log_p_t[t]) / math.log(2.0)
            coefficients[t, y] = max(bits, _IMPOSSIBLE)
    return coefficients


@kernel
def tile_edges(length, longest):  # type: ignore[no-untyped-def]
    """Edges that cut `length` into equal tiles of at most `longest`."""
    n_tiles = (length + longest - 1) // longest
    return np.arange(n_tiles + 1) * length // n_tiles


@kernel
def score_slab(  # type: ignore[no-untyped-def]
    coefficients, edges, posteriors, slab, offset, scores, top, at
):
    """Scores of one slab in scores[at]; top[at] rises to the largest of each row."""
    for tile in range(len(edges) - 1):
        t = edges[tile]
        height = edges[tile + 1] - t
        score_tile(coefficients, t, height, posteriors, slab, offset, scores, top, at)


@kernel
def add_moments(terms, n_slabs, posteriors, first, moments):  # type: ignore[no-untyped-def]
    """moments (n_t, n_classes) += terms · posteriors over the rows of a block."""
    n_t, n_classes = moments.shape
    rows = tile_edges(n_t, MOMENT_HEIGHT)
    columns = tile_edges(n_classes, MOMENT_WIDTH)
    for column in range(len(columns) - 1):
        y = columns[column]
        width = columns[column + 1] - y
        for row in range(len(rows) - 1):
            t = rows[row]
            height = rows[row + 1] - t
            moment_tile(terms, n_slabs, t, height, posteriors, first, y, width, moments)
