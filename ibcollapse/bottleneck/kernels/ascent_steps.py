"""One Levenberg–Marquardt step of each ascent of log Φ, compiled.

In the logits scaled by √(beta r), log Φ has the gradient g = √beta (m − r)/√r and the negative
Hessian A = I − beta D(S − m mᵀ)D, D = diag(1/√r), m and S the first two moments of p(y|x) under
Φ's terms. A step solves (A + damping) step = g; with a large damping it is a short step of the map
r ← m, which never descends.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

from ibcollapse.bottleneck.kernels.cholesky import factor, length, solve
from ibcollapse.bottleneck.kernels.compilation import kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SMALLEST_R = 1e-290
_LONGEST_STEP = 3.0
# Damping in units of the gradient's length, so that it bounds the step: under a collapsed channel
# the Hessian is a thousand times smaller than under a soft one. Less than this is none.
_FREE = 0.02
_LEAST_PIVOT = 1e-14


@kernel
def judge_trials(
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
    lower = np.empty((n_classes, n_classes))
    for k in range(len(active)):
        i = active[k]
        _take(
            i,
            met_log_phi[k],
            met_mean[k],
            met_second[k],
            beta,
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
        if resting[i]:
            continue
        while True:
            _damp(matrix[i], damping[i], lower)
            if factor(lower, _LEAST_PIVOT):
                break
            damping[i] = more_damping(damping[i], length(gradient[i]))
        for y in range(n_classes):
            step[y] = gradient[i, y]
        solve(lower, step)
        resting[i] = _go(log_r[i], step, gradient[i], inverse[i], beta, tol, ahead[i])


@kernel
def take_trials(
    active: NDArray[np.intp],
    met_log_phi: Array,
    met_mean: Array,
    met_second: Array,
    beta: float,
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
    """The first half of `judge_trials`: take each trial or damp more, or let the start rest."""
    for k in range(len(active)):
        _take(
            active[k],
            met_log_phi[k],
            met_mean[k],
            met_second[k],
            beta,
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


@kernel
def go_on(
    active: NDArray[np.intp],
    steps: Array,
    beta: float,
    tol: float,
    log_r: Array,
    ahead: Array,
    gradient: Array,
    inverse: Array,
    resting: Flags,
) -> None:
    """The second half: the next trials, where the `steps` (n, K) of the active starts lead."""
    for k in range(len(active)):
        i = active[k]
        resting[i] = _go(log_r[i], steps[k], gradient[i], inverse[i], beta, tol, ahead[i])


def damped_step(matrix: Array, gradient: Array, damping: float) -> tuple[Array, float]:
    """The step that solves (matrix + damping I) step = gradient, by LAPACK, and the damping.

    The lower triangle of `matrix` is read; damping is raised until it is positive definite.
    """
    while True:
        # LAPACK reads columns: the upper triangle of the transpose.
        upper = np.array(matrix.T, order="F")
        upper.flat[:: len(upper) + 1] += damping
        upper, info = dpotrf(upper, lower=0, clean=0, overwrite_a=1)
        if info == 0 and float(np.square(upper.diagonal()).min()) > _LEAST_PIVOT:
            return dpotrs(upper, gradient, lower=0)[0], damping
        damping = more_damping(damping, float(np.linalg.norm(gradient)))


@part_of_kernel
def more_damping(damping: float, steep: float) -> float:
    """The next damping where a matrix is not positive definite; `steep` is the slope."""
    return max(8.0 * damping, steep, 1e-12)


@part_of_kernel
def _take(
    i: int,
    reached: float,
    met_mean: Array,
    met_second: Array,
    beta: float,
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
    """Take the trial of start `i`, with its model, or damp more; or let it rest."""
    taken = n_tried[i] == 0 or reached >= log_phi[i]
    if taken:
        for y in range(log_r.shape[1]):
            log_r[i, y] = ahead[i, y]
        log_phi[i] = reached
        _model(log_r[i], met_mean, met_second, beta, gradient[i], inverse[i], matrix[i])
    # Each function is written here once: Numba compiles every place that one is called from.
    steep = length(gradient[i])
    if taken:
        damping[i] = damping[i] / 8.0 if damping[i] > _FREE * steep else 0.0
    elif damping[i] > 1e6 * max(1.0, steep):
        resting[i] = True
        return
    else:
        damping[i] = max(8.0 * damping[i], steep)
    n_tried[i] += 1
    if n_tried[i] > max_steps or not log_phi[i] > -math.inf:
        resting[i] = True


@part_of_kernel
def _go(
    log_r: Array,
    step: Array,
    gradient: Array,
    inverse: Array,
    beta: float,
    tol: float,
    ahead: Array,
) -> bool:
    """Whether a start rests, for its step gains too little; else the trial that is `ahead`."""
    gain = 0.0
    for y in range(len(step)):
        gain += 0.5 * step[y] * gradient[y]
    if gain <= tol:
        return True
    _move(log_r, step, inverse, beta, ahead)
    return False


@part_of_kernel
def _damp(matrix: Array, damping: float, lower: Array) -> None:
    """The lower triangle of matrix + damping I into `lower`."""
    for y in range(len(matrix)):
        for z in range(y + 1):
            lower[y, z] = matrix[y, z]
        lower[y, y] += damping


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
        # Off a face log Φ falls by beta times the step, half of what the model of r > 0 says.
        matrix[y, y] += 1.0 if r > _SMALLEST_R else 0.5


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
        ahead[y] = max(ahead[y] - shift, LOG_ZERO)
