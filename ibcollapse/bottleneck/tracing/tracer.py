"""The walk up the curve: from the trivial representation, transition by transition."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck import deadline
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.continuation.softness import is_soft
from ibcollapse.bottleneck.continuation.step import continued, optimal_from
from ibcollapse.bottleneck.kernels.ascent import MANY_CLASSES
from ibcollapse.bottleneck.objective.mixture import trivial_mixture
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.solver.column_generation import SolvedState, solve_state, to_solution
from ibcollapse.bottleneck.tracing.assembly import Assembly
from ibcollapse.bottleneck.tracing.checkpoint import TraceKeeper, compact, from_fields
from ibcollapse.bottleneck.tracing.class_groups import (
    onset_beyond_one,
    parting_of_groups,
    state_of_groups,
)
from ibcollapse.bottleneck.transitions.bracket import first_transition, resolve
from ibcollapse.bottleneck.transitions.branch_switching import SHARP
from ibcollapse.bottleneck.transitions.classify import Passage
from ibcollapse.bottleneck.transitions.onset import PAST_ONSET
from ibcollapse.bottleneck.transitions.prediction import next_failure
from ibcollapse.errors import OutputError
from ibcollapse.internal_errors import log_caught
from ibcollapse.progress import Progress

# Betas are stepped so that beta − 1 grows at most by this factor.
_GROWTH = 2.0
# Steps end this much further than the next event is expected.
_PAST_EVENT = 1.25
# Steps are at least this share of beta − 1 long.
_SHORTEST = 1e-4
# A step over which I(X;T) advanced by less than this share of the spacing was a short one.
_SHORT = 0.5
# So many transitions may wait for their spinodals: each holds Hessians.
_MOST_PENDING = 3


@dataclasses.dataclass(frozen=True)
class Limits:
    """Where a curve ends: fraction of I(X;Y), clusters, beta; and how far apart its points are.

    `spacing` is that in I(X;T), `spacing_ty` that in I(T;Y), nats; the shorter step is taken.
    """

    fraction: float
    max_clusters: int
    beta_max: float
    spacing: float
    spacing_ty: float


class CurveInterrupted(KeyboardInterrupt):
    """Ctrl-C during a trace; `curve` holds everything that was finished."""

    def __init__(self, curve: IBCurve) -> None:
        super().__init__(f"interrupted after {len(curve.solutions)} points")
        self.curve = curve


def put_together(
    channel: Channel,
    solutions: list[IBSolution],
    transitions: list[PhaseTransition],
    status: str,
) -> IBCurve:
    """The curve of what was collected."""
    return IBCurve(
        solutions=tuple(solutions),
        transitions=tuple(transitions),
        i_xy=channel.i_xy,
        h_y=channel.h_y,
        class_names=channel.class_names,
        status=status,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class _Standing:
    """Where the walk stands between two steps; the rest of it is a function of this.

    `next_beta` is NaN where the next step has not been planned; `drawn` is the state of the random
    generator, `collected` what the walk has met by then.
    """

    state: SolvedState
    next_beta: float
    postponed: SolvedState | None
    drawn: Any
    collected: Assembly


@dataclasses.dataclass(frozen=True, eq=False)
class _Waiting:
    """A transition whose spinodal is still looked for, and where the step that met it began."""

    finish: Callable[[], Passage]
    began: _Standing


class Tracer:
    """The walk up the curve: where it stands and what it has collected.

    `groups` is the group of each class among those that no point connects, `keeper` the file that
    lets a killed walk go on. After the moment `until`, and after any error, the walk goes back to
    where it stood before the step that was begun, and hands over what was finished by then.
    """

    def __init__(
        self,
        channel: Channel,
        groups: NDArray[np.int64],
        limits: Limits,
        options: Options,
        rng: np.random.Generator,
        progress: Progress,
        keeper: TraceKeeper | None = None,
        until: float = math.inf,
    ) -> None:
        self._channel, self._groups, self._keeper = channel, groups, keeper
        self._limits, self._options = limits, options
        self._rng, self._progress, self._until = rng, progress, until
        self._assembly = Assembly(channel, options)
        self._postponed: SolvedState | None = None
        self._pending: list[_Waiting] = []
        self._standing: _Standing | None = None

    def run(self) -> IBCurve:
        """Walk until a limit is reached; Ctrl-C hands over what there is."""
        self._progress.start("tracing the curve", total=self._limits.fraction)
        resumed = self._resume()
        try:
            status = self._walk(resumed)
        except KeyboardInterrupt:
            self._go_back()
            self._settled_as_far_as_it_goes()
            points = self._assembly.solutions
            reached = points[-1].beta if points else 1.0
            raise CurveInterrupted(self._curve(f"interrupted at beta = {reached:.9g}")) from None
        self._progress.finish()
        return self._curve(status)

    def _late(self) -> str:
        last = self._assembly.solutions[-1]
        return (
            f"{deadline.OUT_OF_TIME} at beta = {last.beta:.6g}, where I(T;Y) is "
            f"{last.i_ty / self._channel.i_xy:.1%} of I(X;Y); raise time_limit to go on"
        )

    def _curve(self, status: str) -> IBCurve:
        try:
            with deadline.kept(self._until):
                self._assembly.put_in_order()
        except Exception as error:
            log_caught(f"{deadline.INTERNAL_ERROR} a curve")
            status = self._failed(error)
        found = self._assembly.solutions, self._assembly.transitions
        return put_together(self._channel, *found, status)

    def _walk(self, resumed: bool) -> str:
        if not resumed:
            # Known before anything is computed, and so part of every curve.
            trivial = trivial_mixture(self._channel)
            first = solve_state(self._channel, 1.0, trivial, self._options, self._rng)
            self._keep(first)
        try:
            with deadline.kept(self._until):
                if not resumed:
                    self._start(first)
                return self._climb()
        except OutputError:
            # The file to resume from cannot be written: whoever asked for it has to know.
            raise
        except deadline.OutOfTimeError:
            self._go_back()
            error = self._settled_as_far_as_it_goes()
            status = self._late() if error is None else self._failed(error)
        except Exception as error:
            log_caught(f"{deadline.INTERNAL_ERROR} a curve")
            self._go_back()
            self._settled_as_far_as_it_goes()
            status = self._failed(error)
        self._save()
        return status

    def _climb(self) -> str:
        """Step by step up to a limit; which one."""
        while True:
            here = self._standing
            assert here is not None
            if self._keeper is not None and self._keeper.is_due():
                self._save()
            if here.state.mixture.n_t > self._limits.max_clusters:
                return self._stop_at_cap()
            status = self._finished(here.state)
            if status is not None:
                return status
            next_beta = here.next_beta
            if math.isnan(next_beta):
                next_beta = self._next_beta(here.state)
            reached = self._reach(here.state, min(next_beta, self._limits.beta_max))
            self._stand(self._as_kept(reached), math.nan)

    def _stand(self, state: SolvedState, next_beta: float) -> None:
        drawn = self._rng.bit_generator.state
        collected = self._assembly.copy()
        self._standing = _Standing(state, next_beta, self._postponed, drawn, collected)

    def _go_back(self) -> None:
        """Forget what a step that did not end has left."""
        here = self._standing
        if here is None:
            return
        self._assembly = here.collected.copy()
        self._pending = [waiting for waiting in self._pending if waiting.began is not here]
        self._postponed = here.postponed
        self._rng.bit_generator.state = here.drawn

    def _settled_as_far_as_it_goes(self) -> Exception | None:
        """Settle what can be; what stopped it. Then the walk stands before that transition."""
        try:
            self._settle()
        except deadline.OutOfTimeError:
            return None
        except Exception as error:
            log_caught(f"{deadline.INTERNAL_ERROR} a curve")
            return error
        return None

    def _failed(self, error: Exception) -> str:
        reached = self._assembly.solutions[-1].beta
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return (
            f"{deadline.INTERNAL_ERROR} the curve at beta = {reached:.9g} ({said}); what was "
            "finished by then is here, the traceback in the log 'ibcollapse': please report it"
        )

    def _save(self) -> None:
        """Bring the file, if there is one, to where the walk stands."""
        if self._keeper is None or self._standing is None:
            return
        self._settle()
        here = self._standing
        found = self._assembly.solutions, self._assembly.transitions
        self._keeper.save(*found, here.next_beta, (here.state, here.postponed), self._rng)

    def _as_kept(self, state: SolvedState) -> SolvedState:
        """The state with the bits that the file would give back."""
        return state if self._keeper is None else compact(state)

    def _resume(self) -> bool:
        """Stand where an earlier walk stood, with all that it had collected, if there was one."""
        if self._keeper is None:
            return False
        kept = self._keeper.load()
        if self._keeper.tracks_other_run:
            self._progress.note("an unfinished run of other input or options is replaced")
        if kept is None:
            return False
        found = kept.solutions, kept.transitions
        self._assembly = Assembly(self._channel, self._options, *found)
        self._postponed = (
            None if kept.postponed is None else from_fields(self._channel, kept.postponed)
        )
        kept.restore_rng(self._rng)
        self._progress.note(f"going on after {len(kept.solutions)} finished points")
        self._progress.advance(kept.solutions[-1].i_ty)
        self._stand(from_fields(self._channel, kept.state), kept.next_beta)
        return True

    def _start(self, state: SolvedState) -> None:
        """Stand at beta = 1, at the representation that is optimal just above.

        The trivial `state`, or the groups.
        """
        channel = self._channel
        if self._groups.max() > 0:
            state = state_of_groups(channel, self._groups)
            parting = parting_of_groups(channel, self._groups, state)
            self._assembly.add_passage(Passage((), (parting,)))
            self._keep(state)
        self._stand(self._as_kept(state), math.nan)

    def _reach(self, state: SolvedState, beta: float) -> SolvedState:
        """The certified state at `beta`, with everything that happens on the way recorded.

        Or that just above the first transition on the way: among many classes transitions are
        close upon one another, and what would be solved beyond the first is solved again.
        """
        channel, options, rng = self._channel, self._options, self._rng
        many = channel.n_classes >= MANY_CLASSES
        # A branch just past a transition violates optimality by less than the tolerance.
        aims = dataclasses.replace(options, target=SHARP) if many else options
        branch = continued(channel, state, beta, aims, rng)
        may_step = many and self._postponed is None
        fails = may_step and branch is not None and branch.gap > aims.aim_at(beta)
        # Of a soft mode nothing that fails is the first to do so.
        if fails and branch is not None and not _are_soft(state, branch):
            found = first_transition(channel, state, branch, options, rng)
            deadline.check()
            if found is not None:
                passage, above = found
                assert self._standing is not None
                self._pending.append(_Waiting(passage, self._standing))
                self._settle(but=_MOST_PENDING)
                self._keep(above)
                return above
        ahead = optimal_from(channel, state, branch, beta, options, rng)
        # What was solved in too little time is no point of the curve.
        deadline.check()
        if not ahead.stays or self._postponed is not None:
            origin = self._postponed or state
            known = None if self._postponed is not None else branch
            between = resolve(channel, origin, ahead.state, options, rng, known)
            self._settle()
            self._assembly.add_passage(between, to_solution(channel, ahead.state))
            self._postponed = between.postponed
        self._keep(ahead.state)
        return ahead.state

    def _next_beta(self, state: SolvedState) -> float:
        """Where I(X;T) or I(T;Y) will have advanced by its spacing, or past the next event.

        From beta = 1 that is the onset.

        A step that ends soon after the event leaves no room for a second one.
        """
        if state.beta <= 1.0:
            return 1 + PAST_ONSET * (onset_beyond_one(self._channel, self._groups) - 1)
        slope = state.slope
        spacing = min(self._limits.spacing / state.beta, self._limits.spacing_ty)
        step = spacing / max(slope.i_ty, 1e-300)
        step = min(step, (_GROWTH - 1) * (state.beta - 1))
        # In a soft mode something fails at every step, and nothing happens.
        soft = is_soft(state)
        coming = math.inf if soft else next_failure(self._channel, state, slope) - state.beta
        least = max(_SHORTEST * (state.beta - 1), self._after_nothing())
        return state.beta + min(step, max(_PAST_EVENT * coming, least))

    def _after_nothing(self) -> float:
        """Twice the last step where it was a short one, to an event that did not come; else zero.

        Modes that are soft to rounding foretell events at every step. Only points that are kept
        decide, so that a walk that goes on from a file takes the same steps.
        """
        if len(self._assembly.solutions) < 2:
            return 0.0
        before, last = self._assembly.solutions[-2:]
        is_short = last.i_xt - before.i_xt < _SHORT * self._limits.spacing
        same = before.n_clusters == last.n_clusters
        return 2.0 * (last.beta - before.beta) if is_short and same else 0.0

    def _finished(self, state: SolvedState) -> str | None:
        if self._assembly.solutions[-1].i_ty >= self._limits.fraction:
            return self._verdict()
        if state.beta >= self._limits.beta_max:
            return f"ended at beta_max = {self._limits.beta_max:g}; raise beta_max to go on"
        return None

    def _verdict(self) -> str:
        self._settle()
        self._assembly.put_in_order()
        points = self._assembly.solutions
        loose = [s for s in points if not s.converged]
        if not loose:
            return CONVERGED
        worst = max(loose, key=lambda s: s.gap)
        return (
            f"{len(loose)} of {len(points)} points did not reach the tolerance, the worst "
            f"with a gap of {worst.gap:.3g} nats at beta = {worst.beta:.6g}; raise tol"
        )

    def _stop_at_cap(self) -> str:
        """Drop what lies beyond the cap on clusters and say where the curve ends."""
        self._settle()
        cap = self._limits.max_clusters
        self._assembly.cut_above(cap)
        last = self._assembly.solutions[-1]
        return (
            f"ended at beta = {last.beta:.6g}, where I(T;Y) is "
            f"{last.i_ty / self._channel.i_xy:.1%} of I(X;Y): the optimum beyond it has more than "
            f"{cap} clusters; raise max_clusters to go on"
        )

    def _keep(self, state: SolvedState) -> None:
        solution = to_solution(self._channel, state)
        points = self._assembly.solutions
        before = points[-1].i_ty if points else 0.0
        self._assembly.add(solution)
        self._progress.advance(max(0.0, solution.i_ty - before))

    def _settle(self, but: int = 0) -> None:
        """Take the transitions that wait for their spinodals, but the last few."""
        while len(self._pending) > but:
            first, *later = self._pending
            try:
                passage = first.finish()
            except BaseException:
                # What comes after it is no curve without it.
                self._pending, self._standing = [], first.began
                self._go_back()
                raise
            stands = {id(p): p for p in (self._standing, *(waiting.began for waiting in later))}
            stands.pop(id(first.began), None)
            for assembly in (self._assembly, *(p.collected for p in stands.values() if p)):
                assembly.add_passage(passage)
            self._pending = later


def _are_soft(state: SolvedState, branch: SolvedState) -> bool:
    return is_soft(state) and is_soft(branch)
