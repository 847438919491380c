"""Both branches around a phase transition, each followed until it loses its stability."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.components import is_deterministic
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.continuation.annealing import anneal, is_stable
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.deadline import OUT_OF_TIME, OutOfTimeError, deadline, is_over, kept
from ibcollapse.bottleneck.objective.mixture import trivial_mixture
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.solver.column_generation import SolvedState, solve_state
from ibcollapse.bottleneck.solver.tangent import tangent
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]

# Shares of beta − 1: first step, smallest step and reach of the walk along a branch.
_FIRST_STEP = 1e-3
_LAST_STEP = 1e-9
_FARTHEST = 2.0
# Annealing passes the ends of stability this closely on both sides (share of beta − 1).
_BESIDE = 1e-6
# Around the loop as much again is shown; at least this share of beta − 1.
_MARGIN = 0.3
_LEAST_MARGIN = 0.02


@register("bottleneck/Hysteresis")
@dataclasses.dataclass(frozen=True)
class Hysteresis:
    """What annealing upwards and downwards through a transition finds.

    Attributes
    ----------
    transition : PhaseTransition
        The global transition in between.
    up, down : tuple of IBSolution
        Local optima in the order in which they were met: by increasing and by decreasing beta.
        Their gaps say how far (nats, at most) they are from the global optimum.
    beta_up : float
        Where the lower branch loses local stability (spinodal) or, at a "death", its atom; inf
        when it was still stable at twice the transition's beta − 1.
    beta_down : float
        Where the upper branch, followed downwards, loses its stability. At a "split" and a
        "nucleation" that is the transition itself, where the new atoms vanish.
    status : str
        "converged", or that the time was up: then there are no solutions, and an end of stability
        that was not found is NaN.
    """

    transition: PhaseTransition
    up: tuple[IBSolution, ...]
    down: tuple[IBSolution, ...]
    beta_up: float
    beta_down: float
    status: str = CONVERGED

    @property
    def converged(self) -> bool:
        """Whether both branches were followed to their ends."""
        return self.status == CONVERGED

    @property
    def width(self) -> float:
        """Length of the interval of betas in which the two ways differ."""
        return self.beta_up - self.beta_down


@on_one_blas_thread
def trace_hysteresis(
    channel: ChannelLike,
    transition: PhaseTransition,
    *,
    n_points: int = 24,
    tol: float = 1e-9,
    seed: int = 0,
    time_limit: float = math.inf,
) -> Hysteresis:
    """Local optima met by annealing up and down through `transition`, with the ends of stability.

    Parameters
    ----------
    channel : Channel
        The channel whose transition it is, reduced as it was when the transition was found.
    transition : PhaseTransition
        From `find_transitions` or a curve.
    n_points : int
        Betas each way.
    tol : float
        Optimality gap in nats below which a solution counts as globally optimal.
    seed : int
        Of the search for violators.
    time_limit : float
        Seconds after which only what is known of the ends of stability is handed over.

    Raises
    ------
    InputError
        When Y is a function of X (all of beta = 1 is degenerate) or n_points < 4.
    """
    channel = as_channel(channel)
    if n_points < 4:
        raise InputError(f"n_points is {n_points}, expected at least 4")
    until = deadline(time_limit)
    merged = channel.reduce()
    if is_deterministic(merged):
        raise InputError(
            "Y is a function of X: its only transition, at beta = 1, has no branches to follow; "
            "use solve_rate or solve_convex between its two ends"
        )
    options, rng = Options(tol=tol, rigorous=False), np.random.default_rng(seed)
    beta_up = beta_down = math.nan
    try:
        with kept(until):
            beta_up = _end_of_lower_branch(merged, transition, options, rng)
            beta_down = _end_of_upper_branch(merged, transition, options, rng)
            grid = _grid(transition.beta, beta_down, beta_up, n_points)
            lowest = solve_state(merged, float(grid[0]), trivial_mixture(merged), options, rng)
            highest = solve_state(merged, float(grid[-1]), lowest.mixture, options, rng)
            up, down = anneal(merged, lowest.mixture, highest.mixture, grid, options)
    except OutOfTimeError:
        if not is_over(until):
            raise
        status = f"{OUT_OF_TIME} before both branches were annealed; raise time_limit"
        return Hysteresis(transition, (), (), beta_up, beta_down, status)
    return Hysteresis(transition, up, down, beta_up, beta_down)


def _grid(beta: float, beta_down: float, beta_up: float, n_points: int) -> Array:
    """Betas across the loop, with a pair close around each of its ends."""
    top = beta_up if math.isfinite(beta_up) else 1 + _FARTHEST * (beta - 1)
    margin = max(_MARGIN * (top - beta_down), _LEAST_MARGIN * (beta - 1))
    low = max(beta_down - margin, 1 + 0.5 * (beta_down - 1))
    pairs = [1 + (end - 1) * (1 + s) for end in (beta_down, top) for s in (-_BESIDE, _BESIDE)]
    even = np.linspace(low, top + margin, max(n_points - len(pairs), 2))
    return np.unique(np.concatenate([even, pairs]))


def _end_of_lower_branch(
    channel: Channel, transition: PhaseTransition, options: Options, rng: np.random.Generator
) -> float:
    if transition.mechanism == "death":
        return transition.beta
    if math.isfinite(transition.beta_local):
        return max(transition.beta_local, transition.beta)
    below = 1 + (transition.beta - 1) * (1 - _BESIDE)
    state = solve_state(channel, below, trivial_mixture(channel), options, rng)
    return _walk(channel, state, 1 + _FARTHEST * (transition.beta - 1))


def _end_of_upper_branch(
    channel: Channel, transition: PhaseTransition, options: Options, rng: np.random.Generator
) -> float:
    if transition.mechanism in ("split", "nucleation"):
        # The weight or the distance of the new atoms vanishes there.
        return transition.beta
    beta = 1 + (transition.beta - 1) * (1 + _BESIDE)
    state = solve_state(channel, beta, trivial_mixture(channel), options, rng)
    lost = _walk(channel, state, 1 + (transition.beta - 1) / _FARTHEST)
    return min(lost, transition.beta) if math.isfinite(lost) else 1.0


def _walk(channel: Channel, state: SolvedState, limit: float) -> float:
    """Where the branch of `state`, followed towards `limit`, ends; ±inf when beyond it."""
    mixture, evaluation, here = state.mixture, state.evaluation, state.beta
    direction = math.copysign(1.0, limit - here)
    step = _FIRST_STEP * (here - 1)
    while step > _LAST_STEP * (here - 1):
        there = here + direction * step
        if direction * (there - limit) > 0:
            return direction * math.inf
        ended = follow(channel, mixture, tangent(channel, mixture, evaluation, here), here, there)
        if ended is None or not is_stable(channel, ended.mixture, ended.evaluation, there):
            step /= 2
            continue
        mixture, evaluation, here = ended.mixture, ended.evaluation, there
        step *= 1.5
    return here
