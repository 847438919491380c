"""Whether Φ rises off a face of the simplex: what no ascent that runs on it can see.

Let r lack the classes L. A row x with l_x = Σ_{y∈L} p(y|x) > 0 has no share in r at all, and along
(1 − ε) r + ε π, π on L, each term of Φ is known in closed form,

    c_x (1 − ε)^{beta (1 − l_x)} ε^{beta l_x} Π_{y∈L} π_y^{beta p(y|x)},

c_x the term without its lost factors. Rows with beta l_x < 1 make the slope at ε = 0 infinite,
however little Φ gains in the end; where all others have beta l_x > 1, Φ falls with slope −beta Φ
and a maximum on the face is one of the simplex. The ascent map and Newton's steps in log r keep
every zero, so these rows are found here, and the ascent goes on from inside. So near a face that no
step gains anything, but where the map multiplies an entry, is on it as well.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO, floored_log
from ibcollapse.bottleneck.objective.mixture import potential_offset
from ibcollapse.bottleneck.objective.potential import log_potential

Array = NDArray[np.float64]

# Steps off a face. Its best size may have any order of magnitude, and what an ε out by a factor
# costs is made good by the maps that follow.
_STEPS = np.array([1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-12, 1e-16, 1e-32, 1e-64, 1e-128, 1e-256])
# An entry below the first which the ascent map multiplies by more than the second is on its way up,
# but so slowly that no step of an ascent gains anything.
_NEARLY_LOST, _GROWING = math.log(1e-12), 2.0
# A row that holds less of the lost classes than this does not notice `LOG_ZERO`.
_LEAST_LOST = 1e-29
# Maps from inside before log Φ is compared with the face's.
_MAPS = 20
# Decoders looked at together: the terms of as many are held at once.
_MOST_TERMS = 4_000_000


def off_faces(channel: Channel, log_v: Array, log_r: Array, beta: float, least: float) -> Array:
    """Log decoders (n, n_classes) inside, above some of `log_r` on faces by more than `least` nats.

    `log_v` (n_x,) is log(p(x)/Z(x)); decoders that are on no face are left out.
    """
    lost = _lost(channel, log_v, log_r, beta)
    on_face = np.flatnonzero(lost.any(axis=1))
    step = max(1, _MOST_TERMS // channel.n_x)
    found = [
        _risen(channel, log_v, log_r[some], lost[some], beta, least)
        for some in (on_face[i : i + step] for i in range(0, len(on_face), step))
    ]
    return np.concatenate([log_r[:0], *found])


def _lost(channel: Channel, log_v: Array, log_r: Array, beta: float) -> NDArray[np.bool_]:
    """The classes (n, n_classes) that decoders lack, or that the ascent map gives back slowly."""
    near = (log_r < _NEARLY_LOST) & (channel.p_y > 0)
    lost = near & (log_r < 0.5 * LOG_ZERO)
    some = np.flatnonzero((near & ~lost).any(axis=1))
    if len(some):
        _, image = log_potential(channel, log_v, log_r[some], beta)
        lost[some] |= near[some] & (image > _GROWING * np.exp(log_r[some]))
    return lost


def _risen(
    channel: Channel, log_v: Array, log_r: Array, lost: NDArray[np.bool_], beta: float, least: float
) -> Array:
    w = channel.p_y_given_x
    theta = beta * (w @ lost.T.astype(np.float64))
    if not ((theta > beta * _LEAST_LOST) & (theta < 1.0)).any():
        return log_r[:0]
    towards = np.where(lost, channel.p_y, 0.0)
    towards /= towards.sum(axis=1, keepdims=True)
    own = potential_offset(channel, log_v, beta)[:, None]
    log_c = own + beta * (w @ np.where(lost, 0.0, log_r).T)
    at_face, _ = log_potential(channel, log_v, log_r, beta)
    log_c += beta * (w @ np.where(lost, floored_log(towards), 0.0).T)
    height = np.full((len(_STEPS), len(log_r)), -np.inf)
    for i, step in enumerate(_STEPS):
        height[i] = _log_sum(log_c + theta * np.log(step) + (beta - theta) * np.log1p(-step))
    best = _STEPS[height.argmax(axis=0)][:, None]
    inside = (1.0 - best) * np.exp(log_r) + best * towards
    for _ in range(_MAPS):
        _, inside = log_potential(channel, log_v, floored_log(inside), beta)
    log_phi, _ = log_potential(channel, log_v, floored_log(inside), beta)
    return floored_log(inside[log_phi > at_face + least])


def _log_sum(scores: Array) -> Array:
    """log Σ exp over the first axis, −∞ where every score is."""
    peak = scores.max(axis=0)
    finite = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        total: Array = finite + np.log(np.exp(scores - finite).sum(axis=0))
    return total
