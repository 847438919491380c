"""Blahut–Arimoto sweeps, extrapolated: the whole loop compiled.

SQUAREM (Varadhan and Roland 2008, doi 10.1111/j.1467-9469.2007.00585.x) on z = log p(t, y): from
two maps z → z₁ → z₂ with r = z₁ − z and v = (z₂ − z₁) − r it goes to z + 2α r + α² v, α = |r|/|v|,
lengths weighted by p(t, y). A jump that lowers Σ p(x) log Z(x) is taken back.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import constant, kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.sweep import pass_over_slabs

Array = NDArray[np.float64]

# No entry changes by more than this factor, e to the power of it, in one jump.
_LONGEST_JUMP = 4.0
# The longest α allowed grows by this factor whenever it is reached and the jump held.
_LENGTHENING = 4.0
_LOWEST = -690.0


def sweep_until_still(
    channel: PackedChannel, joint: Array, beta: float, *, tol: float, max_maps: int
) -> tuple[Array, int]:
    """Joint p(t, y) (n_t, n_classes) of a state nearly at rest, and the maps that it took.

    Stops when Σ p(t, y) r² ≤ `tol`, r being the change of log p(t, y) in one map, or after
    `max_maps` maps at the latest; Σ p(x) log Z(x) does not fall below that of the start `joint`.
    """
    joint = joint.copy()
    decoders = np.empty(joint.shape), np.empty(len(joint))
    n_maps = _sweep_until_still(
        channel.posteriors,
        channel.negentropy,
        channel.p_x,
        joint,
        float(beta),
        float(tol),
        max_maps,
        decoders,
        (constant(decoders[0]), constant(decoders[1])),
    )
    return joint, n_maps


@kernel
def _sweep_until_still(
    posteriors: Array,
    negentropy: Array,
    p_x: Array,
    joint: Array,
    beta: float,
    tol: float,
    max_maps: int,
    decoders: tuple[Array, Array],
    seen: tuple[Array, Array],
) -> int:
    """Replace `joint` as `sweep_until_still` says; returns the maps taken.

    `decoders` is memory for (n_t, K) and (n_t,) logs, `seen` the
    same memory read-only: the sweep is compiled for arguments that are.
    """
    n_t, n_classes = joint.shape
    first, second = np.empty(joint.shape), np.empty(joint.shape)
    n_maps, longest, best = 0, 1.0, -math.inf
    while n_maps + 2 <= max_maps:
        reached = _map(posteriors, negentropy, p_x, joint, beta, decoders, seen, first)
        n_maps += 1
        if reached < best:
            # `second` is where the maps alone would have led.
            for t in range(n_t):
                for y in range(n_classes):
                    joint[t, y] = second[t, y]
            longest, best = 1.0, -math.inf
            continue
        best = _map(posteriors, negentropy, p_x, first, beta, decoders, seen, second)
        n_maps += 1
        moved, bent = _lengths(joint, first, second)
        if moved <= tol:
            break
        alpha = min(math.sqrt(moved / bent) if bent > 0.0 else longest, longest)
        if alpha == longest:
            longest *= _LENGTHENING
        _jump(joint, first, second, max(alpha, 1.0))
    for t in range(n_t):
        for y in range(n_classes):
            joint[t, y] = second[t, y]
    return n_maps


@part_of_kernel
def _map(
    posteriors: Array,
    negentropy: Array,
    p_x: Array,
    joint: Array,
    beta: float,
    decoders: tuple[Array, Array],
    seen: tuple[Array, Array],
    mapped: Array,
) -> float:
    """One sweep from p(t, y) to the next; returns Σ p(x) log Z(x) of the first."""
    n_t, n_classes = joint.shape
    log_r, log_q = decoders
    for t in range(n_t):
        q = 0.0
        for y in range(n_classes):
            q += joint[t, y]
            mapped[t, y] = 0.0
        log_q[t] = math.log(q) if q > 0.0 else -math.inf
        for y in range(n_classes):
            log_r[t, y] = math.log(joint[t, y]) - log_q[t] if joint[t, y] > 0.0 else -math.inf
    nothing = np.empty((0, 0))
    n_slabs = len(p_x)
    mean: float = pass_over_slabs(
        posteriors, negentropy, p_x, seen[0], seen[1], beta, 0, n_slabs, mapped, nothing, nothing
    )
    return mean


@part_of_kernel
def _lengths(joint: Array, first: Array, second: Array) -> tuple[float, float]:
    """Weighted squares of r and v."""
    moved, bent = 0.0, 0.0
    for t in range(joint.shape[0]):
        for y in range(joint.shape[1]):
            if joint[t, y] > 0.0 and first[t, y] > 0.0 and second[t, y] > 0.0:
                r = math.log(first[t, y] / joint[t, y])
                v = math.log(second[t, y] / first[t, y]) - r
                moved += first[t, y] * r * r
                bent += first[t, y] * v * v
    return moved, bent


@part_of_kernel
def _jump(joint: Array, first: Array, second: Array, alpha: float) -> None:
    """joint becomes its extrapolation, normalised."""
    total = 0.0
    for t in range(joint.shape[0]):
        for y in range(joint.shape[1]):
            if joint[t, y] > 0.0 and first[t, y] > 0.0 and second[t, y] > 0.0:
                r = math.log(first[t, y] / joint[t, y])
                v = math.log(second[t, y] / first[t, y]) - r
                change = alpha * (2.0 * r + alpha * v)
                change = min(max(change, -_LONGEST_JUMP), _LONGEST_JUMP)
                start = math.log(joint[t, y])
                joint[t, y] = math.exp(max(start + change, _LOWEST))
            else:
                joint[t, y] = second[t, y]
            total += joint[t, y]
    for t in range(joint.shape[0]):
        for y in range(joint.shape[1]):
            joint[t, y] /= total
