"""Finding the point of the certified curve at which a monotone function of it vanishes.

A target is a function that rises along the curve, such as I(X;T) − r. Two certified solutions
bracket it. The next beta is where the parabola through both, with their slopes 1/beta, meets the
target; when that does not shorten the bracket it is the inverse slope of their chord. The solution
at the chord's beta either lies above the chord, and shortens the bracket, or proves that the curve
is straight between the two: then the target is met exactly by a mixture of them (chords towards
the envelope: Eisner and Severance 1976, doi 10.1145/321978.321982). Where the curve turns within
its rounding and only beta tells its points apart, the target is linear in beta.
"""

import dataclasses
import math

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.components import class_groups, cut_leaks, is_deterministic
from ibcollapse.bottleneck.continuation.sliding import slide
from ibcollapse.bottleneck.deadline import OUT_OF_TIME, OutOfTimeError, deadline, is_over, kept
from ibcollapse.bottleneck.objective.mixture import Mixture, information, trivial_mixture
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.results.concave_arcs import Arc, Knot
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.solver.column_generation import (
    SolvedState,
    proven_state,
    solve_state,
    to_solution,
)
from ibcollapse.bottleneck.targets.time_sharing import Excess, share_time
from ibcollapse.bottleneck.tracing.class_groups import onset_beyond_one, state_of_groups
from ibcollapse.bottleneck.tracing.closed_form import deterministic_curve
from ibcollapse.bottleneck.transitions.onset import PAST_ONSET

Array = NDArray[np.float64]

_MOST_STEPS = 60
_LARGEST_BETA = 1e9
# Where the curve has ended, a target that rises with beta is met before this one.
_ENDLESS_BETA = 1e300
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
    channel: Channel,
    excess: Excess,
    *,
    tol: float,
    options: Options,
    seed: int,
    time_limit: float = math.inf,
) -> IBSolution:
    """Certified solution where `excess` vanishes to within `tol` nats; rows of `channel` distinct.

    The status is "converged" when both the target and the tolerance of the gap are met. After
    `time_limit` seconds it is the certified solution nearest to the target that was met.
    """
    until = deadline(time_limit)
    groups = class_groups(channel)
    channel = cut_leaks(channel, groups)
    search = _Search(channel, groups, excess, tol, options, np.random.default_rng(seed))
    low = search.trivial()
    try:
        with kept(until):
            state, missed = search.run(low)
    except OutOfTimeError:
        if not is_over(until):
            raise
        nearest = search.nearest or low
        status = f"{OUT_OF_TIME} {abs(nearest.excess):.3g} nats from the target; raise time_limit"
        return to_solution(channel, dataclasses.replace(nearest.state, status=status))
    if state.status == CONVERGED and missed:
        state = dataclasses.replace(state, status=missed)
    return to_solution(channel, state)


class _Search:
    """The bracket around the target, shortened until it is met.

    `groups` is the group of each class among those that no point connects.
    """

    def __init__(
        self,
        channel: Channel,
        groups: NDArray[np.int64],
        excess: Excess,
        tol: float,
        options: Options,
        rng: np.random.Generator,
    ) -> None:
        self._channel, self._groups = channel, groups
        self._excess, self._tol = excess, tol
        self._options, self._rng = options, rng
        self.nearest: Reached | None = None

    def trivial(self) -> Reached:
        """Where every search begins: nothing is known."""
        return self._place(proven_state(self._channel, trivial_mixture(self._channel)))

    def run(self, low: Reached) -> tuple[SolvedState, str]:
        """The state at the target, and what keeps it from it (empty: nothing)."""
        channel = self._channel
        if low.excess >= -self._tol:
            return low.state, ""
        jumped = self._at_one()
        if jumped is not None:
            if jumped.excess > self._tol:
                return self._mixed(low, jumped), ""
            if jumped.excess >= -self._tol:
                return jumped.state, ""
            low = jumped
        onset = onset_beyond_one(channel, self._groups)
        if onset > _LARGEST_BETA and self._excess(low.i_xt, low.i_ty, _ENDLESS_BETA) >= -self._tol:
            # There is no more to know: the state stays optimal.
            return low.state, ""
        low, reached = self._climb(low, onset)
        if reached is None:
            return low.state, (
                f"beta = {low.state.beta:.3g} does not reach the target, {-low.excess:.3g} nats "
                "away; ask for less"
            )
        return self._narrow(low, reached)

    def _at_one(self) -> Reached | None:
        """What the curve reaches by a jump at beta = 1: all of Y = f(X), or which group Y is in."""
        channel = self._channel
        if is_deterministic(channel):
            return self._place(_complete_state(channel))
        if self._groups.max() > 0:
            return self._place(state_of_groups(channel, self._groups))
        return None

    def _climb(self, low: Reached, onset: float) -> tuple[Reached, Reached | None]:
        """Solutions below and above the target, beta − 1 doubling from the onset."""
        above_one = PAST_ONSET * (onset - 1)
        while 1 + above_one <= _LARGEST_BETA:
            reached = self._solve(1 + above_one, low)
            if reached.excess >= -self._tol:
                return low, reached
            low = reached
            above_one *= 2
        return low, None

    def _narrow(self, low: Reached, high: Reached) -> tuple[SolvedState, str]:
        middle = min(low, high, key=lambda end: abs(end.excess))
        proposals = self._arc_beta, _chord_beta, _secant_beta
        turn = 0
        for _ in range(_MOST_STEPS):
            met = self._met(middle)
            if met is not None:
                return met, ""
            run, width = high.i_xt - low.i_xt, high.state.beta - low.state.beta
            if run <= _SAME_POINT:
                return self._at_corner(low, high), ""
            if width <= _SHORTEST_BRACKET * (low.state.beta - 1):
                break
            proposed = proposals[turn]
            beta = proposed(low, high)
            along_chord = proposed is _chord_beta
            if not along_chord:
                margin = 1e-3 * width
                beta = min(max(beta, low.state.beta + margin), high.state.beta - margin)
            middle = self._solve(beta, low if -low.excess < high.excess else high)
            if along_chord and self._is_straight(low, high, middle):
                mixed = self._mixed(low, high)
                if abs(self._place(mixed).excess) <= self._tol:
                    return mixed, ""
            low, high = (middle, high) if middle.excess < 0 else (low, middle)
            shortened = high.i_xt - low.i_xt <= 0.5 * run
            turn = 0 if shortened else (turn + 1) % len(proposals)
        nearest = self._place(self._mixed(low, high))
        missed = abs(nearest.excess)
        return nearest.state, (
            "" if missed <= self._tol else f"the target was missed by {missed:.3g} nats; raise tol"
        )

    def _at_corner(self, low: Reached, high: Reached) -> SolvedState:
        """One state for a range of betas, at the beta of them that meets the target."""

        def excess(beta: float) -> float:
            return self._excess(high.i_xt, high.i_ty, beta)

        ends = low.state.beta, high.state.beta
        if not excess(ends[0]) < 0 < excess(ends[1]):
            return high.state
        return self._solve(scipy.optimize.brentq(excess, *ends), high).state

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
        reached = Reached(state, i_xt, i_ty, self._excess(i_xt, i_ty, state.beta))
        if self.nearest is None or abs(reached.excess) < abs(self.nearest.excess):
            self.nearest = reached
        return reached


def _chord_beta(low: Reached, high: Reached) -> float:
    rise = high.i_ty - low.i_ty
    beta = (high.i_xt - low.i_xt) / rise if rise > 0 else math.inf
    return min(max(beta, low.state.beta), high.state.beta)


def _secant_beta(low: Reached, high: Reached) -> float:
    """Where the excess vanishes if it is linear in beta, as around a rounded corner."""
    share = low.excess / (low.excess - high.excess)
    return low.state.beta + share * (high.state.beta - low.state.beta)


def _complete_state(channel: Channel) -> SolvedState:
    """T = Y of a deterministic channel, optimal from beta = 1 on."""
    keep = deterministic_curve(channel).solutions[-1]
    return proven_state(channel, Mixture.from_probabilities(keep.p_t, keep.p_y_given_t))
