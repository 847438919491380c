"""The certified curve of a channel over beta, with every phase transition."""

import math
import os
from pathlib import Path

import numpy as np

from ibcollapse.bottleneck.blas_threads import on_one_blas_thread
from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.components import class_groups, cut_leaks, is_deterministic
from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.deadline import deadline
from ibcollapse.bottleneck.objective.mixture import trivial_mixture
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.transition import Transitions
from ibcollapse.bottleneck.solver.column_generation import check_tol, solve_state, to_solution
from ibcollapse.bottleneck.tracing.checkpoint import TraceKeeper, trace_fingerprint
from ibcollapse.bottleneck.tracing.closed_form import deterministic_curve, why_untraced
from ibcollapse.bottleneck.tracing.tracer import Limits, Tracer, put_together
from ibcollapse.errors import InputError
from ibcollapse.progress import SILENT, Progress

# Where all of the curve lies within a small part of H(Y), as with a rare value of X, I(T;Y)
# advances by so many parts of I(X;Y) at most.
_SPACING_TY = 2.0
# Of so many points a curve takes seconds however many clusters it has.
_FEW_POINTS = 40


@on_one_blas_thread
def trace_curve(
    channel: ChannelLike,
    *,
    fraction: float = 0.9,
    max_clusters: int | None = None,
    beta_max: float = math.inf,
    n_points: int = 50,
    tol: float = 1e-9,
    seed: int = 0,
    time_limit: float = math.inf,
    progress: Progress = SILENT,
    resume: str | os.PathLike[str] | None = None,
) -> IBCurve:
    """Certified information curve from the onset upwards, with every phase transition.

    Steps along beta so that I(X;T) advances by about H(Y)/`n_points`, or I(T;Y) by twice
    I(X;Y)/`n_points` where that is less, predicts each state from the
    tangent of the branch, refines and certifies it; where the followed atoms stop being optimal,
    every transition in between is located (`ibcollapse.bottleneck.transitions.bracket`).

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y). Reduce it first when it has many points.
    fraction : float
        Stop once I(T;Y) reaches this fraction of I(X;Y).
    max_clusters : int, optional
        Stop before a solution with more clusters; default 2 n_classes + 4, or the number of
        distinct p(y|x) where that is larger and at most 40: no optimum needs more.
    beta_max : float
        Stop at this beta.
    n_points : int
        Points per H(Y) of I(X;T); transitions are added to them.
    tol : float
        Optimality gap in nats of every point.
    seed : int
        Of the search for violators.
    time_limit : float
        Seconds after which the curve ends with what is certified, and its `status` says so; the
        step that was begun, and a transition whose spinodal was still looked for, are left out.
        With `resume` a later call goes on.
    progress : Progress
        Advanced by the share of I(X;Y) covered.
    resume : path, optional
        Result file (.h5 or .json), rewritten whole every few seconds. After a kill, a call with
        the same channel and options goes on from there and ends with the same bits; one with
        others replaces it. It stays when the curve is finished: delete it then.

    Returns
    -------
    IBCurve
        `status` is "converged" when it ends at `fraction`, else it says what stopped it. An error
        inside a step is no exception: what was finished comes back, with a status that begins
        "an internal error stopped" and names beta and the error; the traceback goes to the log
        "ibcollapse" (module `logging`). With `resume` a later call goes on before that step.

    Raises
    ------
    InputError
        When an option is out of range.
    ResultFileError, OutputError
        When the file to resume from is damaged, or cannot be written.
    """
    channel = as_channel(channel)
    check_tol(tol)
    until = deadline(time_limit)
    merged = channel.reduce()
    limits = _limits(merged, fraction, max_clusters, beta_max, n_points)
    if is_deterministic(merged) and merged.i_xy > 0:
        return deterministic_curve(merged)
    reason = why_untraced(merged)
    if reason is not None:
        lone = solve_state(merged, 1.0, trivial_mixture(merged), Options(), np.random.default_rng())
        return put_together(channel, [to_solution(merged, lone)], [], reason)
    groups = class_groups(merged)
    merged = cut_leaks(merged, groups)
    options = Options(tol=tol)
    keeper = None
    if resume is not None:
        keeper = TraceKeeper(Path(resume), trace_fingerprint(merged, limits, options, seed))
    rng = np.random.default_rng(seed)
    return Tracer(merged, groups, limits, options, rng, progress, keeper, until).run()


def find_transitions(channel: ChannelLike, **options: object) -> Transitions:
    """Every phase transition of the channel up to where `trace_curve(channel, **options)` ends.

    A tuple of `PhaseTransition` with the `status` of the curve, and whether it `converged`: where
    it did not, because the time was up or an error stopped it, later transitions are missing.
    """
    curve = trace_curve(channel, **options)  # type: ignore[arg-type]
    return Transitions(curve.transitions, curve.status)


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
    most = max_clusters
    if most is None:
        needed = channel.n_x if channel.n_x <= _FEW_POINTS else 0
        most = max(2 * channel.n_classes + 4, needed)
    spacing = max(channel.h_y, 1e-9) / n_points
    spacing_ty = _SPACING_TY * channel.i_xy / n_points
    return Limits(fraction * channel.i_xy * (1 - 1e-12), most, beta_max, spacing, spacing_ty)
