"""Free places for labels beside points, in pixels: pure geometry, no drawing."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_GRID = 40
# Places along a leader that are looked at for what it passes.
_ALONG = 120


def place_labels(
    anchors: Array,
    sizes: Array,
    *,
    frame: Array,
    taken: Array,
    obstacles: Array,
    padding: float,
) -> list[Array | None]:
    """Boxes (x0, y0, x1, y1) of the labels, None for a label that has no free place.

    Each label, in the order given, takes the nearest place that is inside `frame`, at least
    `padding` away from the boxes already `taken`, from the labels before it, from every anchor and
    from the points in `obstacles`, under no leader, and whose leader crosses no other and no box.
    Places below and to the right of the anchor are preferred: under a concave curve there is room.

    Parameters
    ----------
    anchors : float (n, 2)
        Points to label, pixels.
    sizes : float (n, 2)
        Width and height of each label, pixels.
    frame : float (4,)
        x0, y0, x1, y1 of the axes, pixels.
    taken : float (m, 4)
        Boxes that are occupied.
    obstacles : float (k, 2)
        Samples of lines, closer together than a label is high.
    padding : float
        Free margin, pixels.
    """
    samples = np.vstack([obstacles.reshape(-1, 2), anchors])
    boxes = taken.reshape(-1, 4)
    leaders: list[Array] = []
    places: list[Array | None] = []
    for anchor, size in zip(anchors, sizes, strict=True):
        candidates = _candidate_boxes(frame, anchor, size, padding)
        free = candidates[_clear_of(candidates, boxes, samples, padding)]
        place = _first_with_clear_leader(free, anchor, leaders, boxes)
        places.append(place)
        if place is not None:
            boxes = np.vstack([boxes, place])
            leaders.append(np.array([anchor, leader_end(place, anchor)]))
    return places


def leader_end(box: Array, anchor: Array) -> Array:
    """Middle of the side of `box` that is nearest to `anchor`."""
    centre = 0.5 * (box[:2] + box[2:])
    middles = np.array(
        [(box[0], centre[1]), (box[2], centre[1]), (centre[0], box[1]), (centre[0], box[3])]
    )
    return np.asarray(middles[np.argmin(np.hypot(*(middles - anchor).T))])


def resample(path: Array, step: float) -> Array:
    """Points along the polyline `path` (n, 2), at most `step` apart."""
    if len(path) < 2:
        return path
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(0.0, length[-1], int(length[-1] / step) + 2)
    return np.column_stack([np.interp(at, length, path[:, 0]), np.interp(at, length, path[:, 1])])


def _candidate_boxes(frame: Array, anchor: Array, size: Array, padding: float) -> Array:
    """Boxes of `size` inside `frame`, the preferred first: beside the anchor, then on a grid."""
    # Slightly more than the padding, so that the anchor itself does not count as covered.
    gap = 1.01 * padding
    beside = anchor[0] + np.array([gap, -0.5 * size[0], -gap - size[0]])
    level = anchor[1] + np.array([gap, -0.5 * size[1], -gap - size[1]])
    x = np.linspace(frame[0] + padding, frame[2] - padding - size[0], _GRID)
    y = np.linspace(frame[1] + padding, frame[3] - padding - size[1], _GRID)
    corners = np.vstack([_pairs(beside, level), _pairs(x, y)])
    boxes = np.hstack([corners, corners + size])
    boxes = boxes[(boxes[:, :2] >= frame[:2]).all(axis=1) & (boxes[:, 2:] <= frame[2:]).all(axis=1)]
    leader = np.clip(anchor, boxes[:, :2], boxes[:, 2:]) - anchor
    centre = 0.5 * (boxes[:, :2] + boxes[:, 2:]) - anchor
    # One when the label lies to the lower right, up to two when it lies to the upper left.
    distance = np.maximum(np.hypot(*centre.T), padding)
    off_side = 1.5 - 0.5 * (centre[:, 0] - centre[:, 1]) / (math.sqrt(2.0) * distance)
    return boxes[np.argsort(np.hypot(*leader.T) * off_side, kind="stable")]


def _pairs(x: Array, y: Array) -> Array:
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _clear_of(candidates: Array, boxes: Array, samples: Array, padding: float) -> NDArray[np.bool_]:
    blockers = np.vstack([boxes, np.hstack([samples, samples])]).T
    x0, y0, x1, y1 = candidates.T[:, :, None]
    beside = (x1 + padding <= blockers[0]) | (x0 - padding >= blockers[2])
    level = (y1 + padding <= blockers[1]) | (y0 - padding >= blockers[3])
    return np.asarray((beside | level).all(axis=1))


def _first_with_clear_leader(
    candidates: Array, anchor: Array, leaders: Sequence[Array], boxes: Array
) -> Array | None:
    share = np.linspace(0.02, 1.0, _ALONG)[:, None]
    lines = np.array([start + share * (end - start) for start, end in leaders]).reshape(-1, 2)
    for box in candidates:
        end = leader_end(box, anchor)
        along = (anchor + share * (end - anchor))[:, None]
        through = ((along > boxes[:, :2]) & (along < boxes[:, 2:])).all(axis=2).any()
        under = ((lines > box[:2]) & (lines < box[2:])).all(axis=1).any()
        if through or under or any(_cross(anchor, end, *leader) for leader in leaders):
            continue
        return np.asarray(box)
    return None


def _cross(a: Array, b: Array, c: Array, d: Array) -> bool:
    """Whether the segments ab and cd cross in their interiors."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(p: Array, q: Array, r: Array) -> float:
    return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))
