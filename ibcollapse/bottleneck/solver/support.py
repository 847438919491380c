"""Descent to a stationary mixture without superfluous atoms."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.deadline import is_over
from ibcollapse.bottleneck.kernels.acceleration import sweep_until_still
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO, closeness, floored_log
from ibcollapse.bottleneck.objective.distances import from_nearest, hellinger_squared
from ibcollapse.bottleneck.objective.hessian import Curvature
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.solver.newton import Descent, as_it_is, descend
from ibcollapse.bottleneck.solver.weights import optimise_weights

Array = NDArray[np.float64]

# Atoms closer than this in squared Hellinger distance are one: a split this small changes the
# free energy by its square, which double precision cannot see.
COINCIDENT = 1e-8
# The squared scaled gradient of a finished state, nats, up to a hundred variables; beyond, rounding
# lets it be as many times as large as there are more of them.
STATIONARY = 1e-26
_FEW_VARIABLES = 100
# Below this beta − 1, where slopes and curvatures of F are of its order, less is left, but for
# rounding: the second.
_NEAR_ONE, _LEAST_TOL = 1e-3, 1e-31
MOST_SWEEPS = 400
# Atoms this close (squared Hellinger distance) after sweeps are on their way to one another, and
# those of so little weight on theirs out.
_MEETING = 1e-5
_DEAD = 1e-12
# A potential this far below one at an atom says that its weight should be zero; a state that is
# refined to a squared gradient says so of potentials further off than so many times its root.
_STARVED = 1e-9
_BEYOND_GRADIENT = 1e3
# One this far above one, as a share of beta − 1 near one, says that its weight should be larger.
_WANTING, _LEAST_WANTING = 1e-9, 1e-13
_SWEEPS_A_ROUND = 16
# A round that neither gains this much (nats, times beta − 1 near one) nor shrinks the squared
# gradient by a digit goes along a valley of no curvature, which has no end.
_IDLE, _DIGIT = 1e-13, 1e-2
# New atoms begin with so little of the weight that the old ones keep theirs, nearly the best.
_FIRST_SHARE = 0.01


def refine(
    channel: Channel,
    mixture: Mixture,
    beta: float,
    *,
    tol: float = STATIONARY,
    max_sweeps: int = MOST_SWEEPS,
    nearby: Curvature | None = None,
    until: float = math.inf,
    keep_atoms: bool = False,
) -> Descent:
    """Stationary state reached from `mixture`, coincident atoms merged and dead ones dropped.

    Where all atoms are to be kept (`keep_atoms`), the descent is over once one is lost, wherever
    it is then. The free energy of the result is at most that of `mixture`, up to rounding. After
    the moment `until` the last state that was evaluated is the end, and where there is none
    `OutOfTimeError` is raised.
    """
    apart = COINCIDENT * closeness(beta)
    state, n_sweeps, fed = merge_coincident(mixture, apart), 0, False
    least = mixture.n_t if keep_atoms else 0
    before, lowest = math.inf, math.inf
    worth = _IDLE * min(1.0, max(0.0, beta - 1.0))
    tol *= max(1.0, state.n_t * (1 + channel.n_classes) / _FEW_VARIABLES)
    if 1.0 < beta < 1.0 + _NEAR_ONE:
        tol = max(tol * ((beta - 1.0) / _NEAR_ONE) ** 2, min(tol, _LEAST_TOL))
    off = max(_STARVED, _BEYOND_GRADIENT * math.sqrt(tol))
    wanting = max(_WANTING * min(1.0, beta - 1.0), _LEAST_WANTING) if tol <= STATIONARY else off
    while True:
        if n_sweeps and state.n_t > 1 and not fed:
            # Weights first: where they are far off, no step in the decoders is worth much.
            state = optimise_weights(channel, state, beta)
        if state.n_t < least:
            return dataclasses.replace(as_it_is(channel, state, beta), n_sweeps=n_sweeps)
        budget = min(_SWEEPS_A_ROUND, max(1, max_sweeps - n_sweeps))
        at = channel, state, beta
        ended = descend(*at, tol=tol, max_sweeps=budget, nearby=nearby, until=until)
        nearby = ended.hessian or nearby
        n_sweeps += ended.n_sweeps
        if is_over(until):
            return dataclasses.replace(ended, n_sweeps=n_sweeps)
        state = ended.mixture
        # A round that ends early without reaching `tol` was stopped by rounding.
        finished = ended.residual <= tol or ended.n_sweeps < budget
        free_energy = ended.evaluation.free_energy
        is_idle = before - free_energy <= worth and ended.residual > _DIGIT * lowest
        if is_idle and not finished:
            return dataclasses.replace(ended, n_sweeps=n_sweeps)
        before, lowest = min(before, free_energy), min(lowest, ended.residual)
        ratio = ended.evaluation.p_t / state.q
        if finished and ratio.min() < 1 - off:
            state = _without(channel, state, ratio < 1 - off, beta)
            n_sweeps += 1
        state = merge_coincident(state, apart)
        unchanged = state.n_t == ended.mixture.n_t
        if unchanged and finished and not fed and ratio.max() > 1 + wanting:
            # An atom of next to no weight wants more; its share of the gradient is as small.
            tol, fed = 0.0, True
            continue
        if (unchanged and finished) or n_sweeps >= max_sweeps:
            if not unchanged:
                ended = descend(channel, state, beta, tol=tol, max_sweeps=1)
            return dataclasses.replace(ended, n_sweeps=n_sweeps)


def _without(
    channel: Channel, mixture: Mixture, starved: NDArray[np.bool_], beta: float
) -> Mixture:
    """The mixture without its starved atoms, unless the rest would want one of them back.

    Near a first-order transition the free energy hardly depends on the weight of a dying atom, and
    a descent stops long before that weight is zero.
    """
    rest = optimise_weights(channel, mixture.take(~starved), beta)
    log_v = potential_weights(channel, evaluate(channel, rest, beta).log_z)
    log_phi, _ = log_potential(channel, log_v, mixture.log_r[starved], beta)
    return rest if log_phi.max() <= _STARVED else mixture


def merge_coincident(mixture: Mixture, apart: float = COINCIDENT) -> Mixture:
    """The mixture with atoms closer than `apart` replaced by their mean; order is kept."""
    if not _some_coincide(mixture.r, apart):
        return Mixture(mixture.log_r, mixture.log_q - np.log(mixture.q.sum()))
    order = np.argsort(-mixture.log_q, kind="stable")
    log_r, q = mixture.log_r.copy(), mixture.q.copy()
    kept: list[int] = []
    for t in order:
        close = np.flatnonzero(hellinger_squared(log_r[kept], log_r[t]) <= apart)
        if not len(close):
            kept.append(int(t))
            continue
        s = kept[close[0]]
        mean = (q[s] * np.exp(log_r[s]) + q[t] * np.exp(log_r[t])) / (q[s] + q[t])
        log_r[s] = floored_log(mean)
        q[s] += q[t]
    kept.sort()
    weights = q[kept]
    return Mixture(log_r[kept], np.log(weights / weights.sum()))


def _some_coincide(r: Array, apart: float) -> bool:
    """Whether any two decoders (n_t, n_classes) are closer than `apart`."""
    root = np.sqrt(r)
    # Affinities lose half the digits near one, which `apart` ≥ 1e-12 can spare.
    return int(np.count_nonzero(root @ root.T >= 1.0 - 2.0 * apart)) > len(r)


def swept(
    channel: Channel,
    joint: Array,
    beta: float,
    *,
    tol: float,
    max_maps: int,
    until: float = math.inf,
) -> tuple[Mixture, int]:
    """The mixture after extrapolated maps from p(t, y), and how many; what meets is merged.

    `tol`, `max_maps` and `until` are those of `kernels.acceleration.sweep_until_still`.
    """
    ended = sweep_until_still(
        channel.prepared.packed, joint, beta, tol=tol, max_maps=max_maps, until=until
    )
    return Mixture.from_joint(without_meeting(ended.mapped, beta)), ended.n_maps


def without_meeting(joint: Array, beta: float) -> Array:
    """p(t, y) without dead clusters, and with one for those that are about to coincide."""
    p_t = joint.sum(axis=1)
    apart = _MEETING * closeness(beta)
    if p_t.min() > _DEAD and not _some_coincide(joint / p_t[:, None], apart):
        return joint
    return merge_coincident(Mixture.from_joint(joint[p_t > _DEAD]), apart).joint


def join(mixture: Mixture, log_r: Array, share: float = 0.5) -> Mixture:
    """The mixture with further atoms `log_r` (n, n_classes) that get `share` of the weight."""
    extra = np.full(len(log_r), np.log(share / len(log_r)))
    return Mixture(
        np.concatenate([mixture.log_r, log_r]),
        np.concatenate([mixture.log_q + np.log1p(-share), extra]),
    )


def enlarged(
    channel: Channel, mixture: Mixture, violators: Array, beta: float, *, tol: float = 1e-14
) -> Mixture:
    """The mixture with further atoms `violators` (n, n_classes) and optimal weights for them.

    One that is an atom already only shows that its weight is not the best, unless the atom lacks
    one of its classes: merged with it, the atom gets that class back. `tol` (nats) is that of
    `optimise_weights`.
    """
    apart = COINCIDENT * closeness(beta)
    away = from_nearest(violators, mixture.log_r)
    new = violators[(away > apart) | _leave_faces(violators, mixture.log_r, apart)]
    joined = join(mixture, new, _FIRST_SHARE) if len(new) else mixture
    return optimise_weights(channel, joined, beta, tol=tol)


def _leave_faces(log_r: Array, atoms: Array, apart: float) -> NDArray[np.bool_]:
    """Whether a decoder has a class that none of the atoms closer than `apart` has, (n,)."""
    roots, has, have = np.exp(0.5 * atoms), log_r > 0.5 * LOG_ZERO, atoms > 0.5 * LOG_ZERO
    leaves = np.zeros(len(log_r), dtype=np.bool_)
    for i, r in enumerate(np.exp(0.5 * log_r)):
        near = 0.5 * np.sum((r - roots) ** 2, axis=-1) <= apart
        leaves[i] = near.any() and bool((has[i] & ~have[near].any(axis=0)).any())
    return leaves
