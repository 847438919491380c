"""Where a branch that is no longer optimal loses its local stability too."""

import dataclasses
import math

import numpy as np

from ibcollapse.bottleneck.branch import Tangent, follow, growth_slope, tangent
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.curvature import Curvature, curvature
from ibcollapse.bottleneck.events import Event
from ibcollapse.bottleneck.mixture import Evaluation, Mixture
from ibcollapse.bottleneck.stability import split_directions

_FARTHEST = 4.0
_MOST_STEPS = 30
# A step is at most this share of beta − 1 long, and moves no atom further than this (the root of
# the squared Hellinger distance), nor a weight by more than this share, to first order.
_LONGEST = 0.5
_FARTHEST_MOVE = 0.6
_MOST_GROWTH = 3.0
# A descent that takes more sweeps than this is on its way to another branch.
_MOST_SWEEPS = 30
# A Newton step shorter than this share of beta − 1 ends at the root: its error is of the order of
# the step's square.
_LAST_STEP = 1e-7
# Beyond its end the branch is no minimum any more, and a descent leaves it: a step that overshoots
# the root by more than this share of its way is halved.
_OVERSHOT = 0.1
_MOST_HALVINGS = 12
# Of so many atoms, the least stable ones, it is foreseen where they split.
_WATCHED = 4


def spinodal(channel: Channel, event: Event) -> float:
    """Beta at which beta λ₂ of the branch of `event` reaches one; NaN when it never does.

    The branch is followed upwards by Newton steps on beta λ₂ − 1, until it loses an atom or
    beta − 1 has grown fourfold.
    """
    if event.mixture.n_t == 1:
        return event.beta / event.growth if event.growth > 0 else math.inf
    here = _growth(channel, event.beta, event.mixture, event.evaluation, event.hessian)
    limit = 1 + _FARTHEST * (event.beta - 1)
    for _ in range(_MOST_STEPS):
        longest = min(_LONGEST * (here.beta - 1), _reach(here))
        step = here.to_go
        if abs(step) <= _LAST_STEP * (here.beta - 1):
            return float(here.beta + step)
        step = min(max(step, -longest), longest)
        if here.beta + step > limit:
            return math.nan
        there = _stepped(channel, here, step)
        if there is None:
            return math.nan
        here = there
    return math.nan


@dataclasses.dataclass(frozen=True, eq=False)
class _Growth:
    """A point of the branch: what its largest beta λ₂ lacks of one, and how far that is in beta.

    `to_go` is to first order; infinite where no atom's beta λ₂ rises.
    """

    beta: float
    mixture: Mixture
    slope: Tangent
    hessian: Curvature
    lacking: float
    to_go: float


def _growth(
    channel: Channel,
    beta: float,
    mixture: Mixture,
    evaluation: Evaluation,
    hessian: Curvature | None = None,
) -> _Growth:
    splits = split_directions(channel, mixture, evaluation, beta)
    hessian = hessian or curvature(channel, mixture, evaluation, beta)
    slope = tangent(channel, mixture, evaluation, beta, hessian)
    to_go = math.inf
    for atom in np.argsort(-splits.growth)[:_WATCHED]:
        rise = growth_slope(channel, mixture, evaluation, slope, splits, int(atom), beta)
        if rise > 0:
            to_go = min(to_go, (1.0 - float(splits.growth[atom])) / rise)
    return _Growth(beta, mixture, slope, hessian, 1.0 - float(splits.growth.max()), to_go)


def _stepped(channel: Channel, here: _Growth, step: float) -> _Growth | None:
    """The branch a step further, or part of a step that leads past its end; None where it is lost.

    The overshooting may also be another atom's, which comes first then.
    """
    for _ in range(_MOST_HALVINGS):
        beta = here.beta + step
        ended = follow(
            channel,
            here.mixture,
            here.slope,
            here.beta,
            beta,
            max_sweeps=_MOST_SWEEPS,
            nearby=here.hessian,
        )
        if ended is not None and ended.n_sweeps < _MOST_SWEEPS:
            there = _growth(channel, beta, ended.mixture, ended.evaluation, ended.hessian)
            if there.lacking >= -_OVERSHOT * abs(here.lacking):
                return there
        step *= 0.5
    return None


def _reach(here: _Growth) -> float:
    """How far in beta the tangent can be trusted."""
    moves = np.sqrt(0.125 * np.sum(here.mixture.r * here.slope.log_r**2, axis=1)).max()
    growth = np.abs(here.slope.log_q).max()
    return float(1.0 / max(moves / _FARTHEST_MOVE, growth / _MOST_GROWTH, 1e-300))
