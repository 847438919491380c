"""Ascent of log Φ from all starts to their ends in one compiled call, for small channels.

`kernels.ascent` spends Python's time to climb each hill once; where a step of all starts takes
microseconds, climbing every start to its end is cheaper.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.ascent import Effort
from ibcollapse.bottleneck.kernels.ascent_steps import judge_trials
from ibcollapse.bottleneck.kernels.compilation import kernel
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.start_moments import offsets_of, sum_over_rows

Array = NDArray[np.float64]

# Multiply-adds of one start's step; on tables of 50 × 10 the compiled loop takes half the time, on
# 500 × 10 as long, and its own compilation is the longest of all.
_SMALL = 10_000


def climb_together(
    channel: PackedChannel,
    offset: Array,
    starts: Array,
    beta: float,
    effort: Effort,
    *,
    hints: Array | None = None,
) -> tuple[Array, Array]:
    """As `ascent.climb_all`: maxima (n, n_classes, logs) and log Φ (n,), one of every start."""
    rows, top = offsets_of(channel, offset, beta)
    ends, values = [np.empty((0, channel.n_classes))], [np.empty(0)]
    for given, n_maps in ((hints, 0), (starts, effort.n_maps)):
        if given is None or not len(given):
            continue
        log_r = np.array(given, dtype=np.float64, order="C")
        log_phi = np.empty(len(log_r))
        _climb(
            channel.posteriors,
            rows,
            top,
            float(beta),
            effort.tol,
            n_maps,
            effort.max_steps,
            log_r,
            log_phi,
        )
        ends.append(log_r)
        values.append(log_phi)
    return np.concatenate(ends), np.concatenate(values)


def is_small(channel: PackedChannel) -> bool:
    """Whether to climb every start to its end."""
    return channel.p_x.size * channel.n_classes**2 <= _SMALL


@kernel
def _climb(
    posteriors: Array,
    offset: Array,
    top: float,
    beta: float,
    tol: float,
    n_maps: int,
    max_steps: int,
    log_r: Array,
    log_phi: Array,
) -> None:
    """Replace the starts `log_r` (n, K) by the maxima that they climb to, fill `log_phi` (n,)."""
    n, n_classes = log_r.shape
    mean = np.empty((n, n_classes))
    for _ in range(n_maps):
        sum_over_rows(
            posteriors, posteriors, offset, top, log_r, beta, log_phi, mean, np.empty((0, 0, 0))
        )
        for i in range(n):
            for y in range(n_classes):
                # A decoder that excludes every row has no mean to go to.
                if log_phi[i] > -math.inf:
                    log_r[i, y] = math.log(mean[i, y]) if mean[i, y] > 0.0 else LOG_ZERO
    for i in range(n):
        log_phi[i] = -math.inf
    met_phi = np.empty(n)
    second = np.empty((n, n_classes, n_classes))
    ahead = np.empty((n, n_classes))
    for i in range(n):
        for y in range(n_classes):
            ahead[i, y] = log_r[i, y]
    gradient = np.zeros((n, n_classes))
    inverse = np.zeros((n, n_classes))
    matrix = np.zeros((n, n_classes, n_classes))
    damping = np.zeros(n)
    n_tried = np.zeros(n, dtype=np.int64)
    resting = np.zeros(n, dtype=np.bool_)
    order = np.arange(n)
    n_active = n
    tried = np.empty((n, n_classes))
    while n_active > 0:
        k = n_active
        active = order[:k]
        for i in range(k):
            for y in range(n_classes):
                tried[i, y] = ahead[active[i], y]
        sum_over_rows(
            posteriors,
            posteriors,
            offset,
            top,
            tried[:k],
            beta,
            met_phi[:k],
            mean[:k],
            second[:k],
        )
        judge_trials(
            active,
            met_phi[:k],
            mean[:k],
            second[:k],
            beta,
            tol,
            max_steps,
            log_r,
            log_phi,
            ahead,
            gradient,
            inverse,
            matrix,
            damping,
            n_tried,
            resting,
        )
        # Not a boolean index: for one Numba compiles functions for seconds.
        n_active = 0
        for i in range(k):
            if not resting[order[i]]:
                order[n_active] = order[i]
                n_active += 1
