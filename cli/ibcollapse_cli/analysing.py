"""What `curve` and `transitions` share: their options, the run, and their JSON and tables."""

import contextlib
import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse_cli.console import show_progress
from ibcollapse_cli.formats import write_table

if TYPE_CHECKING:
    from ibcollapse.analysis import Analysis
    from ibcollapse.bottleneck import PhaseTransition

_ANALYSIS = {
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


@contextlib.contextmanager
def limited_threads(workers: int | None) -> Iterator[None]:
    """Let the linear algebra use at most `workers` threads; None leaves it alone."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=workers):
        yield


def analysis_fields(analysis: "Analysis") -> dict[str, Any]:
    """The JSON object of an analysis, after its schema; keys are only ever added."""
    traced, fit, summary = analysis.curve, analysis.fit, analysis.channel
    return {
        "units": "nats",
        "status": traced.status,
        "i_xy": summary.i_xy,
        "i_xy_held_out": fit.i_xy_held_out if fit else None,
        "h_y": summary.h_y,
        "class_names": traced.class_names,
        "curve": {
            "beta": traced.beta,
            "i_xt": traced.i_xt,
            "i_ty": traced.i_ty,
            "gap": traced.gap,
            "clusters": traced.n_clusters,
        },
        "transitions": [transition_fields(t) for t in traced.transitions],
        "gaussian": (
            {"critical_betas": analysis.gaussian.critical_betas} if analysis.gaussian else None
        ),
        "channel": {
            "n": summary.n,
            "n_reduced": summary.n_reduced,
            "information_lost": summary.information_lost,
            "temperature": fit.temperature if fit else None,
            "held_out_log_loss": fit.held_out_log_loss if fit else None,
            "held_out_accuracy": fit.held_out_accuracy if fit else None,
            "calibration_error": fit.calibration_error if fit else None,
            "i_xy_plug_in": fit.i_xy_plug_in if fit else None,
        },
        "notes": analysis.notes,
        "provenance": analysis.provenance,
    }


def transition_fields(transition: "PhaseTransition") -> dict[str, Any]:
    """The JSON object of one transition."""
    return {name: getattr(transition, name) for name in transition.__dataclass_fields__}


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
            " | ".join(" ".join(group) for group in t.separates) or "–",
        )
        for t in transitions
    ]
    columns = ("beta", "local beta", "order", f"jump of I(X;T), {units}", "clusters", "separates")
    write_table(columns, rows, title="Phase transitions")
