"""What `curve`, `transitions` and `report` share: their options, the run, and the table."""

import functools
import itertools
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse.threads import limited_threads
from ibcollapse_cli.console import show_progress
from ibcollapse_cli.formats import write_table
from ibcollapse_cli.outcome import ExitCode
from ibcollapse_cli.tracebacks import ReportedInternalError, reported

if TYPE_CHECKING:
    from ibcollapse.analysis import Analysis
    from ibcollapse.bottleneck import PhaseTransition

_ANALYSIS = {
    "joint": click.option(
        "--joint",
        is_flag=True,
        help="FILE is a joint table, also of counts; default where its numbers sum to one.",
    ),
    "covariance": click.option(
        "--covariance",
        type=click.Choice(["tied", "full", "diagonal", "low-rank"]),
        default="tied",
        show_default=True,
        help="Model of the class-conditional covariances.",
    ),
    "rank": click.option(
        "--rank", type=click.IntRange(min=1), help="Rank of the low-rank model; default chosen."
    ),
    "shrinkage": click.option(
        "--shrinkage",
        default="ledoit-wolf",
        show_default=True,
        metavar="HOW",
        help="ledoit-wolf, oas, held-out, or a number from 0 to 1.",
    ),
    "priors": click.option(
        "--priors",
        type=click.Choice(["empirical", "uniform"]),
        default="empirical",
        show_default=True,
        help="Class priors.",
    ),
    "folds": click.option(
        "--folds",
        type=click.IntRange(min=2),
        default=5,
        show_default=True,
        help="Of the cross-fit.",
    ),
    "max_loss": click.option(
        "--max-loss",
        type=click.FloatRange(min=0, max=1, max_open=True),
        default=1e-3,
        show_default=True,
        help="Share of min(I(X;Y), H(Y|X)) that merging points may lose.",
    ),
    "max_rows": click.option(
        "--max-rows",
        type=click.IntRange(min=1),
        default=4096,
        show_default=True,
        help="Most points to solve, whatever merging them loses.",
    ),
    "fraction": click.option(
        "--fraction",
        type=click.FloatRange(min=0, max=1, min_open=True),
        default=0.9,
        show_default=True,
        help="End where I(T;Y) reaches this share of I(X;Y).",
    ),
    "max_clusters": click.option(
        "--max-clusters",
        type=click.IntRange(min=1),
        help="End before more clusters; default 2 x classes + 4.",
    ),
    "beta_max": click.option(
        "--beta-max", type=click.FloatRange(min=1, min_open=True), help="End at this beta."
    ),
    "n_points": click.option(
        "--points",
        "n_points",
        type=click.IntRange(min=2),
        default=50,
        show_default=True,
        help="Points per H(Y) of I(X;T).",
    ),
    "tol": click.option(
        "--tol",
        type=click.FloatRange(min=0, min_open=True),
        default=1e-9,
        show_default=True,
        help="Largest optimality gap of a point, nats.",
    ),
}


_QUESTIONS = {
    "hysteresis": click.option(
        "--hysteresis", is_flag=True, help="Anneal up and down through the transitions."
    ),
    "bootstrap": click.option(
        "--bootstrap",
        type=click.IntRange(min=0),
        default=0,
        metavar="B",
        help="Resample the points B times for intervals; each takes as long as the curve.",
    ),
    "n_samples": click.option(
        "--samples",
        "n_samples",
        type=click.IntRange(min=1),
        metavar="N",
        help="Observations behind a joint table, for --bootstrap.",
    ),
}


# What a line of the table of transitions has room for.
_MOST_NAMED, _MOST_GROUPS = 12, 12


def analysis_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `ibcollapse.curve`, handed on as one dict `settings`."""

    @functools.wraps(command)
    def collect(*args: Any, **kwargs: Any) -> Any:
        settings = {name: kwargs.pop(name) for name in _ANALYSIS}
        if settings["beta_max"] is None:
            settings["beta_max"] = math.inf
        settings["shrinkage"] = _number_or_name(settings["shrinkage"])
        return command(*args, settings=settings, **kwargs)

    for option in reversed(_ANALYSIS.values()):
        collect = option(collect)
    return collect


def _number_or_name(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def time_limit_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--time-limit` to the `settings` of `analysis_options`, which has to stand above it."""

    @functools.wraps(command)
    def collect(
        *args: Any, time_limit: float | None, settings: dict[str, Any], **kwargs: Any
    ) -> Any:
        settings["time_limit"] = math.inf if time_limit is None else time_limit
        return command(*args, settings=settings, **kwargs)

    return click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="End the curve after so long, with what is certified.",
    )(collect)


def question_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what a curve can be asked at the price of more solutions, handed on as `asked`."""

    @functools.wraps(command)
    def collect(*args: Any, **kwargs: Any) -> Any:
        asked = {name: kwargs.pop(name) for name in _QUESTIONS}
        return command(*args, asked=asked, **kwargs)

    for option in reversed(_QUESTIONS.values()):
        collect = option(collect)
    return collect


def resampling(asked: dict[str, Any], workers: int | None, store: Path | None) -> dict[str, Any]:
    """`asked` as arguments of `ibcollapse.curve`, with the processes and the file of resamples."""
    if not asked["bootstrap"]:
        return asked
    processes = len(os.sched_getaffinity(0)) if workers is None else workers
    return {**asked, "workers": processes, "resamples": store}


def analyse(
    file: Path,
    selection: dict[str, Any],
    settings: dict[str, Any],
    *,
    seed: int,
    workers: int | None,
    quiet: bool,
    resume: Path | None = None,
) -> "Analysis":
    """Run `ibcollapse.curve` on a file, with progress on standard error."""
    from ibcollapse.analysis import curve

    with limited_threads(workers), show_progress(quiet=quiet) as progress:
        return curve(file, **selection, **settings, seed=seed, progress=progress, resume=resume)


def exit_code(analysis: "Analysis", *, certified: bool) -> ExitCode:
    """Whether all that was asked for is there: certified, and not cut short by `--time-limit`."""
    is_done = certified and not analysis.curve.is_out_of_time
    return ExitCode.DONE if is_done else ExitCode.UNFINISHED


def remarks(analysis: "Analysis") -> list[str]:
    """The notes, and how the curve ended early, but for what `check_internal_errors` says."""
    status = analysis.curve.status
    notes = (*analysis.notes, status) if status != "converged" else analysis.notes
    return [note for note in notes if not tells_internal_error(note)]


def internal_errors(analysis: "Analysis") -> list[ReportedInternalError]:
    """The first one that stopped the curve, or what was asked about it, if there is one."""
    told = filter(tells_internal_error, (analysis.curve.status, *analysis.notes))
    return [reported(text) for text in itertools.islice(told, 1)]


def check_internal_errors(analysis: "Analysis") -> None:
    """Raise `ReportedInternalError` when one stopped the curve, or what was asked about it."""
    for error in internal_errors(analysis):
        raise error


def tells_internal_error(text: str) -> bool:
    """Whether a status or a note says that an internal error stopped something."""
    from ibcollapse.bottleneck.deadline import INTERNAL_ERROR

    return text.startswith(INTERNAL_ERROR)


def is_cut_short(analysis: "Analysis") -> bool:
    """Whether the curve may go on from where it was ended, given longer or a mended program."""
    return analysis.curve.is_out_of_time or tells_internal_error(analysis.curve.status)


def parting_classes(groups: tuple[tuple[str, ...], ...]) -> str:
    """The groups in a row; one of more than half of many classes is the others, long ones are cut.

    Result files and `--json` name every class.
    """
    if not groups:
        return "–"
    n_classes = sum(map(len, groups))
    shown = []
    for group in groups[:_MOST_GROUPS]:
        if len(group) <= _MOST_NAMED:
            shown.append(" ".join(group))
        elif 2 * len(group) > n_classes:
            shown.append(f"{len(group)} others")
        else:
            first = group[: _MOST_NAMED - 1]
            shown.append(f"{' '.join(first)} and {len(group) - len(first)} more")
    left = len(groups) - len(shown)
    return " | ".join([*shown, f"{left} more groups"] if left else shown)


def show_transitions(transitions: "tuple[PhaseTransition, ...]", *, units: str) -> None:
    """Table of transitions on standard output."""
    unit = math.log(2) if units == "bits" else 1.0
    rows = [
        (
            f"{t.beta:.10g}",
            "–" if math.isnan(t.beta_local) else f"{t.beta_local:.10g}",
            f"{t.order} ({t.mechanism})",
            t.jump_i_xt / unit if t.order == 1 else "–",
            f"{t.clusters_before} → {t.clusters_after}",
            parting_classes(t.separates),
        )
        for t in transitions
    ]
    columns = ("beta", "local beta", "order", f"jump of I(X;T), {units}", "clusters", "separates")
    write_table(columns, rows, title="Phase transitions")
