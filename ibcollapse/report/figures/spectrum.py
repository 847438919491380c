"""Canonical spectrum of two views, with the level that noise alone would reach."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ibcollapse.report.figures import style


def plot_canonical_spectrum(
    correlations: ArrayLike, *, null_floor: float | None = None, ax: Axes | None = None
) -> Axes:
    """Axes with the squared canonical correlations, the right axis saying beta_c = 1/ρ².

    Parameters
    ----------
    correlations : float (n_modes,)
        Canonical correlations ρ, any order.
    null_floor : float, optional
        Largest ρ² that independent data of the same size would show. Modes below it are hollow.
    ax : Axes, optional
        Where to draw; default axes of a new figure.
    """
    ax = style.own_axes(ax)
    squared = np.sort(np.asarray(correlations, dtype=float) ** 2)[::-1]
    mode = np.arange(1, squared.size + 1)
    floor = -np.inf if null_floor is None else null_floor
    above = squared > floor
    ax.plot(mode, squared, color=style.GREY, linewidth=0.7)
    ax.plot(mode[above], squared[above], "o", color=style.BLUE, markersize=4.5, label="mode")
    if null_floor is not None:
        if not above.all():
            ax.plot(
                mode[~above],
                squared[~above],
                "o",
                color=style.BLUE,
                markerfacecolor="white",
                markersize=4.5,
                label="mode below the null floor",
            )
        name = f"null floor ρ² = {null_floor:.3g}"
        ax.axhline(null_floor, color=style.VERMILION, linewidth=1.0, linestyle="--", label=name)
    ax.set_ylim(0.0, 1.05)
    ax.set_xlabel("canonical mode")
    ax.set_ylabel("squared canonical correlation ρ²")
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    ax.set_xlim(0.5, squared.size + 0.5)
    beta = ax.secondary_yaxis("right")
    betas = (1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
    beta.set_yticks([1.0 / b for b in betas], [f"{b:g}" for b in betas], fontsize=style.SMALL)
    beta.spines["right"].set_edgecolor(style.GREY)
    beta.set_ylabel("critical β = 1/ρ²", fontsize=9.0, color=style.INK)
    beta.tick_params(color=style.GREY, labelcolor=style.INK)
    # Collapsed classes have all modes near one, noise all near zero: no corner is free.
    style.draw_legend(ax, "below")
    return ax
