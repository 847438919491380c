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

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import certificate
from ibcollapse.bottleneck.branch import Tangent, follow, potential_slope, tangent
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import Evaluation, Mixture
from ibcollapse.bottleneck.stability import Splits, split_directions

Array = NDArray[np.float64]

# A maximum of Φ within this squared Hellinger distance of an atom belongs to that atom's stability.
_AT_ATOM = 3e-6
_MOST_EVALUATIONS = 60
# At an event, maxima of log Φ above this (nats) touch the bound.
_TOUCHING = -1e-9
# A bracket that closes on more than this much excess has met no root but the edge of another
# branch, on which a state that was followed in too long a step has landed.
_NO_ROOT = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Event:
    """First failure of a branch.

    `beta` is the root; `mixture` and `evaluation` are the branch there. `violators` are the log
    decoders (n, n_classes) with Φ = 1 that are no atoms (empty for a split), `atom` the least
    stable atom, `growth` its beta λ₂ and `multiplicity` that eigenvalue's multiplicity.
    """

    beta: float
    mixture: Mixture
    evaluation: Evaluation
    violators: Array
    atom: int
    multiplicity: int
    growth: float

    @property
    def is_split(self) -> bool:
        """Whether an atom loses stability, rather than a new one appearing elsewhere."""
        return len(self.violators) == 0


@dataclasses.dataclass(frozen=True, eq=False)
class _Probe:
    """A point of the branch: how far it is from failing (> 0: failed) and by which function."""

    beta: float
    mixture: Mixture
    evaluation: Evaluation
    slope: Tangent
    splits: Splits
    excess: float
    excess_slope: float | None
    away: Array
    away_excess: Array


def locate(
    channel: Channel,
    mixture: Mixture,
    slope: Tangent | None,
    ok_beta: float,
    bad_beta: float,
    starts: Array,
    *,
    rtol: float = 1e-10,
) -> Event | None:
    """First failure of the branch of `mixture` on the way from `ok_beta` to `bad_beta`.

    Parameters
    ----------
    mixture, slope :
        The branch at `ok_beta`, where it is optimal, and its tangent there.
    starts : float64 (n, n_classes)
        Log decoders from which maxima of Φ are sought at `bad_beta`; those found are followed.
    rtol : float
        Stop when the bracket is shorter than rtol · |beta − 1|, or the excess vanishes.

    Returns
    -------
    Event or None
        None when the branch ends (loses an atom or its continuity) or is still optimal at
        `bad_beta`.
    """
    anchor = (mixture, slope, ok_beta)
    probe = _probe(channel, *anchor, bad_beta, starts)
    if probe is None or probe.excess <= 0:
        return None
    good, bad = ok_beta, bad_beta
    worst, last_good = probe, None
    for _ in range(_MOST_EVALUATIONS):
        if abs(bad - good) <= rtol * abs(bad - 1) or abs(probe.excess) <= 1e-13:
            break
        guess = _next_beta(probe, worst, last_good, good, bad)
        nearer = (worst.mixture, worst.slope, worst.beta)
        # The first probe has met every maximum; from here on they are only followed.
        followed = np.concatenate([worst.away, worst.mixture.log_r])
        found = _probe(channel, *nearer, guess, followed)
        found = found or _probe(channel, *anchor, guess, followed)
        if found is None:
            return None
        probe = found
        if probe.excess > 0:
            bad, worst = guess, probe
        else:
            good, last_good = guess, probe
    nearest = probe if abs(probe.excess) <= 1e-13 else worst
    return _event(nearest) if nearest.excess <= _NO_ROOT else None


def _next_beta(
    probe: _Probe, worst: _Probe, last_good: _Probe | None, good: float, bad: float
) -> float:
    """Newton where the slope is known, secant where both ends are, else the middle."""
    middle = 0.5 * (good + bad)
    low, high = min(good, bad), max(good, bad)
    margin = 1e-3 * (high - low)
    if worst.excess_slope:
        guess = worst.beta - worst.excess / worst.excess_slope
        # Aim a little past the root, so that the bracket closes from both sides.
        guess += 0.01 * np.sign(guess - worst.beta) * abs(guess - worst.beta)
    elif last_good is not None:
        rise = worst.excess - last_good.excess
        guess = worst.beta - worst.excess * (worst.beta - last_good.beta) / rise
        guess += 0.01 * (guess - worst.beta)
    else:
        return middle
    if not low <= guess <= high:
        return middle
    return float(np.clip(guess, low + margin * (good < bad), high - margin * (good > bad)))


def _probe(
    channel: Channel,
    mixture: Mixture,
    slope: Tangent | None,
    from_beta: float,
    beta: float,
    starts: Array,
) -> _Probe | None:
    ended = follow(channel, mixture, slope, from_beta, beta)
    if ended is None:
        return None
    state, evaluation = ended.mixture, ended.evaluation
    log_v = certificate.potential_weights(channel, evaluation.log_z)
    maxima = certificate.climb(channel, log_v, starts, beta)
    distance = np.array(
        [certificate.hellinger_squared(log_r, state.log_r).min() for log_r in maxima.log_r]
    )
    away = distance > _AT_ATOM
    along = tangent(channel, state, evaluation, beta)
    splits = split_directions(channel, evaluation, beta)
    log_r, log_phi = maxima.log_r[away], maxima.log_phi[away]
    excess, excess_slope = float(splits.growth.max()) - 1.0, None
    if len(log_phi) and (log_phi[0] > 0 or log_phi[0] > excess):
        slopes = [potential_slope(channel, evaluation, along, r, beta) for r in log_r]
        roots = [phi / s if s != 0 else np.inf for phi, s in zip(log_phi, slopes, strict=True)]
        above = np.flatnonzero(log_phi > 0)
        first = above[np.argmax([abs(roots[i]) for i in above])] if len(above) else 0
        excess, excess_slope = float(log_phi[first]), float(slopes[first])
    return _Probe(beta, state, evaluation, along, splits, excess, excess_slope, log_r, log_phi)


def _event(probe: _Probe) -> Event:
    atom = int(np.argmax(probe.splits.growth))
    touching = probe.away[probe.away_excess > _TOUCHING]
    return Event(
        beta=probe.beta,
        mixture=probe.mixture,
        evaluation=probe.evaluation,
        violators=touching,
        atom=atom,
        multiplicity=int(probe.splits.multiplicity[atom]),
        growth=float(probe.splits.growth[atom]),
    )
