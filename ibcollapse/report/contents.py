"""A report of everything that was measured, put together from its sections."""

from collections.abc import Mapping, Sequence

from ibcollapse.alignment import Alignment, Consensus
from ibcollapse.analysis import Analysis
from ibcollapse.errors import InputError
from ibcollapse.geometry import GeometryReport
from ibcollapse.landscape import NetworkBounds
from ibcollapse.matrix_information import EffectiveRanks, MatrixInformation
from ibcollapse.report.analysed import analysed_rows
from ibcollapse.report.citations import write_methods
from ibcollapse.report.document import Report, Section
from ibcollapse.report.findings import Findings, Missing, Networks
from ibcollapse.report.sections import SECTIONS
from ibcollapse.report.sections.registry import section_kinds
from ibcollapse.report.wording import Units, unit_scale, write_names
from ibcollapse.trajectory import Trajectory

LOSS_TEMPERATURE = 0.1


def report_of(
    analysis: Analysis | Missing | None = None,
    *,
    geometry: Networks[GeometryReport] = None,
    information: Networks[MatrixInformation] = None,
    ranks: Networks[EffectiveRanks] = None,
    bounds: Networks[NetworkBounds] = None,
    alignment: Alignment | Consensus | Missing | None = None,
    dynamics: Trajectory | Missing | None = None,
    results: Mapping[str, object] | None = None,
    names: Sequence[str] = ("network 1", "network 2"),
    sections: Sequence[str] = SECTIONS,
    more: Sequence[Section] = (),
    loss_temperature: float = LOSS_TEMPERATURE,
    units: Units = "nats",
) -> Report:
    """`Report` in plain words, tables and figures of what was measured.

    A section that is asked for appears in any case: with what was measured, or with the reason
    why it was not.

    Parameters
    ----------
    analysis : Analysis or Missing, optional
        Of the first network: the curve, its channel and its Gaussian bottleneck.
    geometry, information, ranks : one result, or a mapping of network to result, optional
        `GeometryReport`, `MatrixInformation` and `EffectiveRanks`; a `Missing` in place of a
        result says why there is none.
    bounds : NetworkBounds, Missing, or a mapping of network to either, optional
        Losses beside their lower bounds, for the section about geometry.
    alignment : Alignment, Consensus or Missing, optional
        Of the networks with each other.
    dynamics : Trajectory or Missing, optional
        Along the checkpoints of the networks.
    results : mapping of str to result, optional
        The same, and results of sections that have no argument here, by name.
    names : sequence of str
        What the networks are called; the first is the one that `analysis` is about.
    sections : sequence of str
        Which of `SECTIONS` to write; they keep the order of the page.
    more : sequence of Section
        Further sections, placed after these.
    loss_temperature : float
        Temperature of the contrastive loss whose geometry the class means are compared with.
    units : {"nats", "bits"}
        Unit of information in words, tables and figures.

    Raises
    ------
    InputError
        On an unknown section, result or unit, or no name.
    """
    arguments = {
        "analysis": analysis,
        "geometry": geometry,
        "information": information,
        "ranks": ranks,
        "bounds": bounds,
        "alignment": alignment,
        "dynamics": dynamics,
    }
    given = dict(results or {})
    given |= {name: part for name, part in arguments.items() if part is not None}
    _check(names, sections, units, given)
    found = Findings(given, tuple(names), units, loss_temperature)
    kinds = section_kinds(sections)
    said = (kind.method(found) for kind in kinds)
    methods, bibtex = write_methods(method for method in said if method is not None)
    return Report(
        title=f"ibcollapse: {write_names(names)}",
        headline=tuple(sentence for kind in kinds for sentence in kind.headline(found)),
        sections=(*(kind.write(found) for kind in kinds), *more),
        analysed=analysed_rows(
            found.shared("analysis"),
            found.by_network("geometry"),
            found.shared("alignment"),
            names,
        ),
        methods=methods,
        bibtex=bibtex,
    )


def _check(
    names: Sequence[str], sections: Sequence[str], units: Units, results: Mapping[str, object]
) -> None:
    unit_scale(units)
    unknown = [name for name in sections if name not in SECTIONS]
    if unknown:
        raise InputError(f"section {unknown[0]!r} is unknown; choose from {', '.join(SECTIONS)}")
    shown = [name for kind in section_kinds() for name in (*kind.shared, *kind.by_network)]
    stray = [name for name in results if name not in shown]
    if stray:
        known = ", ".join(dict.fromkeys(shown))
        raise InputError(f"no section shows a result called {stray[0]!r}; choose from {known}")
    if not names:
        raise InputError("names is empty; a report is about at least one network")
