"""Quasi-Newton ascent of log Φ from many starts, compiled: two means a step, no second moments.

On the sphere s = √r the gradient of log Φ is 2 beta g, g = (m − s²)/s, m the mean of the posteriors
under Φ's terms, and s + g/2 is the map r ← m to first order. A limited-memory BFGS model of the
curvature (Nocedal 1980, doi 10.1090/S0025-5718-1980-0572855-7) with the map as its first guess
takes the place of the Hessian, whose sum over the rows costs K/4 times as much as the mean.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.cholesky import dot
from ibcollapse.bottleneck.kernels.compilation import kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.start_moments import Offsets, moments_of_starts, over_starts

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Pairs of steps and gradient changes that are remembered.
_MEMORY = 10
_SMALLEST_S = 1e-145
_SUFFICIENT = 1e-4
_SHORTEST = 1e-6
# Pairs along which log Φ bends less than this, of the most 2 it can, teach nothing.
_LEAST_BEND = 1e-8
# Entries lose at most about this factor, e to the power of it, in a step.
_LONGEST_SHRINKAGE = 3.0
# Steps longer than this on the unit sphere leave what the model knows.
_LONGEST_STEP = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class QuasiNewton:
    """Per start: the best point s with its gradient, the point to try next and the memory."""

    s: Array
    log_phi: Array
    gradient: Array
    ahead: Array
    step: Array
    promised: Array
    length: Array
    steps: Array
    changes: Array
    n_kept: Integers
    resting: Flags

    @classmethod
    def at(cls, log_r: Array) -> "QuasiNewton":
        """Starts at log decoders (n, n_classes)."""
        n, n_classes = log_r.shape
        s = np.maximum(np.exp(0.5 * log_r), _SMALLEST_S)
        return cls(
            s=s,
            log_phi=np.full(n, -math.inf),
            gradient=np.zeros((n, n_classes)),
            ahead=s.copy(),
            step=np.zeros((n, n_classes)),
            promised=np.zeros(n),
            length=np.ones(n),
            steps=np.zeros((n, _MEMORY, n_classes)),
            changes=np.zeros((n, _MEMORY, n_classes)),
            n_kept=np.zeros(n, dtype=np.int64),
            resting=np.zeros(n, dtype=np.bool_),
        )

    def log_r(self, chosen: NDArray[np.intp]) -> Array:
        """Log decoders (n_chosen, n_classes) of the best points."""
        reached: Array = 2.0 * np.log(self.s[chosen])
        return reached

    def walk(
        self,
        channel: PackedChannel,
        offsets: Offsets,
        chosen: NDArray[np.intp],
        beta: float,
        tol: float,
        n_steps: int,
        n_threads: int = 1,
    ) -> None:
        """Some steps of each chosen start that does not rest before.

        One rests where its model promises at most `tol` nats.
        """

        def walk_part(part: slice) -> None:
            mine = chosen[part]
            # Not one compiled loop: Numba would compile the sums and the steps in it once more.
            for _ in range(n_steps):
                active = mine[~self.resting[mine]]
                if not len(active):
                    break
                met = moments_of_starts(channel, offsets, 2.0 * np.log(self.ahead[active]), beta)
                _advance(
                    active,
                    met.log_phi,
                    met.mean,
                    beta,
                    tol,
                    self.s,
                    self.log_phi,
                    self.gradient,
                    self.ahead,
                    self.step,
                    self.promised,
                    self.length,
                    self.steps,
                    self.changes,
                    self.n_kept,
                    self.resting,
                )

        work = channel.p_x.size * len(chosen) * channel.n_classes * n_steps
        over_starts(walk_part, len(chosen), work, n_threads)


@kernel
def _advance(
    active: NDArray[np.intp],
    met_log_phi: Array,
    met_mean: Array,
    beta: float,
    tol: float,
    s: Array,
    log_phi: Array,
    gradient: Array,
    ahead: Array,
    step: Array,
    promised: Array,
    length: Array,
    steps: Array,
    changes: Array,
    n_kept: Integers,
    resting: Flags,
) -> None:
    """Take or shorten the trials whose Φ and mean were met; set the next ones."""
    n_classes = s.shape[1]
    met = np.empty(n_classes)
    for k in range(len(active)):
        i = active[k]
        if not met_log_phi[k] > -math.inf:
            length[i] *= 0.25
            resting[i] = log_phi[i] == -math.inf or length[i] < _SHORTEST
        elif met_log_phi[k] < log_phi[i] + _SUFFICIENT * length[i] * promised[i]:
            length[i] *= 0.25
            resting[i] = length[i] < _SHORTEST
        else:
            for y in range(n_classes):
                met[y] = met_mean[k, y] / ahead[i, y] - ahead[i, y]
            if log_phi[i] > -math.inf:
                _remember(s[i], ahead[i], gradient[i], met, steps[i], changes[i], n_kept, i)
            for y in range(n_classes):
                s[i, y] = ahead[i, y]
                gradient[i, y] = met[y]
            log_phi[i] = met_log_phi[k]
            length[i] = 1.0
            _direction(gradient[i], steps[i], changes[i], n_kept[i], step[i])
            # Once more by the map alone, in the same lines: each place of a call is compiled.
            while True:
                promised[i] = 2.0 * beta * dot(gradient[i], step[i])
                if promised[i] > 0.0 or n_kept[i] == 0:
                    break
                n_kept[i] = 0
                for y in range(n_classes):
                    step[i, y] = 0.5 * gradient[i, y]
            resting[i] = 0.5 * promised[i] <= tol
        if not resting[i]:
            _retract(s[i], step[i], length[i], ahead[i])


@part_of_kernel
def _remember(
    before: Array,
    after: Array,
    old: Array,
    new: Array,
    steps: Array,
    changes: Array,
    n_kept: Integers,
    i: int,
) -> None:
    """Keep a step and the gradient's fall along it where log Φ bends down."""
    bent = 0.0
    size = 0.0
    for y in range(len(before)):
        moved = after[y] - before[y]
        bent += moved * (old[y] - new[y])
        size += moved * moved
    if bent > _LEAST_BEND * size:
        slot = n_kept[i] % _MEMORY
        for y in range(len(before)):
            steps[slot, y] = after[y] - before[y]
            changes[slot, y] = old[y] - new[y]
        n_kept[i] += 1
        if n_kept[i] == 2 * _MEMORY:
            n_kept[i] = _MEMORY


@part_of_kernel
def _direction(
    gradient: Array, steps: Array, changes: Array, n_kept: int, direction: Array
) -> None:
    """The two-loop recursion; without memory, the step of the map."""
    n_classes = len(gradient)
    for y in range(n_classes):
        direction[y] = gradient[y]
    n = min(n_kept, _MEMORY)
    factors, bends = np.empty(n), np.empty(n)
    for back in range(n):
        j = (n_kept - 1 - back) % _MEMORY
        bends[back] = dot(steps[j], changes[j])
        factors[back] = dot(steps[j], direction) / bends[back]
        for y in range(n_classes):
            direction[y] -= factors[back] * changes[j, y]
    scale = 0.5
    if n > 0:
        j = (n_kept - 1) % _MEMORY
        scale = bends[0] / dot(changes[j], changes[j])
    for y in range(n_classes):
        direction[y] *= scale
    for back in range(n - 1, -1, -1):
        j = (n_kept - 1 - back) % _MEMORY
        factor = dot(changes[j], direction) / bends[back]
        for y in range(n_classes):
            direction[y] += (factors[back] - factor) * steps[j, y]


@part_of_kernel
def _retract(s: Array, step: Array, length: float, ahead: Array) -> None:
    """The point of the sphere after a step; entries that would turn negative shrink instead."""
    size = math.sqrt(dot(step, step)) * length
    held = length if size <= _LONGEST_STEP else length * _LONGEST_STEP / size
    total = 0.0
    for y in range(len(s)):
        change = held * step[y] / s[y]
        if change < -0.5:
            ahead[y] = s[y] * 0.5 * math.exp(max(2.0 * (change + 0.5), -_LONGEST_SHRINKAGE))
        else:
            ahead[y] = s[y] * (1.0 + change)
        ahead[y] = max(ahead[y], _SMALLEST_S)
        total += ahead[y] ** 2
    for y in range(len(s)):
        ahead[y] = max(ahead[y] / math.sqrt(total), _SMALLEST_S)
