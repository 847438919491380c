import dataclasses

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ibcollapse.bottleneck import Channel, trace_curve
from ibcollapse.report.figures import plot_separation_tree


def test_the_picture_has_a_row_for_each_class(collapsed):
    ax = plot_separation_tree(collapsed)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(collapsed.class_names)
    assert "log" in ax.get_xlabel()


def test_names_are_drawn_as_they_are(binary_symmetric):
    names = ("$\\frac", "x" * 100)
    ax = plot_separation_tree(dataclasses.replace(binary_symmetric, class_names=names))
    FigureCanvasAgg(ax.figure).draw()
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert shown[0] == "$\\frac"
    assert len(shown[1]) <= 32
    assert shown[1][0] == shown[1][-1] == "x"


def test_a_single_class_is_one_line(crowded):
    assert len(plot_separation_tree(crowded).lines) == 1


def test_an_unknown_scale_is_refused(binary_symmetric):
    with pytest.raises(ValueError, match="scale"):
        plot_separation_tree(binary_symmetric, scale="sqrt")


def test_a_curve_at_a_single_beta_is_drawn():
    curve = trace_curve(Channel.from_joint([[0.5, 0.0], [0.0, 0.5]]))
    ax = plot_separation_tree(curve)
    assert ax.get_xlim() == (0.5, 1.5)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "1"]


def test_classes_that_never_part_end_in_one_bar(binary_symmetric):
    trivial = binary_symmetric.solutions[:1]
    stem, bar = plot_separation_tree(
        dataclasses.replace(binary_symmetric, solutions=trivial, transitions=())
    ).lines
    assert stem.get_ydata() == pytest.approx([0.5, 0.5])
    assert bar.get_ydata() == pytest.approx([-0.3, 1.3])


def test_a_jump_at_one_has_a_place_on_a_logarithmic_axis():
    pairs = np.kron(np.diag([0.6, 0.4]), [[0.4, 0.1], [0.1, 0.4]])
    curve = trace_curve(Channel.from_joint(pairs))
    assert curve.transitions[0].beta == 1.0
    ax = plot_separation_tree(curve, scale="log")
    left, right = ax.get_xlim()
    jump = [line for line in ax.lines if len(set(line.get_xdata())) == 1][-1]
    assert list(jump.get_ydata()) == [0.5, 2.5]
    assert left < jump.get_xdata()[0] < curve.transitions[1].beta < right
    ticks = dict(
        zip([label.get_text() for label in ax.get_xticklabels()], ax.get_xticks(), strict=True)
    )
    assert ticks["1"] == jump.get_xdata()[0]
    assert all(float(name) == pytest.approx(at) for name, at in ticks.items() if name != "1")
