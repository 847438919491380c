"""What a curve was asked further: annealing up and down, and intervals from resampling."""

import math

import numpy as np

from ibcollapse.analysis import Analysis
from ibcollapse.bottleneck import CurveBootstrap, Hysteresis
from ibcollapse.report.document import Picture, Table
from ibcollapse.report.figures import hysteresis_figure, render_svg
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.wording import NOTHING, Units, write_count, write_information, write_share

# Transitions found in fewer of the resamples than this are named in a warning.
_RARELY_FOUND = 0.9


def question_pictures(analysis: Analysis, units: Units) -> tuple[Picture, ...]:
    """The loops of annealing up and down, where they were traced."""
    if not analysis.hysteresis:
        return ()
    figure = hysteresis_figure(analysis.hysteresis, units=units)
    n_panels = len(figure.axes)
    left_out = len(analysis.hysteresis) - n_panels
    more = f" The {n_panels} relatively widest of {len(analysis.hysteresis)}." if left_out else ""
    caption = (
        "Annealing up and down through transitions: between the dotted line, where the branch "
        f"below loses its stability, and the transition both branches are locally optimal.{more}"
    )
    return (Picture(render_svg(figure), caption, wide=len(figure.axes) > 1),)


def question_tables(analysis: Analysis) -> tuple[Table, ...]:
    """Ends of stability, and intervals of the critical betas, where they were asked for."""
    tables = []
    if analysis.hysteresis:
        tables.append(_loops_table(analysis.hysteresis))
    if analysis.bootstrap is not None and analysis.bootstrap.reference.transitions:
        tables.append(_intervals_table(analysis.bootstrap))
    return tuple(tables)


def question_paragraphs(analysis: Analysis, units: Units) -> tuple[str, ...]:
    """What the resamples say about I(X;Y), and what they cannot say."""
    found = analysis.bootstrap
    if found is None:
        return ()
    low, high = found.i_xy_interval.tolist()
    return (
        f"{write_count(len(found.i_xy), 'resample')} of {found.n_samples} points: I(X;Y) between "
        f"{write_information(low, units)} and {write_information(high, units)} "
        f"({100 * found.level:.3g} %). The intervals hold the uncertainty of the sample, not that "
        "of the fit behind the posteriors, which stays as it is.",
    )


def question_warnings(analysis: Analysis) -> tuple[str, ...]:
    """Resamples that ended early, and transitions that many of them do not have."""
    found = analysis.bootstrap
    if found is None:
        return ()
    said = []
    if found.n_incomplete:
        said.append(
            f"{found.n_incomplete} of {len(found.i_xy)} resampled curves ended before the share of "
            "I(X;Y) that was asked for, or hold points of too large a gap."
        )
    if not found.converged:
        said.append(f"The resampled curves: {found.status}.")
    rare = int(np.count_nonzero(found.found_share < _RARELY_FOUND))
    if rare:
        said.append(
            f"{write_count(rare, 'transition')} not found in one resample of ten or more; the "
            "interval is over those that have it."
        )
    return tuple(said)


def _loops_table(loops: tuple[Hysteresis, ...]) -> Table:
    rows = tuple(
        (
            format_beta(loop.transition.beta, digits=6),
            loop.transition.mechanism,
            format_beta(loop.beta_down, digits=6),
            format_beta(loop.beta_up, digits=6),
            NOTHING if math.isinf(loop.width) else f"{loop.width:.3g}",
        )
        for loop in loops
    )
    columns = ("β", "what happens", "upper branch ends", "lower branch ends", "width")
    return Table(columns, rows, "Hysteresis: the betas at which a branch loses its stability.")


def _intervals_table(found: CurveBootstrap) -> Table:
    rows = tuple(
        (
            format_beta(transition.beta, digits=6),
            format_beta(low, digits=6) if math.isfinite(low) else NOTHING,
            format_beta(high, digits=6) if math.isfinite(high) else NOTHING,
            write_share(share),
        )
        for transition, (low, high), share in zip(
            found.reference.transitions,
            found.beta_intervals.tolist(),
            found.found_share.tolist(),
            strict=True,
        )
    )
    caption = (
        f"Critical betas: {100 * found.level:.3g} % percentile intervals from resampling the points"
    )
    return Table(("β", "from", "to", "found in"), rows, f"{caption}.")
