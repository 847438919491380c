"""Moments of the posteriors under each atom's rows, where most posteriors may be left out."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import kernel
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, side_by_side, stretches
from ibcollapse.bottleneck.kernels.sparse_products import LANES, SparseRows, padded

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Single = NDArray[np.float32]

# Atoms at most whose moments are summed before somebody looks at the clock again.
_ATOMS_AT_ONCE = 128


def sparse_second_moments(rows: SparseRows, p_xt: Array, n_classes: int) -> Array:
    """Lower triangles of Σ_x p(x, t) p(y|x) p(z|x), (n_t, n_classes, n_classes), zero above.

    `p_xt` is float64 (n_x, n_t).
    """
    n_atoms, p_xt = p_xt.shape[1], padded(p_xt)
    n_t = p_xt.shape[1]
    # Where no row has two classes both, nothing is summed, nor is there memory for it.
    place = _places_of_pairs(rows.ends, rows.classes, n_classes)
    second, first_of = np.nonzero(place.T >= 0)
    upper = np.zeros((len(second), n_t))
    moments = np.zeros((n_atoms, n_classes, n_classes))

    def fill(part: slice) -> None:
        first, last = part.start * LANES, part.stop * LANES
        _add_products(*rows, p_xt, first, last, place, upper)
        _turn(upper, first_of, second, place, first, min(last, n_atoms), moments)

    side_by_side(fill, stretches(n_t // LANES, max(PARTS, n_t // _ATOMS_AT_ONCE)))
    return moments


def group_moments(
    rows: SparseRows,
    p_t_given_x: Array,
    p_x: Array,
    groups: Integers,
    means: Array,
    scale: Array,
) -> Single:
    """Scaled moments of (1, p(y|x) − mean) over the rows of each group, (n_t, n_groups, 1 + K).

    Σ_x p(x) p(t|x) (1, p(y|x) − mean_t(y)) scale_t over √p(group).

    Parameters
    ----------
    p_t_given_x, p_x : float64 (n_x, n_t), (n_x,)
    groups : int64 (n_x,)
        The group of each row.
    means, scale : float64 (n_t, K), (n_t, 1 + K)
    """
    order = np.argsort(groups, kind="stable")
    n_groups = int(groups.max()) + 1
    starts = np.searchsorted(groups[order], np.arange(n_groups + 1))
    sums = np.empty((len(means), n_groups, scale.shape[1]), dtype=np.float32)

    def fill(part: slice) -> None:
        first, last = part.start, part.stop
        _add_groups(*rows, p_t_given_x, p_x, order, starts, means, scale, first, last, sums)

    side_by_side(fill, stretches(n_groups))
    return sums


@kernel
def _add_products(
    ends: Integers,
    classes: Integers,
    values: Array,
    p_xt: Array,
    first: int,
    last: int,
    place: Integers,
    upper: Array,
) -> None:
    for x in range(len(p_xt)):
        share = p_xt[x, first:last]
        for i in range(ends[x], ends[x + 1]):
            for j in range(i, ends[x + 1]):
                value = values[i] * values[j]
                moment = upper[place[classes[i], classes[j]], first:last]
                for t in range(last - first):
                    moment[t] += value * share[t]


@kernel
def _turn(
    upper: Array,
    first_of: Integers,
    second: Integers,
    place: Integers,
    first: int,
    last: int,
    moments: Array,
) -> None:
    """moments[t, z, y] = upper[place of (y, z), t] for the atoms from `first` up to `last`."""
    for k in range(len(second)):
        y, z = first_of[k], second[k]
        for t in range(first, last):
            moments[t, z, y] = upper[place[y, z], t]


@kernel
def _places_of_pairs(ends: Integers, classes: Integers, n_classes: int) -> Integers:
    """A number for each pair of classes y ≤ z that some row has both, −1 for all others."""
    place = np.full((n_classes, n_classes), -1, dtype=np.int64)
    for x in range(len(ends) - 1):
        for i in range(ends[x], ends[x + 1]):
            for j in range(i, ends[x + 1]):
                place[classes[i], classes[j]] = 0
    n = 0
    for y in range(n_classes):
        for z in range(n_classes):
            if place[y, z] == 0:
                place[y, z] = n
                n += 1
    return place


@kernel
def _add_groups(
    ends: Integers,
    classes: Integers,
    values: Array,
    p_t_given_x: Array,
    p_x: Array,
    order: Integers,
    starts: Integers,
    means: Array,
    scale: Array,
    first: int,
    last: int,
    sums: Single,
) -> None:
    n_t, size = scale.shape
    held = np.empty((size, n_t))
    share = np.empty(n_t)
    for group in range(first, last):
        held[:] = 0.0
        weight = 0.0
        for place in range(starts[group], starts[group + 1]):
            x = order[place]
            weight += p_x[x]
            total = held[0]
            for t in range(n_t):
                share[t] = p_x[x] * p_t_given_x[x, t]
                total[t] += share[t]
            for i in range(ends[x], ends[x + 1]):
                value = values[i]
                moment = held[1 + classes[i]]
                for t in range(n_t):
                    moment[t] += value * share[t]
        shrunk = 1.0 / np.sqrt(weight)
        for t in range(n_t):
            total_t = held[0, t]
            sums[t, group, 0] = total_t * scale[t, 0] * shrunk
            for y in range(1, size):
                away = held[y, t] - total_t * means[t, y - 1]
                sums[t, group, y] = away * scale[t, y] * shrunk
