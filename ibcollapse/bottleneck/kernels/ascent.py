"""Compiled ascent of log Φ on the class simplex from many starts at once.

Symbols: w is p(y|x) (N, K); h the scores' offset log v_x − beta Σ_y w log p_y (N,); a start is a
vector l of log r (K,); s_x = h_x + beta Σ_y w_xy l_y, so log Φ = log Σ_x exp(s_x) and the terms'
shares are exp(s_x)/Φ with mean m and second moment S of w.

In the logits scaled by √(beta r), log Φ has the gradient g = √beta (m − r)/√r and the negative
Hessian A = I − beta D(S − m mᵀ)D, D = diag(1/√r). A Levenberg–Marquardt step solves
(A + damping) step = g; with a large damping it is a short step of the map r ← m, which never
descends.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

# Exponentials of scores this far below the largest are nothing in double precision.
_NEGLIGIBLE = -45.0
_LOG_ZERO = -1e30
_SMALLEST_R = 1e-290
_LONGEST_STEP = 3.0


@numba.njit(cache=True, nogil=True)
def _terms(w, h, log_r, beta, scores):  # type: ignore[no-untyped-def]
    """Fill `scores` with the shares of Φ's terms; returns log Φ."""
    n_x, n_classes = w.shape
    peak = -math.inf
    for x in range(n_x):
        total = 0.0
        for y in range(n_classes):
            total += w[x, y] * log_r[y]
        scores[x] = h[x] + beta * total
        peak = max(peak, scores[x])
    phi = 0.0
    for x in range(n_x):
        below = scores[x] - peak
        scores[x] = math.exp(below) if below > _NEGLIGIBLE else 0.0
        phi += scores[x]
    for x in range(n_x):
        scores[x] /= phi
    return peak + math.log(phi)


@numba.njit(cache=True, nogil=True)
def _moments(w, scores, mean, second):  # type: ignore[no-untyped-def]
    """Mean (K,) and lower triangle of the second moment (K, K) of w under the shares."""
    n_x, n_classes = w.shape
    mean[:] = 0.0
    second[:, :] = 0.0
    for x in range(n_x):
        share = scores[x]
        if share == 0.0:
            continue
        for y in range(n_classes):
            part = share * w[x, y]
            mean[y] += part
            for z in range(y + 1):
                second[y, z] += part * w[x, z]


@numba.njit(cache=True, nogil=True)
def _factor(matrix, damping, lower):  # type: ignore[no-untyped-def]
    """Cholesky factor of matrix + damping I into `lower`; False when it is not positive."""
    size = len(matrix)
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            if i == j:
                total += damping
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if total <= 1e-12:
                    return False
                lower[i, i] = math.sqrt(total)
            else:
                lower[i, j] = total / lower[j, j]
    return True


@numba.njit(cache=True, nogil=True)
def _solve(lower, vector):  # type: ignore[no-untyped-def]
    """Solve L Lᵀ z = vector in place."""
    size = len(vector)
    for i in range(size):
        for k in range(i):
            vector[i] -= lower[i, k] * vector[k]
        vector[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            vector[i] -= lower[k, i] * vector[k]
        vector[i] /= lower[i, i]


@numba.njit(cache=True, nogil=True)
def _model(log_r, mean, second, beta, gradient, inverse, matrix):  # type: ignore[no-untyped-def]
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


@numba.njit(cache=True, nogil=True)
def _move(log_r, step, inverse, beta, ahead):  # type: ignore[no-untyped-def]
    """The normalised logits after a scaled step, cut back to `_LONGEST_STEP`."""
    longest = 0.0
    for y in range(len(log_r)):
        ahead[y] = step[y] * inverse[y] / math.sqrt(beta)
        longest = max(longest, abs(ahead[y]))
    cut = _LONGEST_STEP / longest if longest > _LONGEST_STEP else 1.0
    _renormalise(log_r, ahead, cut)


@numba.njit(cache=True, nogil=True)
def _renormalise(log_r, ahead, cut):  # type: ignore[no-untyped-def]
    peak = -math.inf
    for y in range(len(log_r)):
        ahead[y] = log_r[y] + cut * ahead[y]
        peak = max(peak, ahead[y])
    total = 0.0
    for y in range(len(log_r)):
        total += math.exp(ahead[y] - peak)
    shift = peak + math.log(total)
    for y in range(len(log_r)):
        ahead[y] = max(ahead[y] - shift, _LOG_ZERO)


@numba.njit(cache=True, nogil=True)
def _climb_one(w, h, log_r, beta, tol, n_maps, max_steps, scores):  # type: ignore[no-untyped-def]
    """Ascend in place from one start; returns log Φ reached."""
    n_classes = len(log_r)
    mean, gradient, inverse = np.empty(n_classes), np.empty(n_classes), np.empty(n_classes)
    step, ahead = np.empty(n_classes), np.empty(n_classes)
    second, matrix = np.empty((n_classes, n_classes)), np.empty((n_classes, n_classes))
    lower = np.zeros((n_classes, n_classes))
    log_phi = _terms(w, h, log_r, beta, scores)
    for _ in range(n_maps):
        _moments(w, scores, mean, second)
        for y in range(n_classes):
            log_r[y] = math.log(mean[y]) if mean[y] > 0.0 else _LOG_ZERO
        log_phi = _terms(w, h, log_r, beta, scores)
    damping, fresh = 0.0, True
    for _ in range(max_steps):
        if fresh:
            _moments(w, scores, mean, second)
            _model(log_r, mean, second, beta, gradient, inverse, matrix)
        while not _factor(matrix, damping, lower):
            damping = max(4.0 * damping, 0.05)
        step[:] = gradient
        _solve(lower, step)
        gain = 0.0
        for y in range(n_classes):
            gain += 0.5 * step[y] * gradient[y]
        if gain <= tol:
            break
        _move(log_r, step, inverse, beta, ahead)
        reached = _terms(w, h, ahead, beta, scores)
        fresh = reached >= log_phi
        if fresh:
            log_r[:] = ahead
            log_phi = reached
            damping = damping / 8.0 if damping > 0.02 else 0.0
        elif damping > 1e6:
            break
        else:
            damping = max(8.0 * damping, 0.05)
    return log_phi


@numba.njit(cache=True, nogil=True)
def _climb_all(w, h, log_r, beta, tol, n_maps, max_steps, log_phi):  # type: ignore[no-untyped-def]
    scores = np.empty(len(w))
    for i in range(len(log_r)):
        log_phi[i] = _climb_one(w, h, log_r[i], beta, tol, n_maps, max_steps, scores)


def climb_all(
    p_y_given_x: NDArray[np.float64],
    offset: NDArray[np.float64],
    starts: NDArray[np.float64],
    beta: float,
    *,
    tol: float,
    n_maps: int,
    max_steps: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Decoders (n, n_classes, logs) and log Φ (n,) reached from `starts`.

    `offset` is log(p(x)/Z(x)) − beta Σ_y p(y|x) log p(y), (n_x,). A start rests when its model
    promises at most `tol` nats of log Φ, after `max_steps` trials at the latest; `n_maps` rounds
    of the map r ← m come first.
    """
    log_r = np.ascontiguousarray(starts, dtype=np.float64).copy()
    log_phi = np.empty(len(log_r))
    _climb_all(
        np.ascontiguousarray(p_y_given_x), offset, log_r, beta, tol, n_maps, max_steps, log_phi
    )
    return log_r, log_phi
