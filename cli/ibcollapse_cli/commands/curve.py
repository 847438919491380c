"""ibcollapse curve: the information-bottleneck curve of stored features."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse_cli.analysing import (
    analyse,
    analysis_options,
    check_internal_errors,
    exit_code,
    is_cut_short,
    question_options,
    remarks,
    resampling,
    show_transitions,
    time_limit_option,
)
from ibcollapse_cli.analysis_json import analysis_fields
from ibcollapse_cli.console import remark
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json, write_table
from ibcollapse_cli.options import (
    claim_folder,
    common_options,
    feature_options,
    output_option,
    units_option,
)
from ibcollapse_cli.outcome import ExitCode

if TYPE_CHECKING:
    from ibcollapse.analysis import Analysis
    from ibcollapse.bottleneck import CurveBootstrap
    from ibcollapse.report.wording import Units

_SCHEMA = "ibcollapse/curve"
_RESULT = "curve.h5"
_UNFINISHED = "curve.unfinished.h5"
_RESAMPLES = "resamples.h5"
_FIGURES = ("curve", "tree", "hysteresis")
_FORMATS = ("png", "svg")
_FILES = (
    _RESULT,
    _UNFINISHED,
    _RESAMPLES,
    *(f"{name}.{suffix}" for name in _FIGURES for suffix in _FORMATS),
)


@click.command(short_help="Trace the information-bottleneck curve of stored features.")
@click.argument("file", type=click.Path(path_type=Path))
@feature_options
@analysis_options
@question_options
@time_limit_option
@output_option(
    "Folder for curve.h5 and the pictures; default ibcollapse_<FILE's name>.", is_file=False
)
@units_option
@common_options
def curve(
    file: Path,
    selection: dict[str, Any],
    settings: dict[str, Any],
    asked: dict[str, Any],
    output: Path | None,
    units: "Units",
    json_path: str | None,
    seed: int,
    workers: int | None,
    quiet: bool,
) -> ExitCode:
    """Trace the information-bottleneck curve of a feature FILE or of a joint table.

    Prints the phase transitions and writes a result file that `ibcollapse.load_result` reads, and
    pictures of the curve and of the tree in which the classes part. With `--json -` nothing else is
    written unless -o asks for it. A joint table is a .csv, .tsv, .txt or .npy file with a row an x
    and a column a class, whose numbers sum to one; counts need --joint. While it runs, finished
    points are kept in the folder, and finished resamples of --bootstrap in resamples.h5: after a
    kill, the same command goes on from them; so does one with a longer --time-limit, or none, after
    one that ended the curve.
    """
    from ibcollapse.analysis import AnalysisInterrupted

    folder = output
    if folder is None and json_path != "-":
        folder = Path(f"ibcollapse_{file.stem}")
    unfinished = None
    if folder is not None:
        claim_folder(folder, _FILES)
        unfinished = folder / _UNFINISHED
    try:
        settings |= resampling(asked, workers, folder and folder / _RESAMPLES)
        analysis = analyse(
            file, selection, settings, seed=seed, workers=workers, quiet=quiet, resume=unfinished
        )
    except AnalysisInterrupted as stop:
        if folder is not None:
            kept = stop.analysis.save(folder / _RESULT)
            remark(f"{len(stop.analysis.curve.solutions)} finished points are in {kept}")
        raise
    files = [] if folder is None else _files(analysis, folder, file, units, quiet=quiet)
    deliver(
        [*files, lambda: check_internal_errors(analysis)],
        json_path=json_path,
        write=lambda path: write_json(_SCHEMA, analysis_fields(analysis), path),
        show=lambda: _show(analysis, units),
        notes=remarks(analysis),
        quiet=quiet,
    )
    converged = all(solution.converged for solution in analysis.curve.solutions)
    return exit_code(analysis, certified=converged)


def _files(
    analysis: "Analysis", folder: Path, file: Path, units: "Units", *, quiet: bool
) -> list[Callable[[], object]]:
    """The steps that write the result and then its pictures."""
    written: list[str] = []

    def save() -> None:
        written.append(analysis.save(folder / _RESULT).name)

    def draw() -> None:
        is_saved = bool(written)
        written.extend(_draw(analysis, folder, file, units))
        remark(f"wrote {folder}/{', '.join(written)}", quiet=quiet)
        # Last: a kill before it repeats the last steps, and writes the same files again.
        if is_saved and not is_cut_short(analysis):
            (folder / _UNFINISHED).unlink(missing_ok=True)

    return [save, draw]


def _draw(analysis: "Analysis", folder: Path, file: Path, units: "Units") -> list[str]:
    """Write the pictures of the result, and return the names of the files."""
    from ibcollapse.report import (
        curve_figure,
        hysteresis_figure,
        save_figure,
        separation_tree_figure,
    )

    figures = {
        "curve": curve_figure(
            analysis.curve,
            units=units,
            gaussian=analysis.gaussian,
            bootstrap=analysis.bootstrap,
            hysteresis=analysis.hysteresis,
            title=file.name,
        ),
        "tree": separation_tree_figure(analysis.curve, title=file.name),
    }
    if analysis.hysteresis:
        figures["hysteresis"] = hysteresis_figure(analysis.hysteresis, units=units, title=file.name)
    return [
        save_figure(figure, folder / f"{name}.{suffix}").name
        for name, figure in figures.items()
        for suffix in _FORMATS
    ]


def _show(analysis: "Analysis", units: str) -> None:
    unit = math.log(2) if units == "bits" else 1.0
    summary, fit = analysis.channel, analysis.fit
    rows: list[tuple[str, object]] = [
        ("H(Y)", summary.h_y / unit),
        ("I(X;Y) of the calibrated channel", summary.i_xy / unit),
    ]
    if fit is not None:
        rows += [
            ("I(X;Y) held out, H(Y) - log-loss", fit.i_xy_held_out / unit),
            ("I(X;Y) plug-in, over-confident", fit.i_xy_plug_in / unit),
        ]
    rows += [
        (
            f"lost by merging {summary.n} points to {summary.n_reduced}",
            summary.information_lost / unit,
        ),
    ]
    write_table(("information", units), rows, title=analysis.provenance.source)
    if fit is not None:
        write_table(
            ("held-out accuracy", "calibration error", "temperature", "shrinkage"),
            [
                (
                    fit.held_out_accuracy,
                    fit.calibration_error,
                    fit.temperature,
                    f"{float(fit.covariance.intensity.mean()):.3g} ({fit.shrinkage})",
                )
            ],
        )
    show_transitions(analysis.transitions, units=units)
    if analysis.bootstrap is not None:
        _show_intervals(analysis.bootstrap)
    if analysis.gaussian is not None:
        _show_gaussian(analysis)


def _show_intervals(found: "CurveBootstrap") -> None:
    rows = [
        (f"{transition.beta:.10g}", f"{low:.10g}", f"{high:.10g}", f"{share:.0%}")
        for transition, (low, high), share in zip(
            found.reference.transitions,
            found.beta_intervals.tolist(),
            found.found_share.tolist(),
            strict=True,
        )
    ]
    title = f"{100 * found.level:.3g} % intervals from {len(found.i_xy)} resamples"
    write_table(("beta", "from", "to", "found in"), rows, title=title)


def _show_gaussian(analysis: "Analysis") -> None:
    assert analysis.gaussian is not None
    rows = [
        (f"{transition.beta:.10g}", transition.multiplicity)
        for transition in analysis.gaussian.transitions()
    ]
    write_table(
        ("critical beta", "multiplicity"), rows, title="Gaussian bottleneck of the same fit"
    )
