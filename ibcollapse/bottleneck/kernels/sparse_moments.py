"""Moments of the posteriors under each atom's rows, where most posteriors may be left out."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import kernel
from ibcollapse.bottleneck.kernels.side_by_side import side_by_side
from ibcollapse.bottleneck.kernels.sparse_products import LANES, SparseRows, padded

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# The atoms, or groups, are shared between so many threads at most.
_PARTS = 2


def sparse_second_moments(rows: SparseRows, p_xt: Array, n_classes: int) -> Array:
    """Σ_x p(x, t) p(y|x) p(z|x), (n_t, n_classes, n_classes).

    `p_xt` is float64 (n_x, n_t).
    """
    n_atoms, p_xt = p_xt.shape[1], padded(p_xt)
    n_t = p_xt.shape[1]
    upper = np.zeros((n_classes, n_classes, n_t))
    edges = [n_t // LANES * part // _PARTS * LANES for part in range(_PARTS + 1)]

    def fill(part: int) -> None:
        _add_products(*rows, p_xt, edges[part], edges[part + 1], upper)

    side_by_side(fill, range(_PARTS))
    moments: Array = np.ascontiguousarray(upper[:, :, :n_atoms].transpose(2, 0, 1))
    below = np.tril_indices(n_classes, -1)
    moments[:, below[0], below[1]] = moments[:, below[1], below[0]]
    return moments


def group_moments(rows: SparseRows, p_xt: Array, groups: Integers, n_classes: int) -> Array:
    """Σ_x p(x, t) (1, p(y|x)) over the rows of each group, (n_groups, n_t, 1 + n_classes).

    `groups` is the group of each row, int64 (n_x,); `p_xt` is float64 (n_x, n_t).
    """
    order = np.argsort(groups, kind="stable")
    n_groups = int(groups.max()) + 1
    starts = np.searchsorted(groups[order], np.arange(n_groups + 1))
    sums = np.empty((n_groups, p_xt.shape[1], 1 + n_classes))
    edges = [n_groups * part // _PARTS for part in range(_PARTS + 1)]

    def fill(part: int) -> None:
        _add_groups(*rows, p_xt, order, starts, edges[part], edges[part + 1], sums)

    side_by_side(fill, range(_PARTS))
    return sums


@kernel
def _add_products(
    ends: Integers,
    classes: Integers,
    values: Array,
    p_xt: Array,
    first: int,
    last: int,
    upper: Array,
) -> None:
    for x in range(len(p_xt)):
        share = p_xt[x, first:last]
        for i in range(ends[x], ends[x + 1]):
            for j in range(i, ends[x + 1]):
                value = values[i] * values[j]
                moment = upper[classes[i], classes[j], first:last]
                for t in range(last - first):
                    moment[t] += value * share[t]


@kernel
def _add_groups(
    ends: Integers,
    classes: Integers,
    values: Array,
    p_xt: Array,
    order: Integers,
    starts: Integers,
    first: int,
    last: int,
    sums: Array,
) -> None:
    n_t, size = sums.shape[1], sums.shape[2]
    held = np.empty((size, n_t))
    for group in range(first, last):
        held[:] = 0.0
        for place in range(starts[group], starts[group + 1]):
            x = order[place]
            share = p_xt[x]
            total = held[0]
            for t in range(n_t):
                total[t] += share[t]
            for i in range(ends[x], ends[x + 1]):
                value = values[i]
                moment = held[1 + classes[i]]
                for t in range(n_t):
                    moment[t] += value * share[t]
        for t in range(n_t):
            for y in range(size):
                sums[group, t, y] = held[y, t]
