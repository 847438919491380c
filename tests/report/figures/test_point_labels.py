"""What point labels draw beside the labels: the note on those that found no place."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ibcollapse.report.figures.point_labels import PointLabels


@pytest.fixture
def drawn(monkeypatch):
    """The texts that were drawn, of forty points on a rising line with room for fewer labels."""
    ax = Figure(figsize=(4, 3)).subplots()
    x = np.linspace(0, 1, 40)
    [line] = ax.plot(x, x)
    labels = PointLabels(ax, np.column_stack([x, x]), [f"β = {b:.3f}" for b in x], lines=[line])
    texts = []
    make = labels._text

    def kept(*given):
        texts.append(make(*given))
        return texts[-1]

    monkeypatch.setattr(labels, "_text", kept)
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    assert labels.n_hidden > 0
    placed = [t for t in texts if t.get_position() != (0, 0)]
    return labels.n_hidden, {t.get_text(): t.get_window_extent(renderer).extents for t in placed}


def test_the_note_counts_what_has_no_label(drawn):
    n_hidden, boxes = drawn
    assert f"{n_hidden} more not labelled" in boxes
    assert len(boxes) == 40 - n_hidden + 1


def test_neither_the_note_nor_a_label_covers_another(drawn):
    _, boxes = drawn
    for a, b in itertools.combinations(boxes.values(), 2):
        assert (a[2:] < b[:2]).any() or (b[2:] < a[:2]).any()
