"""The posteriors of a channel that are not negligible, where most are.

Only what steers a step is computed from them; values and gradients take all.
"""

import weakref

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.kernels.sparse_moments import second_moments
from ibcollapse.bottleneck.kernels.sparse_products import SparseRows, padded

Array = NDArray[np.float64]

# Posteriors up to this are left out, where at most this share is left.
_NEGLIGIBLE = 1e-6
_SPARSE = 0.25

_rows_of_channels: weakref.WeakKeyDictionary[Channel, SparseRows | None] = (
    weakref.WeakKeyDictionary()
)


def sparse_rows(channel: Channel) -> SparseRows | None:
    """The posteriors that are not negligible, found once; None where those are too many."""
    if channel not in _rows_of_channels:
        w = channel.p_y_given_x
        few = np.count_nonzero(w > _NEGLIGIBLE) <= _SPARSE * w.size
        _rows_of_channels[channel] = SparseRows.above(w, _NEGLIGIBLE) if few else None
    return _rows_of_channels[channel]


def sparse_second_moments(rows: SparseRows, shares: Array, n_classes: int) -> Array:
    """Σ_x shares(x, t) p(y|x) p(z|x), (n, n_classes, n_classes), from shares (n_x, n)."""
    return second_moments(rows, padded(shares), n_classes)[: shares.shape[1]]
