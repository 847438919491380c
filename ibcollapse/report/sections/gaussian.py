"""The section about the closed-form Gaussian bottleneck of the same fit."""

from ibcollapse.analysis import Analysis
from ibcollapse.report.curve_method import method_of_analysis
from ibcollapse.report.document import Section, Table
from ibcollapse.report.drawing import picture_of
from ibcollapse.report.figures import plot_canonical_spectrum
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.findings import Missing, missing_section
from ibcollapse.report.sections.registry import SectionKind
from ibcollapse.report.wording import (
    Units,
    write_information,
    write_number,
    write_sentence,
)

TITLE = "Gaussian bottleneck of the fit"
_MOST_ROWS = 20
_NO_GAUSSIAN = "no Gaussian bottleneck: "


def gaussian_section(analysis: Analysis | Missing, units: Units) -> Section:
    """Critical betas of the Gaussian proxy, with what keeps it from being the curve."""
    if isinstance(analysis, Missing):
        return missing_section(TITLE, analysis)
    gaussian = analysis.gaussian
    if gaussian is None:
        return missing_section(TITLE, Missing(_reason(analysis)))
    grouped = gaussian.transitions()
    rows = tuple(
        (
            format_beta(transition.beta, digits=6),
            str(transition.multiplicity),
            write_number(1 / transition.beta),
        )
        for transition in grouped[:_MOST_ROWS]
    )
    caption = "Critical β of the Gaussian bottleneck, 1/ρ² of each canonical mode."
    if len(grouped) > _MOST_ROWS:
        caption += f" The first {_MOST_ROWS} of {len(grouped)}."
    spectrum = plot_canonical_spectrum(gaussian.rho, null_floor=gaussian.null_floor)
    return Section(
        TITLE,
        text=_paragraphs(analysis, units),
        warnings=tuple(write_sentence(warning) for warning in gaussian.warnings),
        pictures=(
            picture_of(
                spectrum,
                "Squared canonical correlations of features and one-hot classes; hollow modes "
                "are no more than noise of this sample size would show.",
            ),
        ),
        tables=(Table(("critical β", "modes", "ρ²"), rows, caption),),
    )


def _reason(analysis: Analysis) -> str:
    for note in analysis.notes:
        if note.startswith(_NO_GAUSSIAN):
            return note.removeprefix(_NO_GAUSSIAN)
    return "a joint table holds no features to have a covariance with the classes"


def _paragraphs(analysis: Analysis, units: Units) -> tuple[str, ...]:
    gaussian = analysis.gaussian
    assert gaussian is not None
    said = [
        "A proxy in closed form: if features and one-hot classes were jointly Gaussian, a mode "
        "would open at each of these β, always continuously. Its information, "
        f"{write_information(gaussian.i_xy, units)}, has no bound and is not comparable with H(Y)."
    ]
    if analysis.transitions and gaussian.critical_betas.size:
        first = analysis.transitions[0].beta
        opening = float(gaussian.critical_betas[0])
        n_modes = len(gaussian.critical_betas)
        which = "only mode" if n_modes == 1 else f"first of {n_modes} modes"
        said.append(
            f"Its {which} opens at β = "
            f"{format_beta(opening, digits=5)}; the first transition of the certified curve is at "
            f"β = {format_beta(first, digits=5)}."
        )
    return tuple(said)


SECTION = SectionKind(
    title=TITLE,
    shared=("analysis",),
    write=lambda given: gaussian_section(given.shared("analysis"), given.units),
    method=method_of_analysis,
)
