"""The globally optimal representation at one beta, by column generation over atoms."""

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck import certificate, exhaustive
from ibcollapse.bottleneck.capped import shrink
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import (
    Evaluation,
    Mixture,
    evaluate,
    information,
    trivial_mixture,
)
from ibcollapse.bottleneck.refinement import join, refine
from ibcollapse.bottleneck.solution import CONVERGED, IBSolution
from ibcollapse.bottleneck.weights import optimise_weights
from ibcollapse.errors import InputError

Array = NDArray[np.float64]

# Rounds in a row that lower the free energy by no more than rounding.
_MOST_STALLS = 3
_LEAST_GAIN = 1e-15


@dataclasses.dataclass(frozen=True, eq=False)
class SolvedState:
    """A refined state with its certificate; what the curve follows from beta to beta.

    `gap` is in nats, `maxima` are the local maxima of Φ that the search met.
    """

    beta: float
    mixture: Mixture
    evaluation: Evaluation
    gap: float
    gap_search: str
    maxima: certificate.Maxima
    residual: float
    n_sweeps: int
    status: str


@dataclasses.dataclass(frozen=True)
class Options:
    """What every solve of one run shares."""

    tol: float = 1e-9
    max_clusters: int | None = None
    rigorous: bool = True
    max_sweeps: int = 4000


def solve(
    channel: Channel,
    beta: float,
    *,
    max_clusters: int | None = None,
    tol: float = 1e-9,
    seed: int = 0,
) -> IBSolution:
    """Globally optimal information-bottleneck solution at `beta`, with its optimality gap.

    Minimises I(X;T) − beta I(T;Y) over all representations T, of any size. Column generation:
    refine the atoms to a stationary point (Newton), search the class simplex for decoders r with
    Φ(r) > 1 (see `certify`), add all of them, solve the convex problem in the weights, repeat.

    Parameters
    ----------
    channel : Channel
        p(x) and p(y|x).
    beta : float
        Trade-off, ≥ 0. At beta ≤ 1 the trivial representation is optimal (data processing).
    max_clusters : int, optional
        Largest number of clusters; the gap then says what the cap costs.
    tol : float
        Largest optimality gap in nats, log max Φ ≤ tol, that counts as converged.
    seed : int
        Of the random starting rows of the search for violators; the result does not depend on it
        beyond `tol`.

    Returns
    -------
    IBSolution
        With `status` "converged" when gap ≤ tol, else a sentence naming the argument to change.

    Raises
    ------
    InputError
        When beta is negative or not finite, tol is not positive, or max_clusters < 1.

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
    check_beta(beta)
    if not (math.isfinite(tol) and tol > 0):
        raise InputError(f"tol is {tol}, expected positive nats such as 1e-9")
    if max_clusters is not None and max_clusters < 1:
        raise InputError(f"max_clusters is {max_clusters}, expected at least 1")
    options = Options(tol=tol, max_clusters=max_clusters)
    merged = channel.reduce()
    state = solve_state(
        merged, beta, trivial_mixture(merged), options, np.random.default_rng(seed)
    )
    return to_solution(merged, state)


def check_beta(beta: float) -> None:
    """Raise `InputError` unless beta is finite and not negative."""
    if not math.isfinite(beta):
        raise InputError(
            f"beta is {beta}, expected a finite trade-off; as beta grows T becomes the minimal "
            "sufficient statistic, which channel.reduce() gives directly"
        )
    if beta < 0:
        raise InputError(f"beta is {beta}, expected at least 0")


def certify(
    channel: Channel,
    p_t: ArrayLike,
    p_y_given_t: ArrayLike,
    beta: float,
    *,
    tol: float = 1e-9,
    seed: int = 0,
) -> "Certification":
    """Optimality gap of anybody's solution, and where it is violated.

    The gap bounds, in nats, how far the free energy of (p_t, p_y_given_t) at `beta` lies above the
    global optimum: log max Φ over the class simplex (theory in `ibcollapse.bottleneck.certificate`).
    With at most three classes the maximum is bounded rigorously by branch and bound; with more it
    is the best of many local ascents.

    Raises
    ------
    InputError
        On weights or decoders of wrong shape, negative, not finite, or not summing to one.
    """
    check_beta(beta)
    mixture = _checked_mixture(channel, p_t, p_y_given_t)
    evaluation = evaluate(channel, mixture, beta)
    found = search(channel, mixture, evaluation, beta, Options(tol=tol), np.random.default_rng(seed))
    above = found.maxima.log_phi > tol
    return Certification(
        gap=found.gap,
        gap_search=found.how,
        lagrangian=evaluation.free_energy,
        violators=np.exp(found.maxima.log_r[above]),
        log_potential=found.maxima.log_phi[above],
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Certification:
    """Verdict on a solution.

    Attributes
    ----------
    gap : float
        log max Φ, nats: the Lagrangian is at most this far above the optimum.
    gap_search : str
        "exhaustive" (rigorous bound) or "multistart" (best maximum that was found).
    lagrangian : float
        Free energy F of the state, nats: an upper bound of its encoder's Lagrangian.
    violators : float64 (n, n_classes)
        Decoders with log Φ > tol, worst first; adding one as an atom lowers the Lagrangian.
    log_potential : float64 (n,)
        log Φ of the violators, nats.
    """

    gap: float
    gap_search: str
    lagrangian: float
    violators: Array
    log_potential: Array


def _checked_mixture(channel: Channel, p_t: ArrayLike, p_y_given_t: ArrayLike) -> Mixture:
    weights = np.asarray(p_t, dtype=np.float64)
    decoders = np.asarray(p_y_given_t, dtype=np.float64)
    if weights.ndim != 1 or decoders.shape != (len(weights), channel.n_classes):
        raise InputError(
            f"p_t has shape {weights.shape} and p_y_given_t {decoders.shape}, expected (n_t,) and "
            f"(n_t, {channel.n_classes})"
        )
    for name, values, axis in (("p_t", weights, 0), ("p_y_given_t", decoders, 1)):
        if not np.isfinite(values).all() or (values < 0).any():
            raise InputError(f"{name} has negative or non-finite entries; expected probabilities")
        if np.abs(values.sum(axis=axis) - 1).max() > 1e-6:
            raise InputError(f"{name} does not sum to one; normalise it")
    keep = weights > 0
    return Mixture.from_probabilities(weights[keep], decoders[keep])


@dataclasses.dataclass(frozen=True, eq=False)
class Search:
    """What a search for violators found: maxima of Φ, the gap (nats) and how it was searched."""

    maxima: certificate.Maxima
    gap: float
    how: str


def search(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    beta: float,
    options: Options,
    rng: np.random.Generator,
    hints: Array | None = None,
) -> Search:
    """Maxima of Φ and the gap; the rigorous bound only when the ascents find no violator."""
    log_v = certificate.potential_weights(channel, evaluation.log_z)
    starts = certificate.starting_decoders(channel, mixture, evaluation, beta, rng)
    if hints is not None:
        starts = np.concatenate([starts, hints])
    maxima = certificate.climb(channel, log_v, starts, beta)
    gap, how = max(0.0, float(maxima.log_phi[0])), "multistart"
    if options.rigorous and channel.n_classes <= exhaustive.MAX_CLASSES and gap <= options.tol:
        bound, where, tight = exhaustive.bound_log_potential(
            channel, log_v, beta, lower=gap, tol=0.5 * options.tol
        )
        gap, how = max(0.0, bound), "exhaustive"
        if not tight or gap > options.tol:
            again = np.log(np.maximum(where, 1e-300))[None]
            maxima = certificate.climb(channel, log_v, np.concatenate([starts, again]), beta)
    return Search(maxima, gap, how)


def solve_state(
    channel: Channel,
    beta: float,
    start: Mixture,
    options: Options,
    rng: np.random.Generator,
    hints: Array | None = None,
) -> SolvedState:
    """Certified state at `beta` from a warm start; `channel` must have distinct rows."""
    if beta <= 1 or channel.n_classes == 1 or channel.i_xy <= 0:
        return _trivial_state(channel, beta)
    state, n_sweeps, stalls = start, 0, 0
    best = math.inf
    while True:
        ended = refine(channel, state, beta, max_sweeps=max(1, options.max_sweeps - n_sweeps))
        n_sweeps += ended.n_sweeps
        found = search(channel, ended.mixture, ended.evaluation, beta, options, rng, hints)
        gained = best - ended.evaluation.free_energy
        best = min(best, ended.evaluation.free_energy)
        stalls = stalls + 1 if gained <= _LEAST_GAIN else 0
        status = _status(found.gap, n_sweeps, stalls, options)
        if status is not None:
            break
        violators = found.maxima.log_r[found.maxima.log_phi > 0.1 * options.tol]
        state = optimise_weights(channel, join(ended.mixture, violators), beta)
        if options.max_clusters is not None and state.n_t > options.max_clusters:
            state = _capped(channel, state, beta, options.max_clusters)
            gained = best - evaluate(channel, state, beta).free_energy
            if gained <= options.tol:
                status = (
                    f"capped at {options.max_clusters} clusters with a gap of {found.gap:.3g} "
                    "nats; raise max_clusters"
                )
                break
    return SolvedState(
        beta, ended.mixture, ended.evaluation, found.gap, found.how, found.maxima, ended.residual,
        n_sweeps, status,
    )


def _capped(channel: Channel, mixture: Mixture, beta: float, max_clusters: int) -> Mixture:
    smaller = shrink(channel, mixture, beta, max_clusters)
    return refine(channel, smaller, beta).mixture


def _status(gap: float, n_sweeps: int, stalls: int, options: Options) -> str | None:
    if gap <= options.tol:
        return CONVERGED
    if n_sweeps >= options.max_sweeps:
        return f"stopped after {n_sweeps} sweeps with a gap of {gap:.3g} nats; raise max_sweeps"
    if stalls >= _MOST_STALLS:
        return f"rounding stops the descent at a gap of {gap:.3g} nats; raise tol"
    return None


def _trivial_state(channel: Channel, beta: float) -> SolvedState:
    mixture = trivial_mixture(channel)
    evaluation = evaluate(channel, mixture, beta)
    maxima = certificate.Maxima(mixture.log_r, np.zeros(1))
    return SolvedState(beta, mixture, evaluation, 0.0, "exhaustive", maxima, 0.0, 1, CONVERGED)


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
