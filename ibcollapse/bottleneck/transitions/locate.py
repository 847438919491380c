"""Locating the beta at which a followed branch stops being globally optimal.

A branch with fixed atoms is optimal exactly while no decoder has Φ > 1. It fails in one of two
ways, both roots of smooth functions of beta:

* log Φ of a local maximum away from the atoms crosses zero (a new atom nucleates, or a first-order
  jump sets in);
* beta λ₂ − 1 of an atom crosses zero (the atom splits).

An atom that dies is the first case met by following the upper branch downwards. The first root
is found by Newton's method with the exact slope along the branch, kept inside a bracket.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import follow, growth_slope, potential_slope
from ibcollapse.bottleneck.continuation.inverse_cubic import step_to_root
from ibcollapse.bottleneck.continuation.split import NEAR
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.objective.distances import from_nearest, hellinger_squared
from ibcollapse.bottleneck.objective.hessian import Curvature, curvature
from ibcollapse.bottleneck.objective.mixture import UNIT, Evaluation, Mixture
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.objective.stability import Splits, leading_splits
from ibcollapse.bottleneck.pricing.ascent import Maxima, climb
from ibcollapse.bottleneck.pricing.faces import off_faces
from ibcollapse.bottleneck.solver.newton import Descent
from ibcollapse.bottleneck.solver.support import COINCIDENT
from ibcollapse.bottleneck.solver.tangent import Tangent, tangent

Array = NDArray[np.float64]

# A maximum of Φ within this squared Hellinger distance of an atom belongs to that atom's stability.
AT_ATOM = 3e-6
_MOST_EVALUATIONS = 60
_NEXT_HIGHEST = 4
# At a root the excess is this small whatever its slope: log Φ in nats, or beta λ₂ − 1.
_ROUNDING = 1e-11
# An excess that closed brackets may leave, one more step apart.
_SHARP = 1e-10
# At an event, maxima of log Φ above this (nats) touch the bound.
_TOUCHING = -1e-9
# Log Φ (nats) rises off a face by more than this, or not at all.
_OFF_FACE = 1e-13
# An atom whose beta λ₂ is this close to one splits.
_AT_SPLIT = 1e-8
# Near beta = 1 both shrink with beta − 1, to this share: less than 1e-15 is rounding.
_LEAST_SHARE = 1e-4


@dataclasses.dataclass(frozen=True, eq=False)
class Event:
    """First failure of a branch.

    `beta` is the root; `mixture` and `evaluation` are the branch there. `violators` are the log
    decoders (n, n_classes) with Φ = 1 that are no atoms (empty for a split), `atom` the least
    stable atom, `growth` its beta λ₂ and `multiplicity` that eigenvalue's multiplicity.
    `steepness` is the slope in beta, there, of log Φ or of beta λ₂, `slope` the branch's tangent,
    `hessian` that of F and `residual` the squared scaled gradient that is left (nats).
    """

    beta: float
    mixture: Mixture
    evaluation: Evaluation
    violators: Array
    atom: int
    multiplicity: int
    growth: float
    steepness: float
    slope: Tangent
    hessian: Curvature
    residual: float

    @property
    def is_split(self) -> bool:
        """Whether an atom loses stability, rather than a new one appearing elsewhere."""
        return len(self.violators) == 0

    @property
    def ended(self) -> Descent:
        """The branch there, as a descent leaves it."""
        return Descent(self.mixture, self.evaluation, self.residual, 1, self.hessian)


@dataclasses.dataclass(frozen=True, eq=False)
class _Probe:
    """A point of the branch: how far it is from failing (> 0: failed) and by which function.

    `splits` are those of the least stable atoms, `highest` is the largest of all such functions.
    """

    beta: float
    mixture: Mixture
    evaluation: Evaluation
    slope: Tangent
    hessian: Curvature
    residual: float
    splits: Splits
    excess: float
    excess_slope: float
    highest: float
    away: Array
    away_excess: Array

    @property
    def leading(self) -> Array:
        """The maxima above the bound and the few highest below, (n, n_classes)."""
        return self.away[: np.count_nonzero(self.away_excess > 0) + _NEXT_HIGHEST]


def locate(
    channel: Channel,
    mixture: Mixture,
    slope: Tangent | None,
    ok_beta: float,
    bad_beta: float,
    starts: Array,
    hints: Array,
    *,
    at_bad: Descent | None = None,
    met: Maxima | None = None,
    rtol: float = 1e-9,
) -> Event | None:
    """First failure of the branch of `mixture` on the way from `ok_beta` to `bad_beta`.

    Parameters
    ----------
    mixture, slope :
        The branch at `ok_beta`, where it is optimal, and its tangent there.
    starts, hints : float64 (n, n_classes)
        Log decoders from which maxima of Φ are sought at `bad_beta`, the hints being near some;
        the maxima found are followed.
    at_bad : Descent, optional
        The branch at `bad_beta`, where it is known.
    met : Maxima, optional
        The maxima of Φ there, where they are known; nothing else is sought then.
    rtol : float
        Stop when the bracket is shorter than rtol · |beta − 1|, or the excess vanishes.

    Returns
    -------
    Event or None
        None when the branch ends (loses an atom) or is still optimal at `bad_beta`.
    """
    anchor = (mixture, slope, ok_beta)
    ended = at_bad or follow(channel, *anchor, bad_beta)
    probe = _probe(channel, ended, bad_beta, hints, starts, met=met)
    if probe is None or probe.excess <= 0:
        return None
    good, bad = ok_beta, bad_beta
    worst, near = probe, 0.0
    before: _Probe | None = None
    for _ in range(_MOST_EVALUATIONS):
        if probe.excess > 0:
            bad, worst = probe.beta, probe
        else:
            good = probe.beta
        near = rtol * abs(probe.beta - 1)
        nearer = (probe.mixture, probe.slope, probe.beta)
        guess = probe.beta + _to_root(probe, before)
        if not min(good, bad) <= guess <= max(good, bad):
            guess = 0.5 * (good + bad)
            if probe.excess <= 0:
                # Coming from nearer by, the branch may well be optimal as far as `bad`.
                ended = follow(channel, *nearer, bad, nearby=probe.hessian)
                again = _probe(channel, ended, bad, hints, starts, near=probe.splits)
                if again is None or again.excess <= 0:
                    return None
                worst = again
        closed = abs(guess - probe.beta) <= near or abs(bad - good) <= near
        left = max(abs(probe.excess), probe.highest)
        if closed and left <= _finest(_SHARP, probe.beta):
            break
        # The first probe has met every maximum; from here on those that have failed are followed,
        # also those that the latest probe has lost, and the next few.
        followed = np.concatenate([probe.leading, worst.leading])
        ended = follow(channel, *nearer, guess, nearby=probe.hessian)
        ended = ended or follow(channel, *anchor, guess)
        found = _probe(channel, ended, guess, followed, near=probe.splits)
        if closed:
            # So steep a root has one more step: what is left of the excess is the state's gap.
            if found is not None and max(abs(found.excess), found.highest) < left:
                probe = found
            break
        if found is None:
            return None
        probe, before = found, probe
    # A bracket that closes on a leap has met the end of the branch, or lost a maximum.
    rounding = max(_finest(_ROUNDING, probe.beta), 10.0 * UNIT * probe.beta)
    rounding += 1e3 * near * abs(probe.excess_slope)
    return _event(probe, near) if abs(probe.excess) <= rounding else None


def _to_root(probe: _Probe, before: _Probe | None) -> float:
    """How far the root is in beta; NaN where the excess does not change."""
    slope = probe.excess_slope or math.nan
    if before is None or not before.excess_slope:
        return -probe.excess / slope
    back = probe.beta - before.beta
    return step_to_root(probe.excess, slope, back, before.excess, before.excess_slope)


def _probe(
    channel: Channel,
    ended: Descent | None,
    beta: float,
    hints: Array,
    starts: Array | None = None,
    *,
    near: Splits | None = None,
    met: Maxima | None = None,
) -> _Probe | None:
    """What a descent has reached at `beta`; None where it has lost the branch."""
    if ended is None:
        return None
    state, evaluation = ended.mixture, ended.evaluation
    log_v = potential_weights(channel, evaluation.log_z)
    starts = hints[:0] if starts is None else starts
    maxima = met or climb(channel, log_v, starts, beta, hints=hints)
    # What rises off a face beside a maximum on it fails earlier.
    inside = off_faces(channel, log_v, maxima.log_r, beta, _OFF_FACE)
    if len(inside):
        known = np.concatenate([maxima.log_r, inside])
        maxima = climb(channel, log_v, hints[:0], beta, hints=known)
    nearest = from_nearest(maxima.log_r, state.log_r) / closeness(beta)
    # A hill that close which rises visibly is the next atom, however near to a split it is born.
    rises = (nearest > COINCIDENT) & (maxima.log_phi > _finest(_ROUNDING, beta))
    away = (nearest > AT_ATOM) | rises
    hessian = ended.hessian or curvature(channel, state, evaluation, beta)
    along = tangent(channel, state, evaluation, beta, hessian)
    splits = leading_splits(channel, state, evaluation, beta, near)
    log_r, log_phi = maxima.log_r[away], maxima.log_phi[away]
    atom = int(np.argmax(splits.growth))
    growth = float(splits.growth[atom]) - 1.0
    # Just beyond a split Φ has maxima beside the atom, which touched one with slope zero there.
    beside = hellinger_squared(state.log_r[atom], log_r) <= NEAR * closeness(beta)
    vague = beside & (log_phi <= _finest(-_TOUCHING, beta))
    others = np.flatnonzero(~vague) if growth > 0 else np.arange(len(log_r))
    excesses = [growth, *log_phi[others]]
    slopes = [
        growth_slope(channel, state, evaluation, along, splits, atom, beta),
        *(_slope_of_hill(channel, state, evaluation, along, r, beta) for r in log_r[others]),
    ]
    first = _first_to_fail(np.array(excesses), np.array(slopes))
    excess, excess_slope = float(excesses[first]), float(slopes[first])
    return _Probe(
        beta,
        state,
        evaluation,
        along,
        hessian,
        ended.residual,
        splits,
        excess,
        excess_slope,
        max(excesses),
        log_r,
        log_phi,
    )


def _slope_of_hill(
    channel: Channel,
    state: Mixture,
    evaluation: Evaluation,
    along: Tangent,
    log_r: Array,
    beta: float,
) -> float:
    """d log Φ/dbeta at a hill, relative to the nearest atom's where that is close.

    At an atom Φ is one all along the branch. Where an atom is about to split the tangent is as
    vague as the Hessian is flat, in both slopes alike.
    """
    slope = potential_slope(channel, evaluation, along, log_r, beta)
    distances = hellinger_squared(state.log_r, log_r)
    nearest = int(np.argmin(distances))
    if distances[nearest] > NEAR * closeness(beta):
        return slope
    return slope - potential_slope(channel, evaluation, along, state.log_r[nearest], beta)


def _first_to_fail(excesses: Array, slopes: Array) -> int:
    """Of functions that have failed the one whose root is furthest, else the one nearest to it."""
    if not (excesses > 0).any():
        return int(np.argmax(excesses))
    with np.errstate(divide="ignore"):
        away = np.abs(excesses / slopes)
    return int(np.argmax(np.where(excesses > 0, away, -1.0)))


def _finest(usual: float, beta: float) -> float:
    """A tolerance on log Φ, in proportion to β − 1 near one, where all of log Φ is."""
    return usual * max(min(1.0, beta - 1.0), _LEAST_SHARE)


def _event(probe: _Probe, near: float) -> Event:
    """The event at a probe whose root is at most `near` away in beta."""
    atom = int(np.argmax(probe.splits.growth))
    below = _finest(-_TOUCHING, probe.beta) + 2.0 * near * abs(probe.excess_slope)
    touching = probe.away[probe.away_excess > -below]
    if abs(probe.splits.growth[atom] - 1.0) <= _finest(_AT_SPLIT, probe.beta):
        # At a split its atom is flat: what touches the bound beside it is the atom itself.
        away = hellinger_squared(probe.mixture.log_r[atom], touching)
        touching = touching[away > NEAR * closeness(probe.beta)]
    return Event(
        beta=probe.beta,
        mixture=probe.mixture,
        evaluation=probe.evaluation,
        violators=touching,
        atom=atom,
        multiplicity=int(probe.splits.multiplicity[atom]),
        growth=float(probe.splits.growth[atom]),
        steepness=probe.excess_slope,
        slope=probe.slope,
        hessian=probe.hessian,
        residual=probe.residual,
    )
