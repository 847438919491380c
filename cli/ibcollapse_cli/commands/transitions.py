"""ibcollapse transitions: the phase transitions alone, for scripts."""

from pathlib import Path
from typing import Any

import click

from ibcollapse_cli.analysing import (
    analyse,
    analysis_options,
    check_internal_errors,
    exit_code,
    remarks,
    show_transitions,
    time_limit_option,
)
from ibcollapse_cli.analysis_json import transition_fields
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json
from ibcollapse_cli.options import common_options, feature_options, units_option
from ibcollapse_cli.outcome import ExitCode

_SCHEMA = "ibcollapse/transitions"


@click.command(short_help="List the phase transitions of stored features.")
@click.argument("file", type=click.Path(path_type=Path))
@feature_options
@analysis_options
@time_limit_option
@units_option
@common_options
def transitions(
    file: Path,
    selection: dict[str, Any],
    settings: dict[str, Any],
    units: str,
    json_path: str | None,
    seed: int,
    workers: int | None,
    quiet: bool,
) -> ExitCode:
    """List the phase transitions of a feature FILE or of a joint table; writes no files.

    Exit code 1 says that a transition could not be certified, or that --time-limit ended the list.
    """
    analysis = analyse(file, selection, settings, seed=seed, workers=workers, quiet=quiet)
    found = analysis.transitions
    fields = {
        "units": "nats",
        "status": analysis.curve.status,
        "transitions": [transition_fields(t) for t in found],
        "provenance": analysis.provenance,
    }
    deliver(
        [lambda: check_internal_errors(analysis)],
        json_path=json_path,
        write=lambda path: write_json(_SCHEMA, fields, path),
        show=lambda: show_transitions(found, units=units),
        notes=remarks(analysis),
        quiet=quiet,
    )
    certified = all(transition.certified for transition in found)
    return exit_code(analysis, certified=certified)
