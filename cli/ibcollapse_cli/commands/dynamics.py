"""ibcollapse dynamics: every measure along the stored checkpoints."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse_cli.checkpoint_clock import CheckpointClock
from ibcollapse_cli.console import remark, show_progress
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json, write_line, write_table
from ibcollapse_cli.options import (
    claim_folder,
    feature_options,
    intervals_option,
    json_option,
    output_option,
    quiet_option,
    read_integers,
    seed_option,
)

if TYPE_CHECKING:
    from ibcollapse.trajectory import Trajectory

_SCHEMA = "ibcollapse/dynamics"
_FILES = ("dynamics.h5", "dynamics.png", "dynamics.svg", "last_checkpoint.png")
# Column, heading.
_SHOWN = (
    ("epoch", "epoch"),
    ("accuracy", "accuracy"),
    ("i_xy_held_out", "I(X;Y) held out"),
    ("onset", "exact onset"),
    ("beta_all", "exact, K clusters"),
    ("labels_beta_last", "labels, last beta"),
    ("pair_beta_last", "pair, beta K-1"),
    ("labels_included", "labels in"),
    ("pair_included", "pair in"),
    ("discrete_included", "exact in"),
    ("nc1", "NC1"),
    ("etf_distance", "off ETF"),
    ("cca_identified", "CCA held out"),
    ("mir", "MIR"),
)


@click.command(short_help="Follow every measure along the stored checkpoints.")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@feature_options
@click.option(
    "--epochs",
    metavar="N,N,...",
    callback=read_integers,
    help="Checkpoints to measure; default all that every file stores.",
)
@click.option(
    "--beta",
    type=click.FloatRange(min=1, min_open=True),
    default=2.0,
    show_default=True,
    help="Trade-off, nats per nat, at which a transition counts as included.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=0.01,
    show_default=True,
    help="Distance to the last accuracy, a share of the samples, that counts as flat.",
)
@click.option(
    "--shrinkage",
    type=float,
    default=0.0,
    show_default=True,
    help="Weight, 0 to 1, of mean variance x I in all covariances.",
)
@click.option(
    "--max-rows",
    type=int,
    default=512,
    show_default=True,
    help="Points p(y|x) that the samples are merged into for the exact bottleneck.",
)
@intervals_option
@click.option(
    "--resamples",
    type=int,
    default=20,
    show_default=True,
    help="Resamples behind the interval of the exact bottleneck's last transition; 0 for none.",
)
@click.option(
    "--max-clusters",
    type=int,
    help="Clusters at which the exact curve ends; default two more than classes.",
)
@output_option(
    "Folder for dynamics.h5, dynamics.png, dynamics.svg and last_checkpoint.png; default "
    "ibcollapse_<FILE's name>.",
    is_file=False,
)
@seed_option
@json_option
@quiet_option
def dynamics(
    files: tuple[Path, ...],
    selection: dict[str, Any],
    epochs: tuple[int, ...] | None,
    beta: float,
    tolerance: float,
    shrinkage: float,
    max_rows: int,
    bootstrap: int,
    resamples: int,
    max_clusters: int | None,
    output: Path | None,
    seed: int,
    json_path: str | None,
    quiet: bool,
) -> None:
    """Follow transitions, collapse, alignment and accuracy along the checkpoints of FILES.

    One file, or two of networks trained apart on the same samples. Every finished checkpoint is
    kept in dynamics.h5: the same command goes on where an earlier one was stopped. With `--json -`
    nothing is written to disk unless -o asks for it. Information is in nats.
    """
    if len(files) > 2:
        raise click.UsageError(f"{len(files)} files; give one network or two")
    if selection["epoch"] is not None:
        raise click.UsageError("choose checkpoints with --epochs, not --epoch")
    from ibcollapse.coincidence import CoincidenceOptions
    from ibcollapse.trajectory import dynamics as follow

    folder = output
    if folder is None and json_path != "-":
        folder = Path(f"ibcollapse_{files[0].stem}")
    if folder is not None:
        claim_folder(folder, _FILES)
    options = CoincidenceOptions(
        shrinkage=shrinkage,
        max_rows=max_rows,
        max_clusters=max_clusters,
        n_bootstrap=bootstrap,
        n_resamples=resamples,
        seed=seed,
    )
    with show_progress(quiet=quiet) as progress:
        found = follow(
            *files,
            epochs=epochs,
            beta=beta,
            tolerance=tolerance,
            options=options,
            store=None if folder is None else folder / "dynamics.h5",
            progress=CheckpointClock(progress),
            **selection,
        )

    def draw(folder: Path) -> None:
        _draw(found, folder, " and ".join(file.name for file in files))
        remark(f"wrote dynamics.h5 and its pictures into {folder}", quiet=quiet)

    deliver(
        [] if folder is None else [functools.partial(draw, folder)],
        json_path=json_path,
        write=lambda path: write_json(_SCHEMA, _fields(found), path),
        show=lambda: _show(found),
        notes=found.notes,
        quiet=quiet,
    )


def _fields(found: "Trajectory") -> dict[str, Any]:
    statements = [
        {
            **vars(statement),
            "sufficient": statement.sufficient,
            "coincides": statement.coincides,
            "text": statement.text,
        }
        for statement in found.statements
    ]
    return {
        "units": "nats",
        "beta": found.beta,
        "tolerance": found.tolerance,
        "accuracy_source": [c.accuracy_source for c in found.checkpoints],
        "columns": found.columns(),
        "statements": statements,
        "notes": found.notes,
        "provenance": found.provenance,
    }


def _show(found: "Trajectory") -> None:
    columns = found.columns()
    # A column that nothing was measured for (no second network) would be a column of dashes.
    shown = [(key, name) for key, name in _SHOWN if any(v == v for v in columns[key])]
    rows = list(zip(*[columns[key] for key, _ in shown], strict=True))
    title = f"included: at or below beta = {found.beta:g}; information in nats"
    write_table([name for _, name in shown], rows, title=title)
    for statement in found.statements:
        write_line(statement.text)


def _draw(found: "Trajectory", folder: Path, title: str) -> None:
    from ibcollapse.report import coincidence_figure, save_figure, trajectory_figure

    figure = trajectory_figure(found, title=title)
    for suffix in ("png", "svg"):
        save_figure(figure, folder / f"dynamics.{suffix}")
        # What has been laid out once stays where it is.
        figure.set_layout_engine("none")
    last = found.checkpoints[-1]
    report = coincidence_figure(last.coincidence, title=f"{title}, epoch {last.epoch}")
    save_figure(report, folder / "last_checkpoint.png")
