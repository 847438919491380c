"""A rigorous upper bound of max Φ over the class simplex by branch and bound, for few classes.

On a cell with vertices V and a reference point a inside it, log r ≤ log a + (r − a)/a entrywise, so

    Φ(r) ≤ Σ_x v_x exp(beta Σ_y W_xy [log a_y + (r_y − a_y)/a_y − log p_y]),

which is convex in r and therefore largest at a vertex of the cell. The bound is exact to second
order in the size of the cell; cells that may hold more than the best value known are halved along
their longest edge.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.branch_and_bound import divide_and_bound
from ibcollapse.bottleneck.kernels.start_moments import offsets_of
from ibcollapse.bottleneck.objective.mixture import potential_offset

Array = NDArray[np.float64]

MAX_CLASSES = 3


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
    best_r = channel.p_y.copy()
    upper, is_tight = divide_and_bound(
        channel.prepared.packed.posteriors,
        *offsets_of(channel.prepared.packed, potential_offset(channel, log_v, beta), beta),
        float(beta),
        channel.p_y > 0,
        float(lower),
        best_r,
        float(tol),
        int(max_cells),
    )
    return upper, best_r, is_tight
