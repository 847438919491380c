"""The main job as one function: stored features → fit → channel → curve → transitions."""

import math
import os
from typing import Any

from ibcollapse.analysis.inputs import CurveInput, Prepared, prepare
from ibcollapse.analysis.questions import Questions, examine
from ibcollapse.analysis.results import Analysis, AnalysisInterrupted, ChannelSummary
from ibcollapse.bottleneck import CurveInterrupted, trace_curve
from ibcollapse.errors import InputError
from ibcollapse.progress import SILENT, Progress
from ibcollapse.provenance import provenance_of

# Reducing the channel may lose this share of the smaller of I(X;Y) and H(Y|X): the first bounds the
# error of the curve, the second that of the critical betas of a collapsed channel.
DEFAULT_LOSS = 1e-3
DEFAULT_MAX_ROWS = 4096


def curve(
    features: CurveInput,
    *,
    joint: bool = False,
    covariance: str = "tied",
    rank: int | None = None,
    shrinkage: str | float = "ledoit-wolf",
    priors: str = "empirical",
    folds: int = 5,
    max_loss: float = DEFAULT_LOSS,
    max_rows: int | None = DEFAULT_MAX_ROWS,
    fraction: float = 0.9,
    max_clusters: int | None = None,
    beta_max: float = math.inf,
    n_points: int = 50,
    tol: float = 1e-9,
    time_limit: float = math.inf,
    hysteresis: bool = False,
    bootstrap: int = 0,
    n_samples: int | None = None,
    workers: int = 1,
    resume: str | os.PathLike[str] | None = None,
    resamples: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
    **selection: Any,
) -> Analysis:
    """Information-bottleneck curve and phase transitions of stored features.

    Fits class-conditional Gaussians with cross-fitting, calibrates their posteriors on held-out
    rows, reduces the channel p(y|x) and traces its certified curve.

    Parameters
    ----------
    features : path, FeatureSource, (features, labels) or Channel
        A feature file, arrays or tensors (n_samples, n_features) with labels (n_samples,), or a
        joint table: a Channel, or a text file (.csv, .tsv, .txt) or .npy array of probabilities
        that sum to one.
    joint : bool
        Read the file as a joint table whatever it sums to, as `read_joint` does: as counts, too.
    covariance, rank, shrinkage, priors, folds :
        As in `ibcollapse.gaussian.cross_fit`.
    max_loss : float
        Share of min(I(X;Y), H(Y|X)) that reducing the channel may lose.
    max_rows : int, optional
        Largest number of points to solve, whatever that loses; None for no limit.
    fraction, max_clusters, beta_max, n_points, tol, time_limit, seed :
        As in `ibcollapse.trace_curve`.
    hysteresis : bool
        Anneal up and down through every transition that this tells apart (`trace_hysteresis`).
    bootstrap : int
        Resamples for intervals (`bootstrap_curve`); each takes as long as the curve. 0 for none.
    n_samples : int, optional
        Points of a resample; default the rows of the features. A table needs it: the number of
        observations behind it.
    workers : int
        Processes that resample.
    resume : path, optional
        As in `ibcollapse.trace_curve`: lets a killed run go on.
    resamples : path, optional
        File (.h5 or .json) in which finished resamples are kept, and from which a later call with
        the same features and options goes on.
    progress : Progress
        Told about every stage.
    **selection :
        Which features of a file: keyword arguments of `ibcollapse.open_features`.

    Raises
    ------
    FeatureFileError, FeatureFileNotFoundError, InputError
        On features, tables or options that cannot be used.
    AnalysisInterrupted
        On Ctrl-C after the first point; carries what was finished.
    """
    if not 0 <= max_loss < 1:
        raise InputError(f"max_loss is {max_loss}, expected a share of the information in [0, 1)")
    fitting = {
        "covariance": covariance,
        "rank": rank,
        "shrinkage": shrinkage,
        "priors": priors,
        "folds": folds,
    }
    tracing = {
        "fraction": fraction,
        "max_clusters": max_clusters,
        "beta_max": beta_max,
        "n_points": n_points,
        "tol": tol,
        "seed": seed,
    }
    reduction = {"max_loss": max_loss, "max_rows": max_rows}
    asked = Questions(hysteresis, bootstrap, n_samples, workers, resamples)
    prepared = prepare(features, fitting, selection, seed, progress, joint=joint)
    asked.check(prepared)
    return _analyse(prepared, reduction, tracing, asked, progress, resume, time_limit)


def _analyse(
    prepared: Prepared,
    reduction: dict[str, Any],
    tracing: dict[str, Any],
    asked: Questions,
    progress: Progress,
    resume: str | os.PathLike[str] | None,
    time_limit: float,
) -> Analysis:
    """Reduce, trace and put together; an interrupted trace still becomes an Analysis."""
    progress.start("reducing the channel")
    channel = prepared.channel
    allowed = reduction["max_loss"] * min(channel.i_xy, max(channel.h_y - channel.i_xy, 0.0))
    reduced = channel.reduce(max_loss=allowed, max_rows=reduction["max_rows"])
    summary = ChannelSummary(
        n=channel.n_x + channel.n_dropped,
        n_reduced=reduced.n_x,
        information_lost=reduced.information_lost,
        i_xy=channel.i_xy,
        h_y=channel.h_y,
    )
    notes = prepared.notes
    if reduced.information_lost > allowed + 1e-12:
        notes = (
            *notes,
            f"max_rows = {reduction['max_rows']} points keep all but "
            f"{reduced.information_lost / channel.i_xy:.2%} of I(X;Y); raise max_rows to lose less",
        )
    options = {**prepared.options, **reduction, **tracing, **asked.options}
    origin = provenance_of(prepared.source, prepared.fingerprint, options)
    stopped = False
    try:
        traced = trace_curve(
            reduced, progress=progress, resume=resume, time_limit=time_limit, **tracing
        )
    except CurveInterrupted as stop:
        traced, stopped = stop.curve, True
    found = Analysis(
        traced, summary, prepared.fit, prepared.gaussian, notes, origin, prepared.reliability
    )
    if stopped:
        raise AnalysisInterrupted(found)
    sampling = {"max_loss": allowed, "max_rows": reduction["max_rows"]}
    return examine(found, channel, reduced, asked, {**tracing, **sampling}, progress)
