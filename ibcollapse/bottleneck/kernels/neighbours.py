"""Nearest neighbours of a few thousand points by comparing all pairs, compiled.

In the ten dimensions and more of a class simplex a k-d tree visits nearly every point too, and pays
for its bookkeeping: on 2000 rows of ten or a hundred classes this loop is four times faster.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import constant, kernel

Array = NDArray[np.float64]


def nearest_neighbours(points: Array, k: int) -> NDArray[np.int64]:
    """Indices, int64 (n, k), of the `k` points nearest to each point, itself among them.

    `points` is float64 (n, n_dimensions), 1 ≤ k ≤ n; distances are Euclidean, the order within a
    row is arbitrary, and of equally near points any may be taken.
    """
    found = np.empty((len(points), k), dtype=np.int64)
    _search_all_pairs(constant(np.ascontiguousarray(points.T)), found)
    return found


@kernel
def _search_all_pairs(columns: Array, found: NDArray[np.int64]) -> None:
    n_dimensions, n = columns.shape
    k = found.shape[1]
    distance = np.empty(n)
    nearest = np.empty(k)
    for i in range(n):
        for j in range(n):
            distance[j] = 0.0
        for d in range(n_dimensions):
            centre = columns[d, i]
            for j in range(n):
                away = columns[d, j] - centre
                distance[j] += away * away
        for slot in range(k):
            nearest[slot] = np.inf
        last = 0
        for j in range(n):
            if distance[j] < nearest[last]:
                nearest[last] = distance[j]
                found[i, last] = j
                # The next to go is the farthest that is kept.
                for slot in range(k):
                    if nearest[slot] > nearest[last]:
                        last = slot
