"""ibcollapse geometry: neural collapse and the geometry of the class means."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse.printable import printable
from ibcollapse.threads import threads_for
from ibcollapse_cli.console import remark, show_progress
from ibcollapse_cli.delivery import Postponed, deliver
from ibcollapse_cli.formats import write_json, write_line, write_table
from ibcollapse_cli.options import feature_options, json_option, output_option, quiet_option

if TYPE_CHECKING:
    from ibcollapse.geometry import GeometryReport, GeometryWeighting
    from ibcollapse.landscape import NetworkBounds

_SCHEMA = "ibcollapse/geometry"


@click.command(short_help="Measure neural collapse and the class means' geometry.")
@click.argument("file", type=click.Path(path_type=Path))
@feature_options
@click.option(
    "--weighting",
    type=click.Choice(["class", "sample", "mixed"]),
    default="class",
    show_default=True,
    help="What weighs the same in covariances and the global mean; mixed, as in papers on "
    "long-tailed data: samples in Σ_W and the global mean, classes in Σ_B.",
)
@click.option(
    "--rank-tolerance",
    type=click.FloatRange(min=0, max=1, max_open=True),
    help="Deviation along an axis, relative to the largest, that counts as zero; default the "
    "rounding of the features' precision.",
)
@click.option(
    "--loss-temperature",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    help="Of the contrastive loss whose lower bound the network is compared with.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=2),
    default=256,
    show_default=True,
    help="Samples in each random batch of that loss.",
)
@output_option("Write the result to PATH (.h5 or .json), to be loaded again.")
@json_option
@quiet_option
def geometry(
    file: Path,
    selection: dict[str, Any],
    weighting: "GeometryWeighting",
    rank_tolerance: float | None,
    loss_temperature: float,
    batch_size: int,
    output: Path | None,
    json_path: str | None,
    quiet: bool,
) -> None:
    """Measure neural collapse and the geometry of the class means of a feature FILE.

    NC3 and the cross-entropy beside its lower bound need a classifier stored with the layer, NC4
    that or stored logits. The supervised-contrastive loss is that of random batches. Losses are
    in nats a sample. Writes a file only with -o or --json.
    """
    from ibcollapse.errors import InputError
    from ibcollapse.features import open_features
    from ibcollapse.geometry import collapse_geometry
    from ibcollapse.landscape import network_bounds

    source = open_features(file, **selection)
    with threads_for([source]), show_progress(quiet=quiet) as progress:
        report = collapse_geometry(
            source, weighting=weighting, rank_tolerance=rank_tolerance, progress=progress
        )
        bounds: NetworkBounds | None = None
        with Postponed() as postponed:
            try:
                bounds = network_bounds(
                    source, temperature=loss_temperature, batch_size=batch_size, progress=progress
                )
            except InputError as error:
                # The losses ask more of features than their geometry does: none at the origin.
                progress.note(f"no losses beside their bounds: {error}")
    remark(report.source, quiet=quiet)
    fields = {**vars(report), "bounds": bounds and bounds_fields(bounds)}
    deliver(
        [*([] if output is None else [lambda: report.save(output)]), postponed.raise_error],
        json_path=json_path,
        write=lambda path: write_json(_SCHEMA, fields, path),
        show=lambda: _show(report, bounds),
    )


def bounds_fields(bounds: "NetworkBounds") -> dict[str, Any]:
    """The JSON object of a network's losses beside their bounds, nats."""
    fields: dict[str, Any] = dict(vars(bounds))
    for name in ("supcon", "cross_entropy"):
        distance = getattr(bounds, name)
        if distance is not None:
            fields[name] = {**vars(distance), "excess": distance.excess}
    return fields


def _show_bounds(bounds: "NetworkBounds") -> None:
    named = {
        f"contrastive, batches of {bounds.batch_size}, per sample": (
            bounds.supcon,
            bounds.batch_size,
        ),
        "cross-entropy of the stored classifier": (bounds.cross_entropy, 1),
    }
    rows = [
        (name, d.loss / size, d.standard_error / size, d.bound / size, d.excess / size)
        for name, (d, size) in named.items()
        if d is not None
    ]
    title = f"Losses beside their lower bounds, nats; temperature {bounds.temperature:g}"
    write_table(("loss", "of the network", "std. error", "bound", "above it"), rows, title=title)
    if bounds.note:
        write_line(bounds.note)


def _show(report: "GeometryReport", bounds: "NetworkBounds | None") -> None:
    from ibcollapse.geometry import MEASURES

    rows = [(m.name, getattr(report, m.field), m.at_collapse) for m in MEASURES]
    rows.append(("misfit of the best-fit simplex", report.simplex_fit.residual, "0"))
    rows.append(("rank of Σ_B", report.rank_between, str(len(report.counts) - 1)))
    if report.rank_classifier:
        rows.append(("rank of the classifier", report.rank_classifier, str(len(report.counts) - 1)))
    write_table(("figure", "value", "at collapse"), rows, title=f"weighting: {report.weighting}")
    deviations = zip(
        report.class_names,
        report.counts.tolist(),
        report.class_variance.tolist(),
        report.simplex_fit.class_deviation.tolist(),
        strict=True,
    )
    write_table(("class", "samples", "variance", "off the simplex"), list(deviations))
    if report.output:
        write_line(f"output: {report.output}")
    if report.absent_classes:
        absent = printable(", ".join(report.absent_classes))
        write_line(f"classes without a sample: {absent}")
    if bounds is not None:
        _show_bounds(bounds)
