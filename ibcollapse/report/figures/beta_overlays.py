"""What is laid over I(T;Y) against beta: annealing up and down, and intervals of transitions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from ibcollapse.bottleneck.bootstrap import CurveBootstrap
from ibcollapse.bottleneck.hysteresis import Hysteresis
from ibcollapse.report.figures import style


def draw_annealing(ax: Axes, loops: Sequence[Hysteresis], unit: float) -> None:
    """Draw the local optima that annealing up and down finds around each transition."""
    for i, loop in enumerate(loops):
        for branch, colour, dashes, name in (
            (loop.up, style.ORANGE, (0, (4, 1)), "annealing up"),
            (loop.down, style.GREEN, (0, (1, 1)), "annealing down"),
        ):
            ax.plot(
                [s.beta for s in branch],
                [s.i_ty * unit for s in branch],
                color=colour,
                linestyle=dashes,
                linewidth=1.4,
                label=name if i == 0 else "_again",
            )


def draw_beta_intervals(ax: Axes, bootstrap: CurveBootstrap) -> None:
    """Shade the percentile intervals of the critical betas."""
    label = f"{100 * bootstrap.level:.3g} % interval of a transition"
    for low, high in bootstrap.beta_intervals[np.isfinite(bootstrap.beta_intervals[:, 0])]:
        ax.axvspan(low, high, color=style.VERMILION, alpha=0.15, linewidth=0.0, label=label)
        label = "_again"
