"""ibcollapse report: one self-contained page about feature files."""

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse.report import SECTIONS
from ibcollapse.threads import limited_threads
from ibcollapse_cli.analysing import (
    analysis_options,
    internal_errors,
    question_options,
    resampling,
)
from ibcollapse_cli.analysis_json import analysis_fields
from ibcollapse_cli.console import remark, show_progress
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json
from ibcollapse_cli.options import (
    claim_file,
    common_options,
    feature_options,
    output_option,
    units_option,
)
from ibcollapse_cli.outcome import ExitCode

if TYPE_CHECKING:
    from ibcollapse.report import Report
    from ibcollapse.report.measurements import Measurements
    from ibcollapse.report.wording import Units

_SCHEMA = "ibcollapse/report"
# Always there, in this order; those of further sections follow.
_RESULTS = ("geometry", "information", "ranks", "bounds", "alignment", "dynamics")
_FORMATS = {".html": "html", ".htm": "html", ".md": "md", ".json": "json"}


def _read_sections(
    _context: click.Context, _option: click.Parameter, text: str | None
) -> tuple[str, ...]:
    if text is None:
        return SECTIONS
    chosen = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        raise click.BadParameter(f"{unknown[0]!r}; choose from {', '.join(SECTIONS)}")
    return chosen


@click.command(short_help="Write one self-contained page about feature files.")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@feature_options
@analysis_options
@question_options
@click.option(
    "--sections",
    callback=_read_sections,
    metavar="A,B,...",
    help=f"Only these; default all: {','.join(SECTIONS)}.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "md", "json"]),
    help="Default: what the suffix of -o says, else html.",
)
@click.option(
    "--loss-temperature",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    help="Of the contrastive loss whose geometry the class means are compared with.",
)
@click.option(
    "--curve-time",
    type=click.FloatRange(min=0),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="End the curve after this long, where it is then; 0 for no end.",
)
@output_option("The page; default ibcollapse_<first FILE's name>.html.")
@units_option
@common_options
def report(
    files: tuple[Path, ...],
    selection: dict[str, Any],
    settings: dict[str, Any],
    asked: dict[str, Any],
    sections: tuple[str, ...],
    form: str | None,
    loss_temperature: float,
    curve_time: float,
    output: Path | None,
    units: "Units",
    json_path: str | None,
    seed: int,
    workers: int | None,
    quiet: bool,
) -> ExitCode:
    """Write one self-contained page about feature FILES, read with the same options.

    The curve is that of the first file; geometry and matrix information are measured for every
    file, and two or more files of the same samples are aligned. A section that cannot be measured
    says why, and the exit code is then 1. As md, figures become files in a folder beside the page;
    as json, or with --json, the measurements themselves are included, in nats.
    """
    from ibcollapse.report.measurements import Measurements
    from ibcollapse.report.measuring import mark_interrupted, measure

    form = form or (_FORMATS.get(output.suffix.lower(), "html") if output else "html")
    if output is None and json_path != "-":
        output = Path(f"ibcollapse_{files[0].stem}.{form}")
        claim_file(output)
    stopped: KeyboardInterrupt | None = None
    found = Measurements(files)
    with limited_threads(workers), show_progress(quiet=quiet) as progress:
        try:
            settings |= resampling(asked, workers, output and _resamples_of(output))
            measure(
                found,
                selection=selection,
                settings=settings,
                sections=sections,
                loss_temperature=loss_temperature,
                curve_time=curve_time or math.inf,
                seed=seed,
                progress=progress,
                on_analysis=lambda whole: found.internal_errors.extend(internal_errors(whole)),
            )
        except KeyboardInterrupt as stop:
            if found.empty:
                raise
            mark_interrupted(found)
            stopped = stop
        progress.start("drawing the page")
        page = _page(found, sections, loss_temperature, units)

    def write_page(output: Path) -> None:
        _write(page, found, output, form)
        remark(f"wrote {output}", quiet=quiet)

    deliver(
        [
            *([] if output is None else [functools.partial(write_page, output)]),
            *(functools.partial(_raise, error) for error in found.internal_errors),
        ],
        json_path=json_path,
        write=lambda path: _write_json(page, found, path),
        show=lambda: None,
        notes=[] if stopped else _notes(found, curve_time),
        quiet=quiet,
    )
    if stopped is not None:
        raise stopped
    return ExitCode.DONE if found.complete else ExitCode.UNFINISHED


def _raise(error: Exception) -> None:
    raise error


def _notes(found: "Measurements", curve_time: float) -> list[str]:
    """Why a part of what was asked for is missing."""
    notes = [str(failure) for failure in found.failures]
    if found.analysis is not None and found.analysis.curve.is_out_of_time:
        reached = found.analysis.curve.i_ty[-1] / found.analysis.curve.i_xy
        notes.insert(
            0,
            f"the curve was ended after {curve_time:g} s at {reached:.1%} of I(X;Y); give it "
            "longer with --curve-time, or fewer points to solve with --max-rows",
        )
    return notes


def _page(
    found: "Measurements", sections: tuple[str, ...], loss_temperature: float, units: "Units"
) -> "Report":
    from ibcollapse.report import report_of

    return report_of(
        results=found.results,
        names=found.names,
        sections=sections,
        loss_temperature=loss_temperature,
        units=units,
    )


def _resamples_of(output: Path) -> Path:
    """Where finished resamples are kept beside the page."""
    return output.with_name(f"{output.stem}_resamples.h5")


def _write(page: "Report", found: "Measurements", output: Path, form: str) -> None:
    from ibcollapse.report import write_markdown, write_report

    if form == "json":
        _write_json(page, found, str(output))
    elif form == "md":
        write_markdown(page, output)
    else:
        write_report(page, output)


def _write_json(page: "Report", found: "Measurements", destination: str) -> None:
    from ibcollapse.analysis import Analysis
    from ibcollapse.trajectory import Trajectory

    whole = found.results.get("analysis")
    results = {"curve": analysis_fields(whole) if isinstance(whole, Analysis) else whole}
    for name in dict.fromkeys((*_RESULTS, *found.results)):
        if name != "analysis":
            part = found.results.get(name)
            results[name] = part.columns() if isinstance(part, Trajectory) else part
    write_json(_SCHEMA, {**vars(page), "units": "nats", "results": results}, destination)
