"""The section about the channel: is p(y|x) worth what it claims."""

from ibcollapse.analysis import Analysis, Reliability
from ibcollapse.gaussian import GaussianFit
from ibcollapse.report.curve_method import method_of_analysis
from ibcollapse.report.document import Picture, Section, Table
from ibcollapse.report.drawing import picture_of
from ibcollapse.report.figures import plot_calibration
from ibcollapse.report.findings import Findings, Missing, missing_section
from ibcollapse.report.sections.registry import SectionKind
from ibcollapse.report.wording import (
    Units,
    unit_scale,
    write_information,
    write_number,
    write_sentence,
    write_share,
)

TITLE = "Channel honesty"
# Claims that differ from held-out figures by more than this share of H(Y) get a warning.
_NOTABLE = 0.02


def channel_headline(fit: GaussianFit, units: Units) -> str:
    """What the features say about the classes on rows that the fit did not see."""
    return (
        f"On rows that the fit did not see, the features hold "
        f"{write_information(fit.i_xy_held_out, units)} about the classes, of H(Y) = "
        f"{write_information(fit.h_y, units)}, at an accuracy of "
        f"{write_share(fit.held_out_accuracy)}; the plug-in figure, on the rows of the fit, is "
        f"{write_information(fit.i_xy_plug_in, units)}."
    )


def channel_section(analysis: Analysis | Missing, units: Units) -> Section:
    """Held-out against claimed information, calibration and what the reduction lost."""
    if isinstance(analysis, Missing):
        return missing_section(TITLE, analysis)
    text: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    if analysis.fit is None:
        text = ("The channel was given as a joint table; nothing was fitted to make it.",)
    elif analysis.reliability is not None:
        pictures = (_calibration(analysis.reliability, analysis.fit.calibration_error),)
    return Section(
        TITLE,
        text=text,
        warnings=_warnings(analysis, units),
        pictures=pictures,
        tables=(_table(analysis, units),),
    )


def _calibration(found: Reliability, error: float) -> Picture:
    figure = plot_calibration(found.confidence, found.accuracy, found.weight * found.n)
    return picture_of(
        figure,
        f"Calibration of the held-out posteriors in {len(found.weight)} bins: points below the "
        f"diagonal claim too much. Expected calibration error {write_number(error)}.",
    )


def _warnings(analysis: Analysis, units: Units) -> tuple[str, ...]:
    fit = analysis.fit
    gaussian = () if analysis.gaussian is None else analysis.gaussian.warnings
    # Notes about the Gaussian bottleneck stand in its own section.
    said = [
        write_sentence(note)
        for note in analysis.notes
        if note not in gaussian and not note.startswith("no Gaussian bottleneck")
    ]
    if fit is None:
        return tuple(said)
    if fit.i_xy_held_out <= 0:
        said.append(
            "On unseen rows the posteriors do worse than the class priors: these features carry "
            "no usable information about the classes, and no number of this page says otherwise."
        )
    excess = fit.i_xy_plug_in - fit.i_xy_held_out
    if excess > _NOTABLE * fit.h_y:
        said.append(
            f"The plug-in information is {write_information(excess, units)} above the held-out "
            "one: it is what over-confident posteriors claim about the rows they were fitted to. "
            "It is not used here."
        )
    claimed = analysis.channel.i_xy - fit.i_xy_held_out
    if abs(claimed) > _NOTABLE * fit.h_y:
        direction = "more" if claimed > 0 else "less"
        said.append(
            f"The calibrated channel holds "
            f"{write_information(abs(claimed), units)} {direction} than the held-out log-loss "
            "supports: one temperature cannot make these posteriors honest."
        )
    return tuple(said)


def _table(analysis: Analysis, units: Units) -> Table:
    summary, fit = analysis.channel, analysis.fit

    def shown(nats: float) -> str:
        return write_number(nats * unit_scale(units))

    rows = [
        (f"H(Y) [{units}]", shown(summary.h_y)),
        (f"I(X;Y) of the calibrated channel [{units}]", shown(summary.i_xy)),
        (f"I(X;Y) of the merged one, whose curve is drawn [{units}]", shown(analysis.curve.i_xy)),
    ]
    if fit is not None:
        rows += [
            (f"I(X;Y) held out, H(Y) − log-loss [{units}]", shown(fit.i_xy_held_out)),
            (f"I(X;Y) plug-in, over-confident [{units}]", shown(fit.i_xy_plug_in)),
            ("temperature of the likelihoods", write_number(fit.temperature)),
            (f"held-out log-loss [{units}]", shown(fit.held_out_log_loss)),
            (
                f"held-out log-loss without the temperature [{units}]",
                shown(fit.uncalibrated_log_loss),
            ),
            ("held-out accuracy", write_share(fit.held_out_accuracy)),
            ("expected calibration error", write_number(fit.calibration_error)),
            ("shrinkage of the covariance", write_number(float(fit.covariance.intensity.mean()))),
        ]
    rows += [
        ("points of the channel", str(summary.n)),
        ("points after merging similar ones", str(summary.n_reduced)),
        (f"I(X;Y) lost by merging [{units}]", shown(summary.information_lost)),
    ]
    return Table(("figure", "value"), tuple(rows), "What the channel p(y|x) is worth.")


def _headline(given: Findings) -> tuple[str, ...]:
    whole = given.shared("analysis")
    if isinstance(whole, Missing) or whole.fit is None:
        return ()
    return (channel_headline(whole.fit, given.units),)


SECTION = SectionKind(
    title=TITLE,
    shared=("analysis",),
    write=lambda given: channel_section(given.shared("analysis"), given.units),
    headline=_headline,
    method=method_of_analysis,
)
