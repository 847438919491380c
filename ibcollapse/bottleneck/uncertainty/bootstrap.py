"""Bootstrap over samples: how certain the curve and its critical betas are."""

import dataclasses
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.deadline import INTERNAL_ERROR, OUT_OF_TIME, deadline
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.solution import CONVERGED
from ibcollapse.bottleneck.uncertainty.resampling import (
    Failure,
    Recipe,
    Reference,
    Resamples,
    load_resamples,
    make_resamples,
    save_resamples,
)
from ibcollapse.errors import InputError
from ibcollapse.frames import make_dataset, make_frame
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Array = NDArray[np.float64]

# Where fewer resamples reach a rate than this share, those that do are no fair sample of them.
_REACHED = 0.9


@register("bottleneck/CurveBootstrap")
@dataclasses.dataclass(frozen=True, eq=False)
class CurveBootstrap:
    """A curve and what it is on resamples of its points, nats.

    Attributes
    ----------
    reference : IBCurve
        Curve of the points as given.
    level : float
        Coverage of the intervals and the band.
    n_samples : int
        Points drawn for each resample.
    seed : int
        Of the draws; resample i depends on it and on i only.
    i_xt : float64 (n_rates,)
        Rates at which the curves are compared.
    i_ty : float64 (n_resamples, n_rates)
        Relevance of each resample's curve there; NaN beyond its end.
    critical_betas : float64 (n_resamples, n_transitions)
        Betas matched to the transitions of `reference` (`match_betas`); NaN without a match.
    i_xy : float64 (n_resamples,)
        I(X;Y) of each resample.
    n_incomplete : int
        Resamples whose curve ended before `fraction` or has points of too large a gap.
    n_failed : int
        Resamples that an internal error stopped; they are left out.
    failures : tuple of str
        Why, one reason for each of them.
    status : str
        "converged" where all resamples were made, or a sentence that says why not.
    """

    reference: IBCurve
    level: float
    n_samples: int
    seed: int
    i_xt: Array
    i_ty: Array
    critical_betas: Array
    i_xy: Array
    n_incomplete: int
    n_failed: int = 0
    failures: tuple[str, ...] = ()
    status: str = CONVERGED

    @property
    def converged(self) -> bool:
        """Whether all resamples were made."""
        return self.status == CONVERGED

    def __post_init__(self) -> None:
        for array in (self.i_xt, self.i_ty, self.critical_betas, self.i_xy):
            array.setflags(write=False)

    @property
    def band(self) -> Array:
        """Pointwise percentile band of I(T;Y) at `i_xt`, (n_rates, 2).

        NaN where fewer than nine in ten resamples reach the rate.
        """
        return self._percentiles(self.i_ty, at_least=_REACHED)

    @property
    def beta_intervals(self) -> Array:
        """Percentile intervals of the critical betas, (n_transitions, 2).

        Over the resamples in which the transition was found: read them with `found_share`.
        """
        return self._percentiles(self.critical_betas, at_least=0.0)

    @property
    def found_share(self) -> Array:
        """Share of the resamples in which each transition was found, (n_transitions,)."""
        found: Array = np.isfinite(self.critical_betas).astype(np.float64)
        # Of no resample at all no share is known.
        share: Array = found.mean(axis=0) if len(found) else np.full(found.shape[1], np.nan)
        return share

    @property
    def i_xy_interval(self) -> Array:
        """Percentile interval of I(X;Y), (2,)."""
        interval: Array = self._percentiles(self.i_xy[:, None], at_least=0.0)[0]
        return interval

    def to_pandas(self) -> "pd.DataFrame":
        """One row a transition of `reference`: beta, low, high, found_share."""
        low, high = self.beta_intervals.T
        beta = [transition.beta for transition in self.reference.transitions]
        return make_frame({"beta": beta, "low": low, "high": high, "found_share": self.found_share})

    def to_xarray(self) -> "xr.Dataset":
        """Dataset over `resample`, `rate` (coordinate `i_xt`), `transition` and `end`; nats."""
        return make_dataset(
            {
                "i_ty": (["resample", "rate"], self.i_ty),
                "critical_betas": (["resample", "transition"], self.critical_betas),
                "i_xy": (["resample"], self.i_xy),
                "band": (["rate", "end"], self.band),
                "beta_intervals": (["transition", "end"], self.beta_intervals),
                "found_share": (["transition"], self.found_share),
            },
            {"i_xt": (["rate"], self.i_xt), "end": (["end"], ["low", "high"])},
            {"units": "nats", "level": self.level, "n_samples": self.n_samples, "seed": self.seed},
        )

    def _percentiles(self, values: Array, at_least: float) -> Array:
        tail = 0.5 * (1 - self.level)
        ends = np.full((values.shape[1], 2), np.nan)
        for column, end in zip(values.T, ends, strict=True):
            finite = column[np.isfinite(column)]
            if len(finite) and len(finite) >= at_least * len(column):
                end[:] = np.quantile(finite, [tail, 1 - tail])
        return ends


def bootstrap_curve(
    channel: ChannelLike,
    *,
    n_resamples: int = 200,
    level: float = 0.95,
    n_samples: int | None = None,
    n_rates: int = 50,
    max_loss: float = 0.0,
    max_rows: int | None = None,
    fraction: float = 0.9,
    max_clusters: int | None = None,
    beta_max: float = math.inf,
    n_points: int = 50,
    tol: float = 1e-9,
    seed: int = 0,
    workers: int = 1,
    time_limit: float = math.inf,
    progress: Progress = SILENT,
    resume: str | os.PathLike[str] | None = None,
) -> CurveBootstrap:
    """Curve of `channel` with percentile intervals from resampling its points.

    Each resample draws `n_samples` points with replacement by their weights, is reduced and traced
    as the channel itself, and its transitions are matched to the channel's in order of beta − 1
    (`ibcollapse.bottleneck.uncertainty.matching`). The posteriors p(y|x) stay as they are: the
    intervals hold the uncertainty of the sample of x, not that of the fit behind the posteriors.

    Parameters
    ----------
    channel : Channel
        Not reduced: one row for each sample, or give `n_samples`.
    n_resamples : int
        Number of resamples, ≥ 2.
    level : float
        Coverage of the percentile intervals (Efron 1979, doi 10.1214/aos/1176344552).
    n_samples : int, optional
        Points in a resample; default the channel's number of points. For a joint table, the number
        of observations behind it.
    n_rates : int
        Rates of the band, evenly spaced up to the end of the channel's own curve.
    max_loss, max_rows :
        Reduction, as in `Channel.reduce`.
    fraction, max_clusters, beta_max, n_points, tol :
        As in `trace_curve`.
    seed : int
        Resample i is drawn from (seed, i), so results depend neither on `workers` nor on the order
        in which they finish.
    workers : int
        Processes. Scripts that use more than one start under ``if __name__ == "__main__":``.
    time_limit : float
        Seconds after which no more resamples are made, and `status` says how many there are. With
        `resume` a later call goes on.
    progress : Progress
        Advanced per resample.
    resume : path, optional
        Results file (.h5 or .json), rewritten whole after each resample. A later call with the
        same channel and options goes on from there, also with more resamples.

    Returns
    -------
    CurveBootstrap

    Raises
    ------
    InputError
        On options out of range, or a `resume` file of another channel or other options.
    IBCollapseError
        When a worker process dies.
    """
    channel = as_channel(channel)
    until = deadline(time_limit)
    _check(n_resamples, level, n_samples, n_rates, workers)
    # Drawing merged points by their summed weights is the same as drawing the points.
    recipe = Recipe(
        channel=channel.reduce(),
        n_samples=channel.n_x if n_samples is None else n_samples,
        seed=seed,
        reduction={"max_loss": max_loss, "max_rows": max_rows},
        tracing={
            "fraction": fraction,
            "max_clusters": max_clusters,
            "beta_max": beta_max,
            "n_points": n_points,
            "tol": tol,
        },
        until=until,
    )
    curve = recipe.trace(recipe.channel)
    end = float(curve.hull()[-1, 0])
    reference = Reference(curve.transitions, np.linspace(0.0, end, n_rates))
    path = None if resume is None else Path(resume)
    failures: list[Failure] = []
    if curve.is_out_of_time or curve.status.startswith(INTERNAL_ERROR):
        # Nothing can be compared with a part of the curve.
        finished = Resamples.none(recipe, reference)
        status = f"{curve.status}; before that no resample is made"
    else:
        finished, failures = _finish(recipe, reference, n_resamples, workers, progress, path)
        status = _status(len(finished.index), failures, n_resamples)
    return CurveBootstrap(
        reference=curve,
        level=level,
        n_samples=recipe.n_samples,
        seed=seed,
        i_xt=reference.i_xt,
        i_ty=finished.i_ty,
        critical_betas=finished.critical_betas,
        i_xy=finished.i_xy,
        n_incomplete=int(np.count_nonzero(~finished.converged)),
        n_failed=len(failures),
        failures=tuple(f"resample {failed.index}: {failed.reason}" for failed in failures),
        status=status,
    )


def _status(n_made: int, failures: list[Failure], n_resamples: int) -> str:
    if n_made + len(failures) < n_resamples:
        return (
            f"{OUT_OF_TIME} after {n_made} of {n_resamples} resamples; raise time_limit, or give "
            "resume to go on"
        )
    if failures:
        return (
            f"{len(failures)} of {n_resamples} resamples failed, the first with "
            f"{failures[0].reason}"
        )
    return CONVERGED


def _finish(
    recipe: Recipe,
    reference: Reference,
    n_resamples: int,
    workers: int,
    progress: Progress,
    path: Path | None,
) -> tuple[Resamples, list[Failure]]:
    """The first `n_resamples` resamples, those in the file at `path` taken from there.

    And those that failed, which a later call tries again.
    """
    finished = Resamples.none(recipe, reference)
    if path is not None:
        finished = load_resamples(path, finished)
    failures: list[Failure] = []
    missing = sorted(set(range(n_resamples)) - set(finished.index.tolist()))
    progress.start("resampling the curve", total=n_resamples)
    progress.advance(n_resamples - len(missing))
    for one in make_resamples(recipe, reference, missing, workers):
        if isinstance(one, Failure):
            failures.append(one)
            progress.advance()
            continue
        finished = finished + one
        if path is not None:
            save_resamples(finished, path)
        progress.advance()
    progress.finish()
    return finished.first(n_resamples), sorted(failures, key=lambda failed: failed.index)


def _check(
    n_resamples: int, level: float, n_samples: int | None, n_rates: int, workers: int
) -> None:
    if not 0 < level < 1:
        raise InputError(f"level is {level}, expected a coverage between 0 and 1, such as 0.95")
    for name, value, least in (
        ("n_resamples", n_resamples, 2),
        ("n_samples", 1 if n_samples is None else n_samples, 1),
        ("n_rates", n_rates, 2),
        ("workers", workers, 1),
    ):
        if value < least:
            raise InputError(f"{name} is {value}, expected at least {least}")
