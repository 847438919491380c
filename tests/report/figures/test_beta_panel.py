import dataclasses
import math
import types

import numpy as np
import pytest
from matplotlib.figure import Figure

from ibcollapse.bottleneck import Channel, trace_curve
from ibcollapse.report.figures import curve_figure, plot_beta_panel


def right_axis(ax):
    [other] = [a for a in ax.figure.axes if a is not ax]
    return other


def named(ax, label):
    [found] = [artist for artist in ax.lines if artist.get_label() == label]
    return found


def test_relevance_is_drawn_against_beta(binary_symmetric):
    ax = plot_beta_panel(binary_symmetric, units="bits")
    drawn = named(ax, "I(T;Y)").get_xydata()
    expected = np.column_stack([binary_symmetric.beta, binary_symmetric.i_ty / math.log(2)])
    assert drawn == pytest.approx(expected, rel=1e-14)
    assert ax.get_ylabel() == "I(T;Y) [bits]"


def test_clusters_jump_at_a_transition_between_two_solutions(binary_symmetric):
    ax = plot_beta_panel(binary_symmetric)
    beta, clusters = named(right_axis(ax), "exp H(T), right").get_xydata().T
    onset = binary_symmetric.transitions[0].beta
    assert onset not in binary_symmetric.beta
    assert clusters[beta < onset] == pytest.approx(1.0)
    assert clusters[beta == onset] == pytest.approx([1.0, 2.0])
    assert clusters[beta > onset] == pytest.approx(2.0)


def test_thousands_of_clusters_are_counted_on_a_log_axis(crowded, symmetric):
    assert right_axis(plot_beta_panel(crowded)).get_yscale() == "log"
    assert right_axis(plot_beta_panel(symmetric)).get_yscale() == "linear"


def test_orders_of_transitions_differ_in_line_style(symmetric, binary_symmetric):
    first = named(plot_beta_panel(symmetric), "first-order transition")
    second = named(plot_beta_panel(binary_symmetric), "continuous transition")
    assert first.get_xdata()[0] == symmetric.transitions[0].beta
    assert first.get_linestyle() != second.get_linestyle()


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_jump_at_one_is_drawn_on_either_scale(scale):
    pairs = np.kron(np.diag([0.6, 0.4]), [[0.4, 0.1], [0.1, 0.4]])
    curve = trace_curve(Channel.from_joint(pairs))
    ax = plot_beta_panel(curve, scale=scale)
    at = named(ax, "first-order transition").get_xdata()[0]
    left, right = ax.get_xlim()
    assert left < at < curve.transitions[1].beta < right
    beta, i_ty = named(ax, "I(T;Y)").get_xydata().T
    # Up the jump from nothing to H of the two groups, 0.6 and 0.4.
    entropy = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
    assert i_ty[beta == at] == pytest.approx([0.0, entropy], abs=1e-9)
    assert named(right_axis(ax), "exp H(T), right").get_xdata().min() == at
    # From one cluster up in one place, not along a ramp from beta = 1 far outside.
    assert beta.min() == at


def test_the_gaussian_proxy_is_marked(symmetric):
    proxy = types.SimpleNamespace(critical_betas=np.array([1.31, 1.5]))
    ax = plot_beta_panel(symmetric, gaussian=proxy)
    marks = named(ax, "critical β of the Gaussian proxy")
    assert list(marks.get_xdata()) == [1.31, 1.5]


def test_a_proxy_out_of_sight_is_not_in_the_legend(symmetric):
    proxy = types.SimpleNamespace(critical_betas=np.array([1e3]))
    ax = plot_beta_panel(symmetric, gaussian=proxy)
    assert not [name for name in ax.get_legend_handles_labels()[1] if "proxy" in name]


def test_a_curve_that_was_ended_early_fills_its_panel(binary_symmetric):
    begun = dataclasses.replace(binary_symmetric, solutions=binary_symmetric.solutions[:8])
    assert begun.i_ty.max() < 0.5 * begun.i_xy
    assert plot_beta_panel(begun).get_ylim()[1] == pytest.approx(1.12 * begun.i_ty.max())
    whole = plot_beta_panel(binary_symmetric)
    assert whole.get_ylim()[1] == pytest.approx(1.12 * binary_symmetric.i_xy)


def test_the_legend_holds_both_axes(symmetric):
    ax = plot_beta_panel(symmetric, ax=Figure().add_subplot())
    texts = [text.get_text() for text in right_axis(ax).get_legend().get_texts()]
    assert texts == ["I(T;Y)", "first-order transition", "exp H(T), right"]


def test_the_curve_figure_has_both_panels_and_its_title_as_it_is(collapsed):
    figure = curve_figure(collapsed, title="runs/$x$_1.h5")
    assert len(figure.axes) == 3
    assert figure.get_suptitle() == "runs/$x$_1.h5"
    assert not figure._suptitle.get_parse_math()
