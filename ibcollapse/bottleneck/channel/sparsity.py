"""The posteriors of a channel that are not negligible, where most are.

Only what steers a step is computed from them; values and gradients take all.
"""

import weakref

import numpy as np

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.sparse_products import SparseRows

# Posteriors up to this are left out, where at most this share is left.
_NEGLIGIBLE = 1e-6
_SPARSE = 0.25

_rows_of_channels: weakref.WeakKeyDictionary[Channel, SparseRows | None] = (
    weakref.WeakKeyDictionary()
)
_all_of_channels: weakref.WeakKeyDictionary[Channel, SparseRows] = weakref.WeakKeyDictionary()


def sparse_rows(channel: Channel) -> SparseRows | None:
    """The posteriors that are not negligible, found once; None where those are too many."""
    if channel not in _rows_of_channels:
        w = channel.p_y_given_x
        few = np.count_nonzero(w > _NEGLIGIBLE) <= _SPARSE * w.size
        _rows_of_channels[channel] = SparseRows.above(w, _NEGLIGIBLE) if few else None
    return _rows_of_channels[channel]


def all_rows(channel: Channel) -> SparseRows:
    """All posteriors of a channel in the same form."""
    if channel not in _all_of_channels:
        _all_of_channels[channel] = SparseRows.above(channel.p_y_given_x, -1.0)
    return _all_of_channels[channel]
