"""The optimality gap of anybody's solution."""

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.components import class_groups, cut_leaks
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.deadline import OutOfTimeError, deadline, is_over, kept
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.pricing.oracle import Options, Search, search
from ibcollapse.bottleneck.solver.column_generation import check_beta, check_tol
from ibcollapse.bottleneck.solver.sufficient_statistic import LARGEST_BETA
from ibcollapse.errors import InputError

Array = NDArray[np.float64]

# Weights and decoders may miss their sum by the rounding of whoever made them.
_SUM_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True, eq=False)
class Certification:
    """Verdict on a solution.

    Attributes
    ----------
    gap : float
        log max Φ, nats: the Lagrangian is at most this far above the optimum.
    gap_search : str
        "exhaustive" (rigorous bound), "multistart" (best maximum that was found) or "unfinished"
        (the time was up, or beta is beyond 1e12, where rounding hides Φ: `gap` is the bound
        `lagrangian` + (beta − 1) I(X;Y) that data processing proves, and there are no violators).
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


@on_one_blas_thread
def certify(
    channel: ChannelLike,
    p_t: ArrayLike,
    p_y_given_t: ArrayLike,
    beta: float,
    *,
    tol: float = 1e-9,
    seed: int = 0,
    time_limit: float = math.inf,
) -> Certification:
    """Optimality gap of anybody's solution, and where it is violated.

    The gap bounds, in nats, how far the free energy of (p_t, p_y_given_t) at `beta` lies above the
    global optimum: log max Φ over the class simplex (see `ibcollapse.bottleneck.pricing.ascent`).
    With at most three classes the maximum is bounded rigorously by branch and bound; with more it
    is the best of many local ascents. As in `trace_curve`, groups of classes that no point connects
    by more than 1e-11 of their size are taken for unconnected, which changes the
    Lagrangian by up to beta times 3e-10 nats. A search that takes more than
    `time_limit` seconds is given up, and `gap_search` says so.

    Raises
    ------
    InputError
        On weights or decoders of wrong shape, negative, not finite, or not summing to one within
        1e-6 (what they miss is divided out), a beta that is negative or not finite, or a tolerance
        or time limit that is not positive.
    """
    channel = as_channel(channel)
    channel = cut_leaks(channel, class_groups(channel))
    check_beta(beta)
    check_tol(tol)
    until = deadline(time_limit)
    mixture = _checked_mixture(channel, p_t, p_y_given_t)
    evaluation = evaluate(channel, mixture, beta)
    options = Options(tol=tol)
    given = channel, mixture, evaluation, beta, options, np.random.default_rng(seed)
    found = Search.unfinished(channel, evaluation, beta, options)
    if beta <= LARGEST_BETA:
        try:
            with kept(until):
                found = search(*given, suspect=np.inf)
        except OutOfTimeError:
            if not is_over(until):
                raise
    above = found.maxima.log_phi > tol
    return Certification(
        gap=found.gap,
        gap_search=found.how,
        lagrangian=evaluation.free_energy,
        violators=np.exp(found.maxima.log_r[above]),
        log_potential=found.maxima.log_phi[above],
    )


def _checked_mixture(channel: Channel, p_t: ArrayLike, p_y_given_t: ArrayLike) -> Mixture:
    weights = np.asarray(as_array(p_t), dtype=np.float64)
    decoders = np.asarray(as_array(p_y_given_t), dtype=np.float64)
    if weights.ndim != 1 or decoders.shape != (len(weights), channel.n_classes):
        raise InputError(
            f"p_t has shape {weights.shape} and p_y_given_t {decoders.shape}, expected (n_t,) and "
            f"(n_t, {channel.n_classes})"
        )
    for name, values, axis in (("p_t", weights, 0), ("p_y_given_t", decoders, 1)):
        if not np.isfinite(values).all() or (values < 0).any():
            raise InputError(f"{name} has negative or non-finite entries; expected probabilities")
        if np.abs(values.sum(axis=axis) - 1).max() > _SUM_TOLERANCE:
            raise InputError(f"{name} does not sum to one; normalise it")
    keep = weights > 0
    # What a sum misses would enter F and Φ with a factor beta, and hide a gap of that size.
    weights, decoders = weights[keep], decoders[keep]
    return Mixture.from_probabilities(
        weights / weights.sum(), decoders / decoders.sum(axis=1, keepdims=True)
    )
