"""Axes as pictures of a report."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ibcollapse.report.document import Picture
from ibcollapse.report.figures import render_svg


def picture_of(ax: Axes, caption: str, *, wide: bool = False) -> Picture:
    """The whole figure that holds `ax`, as a picture with its caption."""
    figure = ax.figure
    assert isinstance(figure, Figure)
    return Picture(render_svg(figure), caption, wide)
