"""The picture of one analysis: information plane and beta panel side by side."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from ibcollapse.bottleneck.continuation.hysteresis import Hysteresis
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.uncertainty.bootstrap import CurveBootstrap
from ibcollapse.report.figures import style
from ibcollapse.report.figures.beta_panel import plot_beta_panel
from ibcollapse.report.figures.information_plane import HasCriticalBetas, plot_information_plane
from ibcollapse.report.wording import Units


def curve_figure(
    curve: IBCurve,
    *,
    units: Units = "nats",
    gaussian: HasCriticalBetas | None = None,
    bootstrap: CurveBootstrap | None = None,
    hysteresis: Sequence[Hysteresis] = (),
    title: str = "",
) -> Figure:
    """Figure with the information plane (left) and I(T;Y), exp H(T) against beta (right).

    Parameters
    ----------
    curve : IBCurve
        Solutions and transitions, nats.
    units : {"nats", "bits"}
        Unit of the information axes.
    gaussian : object with `critical_betas`, optional
        Gaussian proxy whose critical betas are marked in both panels.
    bootstrap : CurveBootstrap, optional
        Its band of the curve is shaded on the left, its intervals of transitions on the right.
    hysteresis : sequence of Hysteresis
        Drawn over I(T;Y) in the right panel.
    title : str
        Written above both panels; a name of a file or of a run, drawn as it is.

    Raises
    ------
    InputError
        On unknown units.
    """
    figure = style.new_figure(10.0, 4.2)
    plane, panel = style.new_axes(figure, 1, 2, 1), style.new_axes(figure, 1, 2, 2)
    plot_information_plane(curve, ax=plane, units=units, gaussian=gaussian, bootstrap=bootstrap)
    plot_beta_panel(
        curve,
        ax=panel,
        units=units,
        gaussian=gaussian,
        hysteresis=hysteresis,
        bootstrap=bootstrap,
    )
    style.draw_title(figure, title)
    return figure
