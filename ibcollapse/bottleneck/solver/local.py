"""The stationary representation near one start: what a solve is without its certificate."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import kl_div, rel_entr, xlogy

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.deadline import OUT_OF_TIME, OutOfTimeError, deadline, is_over
from ibcollapse.bottleneck.kernels.acceleration import Swept, sweep_until_still
from ibcollapse.bottleneck.objective.mixture import UNIT, Mixture, mutual_information
from ibcollapse.bottleneck.pricing.ascent import Maxima
from ibcollapse.bottleneck.pricing.oracle import HIDDEN, Search
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.solver.column_generation import (
    SolvedState,
    check_beta,
    check_tol,
    to_solution,
)
from ibcollapse.bottleneck.solver.initial import class_clusters
from ibcollapse.bottleneck.solver.newton import as_it_is
from ibcollapse.bottleneck.solver.sufficient_statistic import LARGEST_BETA, beyond
from ibcollapse.bottleneck.solver.support import MOST_SWEEPS, refine, without_meeting
from ibcollapse.errors import InputError

Array = NDArray[np.float64]

AT_REST = "at rest, not certified: `certify` or `solve` tell how far the optimum is"
# Maps that are not at rest after so many are slow ones, of which few cannot tell what is left to
# gain; Newton's steps take as long as some hundred maps and end it.
_FEW_MAPS = 40
# A cluster of next to no weight counts for nothing in what is left to gain. Where a map still moves
# one by more than this, ½ Σ p(y|t) r², it may be on its way to some weight.
_SETTLED = 1e-6


def solve_local(
    channel: ChannelLike,
    beta: float,
    *,
    n_clusters: int | None = None,
    seed: int = 0,
    tol: float = 1e-10,
    time_limit: float = math.inf,
) -> IBSolution:
    """Stationary representation at `beta` near one start, without a certificate.

    The self-consistent equations p(t|x) ∝ p(t) exp(−beta KL(p(y|x) ‖ p(y|t))) are iterated with
    Anderson's extrapolation, and by Newton's method where that is not soon at rest; F never rises.
    Far from transitions the result is mostly the optimum and takes a small part of the time of
    `solve`, which goes on to search for anything better. Elsewhere it is a local optimum or a
    saddle point, as any Blahut–Arimoto iteration may find: `certify` tells.

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y).
    beta : float
        Trade-off, ≥ 0.
    n_clusters : int, optional
        Start from a random encoder of so many clusters, as the published algorithm does; from a
        cluster a class and one at p(y) when absent. Clusters that meet are one at the end.
    seed : int
        Of the random encoder.
    tol : float
        Maps end when what F still has to fall, as far as the last ones tell, is at most this
        (nats): ½ Σ p(t, y) r s, r being the change of log p(t, y) in one map and s the
        extrapolated one.
    time_limit : float
        Seconds after which what has been reached is handed over.

    Returns
    -------
    IBSolution
        `gap` is NaN, `gap_search` "none", and `converged` false, because it speaks of a certified
        gap; `status` says what ended the descent, `residual` what is left to gain (nats).

    Raises
    ------
    InputError
        When beta is negative or not finite, tol or time_limit is not positive, or n_clusters < 1.

    References
    ----------
    Tishby, Pereira, Bialek (1999), arXiv physics/0004057; Anderson (1965), doi
    10.1145/321296.321305.

    Examples
    --------
    >>> found = solve_local([[0.45, 0.05], [0.05, 0.45]], beta=2.0)
    >>> round(found.i_xt / math.log(2), 6), found.gap_search
    (0.696433, 'none')
    """
    channel = as_channel(channel)
    check_beta(beta)
    check_tol(tol)
    if n_clusters is not None and n_clusters < 1:
        raise InputError(f"n_clusters is {n_clusters}, expected at least 1")
    if beta > LARGEST_BETA:
        at_most = {"n_clusters": n_clusters, "seed": seed, "tol": tol, "time_limit": time_limit}
        largest = solve_local(channel, LARGEST_BETA, **at_most)  # type: ignore[arg-type]
        found = beyond(largest, beta, channel.i_xy)
        return dataclasses.replace(found, gap=math.nan, gap_search="none")
    until = deadline(time_limit)
    if n_clusters is None:
        start = class_clusters(channel)
    else:
        encoder = np.random.default_rng(seed).dirichlet(np.ones(n_clusters), channel.n_x)
        start = (encoder * channel.p_x[:, None]).T @ channel.p_y_given_x
    ended = sweep_until_still(
        channel.prepared.packed, start, beta, tol=tol, max_maps=_FEW_MAPS, until=until
    )
    joint = without_meeting(ended.mapped, beta)
    # What maps alone say of I(X;T) is beta KL, which rounds, less the log Z: at large beta the
    # encoder has to be evaluated.
    is_known = HIDDEN * UNIT * beta <= tol
    if is_known and ended.remaining <= tol and joint is ended.mapped:
        moved = kl_div(ended.mapped, ended.joint).sum(axis=1) / ended.mapped.sum(axis=1)
        if moved.max() <= _SETTLED:
            return _solution(channel, ended, beta)
    return _refined(channel.reduce(), Mixture.from_joint(joint), beta, ended.n_maps, until)


@on_one_blas_thread
def _refined(
    channel: Channel, mixture: Mixture, beta: float, n_maps: int, until: float
) -> IBSolution:
    """The result of Newton's steps from a mixture that `n_maps` maps have led to."""
    try:
        ended = refine(channel, mixture, beta, until=until)
    except OutOfTimeError:
        ended = as_it_is(channel, mixture, beta)
    status = AT_REST
    if is_over(until):
        status = f"{OUT_OF_TIME} before it was at rest; raise time_limit"
    elif ended.n_sweeps >= MOST_SWEEPS:
        status = f"stopped after {ended.n_sweeps} of Newton's steps; `solve` takes more"
    nothing = Search(Maxima(np.empty((0, channel.n_classes)), np.empty(0)), math.nan, "none")
    ended = dataclasses.replace(ended, n_sweeps=ended.n_sweeps + n_maps)
    return to_solution(channel, SolvedState.of(channel, beta, ended, nothing, status))


def _solution(channel: Channel, ended: Swept, beta: float) -> IBSolution:
    """The result of maps, its informations from p(t, y) alone: no encoder is stored.

    log p(t|x) = log q_t − beta KL(p(y|x) ‖ r_t) − log Z(x), averaged over p(x) p(t|x).
    """
    packed = channel.prepared.packed
    p_t = ended.mapped.sum(axis=1)
    order = np.argsort(-p_t, kind="stable")
    joint, state, p_t = ended.mapped[order], ended.joint[order], p_t[order]
    q = state.sum(axis=1)
    # Σ_x p(x) Σ_y p(y|x) log p(y|x), nats.
    known = math.log(2.0) * float(np.vdot(packed.p_x, packed.negentropy))
    distortion = known - float(xlogy(joint, state / q[:, None]).sum())
    i_xt = -ended.mean_log_z - beta * distortion - float(rel_entr(p_t, q).sum())
    i_xt, i_ty = max(0.0, i_xt), mutual_information(joint)
    return IBSolution(
        beta=float(beta),
        i_xt=i_xt,
        i_ty=i_ty,
        lagrangian=i_xt - beta * i_ty,
        gap=math.nan,
        gap_search="none",
        p_t=p_t / p_t.sum(),
        p_y_given_t=joint / p_t[:, None],
        status=AT_REST,
        n_iterations=ended.n_maps,
        residual=ended.remaining,
    )
