"""The alignment of three or more networks as a section."""

from collections.abc import Sequence

from ibcollapse.alignment import Consensus
from ibcollapse.geometry import consensus_geometry
from ibcollapse.report.document import Picture, Section, Table
from ibcollapse.report.figures import gram_figure, render_svg
from ibcollapse.report.wording import write_name, write_number, write_sentence

_PAIRWISE = (
    ("cca_mean_rho", "Mean canonical correlation"),
    ("procrustes_cosine", "Procrustes cosine"),
    ("cka_debiased", "Debiased linear CKA"),
)


def consensus_sentence(found: Consensus) -> str:
    """How far networks and consensus are from each other and from the simplex."""
    geometry = consensus_geometry(found)
    return (
        f"{len(found.sources)} networks in one space: each is at most "
        f"{write_number(float(found.deviation.max()))} off their consensus (relative), which is "
        f"at Gram distance {write_number(geometry.etf_distance)} from the simplex ETF."
    )


def consensus_section(title: str, found: Consensus, names: Sequence[str]) -> Section:
    """Pairwise figures, deviations from the consensus and the consensus's own geometry."""
    geometry = consensus_geometry(found)
    shown = [write_name(name) for name in names]
    rows = [
        (name, write_number(off), write_number(etf))
        for name, off, etf in zip(
            shown, found.deviation.tolist(), geometry.network_etf_distance.tolist(), strict=True
        )
    ]
    rows.append(("consensus", "0", write_number(geometry.etf_distance)))
    columns = ("network", "off the consensus", "Gram distance to the simplex ETF")
    tables = [Table(columns, tuple(rows), "Class means in the common space.")]
    tables += [_pairwise(found, key, caption, shown) for key, caption in _PAIRWISE]
    scale = found.gram.trace() / len(found.gram)
    heat_map = gram_figure({"consensus": found.gram / scale}, class_names=found.class_names)
    return Section(
        title,
        text=(
            consensus_sentence(found),
            f"{found.n_samples} samples matched by {found.matched_by}. Held-out values and "
            "permutation nulls are measured for pairs only: align two files for them.",
        ),
        warnings=tuple(
            write_sentence(said)
            for said in ((found.status,) if found.status != "converged" else ()) + found.notes
        ),
        pictures=(
            Picture(render_svg(heat_map), "Inner products of the consensus class means, scaled."),
        ),
        tables=tuple(tables),
    )


def _pairwise(found: Consensus, key: str, caption: str, names: Sequence[str]) -> Table:
    rows = tuple(
        (name, *(write_number(value) for value in row))
        for name, row in zip(names, found.pairwise[key].tolist(), strict=True)
    )
    return Table(("network", *names), rows, f"{caption}, all samples.")
