"""Branch and bound of log Φ over a simplex, compiled; `bottleneck.exhaustive` states the bound.

Symbols: a cell is a simplex of V corners r (V, K); c is its centre. Both Φ(c) and the bound's
values at the corners are sums Σ_x exp(offset_x + beta Σ_y p(y|x) l_y), with l = log c at the centre
and l = log c + (r − c)/c at a corner: one kernel call for all of them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.deadline import check
from ibcollapse.bottleneck.kernels.compilation import kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.start_moments import sum_over_rows

Array = NDArray[np.float64]

# Vectors l summed together: their scores of a block of rows stay in the second-level cache.
_AT_ONCE = 48
# Multiply-adds, some tenths of a second, after which somebody looks at the clock.
_MOST_WORK = 500_000_000


def divide_and_bound(
    posteriors: Array,
    offset: Array,
    top: float,
    beta: float,
    present: NDArray[np.bool_],
    best: float,
    best_r: Array,
    tol: float,
    max_cells: int,
) -> tuple[float, bool]:
    """Upper bound of max log Φ and whether it is tight; `best_r` (K,) becomes the best centre.

    Only faces of the classes `present` (K,) are searched. `best` is a value that log Φ is known to
    reach. Cells are halved until none can beat the best value by `tol`, or there are `max_cells`.
    """
    cells = _whole(present)
    upper, n_cells = math.inf, 1
    at_once = max(1, _MOST_WORK // (posteriors.size * (1 + cells.shape[1])))
    while True:
        values = np.empty((len(cells), 1 + cells.shape[1]))
        for first in range(0, len(cells), at_once):
            check()
            part = cells[first : first + at_once]
            values[first : first + at_once] = _values(posteriors, offset, top, beta, present, part)
        best, highest, n_open = _judge(cells, values, best, best_r, tol)
        upper = min(upper, highest)
        if n_open == 0:
            return best + tol, True
        if n_cells + 2 * n_open > max_cells:
            return upper, False
        cells = _halves(cells, values, best + tol, n_open)
        n_cells += 2 * n_open


@kernel
def _judge(
    cells: Array, values: Array, best: float, best_r: Array, tol: float
) -> tuple[float, float, int]:
    """The best value, the highest bound, and how many cells may beat the best by `tol`.

    The second column of `values` becomes the bound of each cell, `best_r` the best centre.
    """
    n, n_corners, n_classes = cells.shape
    for i in range(n):
        if values[i, 0] > best:
            best = values[i, 0]
            for y in range(n_classes):
                best_r[y] = _centre(cells[i], y)
    highest, n_open = best, 0
    for i in range(n):
        bound = values[i, 1]
        for corner in range(1, n_corners):
            bound = max(bound, values[i, 1 + corner])
        values[i, 1] = bound
        highest = max(highest, bound)
        n_open += bound > best + tol
    return best, highest, n_open


@kernel
def _halves(cells: Array, values: Array, least: float, n_open: int) -> Array:
    """Both halves of each cell with a bound above `least`."""
    n, n_corners, n_classes = cells.shape
    halves = np.empty((2 * n_open, n_corners, n_classes))
    k = 0
    for i in range(n):
        if values[i, 1] > least:
            _halve(cells[i], halves[k], halves[k + 1])
            k += 2
    return halves


@kernel
def _whole(present: NDArray[np.bool_]) -> Array:
    """The simplex over the present classes, one cell (1, V, K)."""
    n_corners = 0
    for y in range(len(present)):
        n_corners += present[y]
    cell = np.zeros((1, n_corners, len(present)))
    corner = 0
    for y in range(len(present)):
        if present[y]:
            cell[0, corner, y] = 1.0
            corner += 1
    return cell


@part_of_kernel
def _centre(cell: Array, y: int) -> float:
    total = 0.0
    for corner in range(len(cell)):
        total += cell[corner, y]
    return total / len(cell)


@kernel
def _values(
    posteriors: Array,
    offset: Array,
    top: float,
    beta: float,
    present: NDArray[np.bool_],
    cells: Array,
) -> Array:
    """log Φ of each centre and the bound's values at its corners, (n, 1 + V)."""
    n, n_corners, n_classes = cells.shape
    logs = np.zeros((n * (1 + n_corners), n_classes))
    for i in range(n):
        for y in range(n_classes):
            if present[y]:
                centre = _centre(cells[i], y)
                start = math.log(centre)
                at = i * (1 + n_corners)
                logs[at, y] = start
                for corner in range(n_corners):
                    logs[at + 1 + corner, y] = start + (cells[i, corner, y] - centre) / centre
    values = np.empty(len(logs))
    mean = np.empty(logs.shape)
    nothing = np.empty((0, 0, 0))
    for first in range(0, len(logs), _AT_ONCE):
        stop = min(first + _AT_ONCE, len(logs))
        sum_over_rows(
            posteriors,
            posteriors,
            offset,
            top,
            logs[first:stop],
            beta,
            values[first:stop],
            mean[first:stop],
            nothing,
        )
    return values.reshape(n, 1 + n_corners)


@part_of_kernel
def _halve(cell: Array, left: Array, right: Array) -> None:
    """Both halves of a cell cut at the middle of its longest edge, measured in √r.

    Near a face the logarithm bends most, and there the cells must be finest.
    """
    n_corners, n_classes = cell.shape
    longest, first, second = -1.0, 0, 0
    for a in range(n_corners):
        for b in range(a + 1, n_corners):
            length = 0.0
            for y in range(n_classes):
                length += (math.sqrt(cell[a, y]) - math.sqrt(cell[b, y])) ** 2
            if length > longest:
                longest, first, second = length, a, b
    for corner in range(n_corners):
        for y in range(n_classes):
            left[corner, y] = cell[corner, y]
            right[corner, y] = cell[corner, y]
    for y in range(n_classes):
        middle = 0.5 * (cell[first, y] + cell[second, y])
        left[first, y] = middle
        right[second, y] = middle
