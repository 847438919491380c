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

    Labels that find no free place are counted in `n_hidden` and announced as near to the lower left
    corner as there is room.

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
        places = self.place(renderer)
        for anchor, box, text in zip(self._anchors(), places, self.texts, strict=True):
            if box is None:
                continue
            end = leader_end(box, anchor)
            distance = np.hypot(*(np.clip(anchor, box[:2], box[2:]) - anchor))
            if distance > _VISIBLE_LEADER * point:
                self._owned(Line2D(*np.transpose([anchor, end]), color=GREY, lw=0.6)).draw(renderer)
            self._text(text, box[0], box[1]).draw(renderer)
        if self.n_hidden:
            self._draw_note(renderer, [box for box in places if box is not None])

    def place(self, renderer: RendererBase) -> list[NDArray[np.float64] | None]:
        """Boxes (x0, y0, x1, y1) in pixels, in the order of the texts; None where none is free."""
        sizes = [self._text(text, 0, 0).get_window_extent(renderer).size for text in self.texts]
        places = self._placed(renderer, self._anchors(), np.array(sizes))
        self.n_hidden = sum(box is None for box in places)
        return places

    def _draw_note(self, renderer: RendererBase, labels: list[NDArray[np.float64]]) -> None:
        note = self._text(f"{self.n_hidden} more not labelled", 0, 0)
        size = np.array(note.get_window_extent(renderer).size)
        corner = np.array(self._ax.bbox.min)
        [box] = self._placed(renderer, corner[None], size[None], labels, self._anchors())
        # Where there is no room at all it is better over something than left out.
        at = corner + _PADDING * _pixels_per_point(renderer) if box is None else box
        note.set_position((float(at[0]), float(at[1])))
        note.draw(renderer)

    def _placed(
        self,
        renderer: RendererBase,
        anchors: NDArray[np.float64],
        sizes: NDArray[np.float64],
        labels: Sequence[NDArray[np.float64]] = (),
        points: ArrayLike = (),
    ) -> list[NDArray[np.float64] | None]:
        """As `place_labels`, clear of legend, boxes and lines, of `labels` and of `points`."""
        legend = self._ax.get_legend()
        avoided: list[Artist] = [*self._boxes, *([] if legend is None else [legend])]
        taken = [*(a.get_window_extent(renderer).extents for a in avoided), *labels]
        clear = np.asarray(points, dtype=float).reshape(-1, 2)
        return place_labels(
            anchors,
            sizes,
            frame=np.array(self._ax.bbox.extents),
            taken=np.array(taken),
            obstacles=np.vstack([clear, *map(self._samples, self._lines)]),
            padding=_PADDING * _pixels_per_point(renderer),
        )

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
