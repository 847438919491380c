"""Hysteresis, Gram maps, canonical spectrum, calibration and dynamics."""

import math

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ibcollapse.bottleneck import Hysteresis
from ibcollapse.errors import InputError
from ibcollapse.report.figures import (
    gram_figure,
    plot_calibration,
    plot_canonical_spectrum,
    plot_dynamics,
    plot_gram,
    plot_hysteresis,
)


def named(ax, label):
    [found] = [artist for artist in ax.lines if artist.get_label() == label]
    return found


def draw(ax):
    FigureCanvasAgg(ax.figure).draw()


def test_hysteresis_draws_each_way_and_its_betas(symmetric):
    solutions = symmetric.solutions
    [jump] = symmetric.transitions
    loop = Hysteresis(jump, solutions[:2], solutions[2:], jump.beta_local, 1.22)
    ax = plot_hysteresis(loop, units="bits")
    down = named(ax, "annealing down").get_ydata()
    assert down == pytest.approx([s.i_ty / math.log(2) for s in solutions[2:]])
    assert named(ax, "global transition").get_xdata()[0] == jump.beta
    assert named(ax, "lower branch ends").get_xdata()[0] == jump.beta_local
    assert named(ax, "upper branch ends").get_xdata()[0] == 1.22
    assert named(ax, "annealing up").get_linestyle() != named(ax, "annealing down").get_linestyle()


def test_ends_at_the_transition_itself_are_not_marked_twice(binary_symmetric):
    [split] = binary_symmetric.transitions
    loop = Hysteresis(split, binary_symmetric.solutions[:3], (), math.inf, split.beta)
    ax = plot_hysteresis(loop)
    labels = ax.get_legend_handles_labels()[1]
    assert "global transition" in labels
    assert not [label for label in labels if "branch ends" in label]


def test_a_lone_mode_has_a_lone_tick():
    ax = plot_canonical_spectrum([0.7])
    low, high = ax.get_xlim()
    assert [tick for tick in ax.get_xticks() if low < tick < high] == [1.0]


def test_a_gram_map_is_symmetric_about_zero():
    gram = np.array([[1.0, -0.5], [-0.5, 1.0]])
    ax = plot_gram(gram, class_names=("$a", "b"), title="$m")
    assert ax.images[0].get_clim() == (-1.0, 1.0)
    assert [text.get_text() for text in ax.texts] == ["1.00", "−0.50", "−0.50", "1.00"]
    draw(ax)


def test_gram_maps_side_by_side_share_their_scale():
    figure = gram_figure({"measured": 2 * np.eye(3), "orthogonal frame": np.eye(3)})
    assert [ax.images[0].get_clim() for ax in figure.axes[:2]] == [(-2.0, 2.0)] * 2
    assert [ax.get_title(loc="left") or ax.get_title() for ax in figure.axes[:2]] == [
        "measured",
        "orthogonal frame",
    ]


def test_an_all_zero_gram_is_drawn():
    draw(plot_gram(np.zeros((2, 2))))


def test_a_gram_of_a_hundred_classes_carries_no_names_and_no_numbers():
    ax = plot_gram(np.eye(100), class_names=[f"class {i}" for i in range(100)])
    assert not ax.texts
    assert "class 0" not in [label.get_text() for label in ax.get_yticklabels()]


@pytest.mark.parametrize(
    ("gram", "names"), [(np.eye(3)[:2], ()), (np.zeros((0, 0)), ()), (np.eye(3), ("a",))]
)
def test_what_is_no_gram_matrix_is_refused(gram, names):
    with pytest.raises(InputError):
        plot_gram(gram, class_names=names)


def test_no_gram_matrix_at_all_is_refused():
    with pytest.raises(InputError, match="at least one"):
        gram_figure({})


def test_modes_below_the_null_floor_are_hollow():
    ax = plot_canonical_spectrum([0.1, 0.9, -0.6, 0.2], null_floor=0.0505)
    assert named(ax, "mode").get_xydata() == pytest.approx(np.array([[1, 0.81], [2, 0.36]]))
    below = named(ax, "mode below the null floor")
    assert below.get_xydata() == pytest.approx(np.array([[3, 0.04], [4, 0.01]]))
    assert below.get_markerfacecolor() == "white"
    draw(ax)


def test_without_a_null_floor_every_mode_is_filled():
    ax = plot_canonical_spectrum([0.9, 0.1])
    assert len(named(ax, "mode").get_xdata()) == 2


def test_empty_bins_are_left_out_of_the_calibration():
    ax = plot_calibration([0.2, np.nan, 0.9], [0.1, np.nan, 0.8], [10, 0, 90])
    points, sizes = ax.collections[0].get_offsets(), ax.collections[0].get_sizes()
    assert np.array_equal(points, [[0.2, 0.1], [0.9, 0.8]])
    assert sizes[1] > sizes[0]


def test_calibration_of_unequal_lengths_is_refused():
    with pytest.raises(InputError, match="one length"):
        plot_calibration([0.2], [0.1, 0.2], [1])


def test_dynamics_keep_epoch_zero_on_a_log_axis():
    epochs = [0, 1, 10, 200]
    measures = {"$accuracy": [0.1, 0.5, np.nan, 1.0], "MIR": [0.4, 0.5, 0.6, 0.9]}
    ax = plot_dynamics(epochs, measures, label="share", marks={"plateau": 10})
    assert ax.get_xscale() == "symlog"
    assert ax.get_xlim()[0] < 0 < 200 < ax.get_xlim()[1]
    assert named(ax, "plateau").get_xdata()[0] == 10
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 3
    draw(ax)


def test_a_few_equal_steps_stay_linear():
    assert plot_dynamics([0, 1, 2, 3], {"a": [1, 2, 3, 4]}, label="a").get_xscale() == "linear"


def test_a_measure_of_another_length_is_refused():
    with pytest.raises(InputError, match="'a' has shape"):
        plot_dynamics([0, 1], {"a": [1.0]}, label="a")
