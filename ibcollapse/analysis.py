"""The main job as one function: stored features → fit → channel → curve → transitions."""

import dataclasses
import math
import os
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from ibcollapse.bottleneck import (
    Channel,
    CurveInterrupted,
    GaussianIB,
    IBCurve,
    PhaseTransition,
    read_joint,
    trace_curve,
)
from ibcollapse.bottleneck.joint_tables import TEXT_SUFFIXES
from ibcollapse.errors import InputError
from ibcollapse.features import Features, open_features
from ibcollapse.gaussian import CrossFit, GaussianFit, cross_fit
from ibcollapse.progress import SILENT, Progress
from ibcollapse.provenance import Provenance, file_fingerprint, provenance_of
from ibcollapse.serialize import register, save

# Reducing the channel may lose this share of the smaller of I(X;Y) and H(Y|X): the first bounds the
# error of the curve, the second that of the critical betas of a collapsed channel.
DEFAULT_LOSS = 1e-3
DEFAULT_MAX_ROWS = 4096


@register("analysis/ChannelSummary")
@dataclasses.dataclass(frozen=True)
class ChannelSummary:
    """The channel that was solved.

    Attributes
    ----------
    n : int
        Points before reduction.
    n_reduced : int
        Points that were solved.
    information_lost : float
        I(X;Y) that the reduction gave up, nats; bounds the error of the curve.
    i_xy, h_y : float
        I(X;Y) before reduction and H(Y), nats.
    """

    n: int
    n_reduced: int
    information_lost: float
    i_xy: float
    h_y: float


@register("analysis/Analysis")
@dataclasses.dataclass(frozen=True)
class Analysis:
    """Everything that `curve` found, with where it came from.

    Attributes
    ----------
    curve : IBCurve
        Certified solutions and transitions of the reduced channel.
    channel : ChannelSummary
        What was solved and what its reduction lost.
    fit : GaussianFit or None
        The class-conditional fit behind the channel; None for a joint table.
    gaussian : GaussianIB or None
        Closed-form Gaussian bottleneck of the same fit about one-hot labels; None for a table, or
        where the classes are perfectly separated (see `notes`).
    notes : tuple of str
        What a reader of the numbers should know.
    provenance : Provenance
        Input, options, seed and versions.
    """

    curve: IBCurve
    channel: ChannelSummary
    fit: GaussianFit | None
    gaussian: GaussianIB | None
    notes: tuple[str, ...]
    provenance: Provenance

    @property
    def transitions(self) -> tuple[PhaseTransition, ...]:
        """The phase transitions of the curve, by increasing beta."""
        return self.curve.transitions

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)


class AnalysisInterrupted(KeyboardInterrupt):
    """Ctrl-C while the curve was traced; `analysis` holds everything that was finished."""

    def __init__(self, analysis: Analysis) -> None:
        super().__init__(f"interrupted after {len(analysis.curve.solutions)} points")
        self.analysis = analysis


def curve(
    features: "Features | Channel | str | os.PathLike[str]",
    *,
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
    seed: int = 0,
    progress: Progress = SILENT,
    resume: str | os.PathLike[str] | None = None,
    **selection: Any,
) -> Analysis:
    """Information-bottleneck curve and phase transitions of stored features.

    Fits class-conditional Gaussians with cross-fitting, calibrates their posteriors on held-out
    rows, reduces the channel p(y|x) and traces its certified curve.

    Parameters
    ----------
    features : path, FeatureSource, (features, labels) or Channel
        A feature file, arrays or tensors (n_samples, n_features) with labels (n_samples,), or a
        joint table: a Channel, a text file (.csv, .tsv, .txt), or a .npy table of probabilities
        or counts.
    covariance, rank, shrinkage, priors, folds :
        As in `ibcollapse.gaussian.cross_fit`.
    max_loss : float
        Share of min(I(X;Y), H(Y|X)) that reducing the channel may lose.
    max_rows : int, optional
        Largest number of points to solve, whatever that loses; None for no limit.
    fraction, max_clusters, beta_max, n_points, tol, seed :
        As in `ibcollapse.trace_curve`.
    progress : Progress
        Told about every stage.
    resume : path, optional
        As in `ibcollapse.trace_curve`: lets a killed run go on.
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
    tracing = {
        "fraction": fraction,
        "max_clusters": max_clusters,
        "beta_max": beta_max,
        "n_points": n_points,
        "tol": tol,
        "seed": seed,
    }
    reduction = {"max_loss": max_loss, "max_rows": max_rows}
    if isinstance(features, Channel):
        origin = provenance_of("a channel in memory", "", {**reduction, **tracing})
        return _analyse(features, None, None, (), origin, reduction, tracing, progress, resume)
    if _is_table(features):
        table = _read_table(Path(features), selection)
        origin = provenance_of(
            f"joint table {Path(features).name}",
            file_fingerprint(features),
            {**reduction, **tracing},
        )
        return _analyse(table, None, None, (), origin, reduction, tracing, progress, resume)
    source = open_features(features, **selection)
    fitting = {
        "covariance": covariance,
        "rank": rank,
        "shrinkage": shrinkage,
        "priors": priors,
        "folds": folds,
    }
    fitted = cross_fit(source, **fitting, seed=seed, progress=progress)  # type: ignore[arg-type]
    origin = provenance_of(
        source.description,
        source.fingerprint,
        {**_given(selection), **fitting, **reduction, **tracing},
    )
    rows = fitted.posterior
    channel = Channel(rows.p_x, rows.log_p_y_given_x, rows.class_names)
    gaussian, notes = _gaussian_bottleneck(fitted)
    notes = fitted.fit.notes + notes
    return _analyse(
        channel, fitted.fit, gaussian, notes, origin, reduction, tracing, progress, resume
    )


def _given(selection: dict[str, Any]) -> dict[str, Any]:
    # By identity: layer 0 and epoch 0 are choices, and an array has no single truth value.
    return {
        name: value for name, value in selection.items() if not (value is None or value is False)
    }


def _is_table(features: object) -> TypeGuard[str | os.PathLike[str]]:
    """Whether an input is a file that holds a joint table rather than features."""
    if not isinstance(features, (str, os.PathLike)):
        return False
    path = Path(features)
    suffix = path.suffix.lower()
    return suffix in TEXT_SUFFIXES or (suffix == ".npy" and _is_joint_array(path))


def _read_table(path: Path, selection: dict[str, Any]) -> Channel:
    if _given(selection):
        raise InputError(f"{path}: a joint table has no {', '.join(_given(selection))} to choose")
    return read_joint(path)


def _is_joint_array(path: Path) -> bool:
    """Whether a .npy file is a table of probabilities or counts rather than features."""
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    if table.ndim != 2 or table.dtype.kind not in "iuf" or table.size == 0 or table.min() < 0:
        return False
    return table.dtype.kind in "iu" or abs(float(table.sum(dtype=np.float64)) - 1) < 1e-6


def _gaussian_bottleneck(fitted: CrossFit) -> tuple[GaussianIB | None, tuple[str, ...]]:
    fit = fitted.fit
    try:
        gaussian = GaussianIB.from_class_moments(
            fit.priors,
            fit.means,
            fit.covariance.pooled(fit.priors),
            n_samples=int(fit.counts.sum()),
        )
    except InputError as error:
        return None, (f"no Gaussian bottleneck: {error}",)
    return gaussian, gaussian.warnings


def _analyse(
    channel: Channel,
    fit: GaussianFit | None,
    gaussian: GaussianIB | None,
    notes: tuple[str, ...],
    origin: Provenance,
    reduction: dict[str, Any],
    tracing: dict[str, Any],
    progress: Progress,
    resume: str | os.PathLike[str] | None,
) -> Analysis:
    """Reduce, trace and put together; an interrupted trace still becomes an Analysis."""
    progress.start("reducing the channel")
    allowed = reduction["max_loss"] * min(channel.i_xy, max(channel.h_y - channel.i_xy, 0.0))
    reduced = channel.reduce(max_loss=allowed, max_rows=reduction["max_rows"])
    summary = ChannelSummary(
        n=channel.n_x + channel.n_dropped,
        n_reduced=reduced.n_x,
        information_lost=reduced.information_lost,
        i_xy=channel.i_xy,
        h_y=channel.h_y,
    )
    if reduced.information_lost > allowed + 1e-12:
        notes = (
            *notes,
            f"max_rows = {reduction['max_rows']} points keep all but "
            f"{reduced.information_lost / channel.i_xy:.2%} of I(X;Y); raise max_rows to lose less",
        )
    try:
        traced = trace_curve(reduced, progress=progress, resume=resume, **tracing)
    except CurveInterrupted as stop:
        partial = Analysis(stop.curve, summary, fit, gaussian, notes, origin)
        raise AnalysisInterrupted(partial) from None
    return Analysis(traced, summary, fit, gaussian, notes, origin)
