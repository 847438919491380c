"""A report of everything that was measured, put together from its sections."""

from collections.abc import Callable, Sequence

from ibcollapse.alignment import Alignment, Consensus
from ibcollapse.analysis import Analysis
from ibcollapse.errors import InputError
from ibcollapse.geometry import GeometryReport
from ibcollapse.landscape import NetworkBounds
from ibcollapse.matrix_information import EffectiveRanks, MatrixInformation
from ibcollapse.report import methods as contents_methods
from ibcollapse.report.analysed import analysed_rows
from ibcollapse.report.document import Report, Section
from ibcollapse.report.findings import (
    Missing,
    Networks,
    by_network,
    given,
    measured,
    missing_section,
)
from ibcollapse.report.sections import (
    alignment as contents_alignment,
)
from ibcollapse.report.sections import (
    channel as contents_channel,
)
from ibcollapse.report.sections import (
    curve as contents_curve,
)
from ibcollapse.report.sections import (
    dynamics as contents_dynamics,
)
from ibcollapse.report.sections import (
    gaussian as contents_gaussian,
)
from ibcollapse.report.sections import (
    geometry as contents_geometry,
)
from ibcollapse.report.sections import (
    information as contents_information,
)
from ibcollapse.report.wording import Units, unit_scale, write_names
from ibcollapse.trajectory import Trajectory

# In the order of the page.
SECTIONS = ("curve", "channel", "gaussian", "geometry", "alignment", "information", "dynamics")
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
        On an unknown section or unit, or no name.
    """
    _check(names, sections, units)
    whole = given(analysis, "analysis")
    geometries = by_network(geometry, names, "geometry")
    informations = by_network(information, names, "information")
    sizes = by_network(ranks, names, "ranks")
    aligned: Alignment | Consensus | Missing = given(alignment, "alignment")
    followed = given(dynamics, "dynamics")

    def of_analysis(title: str, write: Callable[[Analysis], Section]) -> Section:
        return missing_section(title, whole) if isinstance(whole, Missing) else write(whole)

    written: dict[str, Callable[[], Section]] = {
        "curve": lambda: of_analysis(
            contents_curve.TITLE, lambda found: contents_curve.curve_section(found, units)
        ),
        "channel": lambda: of_analysis(
            contents_channel.TITLE,
            lambda found: contents_channel.channel_section(found, units),
        ),
        "gaussian": lambda: of_analysis(
            contents_gaussian.TITLE, lambda found: contents_gaussian.gaussian_section(found, units)
        ),
        "geometry": lambda: contents_geometry.geometry_section(
            geometries, loss_temperature, {} if bounds is None else by_network(bounds, names, "")
        ),
        "alignment": lambda: contents_alignment.alignment_section(aligned, names),
        "information": lambda: contents_information.information_section(informations, sizes, units),
        "dynamics": lambda: contents_dynamics.dynamics_section(followed, units),
    }
    chosen = [name for name in SECTIONS if name in sections]
    methods, bibtex = _methods(
        whole,
        geometries,
        informations,
        aligned,
        chosen,
        loss_temperature,
        with_bounds=bounds is not None,
    )
    return Report(
        title=f"ibcollapse: {write_names(names)}",
        headline=_headline(whole, geometries, aligned, chosen, units),
        sections=(*(written[name]() for name in chosen), *more),
        analysed=analysed_rows(whole, geometries, aligned, names),
        methods=methods,
        bibtex=bibtex,
    )


def _check(names: Sequence[str], sections: Sequence[str], units: Units) -> None:
    unit_scale(units)
    unknown = [name for name in sections if name not in SECTIONS]
    if unknown:
        raise InputError(f"section {unknown[0]!r} is unknown; choose from {', '.join(SECTIONS)}")
    if not names:
        raise InputError("names is empty; a report is about at least one network")


def _headline(
    whole: Analysis | Missing,
    geometries: dict[str, GeometryReport | Missing],
    aligned: Alignment | Consensus | Missing,
    chosen: Sequence[str],
    units: Units,
) -> tuple[str, ...]:
    said: list[str] = []
    if isinstance(whole, Analysis):
        if "curve" in chosen:
            said += contents_curve.curve_headline(whole, units)
        if "channel" in chosen and whole.fit is not None:
            said.append(contents_channel.channel_headline(whole.fit, units))
    if "geometry" in chosen:
        said += contents_geometry.geometry_headline(geometries)
    if "alignment" in chosen and not isinstance(aligned, Missing):
        said.append(contents_alignment.alignment_headline(aligned))
    return tuple(said)


def _methods(
    whole: Analysis | Missing,
    geometries: dict[str, GeometryReport | Missing],
    informations: dict[str, MatrixInformation | Missing],
    aligned: Alignment | Consensus | Missing,
    chosen: Sequence[str],
    loss_temperature: float,
    *,
    with_bounds: bool,
) -> tuple[str, str]:
    parts = []
    if isinstance(whole, Analysis) and {"curve", "channel", "gaussian"} & set(chosen):
        parts.append(contents_methods.curve_method(whole))
    if measured(geometries) and "geometry" in chosen:
        parts.append(contents_methods.geometry_method(loss_temperature, with_bounds=with_bounds))
    if not isinstance(aligned, Missing) and "alignment" in chosen:
        parts.append(contents_methods.alignment_method(aligned))
    if measured(informations) and "information" in chosen:
        parts.append(contents_methods.information_method())
    return contents_methods.write_methods(parts)
