"""Labels of points on an axes, clear of each other and of the lines drawn there."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import IdentityTransform
from numpy.typing import ArrayLike, NDArray

from ibcollapse.report.figures.label_placement import leader_end, place_labels, resample
from ibcollapse.report.figures.style import GREY, SMALL

_Drawn = TypeVar("_Drawn", Line2D, Text)

# In points: free margin of a label, spacing of line samples, shortest leader worth drawing.
_PADDING, _SAMPLING, _VISIBLE_LEADER = 2.5, 3.0, 7.0


class PointLabels(Artist):
    """Texts beside points, placed anew at each drawing, so that resizing keeps them apart.

    Labels that find no free place are counted in `n_hidden` and announced in the lower left corner.

    Parameters
    ----------
    ax : Axes
        Where the points are.
    points : float (n, 2)
        Anchors in data coordinates.
    texts : sequence of str, length n
        Their labels, the most important first.
    lines : sequence of Line2D
        Lines that no label may cover.
    boxes : sequence of Text
        Texts that no label may cover; the legend is avoided in any case.
    """

    def __init__(
        self,
        ax: Axes,
        points: ArrayLike,
        texts: Sequence[str],
        *,
        lines: Sequence[Line2D] = (),
        boxes: Sequence[Text] = (),
    ) -> None:
        super().__init__()
        self.points = np.asarray(points, dtype=float).reshape(-1, 2)
        self.texts = tuple(texts)
        self.n_hidden = 0
        self._ax = ax
        self._lines = tuple(lines)
        self._boxes = tuple(boxes)
        self._colour = ax.xaxis.label.get_color()
        self.set_zorder(5)
        self.set_in_layout(False)
        ax.add_artist(self)

    def draw(self, renderer: RendererBase, *args: Any, **kwargs: Any) -> None:
        """Place the labels for the present size of the axes and draw them."""
        if not self.get_visible() or not self.texts:
            return
        point = _pixels_per_point(renderer)
        for anchor, box, text in zip(
            self._anchors(), self.place(renderer), self.texts, strict=True
        ):
            if box is None:
                continue
            end = leader_end(box, anchor)
            distance = np.hypot(*(np.clip(anchor, box[:2], box[2:]) - anchor))
            if distance > _VISIBLE_LEADER * point:
                self._owned(Line2D(*np.transpose([anchor, end]), color=GREY, lw=0.6)).draw(renderer)
            self._text(text, box[0], box[1]).draw(renderer)
        if self.n_hidden:
            x, y = np.asarray(self._ax.bbox.min) + _PADDING * point
            self._text(f"{self.n_hidden} more not labelled", x, y).draw(renderer)

    def place(self, renderer: RendererBase) -> list[NDArray[np.float64] | None]:
        """Boxes (x0, y0, x1, y1) in pixels, in the order of the texts; None where none is free."""
        point = _pixels_per_point(renderer)
        sizes = [self._text(text, 0, 0).get_window_extent(renderer).size for text in self.texts]
        legend = self._ax.get_legend()
        avoided: list[Artist] = [*self._boxes, *([] if legend is None else [legend])]
        places = place_labels(
            self._anchors(),
            np.array(sizes),
            frame=np.array(self._ax.bbox.extents),
            taken=np.array([a.get_window_extent(renderer).extents for a in avoided]),
            obstacles=np.vstack([np.empty((0, 2)), *map(self._samples, self._lines)]),
            padding=_PADDING * point,
        )
        self.n_hidden = sum(box is None for box in places)
        return places

    def _anchors(self) -> NDArray[np.float64]:
        return np.asarray(self._ax.transData.transform(self.points))

    def _samples(self, line: Line2D) -> NDArray[np.float64]:
        path = line.get_transform().transform(np.asarray(line.get_xydata(), dtype=float))
        return resample(path[np.isfinite(path).all(axis=1)], _SAMPLING)

    def _text(self, text: str, x: float, y: float) -> Text:
        return self._owned(Text(x, y, text, fontsize=SMALL, color=self._colour, va="bottom"))

    def _owned(self, artist: _Drawn) -> _Drawn:
        """`artist` in pixels of the figure that holds the axes."""
        artist.set_figure(self._ax.figure)
        artist.set_transform(IdentityTransform())
        return artist


def _pixels_per_point(renderer: RendererBase) -> float:
    return float(np.asarray(renderer.points_to_pixels(1.0)))
