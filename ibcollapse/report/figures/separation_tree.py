"""Which classes stay together until which beta, as a tree."""

import dataclasses
from collections.abc import Sequence

from matplotlib.axes import Axes

from ibcollapse.bottleneck.curve import IBCurve
from ibcollapse.bottleneck.transition import PhaseTransition
from ibcollapse.report.figures import style
from ibcollapse.report.figures.beta_axis import BetaScale, set_beta_scale


@dataclasses.dataclass(frozen=True)
class Branch:
    """Classes that one cluster holds together, until it splits at `beta` into `children`.

    A branch without children never splits on the curve; its `beta` is infinite.
    """

    classes: tuple[str, ...]
    beta: float
    children: tuple["Branch", ...]


def grow_separation_tree(
    class_names: Sequence[str], transitions: Sequence[PhaseTransition]
) -> Branch:
    """Tree whose branches split where `transitions` separate their classes.

    At a transition a branch splits when its classes fall into two or more of the groups that
    separate; classes of the branch that are in no group stay together as one more part.

    Parameters
    ----------
    class_names : sequence of str
        All classes.
    transitions : sequence of PhaseTransition
        In any order; `beta` and `separates` are used.
    """
    ordered = sorted(transitions, key=lambda transition: transition.beta)
    return _grow(tuple(class_names), ordered)


def _grow(classes: tuple[str, ...], transitions: Sequence[PhaseTransition]) -> Branch:
    for i, transition in enumerate(transitions):
        parts = _parts(classes, transition.separates)
        if len(parts) > 1:
            children = tuple(_grow(part, transitions[i + 1 :]) for part in parts)
            return Branch(classes, transition.beta, children)
    return Branch(classes, float("inf"), ())


def _parts(classes: tuple[str, ...], groups: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
    parts, left = [], classes
    for group in groups:
        parts.append(tuple(name for name in left if name in group))
        left = tuple(name for name in left if name not in group)
    return [part for part in (*parts, left) if part]


def plot_separation_tree(
    curve: IBCurve, *, ax: Axes | None = None, scale: BetaScale = "auto"
) -> Axes:
    """Axes with the class-separation tree of `curve`, beta to the right, a row for each class.

    Parameters
    ----------
    curve : IBCurve
        Its transitions say which classes part at which beta.
    ax : Axes, optional
        Where to draw; default axes of a new figure, as high as the classes need.
    scale : {"auto", "linear", "log"}
        Scale of beta, as in `plot_beta_panel`.

    Raises
    ------
    InputError
        On an unknown scale.
    """
    n_classes = len(curve.class_names)
    ax = style.own_axes(ax, height=min(max(1.0 + 0.19 * n_classes, 2.2), 12.0))
    tree = grow_separation_tree(curve.class_names, curve.transitions)
    squeezed = set_beta_scale(ax, curve.beta, curve.i_ty, scale=scale)
    left, right = ax.get_xlim() if squeezed else (curve.beta.min(), curve.beta.max())
    rows = {name: row for row, name in enumerate(_leaves(tree))}
    _draw_branch(ax, tree, rows, left, right)
    ax.set_xlim(left, right)
    ax.set_ylim(n_classes - 0.5, -0.5)
    ax.yaxis.set_ticks(range(n_classes), [style.shorten(name) for name in rows], parse_math=False)
    ax.tick_params(axis="y", length=0.0, labelright=True, labelleft=False)
    ax.spines["left"].set_visible(False)
    return ax


def _leaves(branch: Branch) -> list[str]:
    if not branch.children:
        return list(branch.classes)
    return [name for child in branch.children for name in _leaves(child)]


def _draw_branch(ax: Axes, branch: Branch, rows: dict[str, int], start: float, end: float) -> float:
    """Draw `branch` from beta `start` on and return its height on the y axis."""
    stop = min(branch.beta, end)
    heights = [_draw_branch(ax, child, rows, stop, end) for child in branch.children]
    own_rows = heights or [float(rows[name]) for name in branch.classes]
    height = sum(own_rows) / len(own_rows)
    ax.plot([start, stop], [height, height], color=style.BLUE, linewidth=1.3)
    if heights:
        ax.plot([stop, stop], [min(heights), max(heights)], color=style.VERMILION, linewidth=1.3)
    elif len(own_rows) > 1:
        # Classes that the curve never separates end in one bar.
        ends = [min(own_rows) - 0.3, max(own_rows) + 0.3]
        ax.plot([end, end], ends, color=style.BLUE, linewidth=4.0, solid_capstyle="butt")
    return height
