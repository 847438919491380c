"""ibcollapse information: matrix entropies, mutual information ratio, effective ranks."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse.threads import threads_for
from ibcollapse_cli.console import remark, show_progress
from ibcollapse_cli.delivery import Postponed, deliver
from ibcollapse_cli.formats import write_json, write_table
from ibcollapse_cli.options import (
    feature_options,
    json_option,
    quiet_option,
    seed_option,
    units_option,
)

if TYPE_CHECKING:
    from ibcollapse.matrix_information import Against, EffectiveRanks, MatrixInformation

_SCHEMA = "ibcollapse/matrix-information"


@click.command(short_help="Measure matrix entropies and matrix mutual information.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path), required=False)
@feature_options
@click.option(
    "--against",
    type=click.Choice(["classifier", "class means"]),
    help="What a class stands for without OTHER; default the stored classifier, else the means.",
)
@click.option("--centred", is_flag=True, help="Subtract the samples' mean first.")
@click.option(
    "--alpha",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Order of the entropy; 1 is Shannon's.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=2),
    help="Average over batches of this many samples; default all at once.",
)
@click.option(
    "--permutations",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Permutations behind the null; 0: none.",
)
@units_option
@seed_option
@json_option
@quiet_option
def information(
    file: Path,
    other: Path | None,
    selection: dict[str, Any],
    against: "Against | None",
    centred: bool,
    alpha: float,
    batch_size: int | None,
    permutations: int,
    units: str,
    seed: int,
    json_path: str | None,
    quiet: bool,
) -> None:
    """Measure matrix entropies and matrix mutual information of a feature FILE.

    Features are compared with the rows of their classes, or with the features of the same samples
    in OTHER, read with the same options.
    """
    from ibcollapse.features import open_features
    from ibcollapse.matrix_information import effective_ranks, matrix_information

    source = open_features(file, **selection)
    second = None if other is None else open_features(other, **selection)
    sources = [source] if second is None else [source, second]
    with threads_for(sources), show_progress(quiet=quiet) as progress:
        found = matrix_information(
            source,
            second,
            against=against,
            centred=centred,
            alpha=alpha,
            batch_size=batch_size,
            n_permutations=permutations,
            seed=seed,
            progress=progress,
        )
        ranks: EffectiveRanks | None = None
        with Postponed() as postponed:
            ranks = effective_ranks(source, progress=progress)
    remark(source.description, quiet=quiet)
    fields = {"units": "nats", **vars(found), "ranks": ranks}
    deliver(
        [postponed.raise_error],
        json_path=json_path,
        write=lambda path: write_json(_SCHEMA, fields, path),
        show=lambda: _show(found, ranks, units),
    )


def _show(found: "MatrixInformation", ranks: "EffectiveRanks | None", units: str) -> None:
    scale = 1.0 if units == "nats" else 1.0 / math.log(2)
    rows = [
        ("matrix mutual information ratio (MIR)", found.mir),
        ("its mean under permutation", found.null_mean),
        ("z", found.z),
        ("p", found.p_value),
        ("matrix entropy difference ratio (HDR)", found.hdr),
        (f"entropy of the features, {units}", found.entropy_a * scale),
        (f"entropy of the {found.against}, {units}", found.entropy_b * scale),
        (f"mutual information, {units}", found.mutual_information * scale),
    ]
    if ranks is not None:
        rows += [
            ("RankMe (sigma)", ranks.rankme),
            ("RankMe (sigma squared)", ranks.rankme_squared),
            ("participation ratio", ranks.participation_ratio),
            ("LiDAR", ranks.lidar),
        ]
    parts = "all at once" if found.batch_size is None else f"batches: {found.n_batches}"
    title = f"features against {found.against}, {found.n_samples} samples, {parts}"
    write_table(("figure", "value"), rows, title=title)
