"""A rigorous upper bound of max Φ over the class simplex by branch and bound, for few classes.

On a cell with vertices V and a reference point a inside it, log r ≤ log a + (r − a)/a entrywise, so

    Φ(r) ≤ Σ_x v_x exp(beta Σ_y W_xy [log a_y + (r_y − a_y)/a_y − log p_y]),

which is convex in r and therefore largest at a vertex of the cell. The bound is exact to second
order in the size of the cell; cells are halved along their longest edge, the one with the highest
bound first.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.certificate import log_potential
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import LOG_ZERO, log_p_y

Array = NDArray[np.float64]

MAX_CLASSES = 3
_BATCH = 512


def bound_log_potential(
    channel: Channel,
    log_v: Array,
    beta: float,
    *,
    lower: float,
    tol: float,
    max_cells: int = 50_000,
) -> tuple[float, Array, bool]:
    """Upper bound of max log Φ (nats), the best decoder met (n_classes,), and whether it is tight.

    Parameters
    ----------
    log_v : float64 (n_x,)
        log(p(x)/Z(x)).
    lower : float
        A value of log Φ already reached; cells that cannot beat it by `tol` are dropped.
    tol : float
        Stop when the upper bound is within `tol` nats of the best value found.
    max_cells : int
        Stop after this many cells; the bound then is rigorous but loose (third value False).
    """
    alive = np.flatnonzero(channel.p_y > 0)
    best, best_r, upper, n_cells = lower, channel.p_y.copy(), np.inf, 1
    cells = np.eye(channel.n_classes)[alive][None]
    while True:
        with np.errstate(divide="ignore"):
            log_centres = np.maximum(np.log(cells.mean(axis=1)), LOG_ZERO)
        values, _ = log_potential(channel, log_v, log_centres, beta)
        winner = int(np.argmax(values))
        if values[winner] > best:
            best, best_r = float(values[winner]), np.exp(log_centres[winner])
        bounds = np.concatenate(
            [
                _upper_bound(channel, log_v, cells[i : i + _BATCH], beta)
                for i in range(0, len(cells), _BATCH)
            ]
        )
        upper = min(upper, max(float(bounds.max()), best))
        open_cells = cells[bounds > best + tol]
        if len(open_cells) == 0:
            return best + tol, best_r, True
        if n_cells + 2 * len(open_cells) > max_cells:
            return upper, best_r, False
        cells = _halved(open_cells)
        n_cells += len(cells)


def _upper_bound(channel: Channel, log_v: Array, cells: Array, beta: float) -> Array:
    """log of the bound of each cell (n_cells, n_vertices, n_classes), shape (n_cells,)."""
    centres = cells.mean(axis=1)
    alive = centres[0] > 0
    w = channel.p_y_given_x[:, alive]
    a, vertices = centres[:, alive], cells[:, :, alive]
    logs = np.log(a)[:, None, :] + (vertices - a[:, None, :]) / a[:, None, :]
    scores = np.einsum("xk,cvk->xcv", w, logs - log_p_y(channel)[alive])
    scores = beta * scores + log_v[:, None, None]
    peak = scores.max(axis=0)
    bounds = np.log(np.exp(scores - peak).sum(axis=0)) + peak
    largest: Array = bounds.max(axis=1)
    return largest


def _halved(cells: Array) -> Array:
    """Both halves (2 n, n_vertices, n_classes) of cells cut at the middle of their longest edge."""
    pairs = list(itertools.combinations(range(cells.shape[1]), 2))
    # Lengths in √r: near a face the logarithm bends most, and there the cells must be finest.
    roots = np.sqrt(cells)
    lengths = np.stack([np.sum((roots[:, i] - roots[:, j]) ** 2, axis=1) for i, j in pairs])
    ends = np.array(pairs)[np.argmax(lengths, axis=0)]
    rows = np.arange(len(cells))
    middle = 0.5 * (cells[rows, ends[:, 0]] + cells[rows, ends[:, 1]])
    left, right = cells.copy(), cells.copy()
    left[rows, ends[:, 0]] = middle
    right[rows, ends[:, 1]] = middle
    return np.concatenate([left, right])
