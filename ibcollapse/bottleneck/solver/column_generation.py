"""The globally optimal representation at one beta, by column generation over atoms."""

import dataclasses
import functools
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.deadline import (
    OUT_OF_TIME,
    OutOfTimeError,
    deadline,
    is_over,
    kept,
    seconds_left,
)
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.kernels.hills import SAME_BASIN
from ibcollapse.bottleneck.objective.distances import from_nearest
from ibcollapse.bottleneck.objective.hessian import Curvature, curvature
from ibcollapse.bottleneck.objective.mixture import (
    UNIT,
    Evaluation,
    Mixture,
    evaluate,
    information,
    is_crowded,
    trivial_mixture,
)
from ibcollapse.bottleneck.objective.stability import Splits, leading_splits
from ibcollapse.bottleneck.pricing.ascent import Maxima
from ibcollapse.bottleneck.pricing.oracle import HIDDEN, Options, Search, search
from ibcollapse.bottleneck.results.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.solver.basic_solution import basic_solution
from ibcollapse.bottleneck.solver.birth import Birth
from ibcollapse.bottleneck.solver.capped import shrink
from ibcollapse.bottleneck.solver.growth import grown
from ibcollapse.bottleneck.solver.initial import first_guess
from ibcollapse.bottleneck.solver.newton import Descent, as_it_is
from ibcollapse.bottleneck.solver.sufficient_statistic import (
    LARGEST_BETA,
    beyond,
    gap_of_rows,
    sufficient_solution,
)
from ibcollapse.bottleneck.solver.support import STATIONARY, enlarged, join, refine
from ibcollapse.bottleneck.solver.tangent import Tangent, tangent
from ibcollapse.errors import InputError

Array = NDArray[np.float64]

# Rounds in a row that lower the free energy by no more than rounding.
_MOST_STALLS = 2
_LEAST_GAIN = 1e-15
# Gaps this many times the aim are worth another start where nothing is gained any more.
_WORTHWHILE = 2.0
# With so many numbers to find, a gap larger than this (nats) is closed roughly, and no state on the
# way has to be stationary beyond this share of its gap.
_MANY_VARIABLES = 1000
_FAR = 1e-3
_ROUGHLY = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class SolvedState:
    """A refined state with its certificate; what the curve follows from beta to beta.

    `gap` is in nats, `maxima` are the local maxima of Φ that the search met, `hessian` is that of F
    where the descent left one, maybe that of a state close by. What the walk asks for where it
    plans a step and again where it takes it is computed once.
    """

    channel: Channel = dataclasses.field(repr=False)
    beta: float
    mixture: Mixture
    evaluation: Evaluation
    gap: float
    gap_search: str
    maxima: Maxima
    residual: float
    n_sweeps: int
    status: str
    hessian: Curvature | None = None

    @property
    def ended(self) -> Descent:
        """The state as a descent leaves it."""
        return Descent(self.mixture, self.evaluation, self.residual, self.n_sweeps, self.hessian)

    @property
    def hills(self) -> Array:
        """The maxima of Φ that are no atoms, log decoders (n, n_classes)."""
        away = from_nearest(self.maxima.log_r, self.mixture.log_r)
        hills: Array = self.maxima.log_r[away > SAME_BASIN * closeness(self.beta)]
        return hills

    @functools.cached_property
    def curvature(self) -> Curvature:
        """The Hessian of F at the state itself."""
        # What costs nothing to make is of the state itself, not of one close by.
        if self.hessian is not None and self.hessian.is_cheap:
            return self.hessian
        return curvature(self.channel, self.mixture, self.evaluation, self.beta)

    @functools.cached_property
    def slope(self) -> Tangent:
        """The tangent of its branch."""
        return tangent(self.channel, self.mixture, self.evaluation, self.beta, self.curvature)

    @functools.cached_property
    def splits(self) -> Splits:
        """Where its least stable atoms split."""
        return leading_splits(self.channel, self.mixture, self.evaluation, self.beta)

    @classmethod
    def of(
        cls,
        channel: Channel,
        beta: float,
        ended: Descent,
        found: Search,
        status: str = CONVERGED,
    ) -> "SolvedState":
        """The state in which a descent ended, with what the search for violators found of it."""
        return cls(
            channel,
            beta,
            ended.mixture,
            ended.evaluation,
            found.gap,
            found.how,
            found.maxima,
            ended.residual,
            ended.n_sweeps,
            status,
            ended.hessian,
        )


@on_one_blas_thread
def solve(
    channel: ChannelLike,
    beta: float,
    *,
    max_clusters: int | None = None,
    tol: float = 1e-9,
    seed: int = 0,
    time_limit: float = math.inf,
) -> IBSolution:
    """Globally optimal information-bottleneck solution at `beta`, with its optimality gap.

    Minimises I(X;T) − beta I(T;Y) over all representations T, of any size. Column generation:
    refine the atoms to a stationary point (Newton), search the class simplex for decoders r with
    Φ(r) > 1 (see `certify`), add all of them, solve the convex problem in the weights, repeat.

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y).
    beta : float
        Trade-off, ≥ 0. At beta ≤ 1 the trivial representation is optimal (data processing), at
        large beta T tells all rows of p(y|x) apart.
    max_clusters : int, optional
        Largest number of clusters; the gap then says what the cap costs.
    tol : float
        Largest optimality gap in nats, log max Φ ≤ tol, that counts as converged.
    seed : int
        Of the random starting rows of the search for violators; the result does not depend on it
        beyond `tol`.
    time_limit : float
        Seconds after which the best solution so far is handed over. Where its search for violators
        was not finished its gap is what data processing proves (`IBSolution.gap_search`).

    Returns
    -------
    IBSolution
        With `status` "converged" when gap ≤ tol, else a sentence naming the argument to change.

    Raises
    ------
    InputError
        When beta is negative or not finite, tol or time_limit is not positive, or
        max_clusters < 1.

    References
    ----------
    Tishby, Pereira, Bialek (1999), arXiv physics/0004057; Harremoës and Tishby (2007), doi
    10.1109/ISIT.2007.4557285; column generation as in Lindsay (1983), doi 10.1214/aos/1176346059.

    Examples
    --------
    >>> channel = Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])
    >>> solution = solve(channel, beta=2.0)
    >>> round(solution.i_xt / math.log(2), 6), solution.status
    (0.696433, 'converged')
    """
    channel = as_channel(channel)
    check_beta(beta)
    check_tol(tol)
    if max_clusters is not None and max_clusters < 1:
        raise InputError(f"max_clusters is {max_clusters}, expected at least 1")
    options = Options(tol=tol, max_clusters=max_clusters, until=deadline(time_limit))
    merged = channel.reduce()
    if HIDDEN * UNIT * beta >= tol and merged.i_xy > 0:
        large = _at_large_beta(merged, beta, options, seed)
        if large is not None:
            return large
    start, n_maps = first_guess(merged, beta, options.until)
    if max_clusters is not None and start.n_t > max_clusters:
        start = trivial_mixture(merged)
    state = solve_state(merged, beta, start, options, np.random.default_rng(seed))
    return to_solution(merged, dataclasses.replace(state, n_sweeps=state.n_sweeps + n_maps))


def _at_large_beta(channel: Channel, beta: float, options: Options, seed: int) -> IBSolution | None:
    """The solution where rounding hides a gap of the tolerance, unless iterating does as well."""
    most = channel.n_x if options.max_clusters is None else options.max_clusters
    if most >= channel.n_x:
        try:
            with kept(options.until):
                gap = gap_of_rows(channel, beta, options.tol)
        except OutOfTimeError:
            if not is_over(options.until):
                raise
            gap = math.inf
        if gap <= options.tol or beta > LARGEST_BETA:
            return sufficient_solution(channel, beta, gap, options.tol)
    if beta <= LARGEST_BETA:
        return None
    limit = seconds_left(options.until)
    at_most = {"max_clusters": options.max_clusters, "seed": seed, "time_limit": limit}
    largest = solve(channel, LARGEST_BETA, tol=options.tol, **at_most)  # type: ignore[arg-type]
    return beyond(largest, beta, channel.i_xy)


def check_beta(beta: float) -> None:
    """Raise `InputError` unless beta is finite and not negative."""
    if not math.isfinite(beta):
        raise InputError(
            f"beta is {beta}, expected a finite trade-off; as beta grows T becomes the minimal "
            "sufficient statistic, which channel.reduce() gives directly"
        )
    if beta < 0:
        raise InputError(f"beta is {beta}, expected at least 0")


def check_tol(tol: float) -> None:
    """Raise `InputError` unless the tolerance is positive and finite."""
    if not (math.isfinite(tol) and tol > 0):
        raise InputError(f"tol is {tol}, expected positive nats such as 1e-9")


def solve_state(
    channel: Channel,
    beta: float,
    start: Mixture,
    options: Options,
    rng: np.random.Generator,
    hints: Array | None = None,
) -> SolvedState:
    """Certified state at `beta` from a warm start; `channel` must have distinct rows.

    `hints` (n, n_classes) are log decoders near which maxima of Φ are expected.
    """
    if beta <= 1 or channel.n_classes == 1 or channel.i_xy <= 0:
        return proven_state(channel, trivial_mixture(channel), beta)
    latest: list[tuple[Descent, Search | None]] = []
    try:
        with kept(options.until):
            return _generate(channel, beta, start, options, rng, hints, latest)
    except OutOfTimeError:
        if not is_over(options.until):
            raise
    ended, found = latest[0] if latest else (as_it_is(channel, start, beta), None)
    if found is None or not found.is_thorough:
        found = Search.unfinished(channel, ended.evaluation, beta, options)
    status = CONVERGED if found.gap <= options.tol else _late(found.gap)
    return SolvedState.of(channel, beta, ended, found, status)


def _generate(
    channel: Channel,
    beta: float,
    start: Mixture,
    options: Options,
    rng: np.random.Generator,
    hints: Array | None,
    latest: list[tuple[Descent, Search | None]],
) -> SolvedState:
    """What `solve_state` says; `latest` holds the last stationary state and the search of it."""
    # Maps of growing atoms count in the result, not against the limit of a descent's sweeps.
    state, n_sweeps, n_grown, stalls = basic_solution(channel, start, beta), 0, 0, 0
    best = whole_gap = math.inf
    # What is left to gain, nats, where there are so many variables that only this much matters.
    at_stake = 0.0
    while True:
        most = max(1, options.max_sweeps - n_sweeps)
        tol = max(STATIONARY, (_ROUGHLY * at_stake) ** 2)
        ended = refine(channel, state, beta, tol=tol, max_sweeps=most, until=options.until)
        n_sweeps += ended.n_sweeps
        latest[:] = [(dataclasses.replace(ended, n_sweeps=n_sweeps), None)]
        searched = (channel, ended.mixture, ended.evaluation, beta, options, rng)
        if at_stake > _FAR:
            found = search(*searched, hints, suspect=_FAR)
        else:
            found = search(*searched, hints, enough=options.aim_at(beta))
        gained = best - ended.evaluation.free_energy
        best = min(best, ended.evaluation.free_energy)
        stalls = stalls + 1 if not gained > _LEAST_GAIN else 0
        is_last = _status(found.gap, n_sweeps, stalls, beta, options) is not None
        if is_last and not found.is_thorough:
            found = search(*searched, found.maxima.log_r, suspect=math.inf)
        if found.is_thorough:
            # What other searches had missed is something new to try.
            stalls = 0 if found.gap < 0.5 * whole_gap else stalls
            whole_gap = found.gap
        latest[0] = latest[0][0], found
        hints = found.maxima.log_r
        violators = hints[found.maxima.log_phi > 0.1 * options.aim_at(beta)]
        if len(violators) == 0:
            # Only the bound of an exhaustive search is above the aim: there is no atom to add.
            stalls = _MOST_STALLS
        if stalls and len(violators) and found.gap > _WORTHWHILE * options.aim_at(beta):
            # Near beta = 1 the best weight of a new atom is next to nothing while all others'
            # decoders stay: it begins with what is best when they follow, or with much.
            birth = Birth.at(channel, ended, beta, violators[0])
            starts = (birth.guess(ended.mixture, found.gap), join(ended.mixture, violators))
            lower: Descent | None = None
            for whole in filter(None, starts):
                heavy = refine(channel, whole, beta, max_sweeps=most, until=options.until)
                n_sweeps += heavy.n_sweeps
                if heavy.evaluation.free_energy < ended.evaluation.free_energy - _LEAST_GAIN:
                    lower = heavy
                    break
            if lower is not None:
                state = basic_solution(channel, lower.mixture, beta)
                continue
        status = _status(found.gap, n_sweeps, stalls, beta, options)
        if status is not None:
            break
        state = enlarged(channel, ended.mixture, violators, beta)
        many = state.log_r.size > _MANY_VARIABLES and is_crowded(channel, state.n_t)
        at_stake = found.gap if many else 0.0
        if at_stake > _FAR and options.max_clusters is None:
            state, n_maps = grown(channel, state, beta, at_stake, rng)
            n_grown += n_maps
        if options.max_clusters is not None and state.n_t > options.max_clusters:
            state = _capped(channel, state, beta, options.max_clusters)
            gained = best - evaluate(channel, state, beta).free_energy
            if gained <= options.tol:
                if not found.is_thorough:
                    found = search(*searched, hints, suspect=math.inf)
                status = (
                    f"capped at {options.max_clusters} clusters with a gap of {found.gap:.3g} "
                    "nats; raise max_clusters"
                )
                break
    ended = dataclasses.replace(ended, n_sweeps=n_sweeps + n_grown)
    return SolvedState.of(channel, beta, ended, found, status)


def _capped(channel: Channel, mixture: Mixture, beta: float, max_clusters: int) -> Mixture:
    smaller = shrink(channel, mixture, beta, max_clusters)
    return refine(channel, smaller, beta).mixture


def _status(gap: float, n_sweeps: int, stalls: int, beta: float, options: Options) -> str | None:
    exhausted = n_sweeps >= options.max_sweeps
    if gap <= options.aim_at(beta) or (
        gap <= options.tol and (exhausted or stalls >= _MOST_STALLS)
    ):
        return CONVERGED
    if exhausted:
        return f"stopped after {n_sweeps} sweeps with a gap of {gap:.3g} nats; raise max_sweeps"
    if stalls >= _MOST_STALLS:
        return f"nothing lowers the Lagrangian any more at a gap of {gap:.3g} nats; raise tol"
    return None


def _late(gap: float) -> str:
    return f"{OUT_OF_TIME} at a gap of {gap:.3g} nats; raise time_limit"


def proven_state(channel: Channel, mixture: Mixture, beta: float = 1.0) -> SolvedState:
    """A state at beta ≤ 1, or without information, with Lagrangian zero: data processing."""
    evaluation = evaluate(channel, mixture, beta)
    maxima = Maxima(mixture.log_r, np.zeros(mixture.n_t))
    proven = 0.0, "exhaustive", maxima, 0.0, 1, CONVERGED
    return SolvedState(channel, beta, mixture, evaluation, *proven)


def to_solution(channel: Channel, state: SolvedState) -> IBSolution:
    """The public result of a state: informations of its encoder, atoms by decreasing weight."""
    i_xt, i_ty = information(channel, state.evaluation.joint, state.evaluation.p_t_given_x)
    order = np.argsort(-state.mixture.log_q, kind="stable")
    return IBSolution(
        beta=float(state.beta),
        i_xt=i_xt,
        i_ty=i_ty,
        lagrangian=i_xt - state.beta * i_ty,
        gap=state.gap,
        gap_search=state.gap_search,
        p_t=state.mixture.q[order],
        p_y_given_t=state.mixture.r[order],
        status=state.status,
        n_iterations=state.n_sweeps,
        residual=state.residual,
    )
