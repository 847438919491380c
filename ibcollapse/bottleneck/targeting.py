"""Finding the point of the certified curve at which a monotone function of it vanishes.

A target is a function that rises along the curve, such as I(X;T) − r. Two certified solutions
bracket it. The next beta is where the parabola through both, with their slopes 1/beta, meets the
target; when that does not shorten the bracket it is the inverse slope of their chord. The solution
at the chord's beta either lies above the chord, and shortens the bracket, or proves that the curve
is straight between the two: then the target is met exactly by a mixture of them (chords towards
the envelope: Eisner and Severance 1976, doi 10.1145/321978.321982).
"""

import dataclasses
import math

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.concave_arcs import Arc, Knot
from ibcollapse.bottleneck.degenerate import deterministic_curve, is_deterministic
from ibcollapse.bottleneck.mixture import Mixture, information, trivial_mixture
from ibcollapse.bottleneck.onset import PAST_ONSET, rough_onset
from ibcollapse.bottleneck.searching import Options
from ibcollapse.bottleneck.segments import Excess, share_time
from ibcollapse.bottleneck.sliding import slide
from ibcollapse.bottleneck.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.solver import SolvedState, proven_state, solve_state, to_solution

Array = NDArray[np.float64]

_MOST_STEPS = 60
_LARGEST_BETA = 1e9
# A bracket this short, relative to beta − 1, spans a jump.
_SHORTEST_BRACKET = 1e-13
# A chord is the curve when no solution lies more than this share of the tolerance below it.
_STRAIGHT = 1e-3
_SAME_POINT = 1e-13
# From this near (nats) the target is reached along the tangent of the branch.
_SLIDING = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Reached:
    """A solved state, where it lies (nats), and how far past the target it is."""

    state: SolvedState
    i_xt: float
    i_ty: float
    excess: float

    @property
    def knot(self) -> Knot:
        """Its place on the curve."""
        return Knot(self.i_xt, self.i_ty, self.state.beta, self.state.beta)


def solve_target(
    channel: Channel, excess: Excess, *, tol: float, options: Options, seed: int
) -> IBSolution:
    """Certified solution where `excess` vanishes to within `tol` nats; rows of `channel` distinct.

    The status is "converged" when both the target and the tolerance of the gap are met.
    """
    search = _Search(channel, excess, tol, options, np.random.default_rng(seed))
    state, missed = search.run()
    if state.status == CONVERGED and missed:
        state = dataclasses.replace(state, status=missed)
    return to_solution(channel, state)


class _Search:
    """The bracket around the target, shortened until it is met."""

    def __init__(
        self,
        channel: Channel,
        excess: Excess,
        tol: float,
        options: Options,
        rng: np.random.Generator,
    ) -> None:
        self._channel, self._excess, self._tol = channel, excess, tol
        self._options, self._rng = options, rng

    def run(self) -> tuple[SolvedState, str]:
        """The state at the target, and what keeps it from it (empty: nothing)."""
        channel = self._channel
        low = self._place(proven_state(channel, trivial_mixture(channel)))
        if low.excess >= -self._tol:
            return low.state, ""
        if is_deterministic(channel):
            high = self._place(_complete_state(channel))
            return (high.state, "") if high.excess <= self._tol else (self._mixed(low, high), "")
        low, reached = self._climb(low)
        if reached is None:
            return low.state, (
                f"beta = {low.state.beta:.3g} does not reach the target, {-low.excess:.3g} nats "
                "away; ask for less"
            )
        return self._narrow(low, reached)

    def _climb(self, low: Reached) -> tuple[Reached, Reached | None]:
        """Solutions below and above the target, beta − 1 doubling from the onset."""
        above_one = PAST_ONSET * (rough_onset(self._channel) - 1)
        while 1 + above_one <= _LARGEST_BETA:
            reached = self._solve(1 + above_one, low)
            if reached.excess > 0:
                return low, reached
            low = reached
            above_one *= 2
        return low, None

    def _narrow(self, low: Reached, high: Reached) -> tuple[SolvedState, str]:
        middle, along_chord = min(low, high, key=lambda end: abs(end.excess)), False
        for _ in range(_MOST_STEPS):
            met = self._met(middle)
            if met is not None:
                return met, ""
            run, width = high.i_xt - low.i_xt, high.state.beta - low.state.beta
            if run <= _SAME_POINT:
                # A corner of the curve: one state for a range of betas, the target within it.
                return high.state, ""
            if width <= _SHORTEST_BRACKET * (low.state.beta - 1):
                break
            beta = _chord_beta(low, high) if along_chord else self._arc_beta(low, high)
            if not along_chord:
                margin = 1e-3 * width
                beta = min(max(beta, low.state.beta + margin), high.state.beta - margin)
            middle = self._solve(beta, low if -low.excess < high.excess else high)
            if along_chord and self._is_straight(low, high, middle):
                mixed = self._mixed(low, high)
                if abs(self._place(mixed).excess) <= self._tol:
                    return mixed, ""
            low, high = (middle, high) if middle.excess < 0 else (low, middle)
            along_chord = high.i_xt - low.i_xt > 0.5 * run and not along_chord
        nearest = self._place(self._mixed(low, high))
        missed = abs(nearest.excess)
        return nearest.state, (
            "" if missed <= self._tol else f"the target was missed by {missed:.3g} nats; raise tol"
        )

    def _met(self, reached: Reached) -> SolvedState | None:
        """The state itself, or slid along its branch, if that meets the target."""
        if abs(reached.excess) <= self._tol:
            return reached.state
        if abs(reached.excess) > _SLIDING or reached.state.mixture.n_t == 1:
            return None
        return slide(self._channel, reached.state, self._excess, self._tol, self._options)

    def _is_straight(self, low: Reached, high: Reached, middle: Reached) -> bool:
        """Whether two phases' chord is the curve, by the solution at the chord's beta."""
        if low.state.mixture.n_t == high.state.mixture.n_t:
            return False
        beta = middle.state.beta
        gained = low.i_xt - middle.i_xt - beta * (low.i_ty - middle.i_ty)
        return gained <= _STRAIGHT * self._options.tol

    def _arc_beta(self, low: Reached, high: Reached) -> float:
        """Where the parabola through both ends meets the target."""
        arc = Arc(low.knot, high.knot)
        u = scipy.optimize.brentq(lambda u: self._excess_on(arc, u), 0.0, 1.0, xtol=1e-14)
        return arc.point(u)[2]

    def _excess_on(self, arc: Arc, u: float) -> float:
        """Excess on an arc, its ends counted with their own betas."""
        if u <= 0 or u >= 1:
            end = arc.start if u <= 0 else arc.end
            return self._excess(end.i_xt, end.i_ty, end.beta_low)
        return self._excess(*arc.point(u))

    def _mixed(self, low: Reached, high: Reached) -> SolvedState:
        """Time shared between the ends of a straight segment so that the target is met."""
        return share_time(self._channel, low.state, high.state, self._excess, self._options)

    def _solve(self, beta: float, near: Reached) -> Reached:
        return self._place(
            solve_state(self._channel, beta, near.state.mixture, self._options, self._rng)
        )

    def _place(self, state: SolvedState) -> Reached:
        i_xt, i_ty = information(
            self._channel, state.evaluation.joint, state.evaluation.p_t_given_x
        )
        return Reached(state, i_xt, i_ty, self._excess(i_xt, i_ty, state.beta))


def _chord_beta(low: Reached, high: Reached) -> float:
    rise = high.i_ty - low.i_ty
    beta = (high.i_xt - low.i_xt) / rise if rise > 0 else math.inf
    return min(max(beta, low.state.beta), high.state.beta)


def _complete_state(channel: Channel) -> SolvedState:
    """T = Y of a deterministic channel, optimal from beta = 1 on."""
    keep = deterministic_curve(channel).solutions[-1]
    return proven_state(channel, Mixture.from_probabilities(keep.p_t, keep.p_y_given_t))
