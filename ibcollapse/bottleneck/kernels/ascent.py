"""Compiled ascent of log Φ on the class simplex from many starts at once.

Symbols: w is p(y|x) (N, K); h the scores' offset log v_x − beta Σ_y w log p_y (N,); a start is a
vector l of log r (K,); s_x = h_x + beta Σ_y w_xy l_y, so log Φ = log Σ_x exp(s_x) and the terms'
shares are exp(s_x)/Φ with mean m and second moment S of w (`kernels.start_moments`).

In the logits scaled by √(beta r), log Φ has the gradient g = √beta (m − r)/√r and the negative
Hessian A = I − beta D(S − m mᵀ)D, D = diag(1/√r). A Levenberg–Marquardt step solves
(A + damping) step = g; with a large damping it is a short step of the map r ← m, which never
descends.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.cholesky import factor, length, solve
from ibcollapse.bottleneck.kernels.compilation import kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.start_moments import StartMoments, moments_of_starts

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_LOG_ZERO = -1e30
_SMALLEST_R = 1e-290
_LONGEST_STEP = 3.0
# Damping in units of the gradient's length, so that it bounds the step: under a collapsed channel
# the Hessian is a thousand times smaller than under a soft one. Less than this is none.
_FREE = 0.02
# Starts within this squared Hellinger distance of a maximum that was reached may be given up for
# it, when log Φ between them is what the maximum's own quadratic model says, to this share.
_NEAR_MAXIMUM = 1e-3
_SAME_HILL = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class _Climbers:
    """Per start: the best point so far with its model, and the point to try next."""

    log_r: Array
    log_phi: Array
    ahead: Array
    gradient: Array
    inverse: Array
    matrix: Array
    damping: Array
    n_tried: NDArray[np.int64]
    resting: Flags

    @classmethod
    def at(cls, log_r: Array) -> "_Climbers":
        n, n_classes = log_r.shape
        return cls(
            log_r=log_r.copy(),
            log_phi=np.full(n, -math.inf),
            ahead=log_r,
            gradient=np.zeros((n, n_classes)),
            inverse=np.zeros((n, n_classes)),
            matrix=np.zeros((n, n_classes, n_classes)),
            damping=np.zeros(n),
            n_tried=np.zeros(n, dtype=np.int64),
            resting=np.zeros(n, dtype=np.bool_),
        )


def climb_all(
    channel: PackedChannel,
    offset: Array,
    starts: Array,
    beta: float,
    *,
    tol: float,
    n_maps: int,
    max_steps: int,
    n_threads: int = 1,
) -> tuple[Array, Array]:
    """Decoders (n, n_classes, logs) and log Φ (n,) reached from `starts`, n of them or fewer.

    `offset` is log(p(x)/Z(x)) − beta Σ_y p(y|x) log p(y), (n_x,). A start rests when its model
    promises at most `tol` nats of log Φ, after `max_steps` trials at the latest; `n_maps` rounds
    of the map r ← m come first. Starts that turn out to be on the hill of a maximum reached from
    another start, by that maximum's quadratic model, are left out.
    """
    log_r = np.ascontiguousarray(starts, dtype=np.float64)
    for _ in range(n_maps):
        mean = moments_of_starts(channel, offset, log_r, beta, n_threads=n_threads).mean
        with np.errstate(divide="ignore"):
            log_r = np.where(mean.sum(axis=1, keepdims=True) > 0, np.log(mean), log_r)
        np.maximum(log_r, _LOG_ZERO, out=log_r)
    climbers = _Climbers.at(log_r)
    active = np.arange(len(log_r))
    reached: list[int] = []
    left_out = np.zeros(len(log_r), dtype=np.bool_)
    while len(active):
        met = moments_of_starts(
            channel, offset, climbers.ahead[active], beta, second=True, n_threads=n_threads
        )
        _advance(active, met, climbers, beta, tol, max_steps)
        for i in active[climbers.resting[active]]:
            reached.append(int(i))
            _give_up_followers(climbers, int(i), active, left_out, beta)
        active = active[~(climbers.resting | left_out)[active]]
    return climbers.log_r[reached], climbers.log_phi[reached]


def _give_up_followers(
    climbers: _Climbers, top: int, active: NDArray[np.intp], left_out: Flags, beta: float
) -> None:
    """Leave out the active starts whose log Φ the model at the maximum `top` explains."""
    others = active[~(climbers.resting | left_out)[active]]
    if not len(others):
        return
    root = np.exp(0.5 * climbers.log_r[top])
    away = np.exp(0.5 * climbers.log_r[others]) - root
    near = 0.5 * np.sum(away**2, axis=1) <= _NEAR_MAXIMUM
    others, away = others[near], 2.0 * math.sqrt(beta) * away[near]
    lower = np.tril(climbers.matrix[top])
    bent = np.einsum("iy,yz,iz->i", away, lower, away)
    # The matrix holds its lower triangle only: twice that form counts the diagonal twice.
    fall = bent - 0.5 * np.einsum("iy,y->i", away**2, np.diag(lower))
    below = climbers.log_phi[top] - climbers.log_phi[others]
    explained = (below >= 0) & (np.abs(below - fall) <= _SAME_HILL * fall)
    left_out[others[explained]] = True


def _advance(
    active: NDArray[np.intp],
    met: StartMoments,
    climbers: _Climbers,
    beta: float,
    tol: float,
    max_steps: int,
) -> None:
    c = climbers
    _judge_trials(
        active,
        met.log_phi,
        met.mean,
        met.second,
        beta,
        tol,
        max_steps,
        c.log_r,
        c.log_phi,
        c.ahead,
        c.gradient,
        c.inverse,
        c.matrix,
        c.damping,
        c.n_tried,
        c.resting,
    )


@kernel
def _judge_trials(
    active: NDArray[np.intp],
    met_log_phi: Array,
    met_mean: Array,
    met_second: Array,
    beta: float,
    tol: float,
    max_steps: int,
    log_r: Array,
    log_phi: Array,
    ahead: Array,
    gradient: Array,
    inverse: Array,
    matrix: Array,
    damping: Array,
    n_tried: NDArray[np.int64],
    resting: Flags,
) -> None:
    """Take each trial or damp more; set the next trial, or let the start rest."""
    n_classes = log_r.shape[1]
    step = np.empty(n_classes)
    lower = np.zeros((n_classes, n_classes))
    for k in range(len(active)):
        i = active[k]
        reached = met_log_phi[k]
        if n_tried[i] == 0 or reached >= log_phi[i]:
            log_r[i] = ahead[i]
            log_phi[i] = reached
            _model(log_r[i], met_mean[k], met_second[k], beta, gradient[i], inverse[i], matrix[i])
            steep = length(gradient[i])
            damping[i] = damping[i] / 8.0 if damping[i] > _FREE * steep else 0.0
        elif damping[i] > 1e6 * max(1.0, length(gradient[i])):
            resting[i] = True
            continue
        else:
            damping[i] = max(8.0 * damping[i], length(gradient[i]))
        n_tried[i] += 1
        if n_tried[i] > max_steps or not log_phi[i] > -math.inf:
            resting[i] = True
            continue
        while not factor(matrix[i], damping[i], lower):
            damping[i] = max(8.0 * damping[i], length(gradient[i]), 1e-12)
        step[:] = gradient[i]
        solve(lower, step)
        gain = 0.0
        for y in range(n_classes):
            gain += 0.5 * step[y] * gradient[i, y]
        if gain <= tol:
            resting[i] = True
        else:
            _move(log_r[i], step, inverse[i], beta, ahead[i])


@part_of_kernel
def _model(
    log_r: Array,
    mean: Array,
    second: Array,
    beta: float,
    gradient: Array,
    inverse: Array,
    matrix: Array,
) -> None:
    """Scaled gradient and lower triangle of the negative Hessian; `inverse` is 1/√r."""
    n_classes = len(log_r)
    for y in range(n_classes):
        r = math.exp(log_r[y])
        inverse[y] = 1.0 / math.sqrt(r) if r > _SMALLEST_R else 0.0
        gradient[y] = math.sqrt(beta) * (mean[y] - r) * inverse[y]
        for z in range(y + 1):
            spread = second[y, z] - mean[y] * mean[z]
            matrix[y, z] = -beta * spread * inverse[y] * inverse[z]
        matrix[y, y] += 1.0


@part_of_kernel
def _move(log_r: Array, step: Array, inverse: Array, beta: float, ahead: Array) -> None:
    """The normalised decoder after a scaled step.

    Entries move linearly, as in the map r ← m: a class that is absent by a hundred nats is back in
    one step. What would turn negative shrinks exponentially instead, each entry by itself.
    """
    n_classes = len(log_r)
    mean = 0.0
    for y in range(n_classes):
        ahead[y] = step[y] * inverse[y] / math.sqrt(beta)
        mean += math.exp(log_r[y]) * ahead[y]
    total = 0.0
    peak = -math.inf
    for y in range(n_classes):
        change = ahead[y] - mean
        if change < -0.5:
            ahead[y] = log_r[y] + math.log(0.5) + max(2.0 * (change + 0.5), -_LONGEST_STEP)
        else:
            ahead[y] = log_r[y] + math.log1p(change)
        peak = max(peak, ahead[y])
    for y in range(n_classes):
        total += math.exp(ahead[y] - peak)
    shift = peak + math.log(total)
    for y in range(n_classes):
        ahead[y] = max(ahead[y] - shift, _LOG_ZERO)
