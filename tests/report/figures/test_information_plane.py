import dataclasses
import itertools
import math
import types

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ibcollapse.bottleneck import CurveBootstrap
from ibcollapse.errors import InputError
from ibcollapse.report.figures import plot_information_plane
from ibcollapse.report.figures.point_labels import PointLabels


def line(ax, label):
    [found] = [artist for artist in ax.lines if artist.get_label() == label]
    return found


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def labels_of(ax):
    [labels] = [artist for artist in ax.artists if isinstance(artist, PointLabels)]
    return labels


def placed_boxes(ax):
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    return labels_of(ax).place(canvas.get_renderer())


def test_a_curve_that_was_ended_early_fills_its_plane_and_names_the_bounds(crowded):
    reached = [s for s in crowded.solutions if s.i_ty < 0.2 * crowded.i_xy]
    begun = dataclasses.replace(crowded, solutions=tuple(reached))
    ax = plot_information_plane(begun)
    assert 0 < begun.i_ty.max() < ax.get_ylim()[1] < 0.25 * crowded.i_xy
    assert begun.i_xt.max() < ax.get_xlim()[1] < 1.2 * begun.i_xt.max()
    [said] = [t.get_text() for t in ax.texts if "far above" in t.get_text()]
    assert f"H(Y) = {crowded.h_y:.4g} nats" in said
    whole = plot_information_plane(crowded)
    assert whole.get_ylim()[1] > crowded.h_y


def test_the_curve_is_drawn_in_the_unit_asked_for(binary_symmetric):
    nats = line(plot_information_plane(binary_symmetric), "information curve").get_xydata()
    ax = plot_information_plane(binary_symmetric, units="bits")
    bits = line(ax, "information curve").get_xydata()
    assert bits * math.log(2) == pytest.approx(nats, rel=1e-14)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("I(X;T) [bits]", "I(T;Y) [bits]")


def test_the_bounds_are_named_with_their_values(binary_symmetric):
    ax = plot_information_plane(binary_symmetric, units="bits")
    # H(0.1) = 0.468996 bits, so that the channel carries 0.531004.
    assert {"H(Y) = 1", "I(X;Y) = 0.531"} <= {text.get_text() for text in ax.texts}


def test_it_draws_on_the_axes_given_and_leaves_matplotlib_as_it_was(symmetric):
    before = dict(mpl.rcParams)
    ax = Figure().add_subplot()
    assert plot_information_plane(symmetric, ax=ax) is ax
    assert dict(mpl.rcParams) == before


def test_a_first_order_transition_is_a_segment(symmetric):
    segment = line(plot_information_plane(symmetric), "first-order transition").get_xydata()
    assert segment[0] == pytest.approx([0.0, 0.0], abs=1e-12)
    assert segment[1, 0] == pytest.approx(0.522573, abs=1e-4)


def test_a_transition_by_the_local_criterion_alone_is_hollow_and_said_so(binary_symmetric):
    [opening] = binary_symmetric.transitions
    doubtful = dataclasses.replace(opening, certified=False)
    curve = dataclasses.replace(binary_symmetric, transitions=(doubtful,))
    marker = line(plot_information_plane(curve), "continuous transition, local criterion only")
    assert marker.get_markerfacecolor() == "white"


def test_unconverged_solutions_are_crosses(symmetric):
    solutions = list(symmetric.solutions)
    solutions[7] = dataclasses.replace(solutions[7], status="gap 1e-3; raise max_iterations")
    curve = dataclasses.replace(symmetric, solutions=tuple(solutions))
    cross = line(plot_information_plane(curve), "not converged").get_xydata()
    assert cross == pytest.approx(np.array([[solutions[7].i_xt, solutions[7].i_ty]]))
    assert "not converged" not in legend_of(plot_information_plane(symmetric))


def test_the_gaussian_proxy_is_marked_on_the_discrete_curve(symmetric):
    proxy = types.SimpleNamespace(critical_betas=np.array([1.31, 1.31, np.inf]))
    ax = plot_information_plane(symmetric, gaussian=proxy)
    marks = line(ax, "critical β of the Gaussian proxy").get_xydata()
    assert len(marks) == 1
    assert marks[0, 0] == pytest.approx(np.interp(1.31, symmetric.beta, symmetric.i_xt))


def test_twelve_crowded_transitions_all_get_labels_apart(crowded):
    ax = plot_information_plane(crowded)
    boxes = placed_boxes(ax)
    assert labels_of(ax).n_hidden == 0
    for a, b in itertools.combinations(boxes, 2):
        assert (a[2:] < b[:2]).any() or (b[2:] < a[:2]).any()


def test_labels_are_placed_anew_when_the_figure_shrinks(crowded):
    ax = plot_information_plane(crowded)
    large = placed_boxes(ax)
    ax.figure.set_size_inches(1.6, 1.4)
    small = placed_boxes(ax)
    assert labels_of(ax).n_hidden > 0
    assert len(small) == len(large)
    width, height = ax.figure.bbox.size
    assert all(b is None or (b[2] <= width and b[3] <= height) for b in small)


def test_collapsed_betas_stay_readable(collapsed):
    # β_0 − 1 of K = 10 with 0.1 % error (theory §3): three digits of it are shown.
    assert labels_of(plot_information_plane(collapsed)).texts == ("β = 1.00191",)


def test_a_curve_without_solutions_or_transitions_is_drawn(symmetric):
    empty = dataclasses.replace(symmetric, solutions=(), transitions=())
    ax = plot_information_plane(empty)
    FigureCanvasAgg(ax.figure).draw()
    assert line(ax, "information curve").get_xydata().tolist() == [[0.0, 0.0]]


def test_unknown_units_are_refused(symmetric):
    with pytest.raises(InputError, match="'nats' or 'bits'"):
        plot_information_plane(symmetric, units="hartleys")


def test_a_bootstrap_band_is_shaded_where_it_is_known(binary_symmetric):
    rates = np.array([0.0, 0.1, 0.2])
    drawn = np.array([[0.0, 0.05, np.nan], [0.0, 0.06, 0.1]])
    resampled = CurveBootstrap(
        binary_symmetric, 0.9, 10, 0, rates, drawn, np.ones((2, 1)), np.ones(2), 1
    )
    ax = plot_information_plane(binary_symmetric, units="bits", bootstrap=resampled)
    [band] = ax.collections
    assert band.get_label() == "90 % bootstrap band"
    corners = band.get_paths()[0].vertices
    # The last rate is reached by half of the resamples only.
    assert corners[:, 0].max() == pytest.approx(0.1 / math.log(2))
    assert corners[:, 1].max() == pytest.approx(0.0595 / math.log(2))
