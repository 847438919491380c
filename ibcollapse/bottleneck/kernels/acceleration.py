"""Blahut–Arimoto sweeps, extrapolated: the whole loop compiled.

Anderson's mixing (1965, doi 10.1145/321296.321305; Walker and Ni 2011, doi 10.1137/10078356X) of
z = log p(t, y): with r the change of z in one map, the last few maps are combined so that their
combined r is shortest, lengths weighted by p(t, y), and the next z is that combination of mapped
ones. In that metric a map is a step of steepest descent of F, so that ½ Σ p r s, s being the step
to the next z, is what a Newton step by the remembered curvature would gain. A step that raises F
is taken back, and where s leads up to a saddle point it is turned round.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.deadline import check, is_over, now_kept
from ibcollapse.bottleneck.kernels.compilation import constant, kernel, part_of_kernel
from ibcollapse.bottleneck.kernels.packing import PackedChannel
from ibcollapse.bottleneck.kernels.sweep import pass_over_slabs

Array = NDArray[np.float64]

# Maps before the last one that an extrapolation remembers.
_MEMORY = 5
# A change of which later ones leave no more than this, squared, tells nothing.
_DEPENDENT = 1e-10
# No entry changes by more than this factor, e to the power of it, in one step.
_LONGEST_STEP = 4.0
# A step that did not hold makes the longest |s|/|r| this much shorter than its own; whenever one as
# long as that holds, it grows as much.
_STRETCHING = 4.0
# Σ p(x) log Z(x) that falls by no more than this, relatively, is rounding.
_ROUNDING = 1e-15
_LOWEST = -690.0
# Multiply-adds, some tenths of a second, after which somebody looks at the clock.
_MOST_WORK = 500_000_000


class _Walk(NamedTuple):
    """What is remembered from map to map.

    Attributes
    ----------
    logs : float64 (4, n_t n_classes)
        Logs of the state, of its image and of the image before, and r before.
    bent, went : float64 (memory, n_t n_classes)
        The last changes of r and of the image from map to map.
    kept : float64 (5,)
        Maps, those that held, the best Σ p(x) log Z(x), |s|/|r| and the longest that is taken.
    """

    logs: Array
    bent: Array
    went: Array
    kept: Array


class Swept(NamedTuple):
    """Where extrapolated sweeps ended.

    Attributes
    ----------
    joint : float64 (n_t, n_classes)
        The state p(t, y): its row sums are the weights, its rows over them the decoders.
    mapped : float64 (n_t, n_classes)
        p(t, y) under the encoder of that state.
    mean_log_z : float
        Σ p(x) log Z(x) of the state, nats, as `kernels.sweep` gives it.
    remaining : float
        Estimate of what F still has to fall to the stationary point nearby, nats: ½ Σ p r s, and
        never less than ½ Σ p r².
    n_maps : int
        Sweeps that it took.
    """

    joint: Array
    mapped: Array
    mean_log_z: float
    remaining: float
    n_maps: int


def sweep_until_still(
    channel: PackedChannel,
    joint: Array,
    beta: float,
    *,
    tol: float,
    max_maps: int,
    until: float = math.inf,
) -> Swept:
    """State nearly at rest that sweeps reach from p(t, y) = `joint`, (n_t, n_classes).

    Stops when `remaining` is at most `tol` (nats), after `max_maps` maps, or soon after the moment
    `until`; Σ p(x) log Z(x) does not fall below that of the start, unless the last map before
    `until` was one to be taken back.
    """
    state, mapped = joint.copy(), np.empty(joint.shape)
    decoders = np.empty(joint.shape), np.empty(len(joint))
    with np.errstate(divide="ignore"):
        walk = _Walk(
            np.array([np.log(state.ravel()), *np.zeros((3, joint.size))]),
            np.zeros((_MEMORY, joint.size)),
            np.zeros((_MEMORY, joint.size)),
            np.array([0.0, 0.0, -math.inf, 1.0, math.inf]),
        )
    is_limited = min(until, now_kept()) < math.inf
    work = channel.p_x.size * joint.size
    at_once = max(1, _MOST_WORK // work) if is_limited else max_maps
    n_maps = 0
    while True:
        n_maps, mean_log_z, remaining = _sweep_until_still(
            channel.posteriors,
            channel.negentropy,
            channel.p_x,
            state,
            mapped,
            float(beta),
            float(tol),
            max_maps,
            min(max_maps, n_maps + at_once),
            decoders,
            (constant(decoders[0]), constant(decoders[1])),
            walk,
        )
        if remaining <= tol or n_maps >= max_maps or is_over(until):
            return Swept(state, mapped, mean_log_z, remaining, n_maps)
        check()


@kernel
def _sweep_until_still(
    posteriors: Array,
    negentropy: Array,
    p_x: Array,
    joint: Array,
    mapped: Array,
    beta: float,
    tol: float,
    max_maps: int,
    pause: int,
    decoders: tuple[Array, Array],
    seen: tuple[Array, Array],
    walk: _Walk,
) -> tuple[int, float, float]:
    """Replace `joint` and `mapped` as `Swept` says; returns its last three, the maps first.

    Or those after `pause` maps or soon after, where another call with the same `walk` goes on.
    `decoders` is memory for (n_t, K) and (n_t,) logs, `seen` the same memory read-only: the sweep
    is compiled for arguments that are.
    """
    image = mapped.reshape(-1)
    here, there, before, moved = walk.logs[0], walk.logs[1], walk.logs[2], walk.logs[3]
    bent, went, kept = walk.bent, walk.went, walk.kept
    n_maps, n_met, best = int(kept[0]), int(kept[1]), kept[2]
    stretch, longest = kept[3], kept[4]
    while True:
        _normalise(here, joint)
        mean = _map(posteriors, negentropy, p_x, joint, here, beta, decoders, seen, mapped)
        n_maps += 1
        if mean < best - _ROUNDING * abs(best):
            # `before` is where the map alone would have led.
            _copy(before, here)
            longest, best = max(1.0, stretch / _STRETCHING), -math.inf
            continue
        if stretch >= longest:
            longest *= _STRETCHING
        best = mean
        for i in range(len(image)):
            there[i] = math.log(image[i]) if image[i] > 0.0 else -math.inf
        latest = n_met % _MEMORY
        _remember(here, there, image, before, moved, bent, went, latest, n_met > 0)
        remaining, stretch = _extrapolate(
            here, there, image, bent, went, latest, min(n_met, _MEMORY), longest
        )
        n_met += 1
        if remaining <= tol or n_maps >= max_maps:
            return n_maps, mean, remaining
        if n_maps + 1 >= max_maps:
            # The last map has to hold.
            _copy(there, here)
        if n_maps >= pause:
            kept[0], kept[1], kept[2], kept[3], kept[4] = n_maps, n_met, best, stretch, longest
            return n_maps, mean, remaining


@part_of_kernel
def _copy(source: Array, target: Array) -> None:
    """A loop: for an assignment to a slice Numba compiles functions for seconds."""
    for i in range(len(source)):
        target[i] = source[i]


@part_of_kernel
def _normalise(here: Array, joint: Array) -> None:
    """Make Σ exp(here) one and `joint` exp(here)."""
    state = joint.reshape(-1)
    total = 0.0
    for i in range(len(here)):
        state[i] = math.exp(here[i])
        total += state[i]
    shift = math.log(total)
    for i in range(len(here)):
        state[i] /= total
        here[i] -= shift


@part_of_kernel
def _map(
    posteriors: Array,
    negentropy: Array,
    p_x: Array,
    joint: Array,
    here: Array,
    beta: float,
    decoders: tuple[Array, Array],
    seen: tuple[Array, Array],
    mapped: Array,
) -> float:
    """One sweep from p(t, y), `here` its logs, to the next; returns Σ p(x) log Z(x)."""
    n_t, n_classes = joint.shape
    log_r, log_q = decoders
    for t in range(n_t):
        q = 0.0
        for y in range(n_classes):
            q += joint[t, y]
            mapped[t, y] = 0.0
        log_q[t] = math.log(q) if q > 0.0 else -math.inf
        for y in range(n_classes):
            log_r[t, y] = here[t * n_classes + y] - log_q[t] if joint[t, y] > 0.0 else -math.inf
    mean: float = pass_over_slabs(posteriors, negentropy, p_x, seen[0], seen[1], beta, mapped)
    return mean


@part_of_kernel
def _remember(
    here: Array,
    there: Array,
    image: Array,
    before: Array,
    moved: Array,
    bent: Array,
    went: Array,
    slot: int,
    has_last: bool,
) -> None:
    """Note how r and the image of a map from `here` to `there` changed from the last one's."""
    for i in range(len(here)):
        r = there[i] - here[i] if image[i] > 0.0 else 0.0
        if has_last:
            known = image[i] > 0.0 and before[i] > -math.inf
            bent[slot, i] = r - moved[i] if known else 0.0
            went[slot, i] = there[i] - before[i] if known else 0.0
        moved[i] = r
        before[i] = there[i]


@kernel
def _extrapolate(
    here: Array,
    there: Array,
    image: Array,
    bent: Array,
    went: Array,
    latest: int,
    n_kept: int,
    longest: float,
) -> tuple[float, float]:
    """Replace `here` by the next state's logs; returns what is left to gain and |s|/|r|.

    `latest` is the row of the last change. The step is stretched at most `longest` times. Where
    ½ Σ p r s is negative, s climbs back to a saddle point that the maps leave slowly, and −s takes
    as much of the way that they will go.
    """
    size = len(here)
    r, rest, step = np.empty(size), np.empty(size), np.empty(size)
    for i in range(size):
        r[i] = there[i] - here[i] if image[i] > 0.0 else 0.0
        rest[i] = step[i] = r[i]
    # Gram–Schmidt: changes of r at right angles to those before, the image's combined alike.
    across, along = np.empty((n_kept, size)), np.empty((n_kept, size))
    n_apart = 0
    for age in range(n_kept):
        slot = (latest - age) % _MEMORY
        a, b = across[n_apart], along[n_apart]
        for i in range(size):
            a[i] = bent[slot, i]
            b[i] = went[slot, i]
        whole = _product(a, a, image)
        for k in range(n_apart):
            _take_off(a, b, _product(a, across[k], image), across[k], along[k])
        square = _product(a, a, image)
        if square > _DEPENDENT * whole:
            scale = 1.0 / math.sqrt(square)
            for i in range(size):
                a[i] *= scale
                b[i] *= scale
            _take_off(rest, step, _product(rest, a, image), a, b)
            n_apart += 1
    plain, gain = _product(r, r, image), _product(r, step, image)
    sign, stretch, share = 1.0 if gain > 0.0 else -1.0, 1.0, 1.0
    if plain > 0.0:
        stretch = math.sqrt(_product(step, step, image) / plain)
    if stretch > longest:
        share, stretch = longest / stretch, longest
    for i in range(size):
        if image[i] > 0.0:
            taken = r[i] + share * (sign * step[i] - r[i])
            taken = min(max(taken, -_LONGEST_STEP), _LONGEST_STEP)
            here[i] = max(here[i] + taken, _LOWEST)
        else:
            here[i] = there[i]
    return 0.5 * max(abs(gain), plain), stretch


@part_of_kernel
def _take_off(a: Array, b: Array, share: float, from_a: Array, from_b: Array) -> None:
    for i in range(len(a)):
        a[i] -= share * from_a[i]
        b[i] -= share * from_b[i]


@kernel
def _product(a: Array, b: Array, weights: Array) -> float:
    """Σ w a b; four sums, so that one does not wait for the other."""
    first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
    whole = len(weights) - len(weights) % 4
    for i in range(0, whole, 4):
        first += weights[i] * a[i] * b[i]
        second += weights[i + 1] * a[i + 1] * b[i + 1]
        third += weights[i + 2] * a[i + 2] * b[i + 2]
        fourth += weights[i + 3] * a[i + 3] * b[i + 3]
    for i in range(whole, len(weights)):
        first += weights[i] * a[i] * b[i]
    return (first + second) + (third + fourth)
