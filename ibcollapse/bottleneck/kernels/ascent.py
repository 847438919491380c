"""Ascent of log Φ on the class simplex from many starts, each hill climbed once.

Symbols: w is p(y|x) (N, K); h the scores' offset log v_x − beta Σ_y w log p_y (N,); a start is a
vector l of log r (K,); s_x = h_x + beta Σ_y w_xy l_y, so log Φ = log Σ_x exp(s_x) and the terms'
shares are exp(s_x)/Φ with mean m and second moment S of w (`kernels.start_moments`).

The second moments that a Newton step needs (`kernels.ascent_steps`) cost K/4 times as much as the
value. So hints climb first; of the other starts only those go on whose value the quadratic models
at the maxima reached so far do not explain, one of each neighbourhood at a time.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.deadline import check
from ibcollapse.bottleneck.kernels.ascent_steps import (
    damped_step,
    go_on,
    judge_trials,
    take_trials,
)
from ibcollapse.bottleneck.kernels.decoders import floored_log
from ibcollapse.bottleneck.kernels.hills import NEAR_MAXIMUM, Hills
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.quasi_newton import QuasiNewton
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, side_by_side, stretches
from ibcollapse.bottleneck.kernels.start_moments import StartMoments, moments_of_starts, offsets_of

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

MANY_CLASSES = 24
# From this many classes on second moments are dear enough for an approach without them, of at most
# so many steps, that ends where the model promises no more than so many nats.
_DEAR_MOMENTS = 8
# From this many on LAPACK factors as fast, its call included, as a loop does: at 200, ten times.
_FACTORED_BY_LAPACK = 48
_APPROACH = 100
# After so many of its steps it is looked who has come onto a hill that is known.
_LOOK_AROUND = 5
_NEARLY = 1e-11
# Starts times the cube of the classes from which on Newton's steps are worth a second thread.
_WORTH_A_THREAD = 1_000_000
# In parts of so many at most somebody looks at the clock every few tenths of a second.
_MOST_WORK = 200_000_000


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
            ahead=log_r.copy(),
            gradient=np.zeros((n, n_classes)),
            inverse=np.zeros((n, n_classes)),
            matrix=np.zeros((n, n_classes, n_classes)),
            damping=np.zeros(n),
            n_tried=np.zeros(n, dtype=np.int64),
            resting=np.zeros(n, dtype=np.bool_),
        )


@dataclasses.dataclass(frozen=True)
class Effort:
    """How an ascent is made: its rest, its rounds of the map and of Newton steps, its threads.

    It ends early at a hint that reaches more than `enough` nats. `second` gives lower triangles of
    the second moments (n, K, K) at decoders with their log Φ, near enough for Newton steps, where
    there is something faster than to sum them over all posteriors.
    """

    tol: float
    n_maps: int
    max_steps: int
    n_threads: int = 1
    enough: float = math.inf
    second: Callable[[Array, Array], Array] | None = None


def climb_all(
    channel: PackedChannel,
    offset: Array,
    starts: Array | Callable[[], Array],
    beta: float,
    effort: Effort,
    *,
    hints: Array | None = None,
) -> tuple[Array, Array]:
    """Decoders (n, n_classes, logs) and log Φ (n,): maxima reached from hints and starts.

    `offset` is log(p(x)/Z(x)) − beta Σ_y p(y|x) log p(y), (n_x,). A start rests when its model
    promises at most `effort.tol` nats of log Φ, after `effort.max_steps` trials at the latest.
    `hints` are expected near maxima and take Newton steps at once; `starts` first take
    `effort.n_maps` rounds of the map r ← m, which may bring them onto a hill that is known. Where
    a hint reaches more than `effort.enough` nats that is all.
    """
    ascent = _Ascent(channel, offset, beta, effort)
    hills = ascent.hills
    if hints is not None and len(hints):
        ascent.climb(np.ascontiguousarray(hints, dtype=np.float64))
        if hills.log_phi.max() > effort.enough:
            return hills.log_r, hills.log_phi
    given = starts() if callable(starts) else starts
    waiting = np.ascontiguousarray(given, dtype=np.float64)
    if not len(waiting):
        return hills.log_r, hills.log_phi
    for round_ in range(effort.n_maps + 1):
        met = ascent.moments(waiting)
        new = ~hills.explain(waiting, met.log_phi)
        waiting, log_phi, mean = waiting[new], met.log_phi[new], met.mean[new]
        if round_ < effort.n_maps:
            waiting = _mapped(waiting, mean)
    if len(waiting) and channel.n_classes >= _DEAR_MOMENTS:
        waiting, log_phi = ascent.approach(waiting)
    while len(waiting):
        chosen = _one_of_each_neighbourhood(waiting, log_phi)
        ascent.climb(waiting[chosen])
        left = ~chosen
        waiting, log_phi = waiting[left], log_phi[left]
        new = ~hills.explain(waiting, log_phi)
        waiting, log_phi = waiting[new], log_phi[new]
    return hills.log_r, hills.log_phi


def _mapped(log_r: Array, mean: Array) -> Array:
    mapped: Array = np.where(mean.sum(axis=1, keepdims=True) > 0, floored_log(mean), log_r)
    return mapped


def _one_of_each_neighbourhood(log_r: Array, log_phi: Array) -> Flags:
    """The highest points such that no two are near each other."""
    root = np.exp(0.5 * log_r)
    near = 1.0 - root @ root.T <= NEAR_MAXIMUM
    free = np.ones(len(log_r), dtype=np.bool_)
    chosen = np.zeros(len(log_r), dtype=np.bool_)
    for i in np.argsort(-log_phi, kind="stable"):
        if free[i]:
            chosen[i] = True
            free &= ~near[i]
    return chosen


class _Ascent:
    """The `hills` reached so far, and the ways up."""

    def __init__(self, channel: PackedChannel, offset: Array, beta: float, effort: Effort) -> None:
        self._channel, self._beta, self._effort = channel, beta, effort
        self._offsets = offsets_of(channel, offset, beta)
        self.hills = Hills(channel.n_classes, beta)

    def moments(self, log_r: Array, *, second: bool = False) -> StartMoments:
        """Φ at decoders with the moments of its terms."""
        rough = self._effort.second if second else None
        met = moments_of_starts(
            self._channel,
            self._offsets,
            log_r,
            self._beta,
            second=second and rough is None,
            n_threads=self._effort.n_threads,
        )
        return met if rough is None else met._replace(second=rough(log_r, met.log_phi))

    def approach(self, log_r: Array) -> tuple[Array, Array]:
        """Close to maxima by quasi-Newton steps: decoders that no known hill explains, log Φ."""
        walkers = QuasiNewton.at(log_r)
        active = np.arange(len(log_r))
        new = np.ones(len(log_r), dtype=np.bool_)
        at = self._channel, self._offsets
        for _ in range(0, _APPROACH, _LOOK_AROUND):
            walkers.walk(
                *at, active, self._beta, _NEARLY, _LOOK_AROUND, n_threads=self._effort.n_threads
            )
            new[active] = ~self.hills.explain(walkers.log_r(active), walkers.log_phi[active])
            active = active[~walkers.resting[active] & new[active]]
            if not len(active):
                break
        log_r = walkers.log_r(np.arange(len(log_r)))
        new[new] = ~self.hills.explain(log_r[new], walkers.log_phi[new])
        return log_r[new], walkers.log_phi[new]

    def climb(self, log_r: Array) -> None:
        """Climb from all of them side by side; one that meets a hill climbed before is left out."""
        climbers = _Climbers.at(log_r)
        active = np.arange(len(log_r))
        while len(active):
            met = self.moments(climbers.ahead[active], second=True)
            self._step(climbers, active, met)
            arrived = active[climbers.resting[active]]
            active = active[~climbers.resting[active]]
            if len(arrived):
                at = climbers.log_r[arrived], climbers.log_phi[arrived]
                self.hills.add(*at, climbers.matrix[arrived])
                known = self.hills.explain(climbers.log_r[active], climbers.log_phi[active])
                active = active[~known]

    def _step(self, climbers: _Climbers, active: Indices, met: StartMoments) -> None:
        c = climbers

        taken = (c.log_r, c.log_phi, c.ahead, c.gradient, c.inverse, c.matrix)
        counted = (c.damping, c.n_tried, c.resting)
        beta, tol, max_steps = self._beta, self._effort.tol, self._effort.max_steps

        def judge(part: slice) -> None:
            here = active[part], met.log_phi[part], met.mean[part], met.second[part], beta
            if self._channel.n_classes < _FACTORED_BY_LAPACK:
                judge_trials(*here, tol, max_steps, *taken, *counted)
                return
            take_trials(*here, max_steps, *taken, *counted)
            moving = active[part][~c.resting[active[part]]]
            steps = np.empty((len(moving), self._channel.n_classes))
            for k, i in enumerate(moving):
                check()
                steps[k], c.damping[i] = damped_step(c.matrix[i], c.gradient[i], c.damping[i])
            go_on(moving, steps, beta, tol, c.log_r, c.ahead, c.gradient, c.inverse, c.resting)

        work = len(active) * self._channel.n_classes**3
        worth_it = self._effort.n_threads > 1 and work > _WORTH_A_THREAD
        n_parts = max(PARTS, work // _MOST_WORK) if worth_it else 1
        side_by_side(judge, stretches(len(active), n_parts))
