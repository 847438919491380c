"""ibcollapse align: are two or more networks' features linear maps of each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ibcollapse.threads import threads_for
from ibcollapse_cli.console import remark, show_progress
from ibcollapse_cli.delivery import deliver
from ibcollapse_cli.formats import write_json, write_line, write_table
from ibcollapse_cli.options import (
    feature_options,
    intervals_option,
    json_option,
    output_option,
    quiet_option,
    seed_option,
)

if TYPE_CHECKING:
    from ibcollapse.alignment import Alignment, Consensus, SpaceSimilarity, Span

_PAIR_SCHEMA, _MANY_SCHEMA = "ibcollapse/alignment", "ibcollapse/consensus"
_SHOWN_PAIRWISE = ("cca_mean_rho", "procrustes_cosine", "cka_debiased")
_SHOWN_BETAS = 20


@click.command(short_help="Align the features of two or more networks.")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@feature_options
@click.option(
    "--ridge",
    type=float,
    default=0.0,
    show_default=True,
    help="Ridge of the linear maps, as a share of the features' mean variance.",
)
@click.option(
    "--shrinkage",
    type=float,
    default=0.0,
    show_default=True,
    help="Weight, 0 to 1, of mean variance x I in the covariances of CCA.",
)
@click.option(
    "--held-out",
    type=float,
    default=0.2,
    show_default=True,
    help="Share of the samples that the held-out values are measured on; 0 for none.",
)
@click.option(
    "--permutations",
    type=int,
    default=20,
    show_default=True,
    help="Permutations behind z and p, the least p being 1/(1 + N); 0 for none.",
)
@intervals_option
@click.option(
    "--span",
    type=click.Choice(["class means", "classifier"]),
    default="class means",
    show_default=True,
    help="What spans the identified space of two networks.",
)
@output_option("Write the result to PATH (.h5 or .json), to be loaded again.")
@seed_option
@json_option
@quiet_option
def align(
    files: tuple[Path, ...],
    selection: dict[str, Any],
    ridge: float,
    shrinkage: float,
    held_out: float,
    permutations: int,
    bootstrap: int,
    span: "Span",
    output: Path | None,
    seed: int,
    json_path: str | None,
    quiet: bool,
) -> None:
    """Align the features of two or more networks, in FILES read with the same options.

    Two networks: linear maps, canonical correlations, Procrustes and CKA, each with held-out
    value and permutation null, and the critical betas of their Gaussian bottleneck. More: the
    pairwise figures on all samples and a consensus of the class means; held-out share,
    permutations, bootstrap and span are of pairs only. Figures have no unit, but for shape_angle,
    in radians; z is in standard deviations of the null, beta in nats of I(X;T) per nat of I(T;Y).
    """
    from ibcollapse import alignment
    from ibcollapse.features import open_features

    sources = [open_features(file, **selection) for file in files]
    found: Alignment | Consensus
    with threads_for(sources), show_progress(quiet=quiet) as progress:
        if len(sources) == 2:
            found = alignment.align(
                *sources,
                ridge=ridge,
                shrinkage=shrinkage,
                held_out=held_out,
                n_permutations=permutations,
                n_bootstrap=bootstrap,
                span=span,
                seed=seed,
                progress=progress,
            )
        else:
            found = alignment.align_many(
                sources, ridge=ridge, shrinkage=shrinkage, progress=progress
            )
    for number, source in enumerate(found.sources, start=1):
        remark(f"network {number}: {source}", quiet=quiet)
    remark(f"samples matched by {found.matched_by}", quiet=quiet)
    for note in found.notes:
        remark(note, quiet=quiet)
    schema = _PAIR_SCHEMA if len(sources) == 2 else _MANY_SCHEMA
    deliver(
        [] if output is None else [lambda: found.save(output)],
        json_path=json_path,
        write=lambda path: write_json(schema, vars(found), path),
        show=lambda: _show(found),
    )


def _show(found: "Alignment | Consensus") -> None:
    from ibcollapse.alignment import Alignment

    _show_pair(found) if isinstance(found, Alignment) else _show_many(found)


def _show_pair(found: "Alignment") -> None:
    spaces = (
        ("whole space", found.whole),
        (f"identified space ({found.options.span})", found.identified),
        ("its complement", found.complement),
    )
    for name, similarity in spaces:
        if similarity is not None:
            _show_space(name, similarity)
    betas = found.bottleneck
    columns = (betas.critical_betas, betas.beta_low, betas.beta_high, betas.rho**2)
    rows = zip(*[column.tolist() for column in columns], betas.resolved.tolist(), strict=True)
    title = f"Gaussian bottleneck of the pair, null floor of rho^2 {betas.null_floor:.4g}"
    interval = f"{betas.confidence:.0%} interval"
    write_table(
        ("critical beta", f"{interval} from", "to", "rho^2", "above floor"),
        list(rows)[:_SHOWN_BETAS],
        title=title,
    )
    if len(betas.rho) > _SHOWN_BETAS:
        write_line(f"... and {len(betas.rho) - _SHOWN_BETAS} more modes")


def _show_space(name: str, similarity: "SpaceSimilarity") -> None:
    rows = [
        (key, index.value, index.held_out, index.null_mean, index.z, index.p_value)
        for key, index in similarity.indices.items()
    ]
    above = f"{similarity.n_above_floor} of {len(similarity.rho)} modes above the null floor"
    columns = ("figure", "value", "held out", "null mean", "z", "p")
    write_table(columns, rows, title=f"{name}: {above}")


def _show_many(found: "Consensus") -> None:
    from ibcollapse.geometry import consensus_geometry

    numbers = [str(number) for number in range(1, len(found.sources) + 1)]
    for name in _SHOWN_PAIRWISE:
        table = found.pairwise[name].tolist()
        rows = [(number, *row) for number, row in zip(numbers, table, strict=True)]
        write_table(("network", *numbers), rows, title=name)
    geometry = consensus_geometry(found)
    etf = geometry.network_etf_distance.tolist()
    rows = list(zip(numbers, found.deviation.tolist(), etf, strict=True))
    rows.append(("consensus", 0.0, geometry.etf_distance))
    columns = ("network", "off the consensus", "Gram distance to the simplex ETF")
    write_table(columns, rows, title=f"class means: {found.status}")
