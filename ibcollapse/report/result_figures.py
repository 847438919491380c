"""The figures that results draw of themselves."""

from matplotlib.figure import Figure

from ibcollapse.analysis import Analysis
from ibcollapse.bottleneck import Hysteresis
from ibcollapse.display import register_figure
from ibcollapse.report.figures import (
    augmentation_path_figure,
    coincidence_figure,
    curve_figure,
    hysteresis_figure,
    trajectory_figure,
)
from ibcollapse.report.wording import Units


def analysis_figure(analysis: Analysis, *, units: Units = "nats", title: str = "") -> Figure:
    """`curve_figure` of the curve, with the Gaussian bottleneck and what else was asked for."""
    return curve_figure(
        analysis.curve,
        units=units,
        gaussian=analysis.gaussian,
        bootstrap=analysis.bootstrap,
        hysteresis=analysis.hysteresis,
        title=title,
    )


def loop_figure(loop: Hysteresis, *, units: Units = "nats", title: str = "") -> Figure:
    """`hysteresis_figure` of one loop."""
    return hysteresis_figure((loop,), units=units, title=title)


register_figure("analysis/Analysis", analysis_figure)
register_figure("bottleneck/Hysteresis", loop_figure)
register_figure("bottleneck/IBCurve", curve_figure)
register_figure("coincidence/CoincidenceReport", coincidence_figure)
register_figure("landscape/AugmentationPath", augmentation_path_figure)
register_figure("trajectory/Trajectory", trajectory_figure)
