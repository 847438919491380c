"""Branches followed upwards and downwards in beta around a first-order transition."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from ibcollapse.bottleneck.solution import IBSolution
from ibcollapse.bottleneck.transition import PhaseTransition
from ibcollapse.report.figures import style
from ibcollapse.report.figures.beta_axis import BetaScale, set_beta_scale


def plot_hysteresis(
    branches: Mapping[str, Sequence[IBSolution]],
    *,
    transition: PhaseTransition | None = None,
    ax: Axes | None = None,
    units: style.Units = "nats",
    scale: BetaScale = "auto",
) -> Axes:
    """Axes with I(T;Y) against beta for each branch, such as annealing up and annealing down.

    Parameters
    ----------
    branches : mapping of str to sequence of IBSolution
        What each branch is called, and its solutions in the order in which they were followed.
    transition : PhaseTransition, optional
        Its global and local beta are marked: between them two branches are locally stable.
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
    unit = style.unit_scale(units)
    ax = style.own_axes(ax)
    every = [solution for branch in branches.values() for solution in branch]
    set_beta_scale(ax, [s.beta for s in every], [s.i_ty for s in every], scale=scale)
    for (name, branch), (colour, dashes, marker) in style.series(branches.items()):
        ax.plot(
            [s.beta for s in branch],
            [s.i_ty * unit for s in branch],
            color=colour,
            linestyle=dashes,
            marker=marker,
            markersize=3.5,
            linewidth=1.3,
            label=name,
        )
    if transition is not None:
        for beta, dashes, name in (
            (transition.beta, "-", "global transition"),
            (transition.beta_local, ":", "local stability ends"),
        ):
            ax.axvline(beta, color=style.INK, linewidth=0.9, linestyle=dashes, label=name)
    ax.set_ylabel(f"I(T;Y) [{units}]")
    style.draw_legend(ax, "lower right")
    return ax
