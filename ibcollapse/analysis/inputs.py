"""From what the user has to the channel whose curve is traced."""

import dataclasses
import os
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ibcollapse.analysis.reliability import Reliability, measure_reliability
from ibcollapse.bottleneck import Channel, GaussianIB
from ibcollapse.bottleneck.channel.channel import SUM_TOLERANCE
from ibcollapse.bottleneck.channel.joint_tables import read_joint_table
from ibcollapse.bottleneck.channel.text_lines import TEXT_SUFFIXES
from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features import Features, FeatureSource, open_features
from ibcollapse.gaussian import CrossFit, GaussianFit, cross_fit
from ibcollapse.progress import Progress
from ibcollapse.provenance import file_fingerprint

CurveInput = Features | Channel


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A channel, and what is known about it before any of it is solved.

    `source`, `fingerprint` and `options` are for the provenance. `counts_samples` says whether a
    point of the channel is a sample, as it is with features but not with a table.
    """

    channel: Channel
    source: str
    fingerprint: str
    options: dict[str, Any]
    fit: GaussianFit | None = None
    gaussian: GaussianIB | None = None
    notes: tuple[str, ...] = ()
    reliability: Reliability | None = None

    @property
    def counts_samples(self) -> bool:
        """Whether every point of the channel is one sample."""
        return self.fit is not None


def prepare(
    features: CurveInput,
    fitting: dict[str, Any],
    selection: dict[str, Any],
    seed: int,
    progress: Progress,
    *,
    joint: bool = False,
) -> Prepared:
    """The channel of features, through a cross-fit, or the one that was given.

    A file is a joint table where `joint` says so, or where its suffix or its sum of one does.

    Raises
    ------
    FeatureFileError, FeatureFileNotFoundError, InputError
        On features, tables or options that cannot be used.
    """
    if isinstance(features, Channel):
        return Prepared(features, "a channel in memory", "", {})
    if joint and not isinstance(features, (str, os.PathLike)):
        raise InputError(
            f"joint=True with {type(features).__name__}, expected the path of a file; make a "
            "Channel of an array: Channel.from_joint"
        )
    if _is_table(features, joint):
        name = f"joint table {Path(features).name}"
        table = _read_table(Path(features), selection, joint, progress)
        return Prepared(table, name, file_fingerprint(features), {})
    source = _opened(features, selection)
    fitted = cross_fit(source, **fitting, seed=seed, progress=progress)
    rows = fitted.posterior
    gaussian, notes = _gaussian_bottleneck(fitted)
    return Prepared(
        Channel(rows.p_x, rows.log_p_y_given_x, rows.class_names),
        source.description,
        source.fingerprint,
        {**_given_options(selection), **fitting},
        fitted.fit,
        gaussian,
        fitted.fit.notes + notes,
        measure_reliability(rows),
    )


def _given_options(selection: dict[str, Any]) -> dict[str, Any]:
    # By identity: layer 0 and epoch 0 are choices, and an array has no single truth value.
    return {
        name: value for name, value in selection.items() if not (value is None or value is False)
    }


def _is_table(features: object, joint: bool) -> TypeGuard[str | os.PathLike[str]]:
    """Whether an input is a file that holds a joint table rather than features."""
    if not isinstance(features, (str, os.PathLike)):
        return False
    path = Path(features)
    return joint or path.suffix.lower() in TEXT_SUFFIXES or _is_joint_array(path)


def _read_table(path: Path, selection: dict[str, Any], joint: bool, progress: Progress) -> Channel:
    if _given_options(selection):
        raise InputError(
            f"{path}: a joint table has no {', '.join(_given_options(selection))} to choose"
        )
    table = read_joint_table(path, may_be_counts=joint)
    progress.note(f"{path.name}: {table.description}")
    return table.channel


def _opened(features: Features, selection: dict[str, Any]) -> FeatureSource:
    try:
        return open_features(features, **selection)
    except FeatureFileError as error:
        table = None if _given_options(selection) else _table_of(features)
        if table is None:
            raise
        total = float(table.sum(dtype=np.float64))
        raise FeatureFileError(
            f"{error}. As a joint table p(x, y) it would have to sum to one or be counts with "
            f"joint=True (--joint): it sums to {total:.6g}"
        ) from error


def _is_joint_array(path: Path) -> bool:
    """Whether a .npy file is a table of probabilities, which sum to one, rather than features."""
    table = _table_of(path)
    return table is not None and abs(float(table.sum(dtype=np.float64)) - 1) <= SUM_TOLERANCE


def _table_of(features: object) -> NDArray[Any] | None:
    """The numbers ≥ 0 of a .npy file that holds nothing else, in rows and columns."""
    if not isinstance(features, (str, os.PathLike)) or Path(features).suffix.lower() != ".npy":
        return None
    try:
        table: NDArray[Any] = np.load(features, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    if table.ndim != 2 or table.dtype.kind not in "iuf" or table.size == 0 or table.min() < 0:
        return None
    return table


def _gaussian_bottleneck(fitted: CrossFit) -> tuple[GaussianIB | None, tuple[str, ...]]:
    fit = fitted.fit
    means = fit.means.copy()
    # What the fit left out is no direction that determines the classes.
    left_out = np.setdiff1d(np.arange(means.shape[1]), fit.covariance.live)
    means[:, left_out] = fit.priors @ means[:, left_out]
    try:
        gaussian = GaussianIB.from_class_moments(
            fit.priors,
            means,
            fit.covariance.pooled(fit.priors),
            n_samples=int(fit.counts.sum()),
        )
    except InputError as error:
        return None, (f"no Gaussian bottleneck: {error}",)
    return gaussian, gaussian.warnings
