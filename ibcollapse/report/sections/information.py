"""The section about matrix information: entropies of Grams, their overlap, effective ranks."""

import functools
from collections.abc import Mapping
from typing import Any

from ibcollapse.matrix_information import (
    EffectiveRanks,
    MatrixInformation,
    effective_ranks,
    matrix_information,
)
from ibcollapse.report.citations import Method
from ibcollapse.report.document import Section, Table
from ibcollapse.report.findings import Findings, Missing, measured, reasons
from ibcollapse.report.measurements import FeatureRun, Measurements
from ibcollapse.report.section_progress import SectionProgress
from ibcollapse.report.sections.registry import SectionKind
from ibcollapse.report.wording import Units, unit_scale, write_name, write_number

TITLE = "Matrix information"
# A rank beyond this share of its cap says more about the cap than about the features.
_NEAR_CAP = 0.9
# Beyond this, entropies are means over batches: a Gram of all samples has as many rows as samples.
_BATCH = 1000


def information_section(
    parts: Mapping[str, MatrixInformation | Missing],
    ranks: Mapping[str, EffectiveRanks | Missing],
    units: Units,
) -> Section:
    """MIR and HDR with their null, entropies, and effective ranks."""
    found, sized = measured(parts), measured(ranks)
    text, warnings, tables = list(reasons(parts)), [], []
    text += [reason for reason in reasons(ranks) if reason not in text]
    if found:
        text.append(
            "Gram matrices of unit rows as density matrices: MIR is their mutual information over "
            "the smaller entropy, HDR the difference of the entropies over the larger one. "
            "MIR is to be read beside its mean under permuted samples."
        )
        tables.append(_information_table(found, units))
        if any(result.n_permutations == 0 for result in found.values()):
            warnings.append("Without permutations nothing says what MIR chance alone would give.")
    if sized:
        tables.append(_rank_table(sized))
        warnings += _capped(sized)
    return Section(TITLE, tuple(text), tuple(warnings), tables=tuple(tables))


def _information_table(found: Mapping[str, MatrixInformation], units: Units) -> Table:
    scale = unit_scale(units)
    columns = ("figure", *(f"{write_name(name)}, {part.against}" for name, part in found.items()))
    figures = (
        ("MIR", [part.mir for part in found.values()]),
        ("its mean under permutation", [part.null_mean for part in found.values()]),
        ("z", [part.z for part in found.values()]),
        ("p", [part.p_value for part in found.values()]),
        ("HDR", [part.hdr for part in found.values()]),
        (f"entropy of the features [{units}]", [p.entropy_a * scale for p in found.values()]),
        (f"entropy of the other side [{units}]", [p.entropy_b * scale for p in found.values()]),
        (f"mutual information [{units}]", [p.mutual_information * scale for p in found.values()]),
    )
    rows = tuple((what, *(write_number(value) for value in values)) for what, values in figures)
    return Table(columns, rows, "Features against what their classes, or another network, say.")


def _rank_table(sized: Mapping[str, EffectiveRanks]) -> Table:
    fields = (
        ("rankme", "RankMe (σ)"),
        ("rankme_squared", "RankMe (σ²)"),
        ("participation_ratio", "participation ratio"),
        ("lidar", "LiDAR"),
    )
    rows = [
        (what, *(write_number(getattr(rank, field)) for rank in sized.values()))
        for field, what in fields
    ]
    rows.append(("dimensions", *(str(rank.n_features) for rank in sized.values())))
    columns = ("effective rank", *(write_name(name) for name in sized))
    return Table(columns, tuple(rows), "How many directions the features use.")


def _capped(sized: Mapping[str, EffectiveRanks]) -> list[str]:
    return [
        f"{write_name(name)}: RankMe is near its cap of {min(rank.n_samples, rank.n_features)}, "
        "the smaller of samples and dimensions."
        for name, rank in sized.items()
        if rank.rankme > _NEAR_CAP * min(rank.n_samples, rank.n_features)
    ]


def information_method() -> Method:
    """How matrix information was measured, and the keys of what that cites."""
    return (
        "Matrix mutual information and entropy difference ratios follow Song et al. (2024), "
        "RankMe follows Garrido et al. (2023) and LiDAR Thilak et al. (2023).",
        ("song2024", "garrido2023", "thilak2023"),
    )


def measure_information(found: Measurements, run: FeatureRun) -> None:
    """Matrix information and effective ranks of every network, and of two with each other."""
    progress, sources = SectionProgress(run.progress, "matrix information"), run.sources
    found.results["information"], found.results["ranks"] = {}, {}
    options: dict[str, Any] = {"seed": run.seed, "progress": progress}
    if sources[0].n_samples > _BATCH:
        options["batch_size"] = _BATCH
    for name, source in zip(found.names, sources, strict=True):
        found.results["information"][name] = found.attempt(
            functools.partial(matrix_information, source, **options)
        )
        found.results["ranks"][name] = found.attempt(
            functools.partial(effective_ranks, source, progress=progress)
        )
    if len(sources) == 2:
        found.results["information"]["both"] = found.attempt(
            lambda: matrix_information(*sources, **options)
        )


def _write(given: Findings) -> Section:
    return information_section(
        given.by_network("information"), given.by_network("ranks"), given.units
    )


def _method(given: Findings) -> Method | None:
    return information_method() if measured(given.by_network("information")) else None


SECTION = SectionKind(
    title=TITLE,
    by_network=("information", "ranks"),
    write=_write,
    method=_method,
    measure=measure_information,
)
