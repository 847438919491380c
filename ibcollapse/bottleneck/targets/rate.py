"""Certified solutions at a given rate I(X;T) or relevance I(T;Y), rather than at a given beta."""

import math

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.targets.solve import solve_target
from ibcollapse.bottleneck.targets.time_sharing import Excess
from ibcollapse.errors import InputError

# Targets this far (nats) beyond their largest value are taken for it.
_ROUNDING = 1e-12


@on_one_blas_thread
def solve_rate(
    channel: ChannelLike,
    *,
    i_xt: float,
    tol: float = 1e-9,
    gap_tol: float = 1e-9,
    max_clusters: int | None = None,
    seed: int = 0,
    time_limit: float = math.inf,
) -> IBSolution:
    """Optimal representation of rate I(X;T) = `i_xt`: the most relevance that rate can buy.

    Unlike a sweep over beta this reaches every point of the curve, also on the straight segment of
    a first-order transition, where the result mixes the two phases (all of them at one beta), and
    on near-deterministic channels, whose transitions crowd towards beta = 1.

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y).
    i_xt : float
        Wanted I(X;T) in nats, from 0 to H(X) of the merged points (H(Y) when Y = f(X)).
    tol : float
        Stops when |I(X;T) − i_xt| ≤ tol, nats.
    gap_tol : float
        Largest optimality gap in nats that counts as converged.
    max_clusters : int, optional
        Largest number of clusters of a solution (a mixture has those of both phases).
    seed : int
        Of the search for violators.
    time_limit : float
        Seconds after which the nearest certified solution that was met is handed over, and its
        `status` says how far it is from the target.

    Returns
    -------
    IBSolution
        Its `beta` is the inverse slope of the curve there. `status` is "converged" when both
        tolerances are met.

    Raises
    ------
    InputError
        When the target cannot be reached by any representation or an option is out of range.

    Examples
    --------
    >>> channel = Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])
    >>> solution = solve_rate(channel, i_xt=0.69643273 * math.log(2))
    >>> round(solution.beta, 6), round(solution.i_ty / math.log(2), 6)
    (2.0, 0.407234)
    """
    channel = as_channel(channel)
    merged = channel.reduce()
    top = channel.h_y if merged.n_x == 1 else merged.h_x
    _check("i_xt", i_xt, 0.0 if merged.i_xy == 0 else top, "H(X) of the merged points")
    return _solve(merged, lambda r, _y, _b: r - i_xt, tol, gap_tol, max_clusters, seed, time_limit)


@on_one_blas_thread
def solve_relevance(
    channel: ChannelLike,
    *,
    i_ty: float,
    tol: float = 1e-9,
    gap_tol: float = 1e-9,
    max_clusters: int | None = None,
    seed: int = 0,
    time_limit: float = math.inf,
) -> IBSolution:
    """Optimal representation of relevance I(T;Y) = `i_ty`, nats: the least rate that carries it.

    `i_ty` runs from 0 to I(X;Y); everything else as in `solve_rate`.

    Examples
    --------
    >>> channel = Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])
    >>> solution = solve_relevance(channel, i_ty=0.40723383 * math.log(2))
    >>> round(solution.beta, 6), round(solution.i_xt / math.log(2), 6)
    (2.0, 0.696433)
    """
    channel = as_channel(channel)
    merged = channel.reduce()
    _check("i_ty", i_ty, merged.i_xy, "I(X;Y)")
    return _solve(merged, lambda _r, y, _b: y - i_ty, tol, gap_tol, max_clusters, seed, time_limit)


def check_tolerances(tol: float, gap_tol: float, max_clusters: int | None) -> None:
    """Raise `InputError` unless both tolerances are positive nats and the cap is at least 1."""
    for name, value in (("tol", tol), ("gap_tol", gap_tol)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value}, expected positive nats such as 1e-9")
    if max_clusters is not None and max_clusters < 1:
        raise InputError(f"max_clusters is {max_clusters}, expected at least 1")


def _check(name: str, wanted: float, most: float, what: str) -> None:
    if not 0 <= wanted <= most + _ROUNDING:
        raise InputError(f"{name} is {wanted} nats, expected between 0 and {what} = {most:.9g}")


def _solve(
    channel: Channel,
    excess: Excess,
    tol: float,
    gap_tol: float,
    max_clusters: int | None,
    seed: int,
    time_limit: float,
) -> IBSolution:
    check_tolerances(tol, gap_tol, max_clusters)
    options = Options(tol=gap_tol, max_clusters=max_clusters)
    return solve_target(channel, excess, tol=tol, options=options, seed=seed, time_limit=time_limit)
