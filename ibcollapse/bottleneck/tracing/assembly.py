"""The points and transitions of a curve, put where their betas belong and kept in order.

The optimum's I(X;T) and I(T;Y) never fall as beta grows: of two encoders s and s' at beta < beta'
with I(T;Y) of s above that of s', at least one of the two betas is served better by the other
encoder, because exchanging them lowers the sum of both Lagrangians by

    (beta' − beta) (I(T;Y) of s − I(T;Y) of s').

So points that are out of order are not the best that is known: each of the two is solved again from
the other's atoms, and takes the other's encoder where that still does better.
"""

import bisect
import dataclasses
import itertools
import math

import numpy as np

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.deadline import OutOfTimeError, is_over, now_kept
from ibcollapse.bottleneck.objective.mixture import UNIT, Mixture
from ibcollapse.bottleneck.pricing.oracle import HIDDEN, Options
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.solver.column_generation import solve_state, to_solution
from ibcollapse.bottleneck.transitions.classify import Passage, coalesce

# Informations that fall by less than this (nats) are not worth a solve: the lag of a refined state
# behind its beta, where the curve is flat.
_LAG = 1e-9
# Points closer to a transition than this share of beta − 1 have the clusters of either side.
_BESIDE = 1e-6
# A point is sure of its clusters at a gap of this share of the tolerance, this far above beta = 1.
_SURE, _NEXT_TO_ONE = 0.1, 1e-3


class Assembly:
    """What a walk has collected.

    `solutions` by increasing beta, I(X;T) and I(T;Y) once `put_in_order` was called; `transitions`
    by increasing beta.
    """

    def __init__(
        self,
        channel: Channel,
        options: Options,
        solutions: tuple[IBSolution, ...] = (),
        transitions: tuple[PhaseTransition, ...] = (),
    ) -> None:
        self._channel, self._options = channel, options
        self.solutions, self.transitions = list(solutions), list(transitions)
        self._is_in_order = False

    def copy(self) -> "Assembly":
        """What has been collected so far, for itself."""
        return Assembly(
            self._channel, self._options, tuple(self.solutions), tuple(self.transitions)
        )

    def add(self, solution: IBSolution) -> None:
        """Put a point behind those of no larger beta."""
        at = bisect.bisect_right([s.beta for s in self.solutions], solution.beta)
        self.solutions.insert(at, solution)
        self._is_in_order = False

    def add_passage(self, passage: Passage, above: IBSolution | None = None) -> None:
        """Put in what lies between two states; transitions within the resolution become one.

        Of a change that was postponed, this lies below points that are there already: those are
        solved again from the atoms of the state `above` it.
        """
        if above is not None and passage.transitions:
            first = passage.transitions[0].beta
            for at, point in enumerate(self.solutions):
                if point.beta > first and not is_over(now_kept()):
                    self.solutions[at] = self._solved_from(point, above)
        for solution in passage.solutions:
            self.add(solution)
        for transition in passage.transitions:
            at = bisect.bisect_right([t.beta for t in self.transitions], transition.beta)
            self.transitions.insert(at, transition)
        self.transitions = coalesce(self.transitions)

    def cut_above(self, n_clusters: int) -> None:
        """Drop what lies beyond the first point, or transition, with more clusters."""
        # A death may lead back below the cap: what comes after it is beyond the cap all the same.
        within = itertools.takewhile(lambda s: s.n_clusters <= n_clusters, self.solutions)
        passed = itertools.takewhile(lambda t: t.clusters_after <= n_clusters, self.transitions)
        self.solutions, self.transitions = list(within), list(passed)

    def put_in_order(self) -> None:
        """Give every point the best that is known of its neighbours.

        I(X;T) and I(T;Y) do not fall from one point to the next then.
        """
        if self._is_in_order:
            return
        self.transitions = _that_change_something(self.transitions)
        self._solve_again()
        for _ in range(len(self.solutions)):
            falls = _falls(self.solutions)
            for at in falls:
                self.solutions[at : at + 2] = self._exchanged(*self.solutions[at : at + 2])
            if not falls:
                break
        # Where rounding says now this and now that, an encoder serves until a larger one does.
        for at in range(1, len(self.solutions)):
            low, high = self.solutions[at - 1 : at + 1]
            if _falls([low, high]):
                self.solutions[at] = self._with_encoder(high, low)
        self._is_in_order = True

    def _solve_again(self) -> None:
        """Solve what has not converged, or falls, from the atoms next to it."""
        falling = {at + side for at in _falls(self.solutions, _LAG) for side in (0, 1)}
        for at, point in enumerate(self.solutions):
            if point.converged and at not in falling:
                continue
            for other in (at - 1, at + 1):
                if 0 <= other < len(self.solutions) and not is_over(now_kept()):
                    point = self._solved_from(point, self.solutions[other])
            self.solutions[at] = point
        self._without_spurious()

    def _without_spurious(self) -> None:
        """Give points with more clusters than the transitions leave those of the nearest without.

        They cost less than the gap, or than rounding: as far as the point tells, fewer do as well.
        """
        for at, point in enumerate(self.solutions):
            other = self._with_fewer(at)
            if other is None or is_over(now_kept()):
                continue
            solved = self._solved_at(point, other)
            within = point.lagrangian + max(point.gap, HIDDEN * UNIT * point.beta)
            if solved is not None and solved.converged and solved.lagrangian <= within:
                fewer = solved.n_clusters < point.n_clusters
                self.solutions[at] = solved if fewer else point

    def _with_fewer(self, at: int) -> IBSolution | None:
        """The nearest point with as many clusters as the transitions leave, where these are fewer.

        None where the point is sure of its clusters, or where no such point is on its side of them.
        """
        point = self.solutions[at]
        width = _BESIDE * max(0.0, point.beta - 1.0)
        if any(abs(t.beta - point.beta) <= width for t in self.transitions):
            return None
        passed = [t for t in self.transitions if t.beta < point.beta]
        left = passed[-1].clusters_after if passed else 1
        is_sure = point.gap <= _SURE * self._options.tol
        if point.n_clusters <= left or (is_sure and point.beta > 1.0 + _NEXT_TO_ONE):
            return None
        low = passed[-1].beta if passed else 0.0
        high = min((t.beta for t in self.transitions if t.beta > point.beta), default=math.inf)
        others = [s for s in self.solutions if low <= s.beta <= high and s.n_clusters == left]
        return min(others, key=lambda s: abs(s.beta - point.beta), default=None)

    def _solved_from(self, point: IBSolution, other: IBSolution) -> IBSolution:
        """The better of a point and what is solved at its beta from the atoms of another."""
        solved = self._solved_at(point, other)
        if solved is None:
            return point
        is_proven = solved.converged and not point.converged
        return solved if is_proven or solved.lagrangian < point.lagrangian else point

    def _solved_at(self, point: IBSolution, other: IBSolution) -> IBSolution | None:
        """The solution at the beta of a point, from another's atoms; None where time is up."""
        start = Mixture.from_probabilities(other.p_t, other.p_y_given_t)
        rng = np.random.default_rng(0)
        try:
            state = solve_state(self._channel, point.beta, start, self._options, rng)
        except OutOfTimeError:
            return None
        return to_solution(self._channel, state)

    def _exchanged(self, low: IBSolution, high: IBSolution) -> tuple[IBSolution, IBSolution]:
        """Two points that are out of order, each with the encoder that is better at its beta."""
        if low.beta == high.beta:
            # Both do equally well: these are the ends of a straight segment.
            return high, low
        for_low, for_high = self._with_encoder(low, high), self._with_encoder(high, low)
        won_low = low.lagrangian - for_low.lagrangian
        won_high = high.lagrangian - for_high.lagrangian
        if won_low > 0 and won_high > 0:
            return for_low, for_high
        # Of wins that cancel to rounding the larger one is right.
        return (for_low, high) if won_low >= won_high else (low, for_high)

    def _with_encoder(self, point: IBSolution, other: IBSolution) -> IBSolution:
        """The encoder of another point at this one's beta; their gaps bound the same optimum."""
        lagrangian = other.i_xt - point.beta * other.i_ty
        gap = max(0.0, point.gap + (lagrangian - point.lagrangian))
        is_within = gap <= self._options.tol
        return dataclasses.replace(
            other,
            beta=point.beta,
            lagrangian=lagrangian,
            gap=gap,
            gap_search=point.gap_search,
            status=CONVERGED if is_within else _out_of_tolerance(gap, point),
            residual=max(point.residual, other.residual),
        )


def _that_change_something(transitions: list[PhaseTransition]) -> list[PhaseTransition]:
    """The transitions without continuous ones that lead to the clusters that there were before.

    An atom that came unseen, for it gains less than any gap shows, may be seen to go.
    """
    kept: list[PhaseTransition] = []
    for transition in transitions:
        left = kept[-1].clusters_after if kept else 1
        unseen = transition.clusters_before != left == transition.clusters_after
        if transition.order == 1 or not unseen:
            kept.append(transition)
    return kept


def _out_of_tolerance(gap: float, point: IBSolution) -> str:
    if not point.converged:
        return point.status
    return f"no better encoder is known at a gap of {gap:.3g} nats; raise tol"


def _falls(solutions: list[IBSolution], by: float = 0.0) -> list[int]:
    """Places after which I(X;T) or I(T;Y) falls by more than this, or is not a number."""
    return [
        at
        for at, (low, high) in enumerate(itertools.pairwise(solutions))
        if not (high.i_xt >= low.i_xt - by and high.i_ty >= low.i_ty - by)
        and not (math.isnan(low.i_xt + low.i_ty) or math.isnan(high.i_xt + high.i_ty))
    ]
