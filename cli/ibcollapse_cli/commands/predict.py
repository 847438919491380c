"""ibcollapse predict: the geometry that theory expects of collapsed features."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse_cli.console import remark
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json, write_table
from ibcollapse_cli.options import json_option, output_option, quiet_option, read_integers
from ibcollapse_cli.outcome import ExitCode

if TYPE_CHECKING:
    from ibcollapse.landscape import (
        AugmentationCovariances,
        AugmentationPath,
        LinearLandscape,
        SELIGeometry,
        SupConGeometry,
    )

_SCHEMA = "ibcollapse/prediction"
_SHOWN_GROUPS = 8
_SHOWN_DIRECTIONS = 20
_VIEWS = {"pairs", "n_outputs", "weight_decay", "normalised", "plot", "strengths"}
_STRENGTHS = (0.01, 100.0)
_N_STRENGTHS = 60
# Loss → the options that it takes, the required ones first.
_APPLICABLE: dict[str, tuple[set[str], set[str]]] = {
    "supcon": ({"counts", "temperature"}, {"relu", "tol"}),
    "ce": ({"counts"}, {"ridge", "tol"}),
    "spectral": ({"pairs", "n_outputs"}, _VIEWS | {"bias"}),
    "infonce-dot": ({"pairs", "n_outputs"}, _VIEWS | {"temperature"}),
    "infonce-distance": ({"pairs", "n_outputs"}, _VIEWS | {"temperature"}),
    "vicreg": ({"pairs", "n_outputs"}, _VIEWS | {"alignment"}),
}


@click.command(short_help="Predict the feature geometry that a loss leads to.")
@click.option(
    "--loss", type=click.Choice(list(_APPLICABLE)), required=True, help="What was minimised."
)
@click.option(
    "--counts", callback=read_integers, metavar="N,N,...", help="Samples a class (supcon, ce)."
)
@click.option("--temperature", type=float, help="Of supcon (required) and InfoNCE (default 1).")
@click.option("--relu", is_flag=True, default=None, help="Non-negative features (supcon).")
@click.option("--ridge", type=float, help="Weight decay of ce; default its limit to zero.")
@click.option("--tol", type=float, help="Relative optimality gap (supcon, ce); default 1e-9.")
@click.option(
    "--pairs",
    type=click.Path(path_type=Path),
    help="File of two augmented views, arrays view_a and view_b (.npz or HDF5).",
)
@click.option("--n-outputs", type=int, help="Dimension of the features learned from --pairs.")
@click.option("--alignment", type=float, help="Weight of the alignment term (vicreg).")
@click.option("--weight-decay", type=float, help="With --pairs; default 0.")
@click.option("--normalised", type=float, help="With --pairs: impose this total variance.")
@click.option("--bias", is_flag=True, default=None, help="Learn a bias (spectral).")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="PATH",
    help="With --pairs: draw what is learned against augmentation strength (.png, .svg, .pdf).",
)
@click.option(
    "--strengths",
    type=(float, float),
    metavar="FROM TO",
    help="Of --plot, factors of the pairs' noise; default 0.01 100.",
)
@output_option("Write the result to PATH (.h5 or .json), to be loaded again.")
@json_option
@quiet_option
def predict(
    loss: Any, output: Path | None, json_path: str | None, quiet: bool, **options: Any
) -> ExitCode:
    """Predict the feature geometry that a loss leads to.

    supcon and ce: the Gram of the class means for given class counts, with the gap that certifies
    it. The self-supervised losses: what a linear encoder learns from pairs of views, and which
    input directions collapse. All losses in nats.
    """
    from ibcollapse import landscape
    from ibcollapse.storage.serialize import save

    given = _applicable(loss, options)
    found: SupConGeometry | SELIGeometry | LinearLandscape
    paths: list[AugmentationPath] = []
    files: list[Callable[[], object]] = []
    if output is not None:
        files.append(lambda: save(found, output))
    if loss == "supcon":
        found = landscape.supcon_geometry(**given)
    elif loss == "ce":
        found = landscape.seli_geometry(**given)
    else:
        moments = landscape.covariances_from_pairs(*landscape.load_pairs(given.pop("pairs")))
        remark(
            f"{moments.n_pairs} pairs; data covariance clipped by {moments.clipped:.3g}",
            quiet=quiet,
        )
        ends, plot = given.pop("strengths", None), given.pop("plot", None)
        if ends is not None and plot is None:
            raise click.UsageError("--strengths says where --plot begins and ends; give --plot")
        strengths = _spread(ends or _STRENGTHS)
        found = landscape.selfsupervised(moments.a0, moments.c, loss=loss, **given)
        if plot is not None:

            def draw() -> None:
                paths.append(_path(moments, loss, given, strengths))
                _draw(paths[0], plot)
                remark(f"wrote {plot}", quiet=quiet)

            files.append(draw)

    def write(destination: str) -> None:
        fields = {"prediction": loss, "units": "nats", **_fields(found)}
        if paths:
            fields["augmentation_path"] = paths[0]
        write_json(_SCHEMA, fields, destination)

    status = getattr(found, "status", "converged")
    deliver(
        files,
        json_path=json_path,
        write=write,
        show=lambda: _show(found),
        notes=[] if status == "converged" else [status],
        quiet=quiet,
    )
    return ExitCode.DONE if status == "converged" else ExitCode.UNFINISHED


def _spread(ends: tuple[float, float]) -> list[float]:
    """Strengths spread evenly between `ends` in logarithm."""
    low, high = ends
    if not 0 < low < high or math.isinf(high):
        raise click.UsageError(f"--strengths {low:g} {high:g}: expected 0 < FROM < TO")
    step = math.log(high / low) / (_N_STRENGTHS - 1)
    return [low * math.exp(i * step) for i in range(_N_STRENGTHS)]


def _path(
    moments: "AugmentationCovariances",
    loss: str,
    options: Mapping[str, Any],
    strengths: list[float],
) -> "AugmentationPath":
    """Minima with the pairs' noise times each of `strengths`."""
    from ibcollapse.landscape import augmentation_path

    return augmentation_path(moments.a0, moments.c, strengths, loss=loss, **options)


def _draw(path: "AugmentationPath", target: Path) -> None:
    from ibcollapse.report import augmentation_path_figure, save_figure

    save_figure(augmentation_path_figure(path), target)


def _applicable(loss: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; a usage error on a missing or inapplicable one."""
    given = {name: value for name, value in options.items() if value is not None}
    required, further = _APPLICABLE[loss]
    for name in given:
        if name not in required | further:
            raise click.UsageError(f"{_flag(name)} does not apply to --loss {loss}")
    for name in sorted(required):
        if name not in given:
            raise click.UsageError(f"--loss {loss} needs {_flag(name)}")
    return given


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _fields(found: "SupConGeometry | SELIGeometry | LinearLandscape") -> dict[str, Any]:
    from ibcollapse.landscape import SELIGeometry

    derived = {"gram": found.gram} if isinstance(found, SELIGeometry) else {}
    return {**vars(found), **derived}


def _show(found: "SupConGeometry | SELIGeometry | LinearLandscape") -> None:
    from ibcollapse.landscape import LinearLandscape, SELIGeometry

    if isinstance(found, LinearLandscape):
        _show_directions(found)
        return
    first = f"loss {found.loss:.10g}, certified to {found.gap:.1e}, rank {found.rank}"
    if isinstance(found, SELIGeometry):
        _show_norms(found)
    _show_cosines(found.counts, found.gram, f"Cosines of the class means: {first}")


def _show_cosines(counts: Any, gram: Any, title: str) -> None:
    """One row and column a group of equal counts; the column of its own group is the inside."""
    groups = _groups(counts)
    if len(groups) > _SHOWN_GROUPS:
        cosines = gram[~(gram == gram.diagonal().max())]
        write_table(
            ("classes", "smallest cosine", "largest cosine"),
            [(len(counts), float(cosines.min()), float(cosines.max()))],
            title=f"{title} (every entry: --json)",
        )
        return
    rows = []
    for count, members in groups.items():
        row: list[object] = [count, len(members)]
        for other in groups.values():
            partners = [c for c in other if c != members[0]]
            row.append(float(gram[members[0], partners[0]]) if partners else None)
        rows.append(row)
    write_table(("count", "classes", *(f"with {count}" for count in groups)), rows, title=title)


def _show_norms(found: "SELIGeometry") -> None:
    groups = list(_groups(found.counts).items())
    weights, means = found.classifier_gram.diagonal(), found.feature_gram.diagonal()
    rows = [
        (count, len(members), float(weights[members[0]]), float(means[members[0]]))
        for count, members in groups[:_SHOWN_GROUPS]
    ]
    columns = ("count", "classes", "classifier norm^2", "mean norm^2")
    write_table(
        columns, rows, title="Norms" + (" (first counts)" if len(groups) > len(rows) else "")
    )


def _groups(counts: Any) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for c, count in enumerate(counts.tolist()):
        groups.setdefault(count, []).append(c)
    return groups


def _show_directions(found: "LinearLandscape") -> None:
    collapse = "complete collapse" if found.complete_collapse else "no collapse"
    if found.dimensional_collapse and not found.complete_collapse:
        collapse = "dimensional collapse"
    rows = [
        (j + 1, eigenvalue, variance, variance > 0)
        for j, (eigenvalue, variance) in enumerate(
            zip(found.eigenvalues.tolist(), found.feature_variances.tolist(), strict=True)
        )
    ]
    title = (
        f"{found.loss}: loss {found.value:.10g}, {found.n_active} directions learned, {collapse}"
    )
    columns = ("direction", "eigenvalue", "feature variance", "learned")
    write_table(columns, rows[:_SHOWN_DIRECTIONS], title=title)
