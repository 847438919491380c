"""I(T;Y) and the effective number of clusters along the trade-off beta."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ibcollapse.bottleneck.continuation.hysteresis import Hysteresis
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.uncertainty.bootstrap import CurveBootstrap
from ibcollapse.report.figures import style
from ibcollapse.report.figures.beta_axis import BetaScale, make_room_for_one, set_beta_scale
from ibcollapse.report.figures.beta_overlays import draw_annealing, draw_beta_intervals
from ibcollapse.report.figures.figure_files import hover_text
from ibcollapse.report.figures.hover import describe_solution, describe_transition
from ibcollapse.report.figures.information_plane import HasCriticalBetas
from ibcollapse.report.wording import Units, unit_scale

# More effective clusters than this are counted on a logarithmic axis.
_LOG_COUNT = 50.0
# Below this there are too few whole numbers for an axis.
_FEW_COUNTED = 3.0


def plot_beta_panel(
    curve: IBCurve,
    *,
    ax: Axes | None = None,
    units: Units = "nats",
    scale: BetaScale = "auto",
    gaussian: HasCriticalBetas | None = None,
    hysteresis: Sequence[Hysteresis] = (),
    bootstrap: CurveBootstrap | None = None,
) -> Axes:
    """Axes with I(T;Y) (left) and exp H(T) (right) against beta; transitions are vertical lines.

    Parameters
    ----------
    curve : IBCurve
        Solutions and transitions, nats.
    ax : Axes, optional
        Where to draw; default axes of a new figure. The right-hand axis is added to it.
    units : {"nats", "bits"}
        Unit of I(T;Y).
    scale : {"auto", "linear", "log"}
        Linear beta, log(beta − 1), or chosen by how far the curve is squeezed towards beta = 1.
    gaussian : object with `critical_betas`, optional
        Gaussian proxy, its critical betas marked at the top.
    hysteresis : sequence of Hysteresis
        Whose local optima, met by annealing up and down, are drawn over the curve.
    bootstrap : CurveBootstrap, optional
        Its intervals of the critical betas are drawn as bars above the axis.

    Raises
    ------
    InputError
        On unknown units or scale.
    """
    unit = unit_scale(units)
    ax = style.own_axes(ax)
    i_ty = curve.i_ty * unit
    use_log = set_beta_scale(ax, curve.beta, curve.i_ty, scale=scale)
    jumps_at_one = any(t.beta <= ax.get_xlim()[0] for t in curve.transitions)
    first = make_room_for_one(ax) if use_log and jumps_at_one else 0.0
    ax.plot(np.maximum(curve.beta, first), i_ty, color=style.BLUE, linewidth=1.6, label="I(T;Y)")
    # A marker object for each solution, so that each has its own values under the pointer.
    for s, y in zip(curve.solutions, i_ty, strict=True):
        text = hover_text(describe_solution(s, unit))
        ax.plot(max(s.beta, first), y, ".", color=style.BLUE, markersize=2.5, gid=text)
    limits = ax.get_xlim()
    if bootstrap is not None:
        draw_beta_intervals(ax, bootstrap)
    draw_annealing(ax, hysteresis, unit)
    ax.set_xlim(limits)
    _draw_critical_betas(ax, curve, gaussian, first)
    # A curve that was ended early is drawn at its own height.
    highest = float(np.max(curve.i_ty, initial=0.0))
    whole = highest > 0.5 * curve.i_xy
    ax.set_ylim(0.0, 1.12 * unit * max(curve.i_xy if whole else highest, 1e-12))
    ax.set_ylabel(f"I(T;Y) [{units}]")
    right = _draw_clusters(ax, curve, first)
    style.draw_legend(ax, "below", above=right)
    return ax


def _draw_clusters(ax: Axes, curve: IBCurve, first: float) -> Axes:
    """Add exp H(T) on a right-hand axis, with its steps at the transitions.

    No beta is drawn before the `first`.
    """
    right = ax.twinx()
    for name, spine in right.spines.items():
        spine.set(visible=name == "right", edgecolor=style.GREY)
    counts = np.array([s.effective_clusters for s in curve.solutions])
    beta, clusters = curve.beta, counts
    for at in (t.beta for t in curve.transitions):
        # Between two solutions the count does not grow along a ramp: it jumps at the transition.
        i = int(np.searchsorted(beta, at))
        if 0 < i < len(beta) and beta[i] != at:
            beta = np.insert(beta, i, [at, at])
            clusters = np.insert(clusters, i, [clusters[i - 1], clusters[i]])
    right.plot(
        np.maximum(beta, first),
        clusters,
        color=style.PURPLE,
        linewidth=1.3,
        linestyle="--",
        label="exp H(T), right",
    )
    most = float(np.max(counts, initial=1.0))
    if most > _LOG_COUNT:
        right.set_yscale("log")
        right.set_ylim(0.9, 1.5 * most)
        right.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:g}"))
    else:
        right.set_ylim(0.0, 1.12 * most)
        right.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=most >= _FEW_COUNTED))
    right.tick_params(labelsize=style.SMALL, color=style.GREY)
    right.set_ylabel("effective clusters exp H(T)", color=style.INK, fontsize=9.0)
    return right


def _draw_critical_betas(
    ax: Axes, curve: IBCurve, gaussian: HasCriticalBetas | None, first: float
) -> None:
    for order, dashes, name in ((1, "-", "first-order"), (2, ":", "continuous")):
        of_order = [t for t in curve.transitions if t.order == order]
        for i, transition in enumerate(of_order):
            label = f"{name} transition" if i == 0 else "_again"
            line = ax.axvline(
                max(transition.beta, first),
                color=style.VERMILION,
                linewidth=1.0,
                linestyle=dashes,
                label=label,
            )
            line.set_gid(hover_text(describe_transition(transition)))
    if gaussian is None:
        return
    left, right = ax.get_xlim()
    inside = [beta for beta in gaussian.critical_betas if left <= beta <= right]
    if inside:
        ax.plot(
            inside,
            # The curve stays below I(X;Y), so the top is free.
            [0.97] * len(inside),
            "v",
            transform=ax.get_xaxis_transform(),
            color=style.GREEN,
            markerfacecolor="none",
            markersize=5.5,
            label="critical β of the Gaussian proxy",
        )
