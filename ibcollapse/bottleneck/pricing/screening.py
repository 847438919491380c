"""Rows of the channel from which an ascent of log Φ is worth its while.

Φ is evaluated at the rows, which costs one product over the channel, and those start an ascent
that are higher than their nearest neighbours: one or a few on each hill, as in quick shift (Vedaldi
and Soatto 2008, doi 10.1007/978-3-540-88693-8_52). Random rows miss the small hills that appear
among thousands of points once beta is large.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO, floored_log
from ibcollapse.bottleneck.kernels.neighbours import nearest_neighbours
from ibcollapse.bottleneck.kernels.side_by_side import THREADS
from ibcollapse.bottleneck.kernels.start_moments import log_potential_of_starts, offsets_of

Array = NDArray[np.float64]

# Rows that are screened: all of them up to this many, else as many drawn by weight.
_MOST_ROWS = 2048
_NEIGHBOURS = 8
# Every start goes this share of the way to p(y): from a face, where an entry is zero, no ascent
# ever comes back. On 91 tables of structural zeros 1e-6 to 0.1 found the highest violator alike.
_LIFT = 1e-3
# Of rows that are not all screened, so many more start an ascent whose own share of Φ is largest.
_LARGEST_ALONE = 4


def drawn_rows(channel: Channel, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Numbers of all rows up to `most`, else of so many drawn by weight."""
    if channel.n_x <= most:
        return np.arange(channel.n_x)
    return rng.choice(channel.n_x, most, replace=False, p=channel.p_x)


def row_decoders(channel: Channel, rows: NDArray[np.intp]) -> Array:
    """The posteriors of some rows as log decoders, (n, n_classes)."""
    return np.maximum(channel.log_p_y_given_x[rows], LOG_ZERO)


def lifted(channel: Channel, log_r: Array) -> Array:
    """The decoders a little inside the simplex, towards p(y), log (n, n_classes)."""
    if not len(log_r):
        return log_r
    return floored_log((1.0 - _LIFT) * np.exp(log_r) + _LIFT * channel.p_y)


class Screen:
    """The rows that are screened, log decoders `log_r` (n, n_classes), with their neighbours."""

    def __init__(self, channel: Channel) -> None:
        rows = np.sort(drawn_rows(channel, _MOST_ROWS, np.random.default_rng(0)))
        # At a row on a face Φ misses all that the row lacks a class of.
        self.log_r = lifted(channel, row_decoders(channel, rows))
        root = np.sqrt(channel.p_y_given_x[rows])
        # Each row is the nearest to itself, which does no harm below.
        k = min(_NEIGHBOURS + 1, len(root))
        self._neighbours = nearest_neighbours(root, k)

    def hilltops(self, log_phi: Array, most: int) -> Array:
        """The rows (n, n_classes) that none of their neighbours exceeds, the `most` highest."""
        is_top = (log_phi[self._neighbours] <= log_phi[:, None]).all(axis=1)
        tops = np.flatnonzero(is_top)
        chosen: Array = self.log_r[tops[np.argsort(-log_phi[tops], kind="stable")[:most]]]
        return chosen


def promising_rows(channel: Channel, offset: Array, beta: float, most: int) -> Array:
    """Some rows, log decoders, from which log Φ is to be climbed, at most `most` of them hilltops.

    Where thousands of rows hardly overlap, the first hill is one row's own, and rows that are not
    screened have to be known by what they add to Φ alone: on a random table of 8000 x 30 (in the
    tests) all other starts missed it. `offset` (n_x,) is that of
    `kernels.start_moments.offsets_of`.
    """
    screen = channel.prepared.once(Screen, lambda: Screen(channel))
    offsets = offsets_of(channel.prepared.packed, offset, beta)
    log_phi = log_potential_of_starts(
        channel.prepared.packed, offsets, screen.log_r, beta, n_threads=THREADS
    )
    tops = screen.hilltops(log_phi, most)
    if channel.n_x <= _MOST_ROWS:
        return tops
    own = offsets.rows + beta * channel.prepared.packed.negentropy
    largest = np.argsort(-own.reshape(-1)[: channel.n_x], kind="stable")[:_LARGEST_ALONE]
    return np.concatenate([tops, row_decoders(channel, largest)])
