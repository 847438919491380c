"""ibcollapse inspect: what is in a feature file, what would be used, what looks wrong."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse_cli.console import show_progress
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json, write_line, write_table
from ibcollapse_cli.options import feature_options, json_option, quiet_option

if TYPE_CHECKING:
    from ibcollapse.features import ChosenFeatures, FeatureInspection

_SCHEMA = "ibcollapse/inspection"
_SHOWN_ARRAYS = 40
_SHOWN_CLASSES = 12


@click.command(short_help="Say what is in a feature file and what would be used.")
@click.argument("file", type=click.Path(path_type=Path))
@feature_options
@click.option("--count-repeated", is_flag=True, help="Count samples that equal an earlier one.")
@json_option
@quiet_option
def inspect(
    file: Path, selection: dict[str, Any], count_repeated: bool, json_path: str | None, quiet: bool
) -> None:
    """Say what is in a feature FILE and what would be used.

    Lists the arrays, the layers, epochs and splits, which of them an analysis with the same
    options would take and why, and what looks wrong with these. Where the choice is open it says
    which options settle it.
    """
    from ibcollapse.features import inspect_features

    with show_progress(quiet=quiet) as progress:
        found = inspect_features(
            file, count_repeated=count_repeated, progress=progress, **selection
        )
    deliver(
        [],
        json_path=json_path,
        write=lambda path: write_json(_SCHEMA, _fields(found), path),
        show=lambda: _show(found),
    )


def _fields(found: "FeatureInspection") -> dict[str, Any]:
    fields = {name: getattr(found, name) for name in ("path", "layout", "provenance", "contents")}
    arrays = [
        {
            "key": array.key,
            "shape": array.shape,
            "dtype": "strings" if array.is_text else str(array.dtype),
            "problem": array.problem,
        }
        for array in found.arrays
    ]
    return {
        **fields,
        "arrays": arrays,
        "chosen": found.chosen,
        "refusal": found.refusal,
        "warnings": found.warnings,
    }


def _show(found: "FeatureInspection") -> None:
    from ibcollapse.features import one_line

    rows = [
        (one_line(array.key), "-" if array.problem else array.form, array.problem)
        for array in found.arrays[:_SHOWN_ARRAYS]
    ]
    write_table(("array", "holds", "problem"), rows, title=f"{found.path} ({found.layout})")
    if len(found.arrays) > _SHOWN_ARRAYS:
        write_line(f"... and {len(found.arrays) - _SHOWN_ARRAYS} more arrays")
    for name, values in (
        ("--layer", found.contents.layers),
        ("--epoch", found.contents.epochs),
        ("--split", found.contents.splits),
    ):
        if values:
            write_line(f"{name}: {', '.join(one_line(str(value)) for value in values)}")
    for name, value in found.provenance.items():
        write_line(f"made: {one_line(name)} = {one_line(value)}")
    write_line()
    if found.chosen is None:
        write_line(f"Nothing would be used. {found.refusal}")
    else:
        _show_chosen(found.chosen)
    for warning in found.warnings:
        write_line(f"Looks wrong: {warning}")
    if found.chosen is not None and not found.warnings:
        write_line("Nothing looks wrong.")


def _show_chosen(chosen: "ChosenFeatures") -> None:
    from ibcollapse.features import one_line

    write_line(f"Would be used: {chosen.description}")
    write_line(f"{chosen.n_samples} samples of {chosen.n_features} features")
    beside = [
        name
        for name, is_there in (
            ("classifier", chosen.has_classifier),
            ("ids", chosen.has_ids),
            ("logits", chosen.has_logits),
        )
        if is_there
    ]
    write_line(f"with {', '.join(beside) or 'no classifier, ids or logits'}")
    counted = list(zip(chosen.class_names, chosen.class_counts.tolist(), strict=True))
    listed = ", ".join(f"{one_line(name)} ({count})" for name, count in counted[:_SHOWN_CLASSES])
    more = f", ... {len(counted) - _SHOWN_CLASSES} more" if len(counted) > _SHOWN_CLASSES else ""
    write_line(f"{len(counted)} classes: {listed}{more}")
