"""Local optima met by annealing upwards and downwards through a phase transition."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ibcollapse.bottleneck.continuation.hysteresis import Hysteresis
from ibcollapse.errors import InputError
from ibcollapse.report.figures import style
from ibcollapse.report.figures.beta_axis import BetaScale, format_beta, set_beta_scale
from ibcollapse.report.wording import Units, unit_scale

_MOST_LOOPS = 6
_COLUMNS = 3


def plot_hysteresis(
    hysteresis: Hysteresis,
    *,
    ax: Axes | None = None,
    units: Units = "nats",
    scale: BetaScale = "auto",
) -> Axes:
    """Axes with I(T;Y) against beta, annealed up and annealed down.

    Vertical lines mark the global transition and, where they are apart from it, the two betas at
    which a branch loses its local stability: between them both branches are locally optimal.

    Parameters
    ----------
    hysteresis : Hysteresis
        From `ibcollapse.bottleneck.trace_hysteresis`.
    ax : Axes, optional
        Where to draw; default axes of a new figure.
    units : {"nats", "bits"}
        Unit of I(T;Y).
    scale : {"auto", "linear", "log"}
        Scale of beta, as in `plot_beta_panel`.

    Raises
    ------
    InputError
        On unknown units or scale.
    """
    unit = unit_scale(units)
    ax = style.own_axes(ax)
    branches = {"annealing up": hysteresis.up, "annealing down": hysteresis.down}
    every = [solution for branch in branches.values() for solution in branch]
    set_beta_scale(ax, [s.beta for s in every], [s.i_ty for s in every], scale=scale)
    for (name, branch), (colour, dashes, marker) in style.series(branches.items()):
        ax.plot(
            [s.beta for s in branch],
            [s.i_ty * unit for s in branch],
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=2.5,
            linewidth=1.3,
            label=name,
        )
    _mark_betas(ax, hysteresis)
    ax.set_ylabel(f"I(T;Y) [{units}]")
    style.draw_legend(ax, "upper left")
    return ax


def _mark_betas(ax: Axes, hysteresis: Hysteresis) -> None:
    beta = hysteresis.transition.beta
    ax.axvline(beta, color=style.INK, linewidth=0.9, label="global transition")
    for end, dashes, name in (
        (hysteresis.beta_up, ":", "lower branch ends"),
        (hysteresis.beta_down, "--", "upper branch ends"),
    ):
        if math.isfinite(end) and end != beta:
            ax.axvline(end, color=style.GREY, linewidth=0.9, linestyle=dashes, label=name)


def hysteresis_figure(
    loops: Sequence[Hysteresis], *, units: Units = "nats", title: str = ""
) -> Figure:
    """Figure with a panel for each of the widest loops, six at most, by increasing beta.

    Width is counted in shares of the transition's beta − 1.

    Raises
    ------
    InputError
        On unknown units, or without a loop.
    """
    if not loops:
        raise InputError("loops is empty; trace_hysteresis makes one for a transition")
    widest = sorted(loops, key=lambda loop: -_relative_width(loop))[:_MOST_LOOPS]
    shown = sorted(widest, key=lambda loop: loop.transition.beta)
    columns = min(len(shown), _COLUMNS)
    rows = math.ceil(len(shown) / columns)
    figure = style.new_figure(3.4 * columns + 0.6, 3.0 * rows + 0.3)
    for i, loop in enumerate(shown, start=1):
        ax = style.new_axes(figure, rows, columns, i)
        plot_hysteresis(loop, ax=ax, units=units)
        ax.set_title(
            f"transition at β = {format_beta(loop.transition.beta, digits=5)}", fontsize=10.0
        )
        legend = ax.get_legend()
        if i > 1 and legend is not None:
            legend.remove()
    style.draw_title(figure, title)
    return figure


def _relative_width(loop: Hysteresis) -> float:
    return loop.width / max(loop.transition.beta - 1.0, 1e-300)
