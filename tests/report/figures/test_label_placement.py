import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.report.figures.label_placement import leader_end, place_labels, resample

FRAME = np.array([0.0, 0.0, 400.0, 300.0])
NONE_TAKEN = np.empty((0, 4))


def overlap(a, b):
    return min(a[2], b[2]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[1], b[1])


def segments_cross(a, b, c, d):
    # Cramer's rule for a + s(b − a) = c + t(d − c).
    (ux, uy), (vx, vy), (wx, wy) = b - a, d - c, c - a
    det = ux * vy - uy * vx
    if det == 0:
        return False
    s, t = (wx * vy - wy * vx) / det, (wx * uy - wy * ux) / det
    return 1e-9 < s < 1 - 1e-9 and 1e-9 < t < 1 - 1e-9


coordinates = st.tuples(st.floats(5, 395), st.floats(5, 295))


@settings(max_examples=25, deadline=None)
@given(st.lists(coordinates, min_size=1, max_size=10, unique=True))
def test_placed_labels_cover_nothing(points):
    anchors = np.array(points)
    sizes = np.tile([60.0, 12.0], (len(points), 1))
    legend = np.array([[280.0, 10.0, 390.0, 60.0]])
    curve = resample(np.array([[0.0, 0.0], [100.0, 180.0], [400.0, 250.0]]), 3.0)
    places = place_labels(anchors, sizes, frame=FRAME, taken=legend, obstacles=curve, padding=3.0)
    boxes = [box for box in places if box is not None]
    assert all(np.allclose(box[2:] - box[:2], (60, 12)) for box in boxes)
    assert all((box[:2] >= FRAME[:2]).all() and (box[2:] <= FRAME[2:]).all() for box in boxes)
    assert not any(overlap(a, b) for a, b in itertools.combinations([*boxes, *legend], 2))
    for box in boxes:
        blocked = np.vstack([curve, anchors])
        assert not ((blocked > box[:2]) & (blocked < box[2:])).all(axis=1).any()
    leaders = [
        (a, leader_end(box, a)) for a, box in zip(anchors, places, strict=True) if box is not None
    ]
    assert not any(segments_cross(*a, *b) for a, b in itertools.combinations(leaders, 2))
    for (i, (start, end)), (j, box) in itertools.product(enumerate(leaders), enumerate(boxes)):
        along = start + np.linspace(0.05, 0.95, 400)[:, None] * (end - start)
        assert i == j or not ((along > box[:2] + 3) & (along < box[2:] - 3)).all(axis=1).any()


def test_a_lonely_label_sits_beside_its_point_on_the_lower_right():
    [box] = place_labels(
        np.array([[200.0, 150.0]]),
        np.array([[60.0, 12.0]]),
        frame=FRAME,
        taken=NONE_TAKEN,
        obstacles=np.empty((0, 2)),
        padding=3.0,
    )
    assert 200 < box[0] < 210
    assert 135 < box[1] < 150


def test_a_label_without_room_is_not_placed():
    places = place_labels(
        np.array([[200.0, 150.0], [210.0, 150.0]]),
        np.array([[60.0, 12.0], [500.0, 12.0]]),
        frame=FRAME,
        taken=NONE_TAKEN,
        obstacles=np.empty((0, 2)),
        padding=3.0,
    )
    assert places[0] is not None
    assert places[1] is None


def test_resampling_keeps_ends_and_step():
    path = np.array([[0.0, 0.0], [30.0, 40.0], [30.0, 40.0], [100.0, 40.0]])
    dense = resample(path, 3.0)
    assert np.array_equal(dense[[0, -1]], path[[0, -1]])
    assert np.hypot(*np.diff(dense, axis=0).T).max() <= 3.0
