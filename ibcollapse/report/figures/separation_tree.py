"""Which classes stay together until which beta, as a tree."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.separation_tree import Branch, grow_separation_tree
from ibcollapse.report.figures import style
from ibcollapse.report.figures.beta_axis import BetaScale, make_room_for_one, set_beta_scale
from ibcollapse.report.wording import shorten


def plot_separation_tree(
    curve: IBCurve, *, ax: Axes | None = None, scale: BetaScale = "auto"
) -> Axes:
    """Axes with the class-separation tree of `curve`, beta to the right, a row for each class.

    Parameters
    ----------
    curve : IBCurve
        Its solutions say which classes part at which beta (`grow_separation_tree`).
    ax : Axes, optional
        Where to draw; default axes of a new figure, as high as the classes need.
    scale : {"auto", "linear", "log"}
        Scale of beta, as in `plot_beta_panel`.

    Raises
    ------
    InputError
        On an unknown scale.
    """
    tree = grow_separation_tree(curve).root
    n_classes = len(tree.classes)
    ax = style.own_axes(ax, height=min(max(1.0 + 0.19 * n_classes, 2.2), 12.0))
    squeezed = set_beta_scale(ax, curve.beta, curve.i_ty, scale=scale)
    left, right = ax.get_xlim() if squeezed else (curve.beta.min(), curve.beta.max())
    if not right > left:
        # A curve at a single beta, such as that of a deterministic label.
        left, right = left - 0.5, right + 0.5
    rows = {name: row for row, name in enumerate(_leaves(tree))}
    first = left
    if squeezed and tree.beta <= left:
        first = make_room_for_one(ax)
        left, right = ax.get_xlim()
    _draw_branch(ax, tree, rows, left, (first, right))
    ax.set_xlim(left, right)
    ax.set_ylim(n_classes - 0.5, -0.5)
    ax.yaxis.set_ticks(range(n_classes), [shorten(name) for name in rows], parse_math=False)
    ax.tick_params(axis="y", length=0.0, labelright=True, labelleft=False)
    ax.spines["left"].set_visible(False)
    return ax


def separation_tree_figure(curve: IBCurve, *, title: str = "") -> Figure:
    """Figure with the class-separation tree of `curve` alone; `title` is drawn as it is."""
    figure = plot_separation_tree(curve).figure
    assert isinstance(figure, Figure)
    style.draw_title(figure, title)
    return figure


def _leaves(branch: Branch) -> list[str]:
    if not branch.children:
        return list(branch.classes)
    return [name for child in branch.children for name in _leaves(child)]


def _draw_branch(
    ax: Axes, branch: Branch, rows: dict[str, int], start: float, ends: tuple[float, float]
) -> float:
    """Draw `branch` from beta `start` on and return its height on the y axis.

    No branch parts outside of `ends`.
    """
    stop = min(max(branch.beta, ends[0]), ends[1])
    heights = [_draw_branch(ax, child, rows, stop, ends) for child in branch.children]
    own_rows = heights or [float(rows[name]) for name in branch.classes]
    height = sum(own_rows) / len(own_rows)
    ax.plot([start, stop], [height, height], color=style.BLUE, linewidth=1.3)
    if heights:
        ax.plot([stop, stop], [min(heights), max(heights)], color=style.VERMILION, linewidth=1.3)
    elif len(own_rows) > 1:
        # Classes that the curve never separates end in one bar.
        bar = [min(own_rows) - 0.3, max(own_rows) + 0.3]
        ax.plot([stop, stop], bar, color=style.BLUE, linewidth=4.0, solid_capstyle="butt")
    return height
