"""Colours, fresh axes and units shared by every figure.

The colours are those of Okabe and Ito (2008, "Color universal design"), which stay apart under the
common colour-vision deficiencies. Every distinction is carried a second time by a line style or a
marker, so that it survives a grey print.
"""

import io
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Literal, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ibcollapse.printable import encodable

_Item = TypeVar("_Item")

Corner = Literal["upper left", "upper right", "lower left", "lower right", "best"]

BLUE = "#0072B2"
VERMILION = "#D55E00"
GREEN = "#009E73"
ORANGE = "#E69F00"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
INK = "#222222"
GREY = "#767676"

# (colour, line style, marker)
Look = tuple[str, Any, str]

# For families of lines: distinct in all three as far as they reach.
_SERIES: tuple[Look, ...] = (
    (BLUE, "-", "o"),
    (VERMILION, "--", "s"),
    (GREEN, "-.", "^"),
    (PURPLE, ":", "D"),
    (ORANGE, (0, (5, 1, 1, 1, 1, 1)), "v"),
    (SKY, (0, (8, 2)), "P"),
    (INK, (0, (1, 1)), "X"),
)

SMALL = 8.0
# A figure of ten inches fills the column of a notebook, at twice its pixels.
_NOTEBOOK_DPI = 144

_LIGHT: dict[Any, Any] = {
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.0,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.labelsize": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": SMALL,
}


class NotebookFigure(Figure):
    """A figure that a notebook shows although pyplot does not know it."""

    def _repr_png_(self) -> bytes:
        drawn = io.BytesIO()
        self.savefig(drawn, format="png", dpi=_NOTEBOOK_DPI, metadata={"Software": None})
        return drawn.getvalue()


def new_figure(width: float, height: float) -> Figure:
    """Empty light figure of `width` × `height` inches, unknown to pyplot."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_LIGHT)
        return NotebookFigure(figsize=(width, height), layout="constrained")


def new_axes(figure: Figure, *cell: int) -> Axes:
    """Axes in the light style at `cell` (rows, columns, index; default the whole figure)."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_LIGHT)
        return figure.add_subplot(*cell)


def own_axes(ax: Axes | None, *, width: float = 4.8, height: float = 3.6) -> Axes:
    """`ax` itself, or axes of a new light figure when it is None."""
    return new_axes(new_figure(width, height)) if ax is None else ax


def draw_title(figure: Figure, title: str) -> None:
    """`title`, which may be any text, above everything else; none when it is empty."""
    if title:
        figure.suptitle(encodable(title), x=0.01, ha="left", fontsize=10.0, parse_math=False)


def draw_legend(ax: Axes, corner: Corner | Literal["below"], *, above: Axes | None = None) -> None:
    """Legend in a corner of `ax` or below it, where no curve can run under it.

    With the twin `above` it that is drawn last, one legend holds the names of both.
    """
    handles, names = ax.get_legend_handles_labels()
    if above is not None:
        more_handles, more_names = above.get_legend_handles_labels()
        handles, names = handles + more_handles, names + more_names
    if names:
        top = ax if above is None else above
        place: dict[str, Any] = {"loc": corner}
        if corner == "below":
            place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncol": 2}
        legend = top.legend(
            handles, names, fontsize=SMALL, framealpha=0.9, edgecolor="none", **place
        )
        for text in legend.get_texts():
            # Names come from users; a dollar sign in one is not mathematics.
            text.set_parse_math(False)


def series(items: Iterable[_Item], *, skip: int = 0) -> Iterator[tuple[_Item, Look]]:
    """Each item with a look of its own, after the first `skip` looks."""
    return zip(items, itertools.islice(itertools.cycle(_SERIES), skip, None), strict=False)
