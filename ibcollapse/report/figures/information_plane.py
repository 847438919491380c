"""The information plane: I(T;Y) against I(X;T), its bounds and its phase transitions."""

from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from numpy.typing import NDArray

from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.uncertainty.bootstrap import CurveBootstrap
from ibcollapse.report.figures import style
from ibcollapse.report.figures.beta_axis import format_beta
from ibcollapse.report.figures.figure_files import hover_text
from ibcollapse.report.figures.hover import describe_solution, describe_transition
from ibcollapse.report.figures.plane_geometry import point_at, transition_ends
from ibcollapse.report.figures.point_labels import PointLabels
from ibcollapse.report.wording import Units, unit_scale

# A curve that was ended below this share of I(X;Y) would be a dot in the corner of the whole plane.
_EARLY = 0.25


class HasCriticalBetas(Protocol):
    """What the figures need of a Gaussian information bottleneck."""

    @property
    def critical_betas(self) -> NDArray[np.float64]:
        """Trade-offs at which a canonical mode opens, shape (n_modes,)."""


def plot_information_plane(
    curve: IBCurve,
    *,
    ax: Axes | None = None,
    units: Units = "nats",
    gaussian: HasCriticalBetas | None = None,
    bootstrap: CurveBootstrap | None = None,
) -> Axes:
    """Axes with the information curve, the bounds I(X;Y) and H(Y), and the transitions.

    The line is the concave hull of the solutions. A first-order transition is the straight segment
    that it jumps over, drawn heavy with square ends; a continuous one is a round marker, hollow
    where it was located by the local criterion alone. Solutions that did not converge are crosses.

    Parameters
    ----------
    curve : IBCurve
        Solutions and transitions, nats.
    ax : Axes, optional
        Where to draw; default axes of a new figure.
    units : {"nats", "bits"}
        Unit of both axes.
    gaussian : object with `critical_betas`, optional
        Gaussian proxy. Its critical betas are marked where this curve has that slope; its own
        information is not drawn, because it may exceed H(Y).
    bootstrap : CurveBootstrap, optional
        Its percentile band is shaded behind the curve.

    Raises
    ------
    InputError
        On unknown units.
    """
    scale = unit_scale(units)
    ax = style.own_axes(ax)
    hull = curve.hull() * scale
    if bootstrap is not None:
        _draw_band(ax, bootstrap, scale)
    lines = ax.plot(*hull.T, color=style.BLUE, linewidth=1.6, label="information curve")
    right, top = hull.max(axis=0)
    if 0 < top < _EARLY * scale * curve.i_xy:
        ax.set_xlim(0.0, 1.1 * right)
        ax.set_ylim(0.0, 1.25 * top)
        bounds, names = _name_bounds(ax, curve, units)
    else:
        ax.set_xlim(0.0, 1.04 * max(right, scale * curve.i_xy, 1e-12))
        ax.set_ylim(0.0, 1.12 * scale * max(curve.h_y, curve.i_xy, 1e-12))
        bounds, names = _draw_bounds(ax, curve, scale)
    _draw_solutions(ax, curve, scale)
    if gaussian is not None:
        _draw_gaussian(ax, curve, gaussian, scale)
    middles = [_draw_transition(ax, curve, t, scale) for t in curve.transitions]
    ax.set_xlabel(f"I(X;T) [{units}]")
    ax.set_ylabel(f"I(T;Y) [{units}]")
    style.draw_legend(ax, "lower right")
    _label_transitions(ax, curve.transitions, middles, lines=[*lines, *bounds], boxes=names)
    return ax


def _draw_band(ax: Axes, bootstrap: CurveBootstrap, scale: float) -> None:
    low, high = bootstrap.band.T * scale
    ax.fill_between(
        bootstrap.i_xt * scale,
        low,
        high,
        color=style.SKY,
        alpha=0.4,
        linewidth=0.0,
        label=f"{100 * bootstrap.level:.3g} % bootstrap band",
    )


def _name_bounds(ax: Axes, curve: IBCurve, units: Units) -> tuple[list[Line2D], list[Annotation]]:
    """Say where the bounds are: far above a curve that was ended early."""
    scale = unit_scale(units)
    text = ax.annotate(
        f"far above: I(X;Y) = {curve.i_xy * scale:.4g}, H(Y) = {curve.h_y * scale:.4g} {units}",
        (0.0, 1.0),
        xycoords="axes fraction",
        xytext=(4, -2),
        textcoords="offset points",
        va="top",
        fontsize=style.SMALL,
        color=ax.xaxis.label.get_color(),
    )
    return [], [text]


def _draw_bounds(ax: Axes, curve: IBCurve, scale: float) -> tuple[list[Line2D], list[Annotation]]:
    top = scale * curve.i_xy
    # Data processing: I(T;Y) ≤ I(X;T).
    lines = ax.plot([0.0, top], [0.0, top], color=style.GREY, linewidth=0.8, linestyle=":")
    names = []
    # H(Y) ≥ I(X;Y), so its name above its line and the other's below its own never meet.
    for value, name, dashes, offset in (
        (curve.h_y, "H(Y)", "--", 2),
        (curve.i_xy, "I(X;Y)", "-.", -2),
    ):
        lines.append(ax.axhline(value * scale, color=style.INK, linewidth=0.8, linestyle=dashes))
        text = ax.annotate(
            f"{name} = {value * scale:.4g}",
            (0.0, value * scale),
            xycoords=("axes fraction", "data"),
            xytext=(4, offset),
            textcoords="offset points",
            va="bottom" if offset > 0 else "top",
            fontsize=style.SMALL,
            color=ax.xaxis.label.get_color(),
        )
        names.append(text)
    return lines, names


def _draw_solutions(ax: Axes, curve: IBCurve, scale: float) -> None:
    converged = np.array([s.converged for s in curve.solutions], dtype=bool)
    points = np.column_stack([curve.i_xt, curve.i_ty]) * scale
    # A line object for each point, so that each has its own values under the pointer.
    for s, (x, y) in zip(curve.solutions, points, strict=True):
        if s.converged:
            text = hover_text(describe_solution(s, scale))
            ax.plot(x, y, ".", color=style.BLUE, markersize=3.0, gid=text)
    if not converged.all():
        ax.plot(*points[~converged].T, "x", color=style.INK, markersize=6.0, label="not converged")


def _draw_gaussian(ax: Axes, curve: IBCurve, gaussian: HasCriticalBetas, scale: float) -> None:
    betas = np.unique(gaussian.critical_betas[np.isfinite(gaussian.critical_betas)])
    points = np.array([point_at(curve, beta) for beta in betas]).reshape(-1, 2) * scale
    ax.plot(
        *points.T,
        "^",
        color=style.GREEN,
        markersize=5.5,
        markerfacecolor="none",
        label="critical β of the Gaussian proxy",
    )


def _draw_transition(
    ax: Axes, curve: IBCurve, transition: PhaseTransition, scale: float
) -> NDArray[np.float64]:
    """Draw one transition and return the point of it that its label belongs to."""
    ends = transition_ends(curve, transition) * scale
    fill = style.VERMILION if transition.certified else "white"
    doubt = "" if transition.certified else ", local criterion only"
    if transition.order == 1:
        look: dict[str, Any] = {
            "linewidth": 3.0,
            "marker": "s",
            "label": f"first-order transition{doubt}",
        }
    else:
        ends = ends[:1]
        look = {"linewidth": 0.0, "marker": "o", "label": f"continuous transition{doubt}"}
    if look["label"] in ax.get_legend_handles_labels()[1]:
        look["label"] = "_again"
    ax.plot(
        *ends.T,
        color=style.VERMILION,
        markersize=5.5,
        markerfacecolor=fill,
        solid_capstyle="butt",
        zorder=3,
        clip_on=False,
        gid=hover_text(describe_transition(transition)),
        **look,
    )
    return np.asarray(ends.mean(axis=0))


def _label_transitions(
    ax: Axes,
    transitions: tuple[PhaseTransition, ...],
    middles: list[NDArray[np.float64]],
    *,
    lines: list[Line2D],
    boxes: list[Annotation],
) -> None:
    # Where room runs out, the largest jumps and then the smallest betas keep their labels.
    order = sorted(
        range(len(transitions)), key=lambda i: (-transitions[i].jump_i_xt, transitions[i].beta)
    )
    PointLabels(
        ax,
        [middles[i] for i in order],
        [f"β = {format_beta(transitions[i].beta)}" for i in order],
        lines=lines,
        boxes=boxes,
    )
