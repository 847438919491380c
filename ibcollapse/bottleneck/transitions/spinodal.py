"""Where a branch that is no longer optimal loses its local stability too."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.branch import follow, growth_slope
from ibcollapse.bottleneck.continuation.inverse_cubic import step_to_root
from ibcollapse.bottleneck.objective.hessian import Curvature, curvature
from ibcollapse.bottleneck.objective.mixture import Mixture
from ibcollapse.bottleneck.objective.stability import Splits, leading_splits
from ibcollapse.bottleneck.solver.newton import Descent
from ibcollapse.bottleneck.solver.support import STATIONARY
from ibcollapse.bottleneck.solver.tangent import Tangent, tangent
from ibcollapse.bottleneck.transitions.locate import Event

Array = NDArray[np.float64]

_FARTHEST = 4.0
_MOST_STEPS = 30
# A step is at most this share of beta − 1 long, and moves no atom further than this (the root of
# the squared Hellinger distance), nor a weight by more than this share, to first order.
_LONGEST = 0.5
_FARTHEST_MOVE = 0.6
_MOST_GROWTH = 3.0
# A descent that takes more sweeps than this is on its way to another branch.
_MOST_SWEEPS = 12
# A step ends at the root if it is shorter than the first share of beta − 1, or is Newton's to the
# second, from a point with no more of the squared scaled gradient (nats) left than the third: what
# the cubic adds to Newton's step is far more than what it misses.
_LAST_STEP = 1e-7
_AGREED = 1e-7
_KNOWN = 1e-22
# Beyond its end the branch is no minimum any more, and a descent leaves it: a step that overshoots
# the root by more than this share of its way, and of beta − 1, is shortened.
_OVERSHOT = 0.1
_SLIGHT = 1e-5
_MOST_HALVINGS = 12
_LEAST_PART, _MOST_PART = 0.1, 0.99
# Of so many atoms, the least stable ones, it is foreseen where they split.
_WATCHED = 4
# The squared scaled gradient (nats) that is left at a step's end need not be less than this much
# times the square of what the step, or the next, should miss the root by as a share of beta − 1.
_ROUGH = 1e-11


def spinodal(channel: Channel, event: Event) -> float:
    """Beta at which beta λ₂ of the branch of `event` reaches one; NaN when it never does.

    The branch is followed upwards by steps to the root of beta λ₂ − 1 that its value and slope at
    the last two points foretell, until it loses an atom or beta − 1 has grown fourfold.
    """
    if event.mixture.n_t == 1:
        return event.beta / event.growth if event.growth > 0 else math.inf
    here = _growth(channel, event.beta, event.ended)
    limit = 1 + _FARTHEST * (event.beta - 1)
    before: _Growth | None = None
    for _ in range(_MOST_STEPS):
        longest = min(_LONGEST * (here.beta - 1), _reach(here))
        step = here.to_go(before)
        if abs(step) <= longest and _is_last(here, step):
            return float(here.beta + step)
        step = min(max(step, -longest), longest)
        if here.beta + step > limit:
            return math.nan
        there = _stepped(channel, here, step, event.beta)
        if there is None:
            return math.nan
        here, before = there, here
    return math.nan


@dataclasses.dataclass(frozen=True, eq=False)
class _Growth:
    """A point of the branch: what beta λ₂ of its atoms lacks of one, and how fast it rises in beta.

    `splits` are those of the least stable atoms; `rise` is (n_t,), zero for all others. `residual`
    is the squared scaled gradient that is left, nats.
    """

    beta: float
    mixture: Mixture
    slope: Tangent
    hessian: Curvature
    splits: Splits
    rise: Array
    residual: float

    @property
    def lacking(self) -> Array:
        """One minus beta λ₂, (n_t,)."""
        return 1.0 - self.splits.growth

    def to_go(self, before: "_Growth | None") -> float:
        """How far in beta the first root is; infinite where no atom's beta λ₂ rises.

        By Newton's step, or the cubic through the point `before` too.
        """
        rising = np.flatnonzero(self.rise > 0)
        return min((self._root_of(atom, before) for atom in rising), default=math.inf)

    def _root_of(self, atom: np.intp, before: "_Growth | None") -> float:
        value, rise = -float(self.lacking[atom]), float(self.rise[atom])
        if before is None or not before.rise[atom] > 0:
            return -value / rise
        known = -float(before.lacking[atom]), float(before.rise[atom])
        return step_to_root(value, rise, self.beta - before.beta, *known)


def _growth(channel: Channel, beta: float, ended: Descent, near: Splits | None = None) -> _Growth:
    mixture, evaluation = ended.mixture, ended.evaluation
    splits = leading_splits(channel, mixture, evaluation, beta, near)
    hessian = ended.hessian or curvature(channel, mixture, evaluation, beta)
    slope = tangent(channel, mixture, evaluation, beta, hessian)
    rise = np.zeros(mixture.n_t)
    for atom in np.argsort(-splits.growth)[:_WATCHED]:
        rise[atom] = growth_slope(channel, mixture, evaluation, slope, splits, int(atom), beta)
    return _Growth(beta, mixture, slope, hessian, splits, rise, ended.residual)


def _stepped(channel: Channel, here: _Growth, step: float, first: float) -> _Growth | None:
    """The branch a step further, or part of a step that leads past its end; None where it is lost.

    The overshooting may also be another atom's, which comes first then.
    """
    for _ in range(_MOST_HALVINGS):
        beta = here.beta + step
        way, share = beta - first, step / (here.beta - 1)
        # The first step misses the root by about its square, later ones, from two points, by less.
        left = share**2 * (min(1.0, (step / way) ** 2) if way > 0 else 1.0)
        ended = follow(
            channel,
            here.mixture,
            here.slope,
            here.beta,
            beta,
            tol=max(STATIONARY, _ROUGH * left**2),
            max_sweeps=_MOST_SWEEPS,
            nearby=here.hessian,
        )
        if ended is not None and ended.n_sweeps < _MOST_SWEEPS:
            there = _growth(channel, beta, ended, here.splits)
            allowed = max(_OVERSHOT * abs(here.lacking.min()), _SLIGHT * (beta - 1))
            if there.lacking.min() >= -allowed:
                return there
            # Where it says that the root was, if that is a good part of the way.
            nearer = step + there.to_go(None)
            if _LEAST_PART <= nearer / step <= _MOST_PART:
                step = nearer
                continue
        step *= 0.5
    return None


def _is_last(here: _Growth, step: float) -> bool:
    """Whether a step, by the cubic where there is one, ends at the root."""
    if abs(step) <= _LAST_STEP * (here.beta - 1):
        return True
    added = abs(step - here.to_go(None))
    return here.residual <= _KNOWN and 0 < added <= _AGREED * (here.beta - 1)


def _reach(here: _Growth) -> float:
    """How far in beta the tangent can be trusted."""
    moves = np.sqrt(0.125 * np.sum(here.mixture.r * here.slope.log_r**2, axis=1)).max()
    growth = np.abs(here.slope.log_q).max()
    return float(1.0 / max(moves / _FARTHEST_MOVE, growth / _MOST_GROWTH, 1e-300))
