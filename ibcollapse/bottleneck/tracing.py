"""Tracing the certified curve over beta, transition by transition."""

import dataclasses
import math

import numpy as np

from ibcollapse.bottleneck.branch import follow, tangent
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.crossing import Passage, coalesce
from ibcollapse.bottleneck.curve import IBCurve
from ibcollapse.bottleneck.degenerate import deterministic_curve, is_deterministic
from ibcollapse.bottleneck.mixture import trivial_mixture
from ibcollapse.bottleneck.resolving import resolve
from ibcollapse.bottleneck.searching import Options, search
from ibcollapse.bottleneck.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.solver import SolvedState, solve_state, to_solution
from ibcollapse.bottleneck.stability import onset_beta_local
from ibcollapse.bottleneck.transition import PhaseTransition
from ibcollapse.errors import InputError
from ibcollapse.progress import SILENT, Progress

# Below this many nats I(X;Y) is rounding and there is no curve.
_NO_INFORMATION = 1e-12
# Betas are stepped so that beta − 1 grows at most by this factor.
_GROWTH = 2.0


@dataclasses.dataclass(frozen=True)
class Limits:
    """Where a curve ends: fraction of I(X;Y), clusters, beta, and the number of points."""

    fraction: float
    max_clusters: int
    beta_max: float
    spacing: float


class CurveInterrupted(KeyboardInterrupt):
    """Ctrl-C during a trace; `curve` holds everything that was finished."""

    def __init__(self, curve: IBCurve) -> None:
        super().__init__(f"interrupted after {len(curve.solutions)} points")
        self.curve = curve


def trace_curve(
    channel: Channel,
    *,
    fraction: float = 0.9,
    max_clusters: int | None = None,
    beta_max: float = math.inf,
    n_points: int = 50,
    tol: float = 1e-9,
    seed: int = 0,
    progress: Progress = SILENT,
) -> IBCurve:
    """Certified information curve from the onset upwards, with every phase transition.

    Steps along beta so that I(X;T) advances by about H(Y)/`n_points`, predicts each state from the
    tangent of the branch, refines and certifies it; where the followed atoms stop being optimal,
    every transition in between is located (`ibcollapse.bottleneck.resolving`).

    Parameters
    ----------
    channel : Channel
        Reduce it first when it has many points.
    fraction : float
        Stop once I(T;Y) reaches this fraction of I(X;Y).
    max_clusters : int, optional
        Stop before a solution with more clusters; default 2 n_classes + 4. The true optimum has
        ever more clusters as beta grows.
    beta_max : float
        Stop at this beta.
    n_points : int
        Points per H(Y) of I(X;T); transitions are added to them.
    tol : float
        Optimality gap in nats of every point.
    seed : int
        Of the search for violators.
    progress : Progress
        Advanced by the share of I(X;Y) covered.

    Returns
    -------
    IBCurve
        `status` is "converged" when it ends at `fraction`, else it says what stopped it.

    Raises
    ------
    InputError
        When an option is out of range.
    """
    limits = _limits(channel, fraction, max_clusters, beta_max, n_points)
    merged = channel.reduce()
    if merged.i_xy <= _NO_INFORMATION:
        lone = solve_state(merged, 1.0, trivial_mixture(merged), Options(), np.random.default_rng())
        status = "I(X;Y) is zero: the trivial representation is optimal at every beta"
        return _curve(channel, [to_solution(merged, lone)], [], status)
    if is_deterministic(merged):
        return deterministic_curve(merged)
    tracer = _Tracer(merged, limits, Options(tol=tol), np.random.default_rng(seed), progress)
    return tracer.run()


def find_transitions(channel: Channel, **options: object) -> tuple[PhaseTransition, ...]:
    """Every phase transition of the channel up to where `trace_curve(channel, **options)` ends."""
    return trace_curve(channel, **options).transitions  # type: ignore[arg-type]


def _limits(
    channel: Channel, fraction: float, max_clusters: int | None, beta_max: float, n_points: int
) -> Limits:
    if not 0 < fraction <= 1:
        raise InputError(f"fraction is {fraction}, expected a share of I(X;Y) in (0, 1]")
    if max_clusters is not None and max_clusters < 1:
        raise InputError(f"max_clusters is {max_clusters}, expected at least 1")
    if not beta_max > 1:
        raise InputError(f"beta_max is {beta_max}, expected more than 1: below it T is trivial")
    if n_points < 2:
        raise InputError(f"n_points is {n_points}, expected at least 2")
    most = max_clusters if max_clusters is not None else 2 * channel.n_classes + 4
    spacing = max(channel.h_y, 1e-9) / n_points
    return Limits(fraction * channel.i_xy * (1 - 1e-12), most, beta_max, spacing)


def _curve(
    channel: Channel,
    solutions: list[IBSolution],
    transitions: list[PhaseTransition],
    status: str,
) -> IBCurve:
    return IBCurve(
        solutions=tuple(solutions),
        transitions=tuple(transitions),
        i_xy=channel.i_xy,
        h_y=channel.h_y,
        class_names=channel.class_names,
        status=status,
    )


class _Tracer:
    """The walk up the curve: where it stands and what it has collected."""

    def __init__(
        self,
        channel: Channel,
        limits: Limits,
        options: Options,
        rng: np.random.Generator,
        progress: Progress,
    ) -> None:
        self._channel, self._limits, self._options = channel, limits, options
        self._rng, self._progress = rng, progress
        self._solutions: list[IBSolution] = []
        self._transitions: list[PhaseTransition] = []
        self._postponed: SolvedState | None = None

    def run(self) -> IBCurve:
        """Walk until a limit is reached; Ctrl-C hands over what there is."""
        try:
            status = self._walk()
        except KeyboardInterrupt:
            reached = self._solutions[-1].beta if self._solutions else 1.0
            raise CurveInterrupted(self._curve(f"interrupted at beta = {reached:.9g}")) from None
        self._progress.finish()
        return self._curve(status)

    def _curve(self, status: str) -> IBCurve:
        return _curve(self._channel, self._solutions, self._transitions, status)

    def _walk(self) -> str:
        channel = self._channel
        self._progress.start("tracing the curve", total=self._limits.fraction)
        state = solve_state(channel, 1.0, trivial_mixture(channel), self._options, self._rng)
        self._keep(state)
        next_beta = 1 + 1.001 * (onset_beta_local(channel) - 1)
        while True:
            next_beta = min(next_beta, self._limits.beta_max)
            state = self._reach(state, next_beta)
            if state.mixture.n_t > self._limits.max_clusters:
                return self._stop_at_cap()
            status = self._finished(state)
            if status is not None:
                return status
            next_beta = self._next_beta(state)

    def _reach(self, state: SolvedState, beta: float) -> SolvedState:
        """The certified state at `beta`, with everything that happens on the way recorded."""
        ahead = self._follow(state, beta)
        if ahead is None or self._postponed is not None:
            if ahead is None:
                ahead = solve_state(self._channel, beta, state.mixture, self._options, self._rng)
            origin = self._postponed or state
            self._record(resolve(self._channel, origin, ahead, self._options, self._rng))
        self._keep(ahead)
        return ahead

    def _follow(self, state: SolvedState, beta: float) -> SolvedState | None:
        """The same branch at `beta` when it is still optimal there."""
        if state.mixture.n_t == 1:
            return None
        channel, options = self._channel, self._options
        slope = tangent(channel, state.mixture, state.evaluation, state.beta)
        ended = follow(channel, state.mixture, slope, state.beta, beta)
        if ended is None:
            return None
        found = search(
            channel, ended.mixture, ended.evaluation, beta, options, self._rng, state.maxima.log_r
        )
        if found.gap > options.tol:
            return None
        return SolvedState(
            beta,
            ended.mixture,
            ended.evaluation,
            found.gap,
            found.how,
            found.maxima,
            ended.residual,
            ended.n_sweeps,
            CONVERGED,
        )

    def _next_beta(self, state: SolvedState) -> float:
        """Where I(X;T) will have advanced by the spacing, to first order."""
        slope = tangent(self._channel, state.mixture, state.evaluation, state.beta).i_ty
        step = self._limits.spacing / max(state.beta * slope, 1e-300)
        return state.beta + min(step, (_GROWTH - 1) * (state.beta - 1))

    def _finished(self, state: SolvedState) -> str | None:
        if self._solutions[-1].i_ty >= self._limits.fraction:
            return self._verdict()
        if state.beta >= self._limits.beta_max:
            return f"ended at beta_max = {self._limits.beta_max:g}; raise beta_max to go on"
        return None

    def _verdict(self) -> str:
        loose = [s for s in self._solutions if not s.converged]
        if not loose:
            return CONVERGED
        worst = max(loose, key=lambda s: s.gap)
        return (
            f"{len(loose)} of {len(self._solutions)} points did not reach the tolerance, the worst "
            f"with a gap of {worst.gap:.3g} nats at beta = {worst.beta:.6g}; raise tol"
        )

    def _stop_at_cap(self) -> str:
        """Drop what lies beyond the cap on clusters and say where the curve ends."""
        cap = self._limits.max_clusters
        self._solutions = [s for s in self._solutions if s.n_clusters <= cap]
        self._transitions = [t for t in self._transitions if t.clusters_after <= cap]
        last = self._solutions[-1]
        return (
            f"ended at beta = {last.beta:.6g}, where I(T;Y) is "
            f"{last.i_ty / self._channel.i_xy:.1%} of I(X;Y): the optimum beyond it has more than "
            f"{cap} clusters; raise max_clusters to go on"
        )

    def _keep(self, state: SolvedState) -> None:
        solution = to_solution(self._channel, state)
        before = self._solutions[-1].i_ty if self._solutions else 0.0
        self._solutions.append(solution)
        self._progress.advance(max(0.0, solution.i_ty - before))

    def _record(self, passage: Passage) -> None:
        self._solutions.extend(passage.solutions)
        self._transitions = coalesce([*self._transitions, *passage.transitions])
        self._postponed = passage.postponed
