"""What is laid over I(T;Y) against beta: annealing up and down, and intervals of transitions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from ibcollapse.bottleneck.continuation.hysteresis import Hysteresis
from ibcollapse.bottleneck.uncertainty.bootstrap import CurveBootstrap
from ibcollapse.report.figures import style

# Height of the bars of intervals, shares of the panel.
_LOWEST, _STEP, _LEVELS = 0.02, 0.025, 4


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
    """Draw the percentile intervals of the critical betas as bars above the axis of beta."""
    label = f"{100 * bootstrap.level:.3g} % interval of a transition"
    found = bootstrap.beta_intervals[np.isfinite(bootstrap.beta_intervals[:, 0])]
    for i, interval in enumerate(found):
        # Neighbours overlap where resamples are few: each on a level of its own, in turn.
        ax.plot(
            interval,
            [_LOWEST + _STEP * (i % _LEVELS)] * 2,
            transform=ax.get_xaxis_transform(),
            color=style.VERMILION,
            linewidth=2.5,
            alpha=0.6,
            solid_capstyle="butt",
            label="_again" if i else label,
        )
