"""Points of the curve between its solutions."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_channels import binary_symmetric, binary_symmetric_point, deterministic, symmetric

from ibcollapse.bottleneck import trace_curve
from ibcollapse.bottleneck.results.concave_arcs import Arc, Knot
from ibcollapse.bottleneck.results.hull import concave_hull
from ibcollapse.errors import InputError


@pytest.fixture(scope="module")
def binary():
    return trace_curve(binary_symmetric())


@pytest.fixture(scope="module")
def potts():
    return trace_curve(symmetric(3, 0.5))


def knot(i_xt, i_ty, beta):
    return Knot(i_xt, i_ty, beta, beta)


def parabola_knot(x):
    """A point of y = x − x²/4, whose slope is 1 − x/2."""
    return knot(x, x - x * x / 4, 1 / (1 - x / 2))


def test_an_arc_reproduces_a_parabola():
    arc = Arc(parabola_knot(0.1), parabola_knot(1.3))
    for x in np.linspace(0.1, 1.3, 7):
        expected = parabola_knot(x)
        for u in (
            arc.at_rate(x),
            arc.at_relevance(expected.i_ty),
            arc.at_beta(expected.beta_low),
        ):
            # Closed forms: a few roundings of numbers of order one.
            assert arc.point(u) == pytest.approx((x, expected.i_ty, expected.beta_low), rel=1e-12)


slopes = st.floats(0.05, 1.0)


@settings(deadline=None)
@given(slopes, slopes, st.floats(0.01, 0.99), st.floats(1e-3, 2.0))
def test_every_arc_is_concave_between_its_tangents(first, second, share, run):
    leaving, arriving = max(first, second), min(first, second)
    rise = run * (share * leaving + (1 - share) * arriving)
    arc = Arc(knot(0.0, 0.0, 1 / leaving), knot(run, rise, 1 / arriving))
    x, y, beta = np.array([arc.point(u) for u in np.linspace(0, 1, 33)]).T
    assert (np.diff(x) > 0).all()
    assert (np.diff(beta) >= -1e-9).all()
    assert (y <= np.minimum(leaving * x, rise - arriving * (run - x)) + 1e-12).all()
    assert (y >= rise / run * x - 1e-12).all()


def test_an_arc_whose_slopes_contradict_its_chord_is_the_chord():
    arc = Arc(knot(0.0, 0.0, 2.0), knot(1.0, 0.9, 4.0))
    assert arc.is_straight
    assert arc.point(0.5) == pytest.approx((0.5, 0.45, 1 / 0.9))


def test_the_curve_between_solutions_is_that_of_mrs_gerber(binary):
    for rate in np.linspace(1e-5, binary.i_xt[-1], 60):
        i_ty, beta = binary_symmetric_point(rate)
        point = binary.at_rate(rate)
        # h = 1/50 of H(Y): the interpolant's fourth-order error is 1.4e-9 at its worst.
        assert point.i_ty == pytest.approx(i_ty, abs=5e-9)
        assert point.beta == pytest.approx(beta, abs=1e-5)
        assert point.i_ty_low - 1e-10 <= i_ty <= point.i_ty_high + 1e-10
        assert point.i_ty_high - point.i_ty_low < 1e-4


def test_the_error_falls_with_the_fourth_power_of_the_spacing():
    errors = []
    for n_points in (12, 24):
        curve = trace_curve(binary_symmetric(), n_points=n_points)
        rates = np.linspace(0.1, 0.4, 200)
        exact = [binary_symmetric_point(r)[0] for r in rates]
        errors.append(np.abs(curve.resample(rates) - exact).max())
    assert errors[0] / errors[1] > 8


def test_rate_relevance_and_beta_name_the_same_point(binary):
    point = binary.at_rate(0.3)
    assert binary.at_relevance(point.i_ty).i_xt == pytest.approx(0.3, abs=1e-10)
    assert binary.at_beta(point.beta).i_xt == pytest.approx(0.3, abs=1e-8)


def test_a_straight_segment_is_exact(potts):
    # K = 3, a = 0.5 (theory, symmetric channels): slope 1/3.898735 up to I(X;T) = 0.102855.
    point = potts.at_rate(0.05)
    assert point.beta == pytest.approx(3.898735, abs=1e-6)
    assert point.i_ty == pytest.approx(0.05 / 3.898735, rel=1e-6)
    assert point.i_ty_high - point.i_ty_low < 1e-9
    assert potts.at_beta(3.8).i_xt == 0.0
    assert potts.at_beta(3.898736).i_xt == pytest.approx(0.102855, abs=1e-4)


def test_the_hull_starts_at_the_origin_with_falling_slopes(potts):
    hull = potts.hull()
    assert np.array_equal(hull[0], [0.0, 0.0])
    steps = np.diff(hull, axis=0)
    assert (np.diff(steps[:, 1] / steps[:, 0]) < 0).all()


def test_a_deterministic_channel_has_one_segment_and_ends_for_good():
    curve = trace_curve(deterministic([0.5, 0.3, 0.2]))
    assert curve.at_rate(0.4).i_ty == pytest.approx(0.4, abs=1e-15)
    assert curve.at_beta(0.5).i_xt == 0.0
    assert curve.at_beta(7.0).i_xt == pytest.approx(curve.h_y)


def test_resampling_keeps_the_shape_and_ends_where_the_curve_does(binary):
    values = binary.resample([[0.0, 0.1], [0.2, 5.0]])
    assert values.shape == (2, 2)
    assert values[0, 0] == 0.0
    assert np.isnan(values[1, 1])


@pytest.mark.parametrize("rate", [-0.1, 0.68, np.nan])
def test_a_rate_off_the_curve_is_refused(binary, rate):
    with pytest.raises(InputError, match="larger fraction"):
        binary.at_rate(rate)


def test_a_beta_beyond_the_last_solution_is_refused(binary):
    with pytest.raises(InputError, match="beyond the last solution"):
        binary.at_beta(1e6)
    with pytest.raises(InputError, match="at least 0"):
        binary.at_beta(np.nan)


def test_a_curve_without_solutions_is_the_origin(binary):
    empty = dataclasses.replace(binary, solutions=())
    assert empty.at_rate(0.0).i_ty == 0.0
    assert np.array_equal(empty.hull(), [[0.0, 0.0]])


def highest_chord(points, x):
    """Largest height at x over all chords between two of the points: the hull, by definition."""
    heights = [y for px, y in points if px == x]
    for ax, ay in points:
        for bx, by in points:
            if ax < x < bx:
                heights.append(ay + (by - ay) * (x - ax) / (bx - ax))
    return max(heights)


shares = st.integers(0, 20).map(lambda n: n / 4)


@settings(deadline=None)
@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=12))
def test_the_hull_is_the_highest_chord(points):
    hull = concave_hull(*np.array(points, dtype=float).T)
    every = [(0.0, 0.0), *points]
    rising = [(x, max(y for px, y in every if px <= x)) for x, _ in every]
    for x, _ in every:
        # Beyond its last vertex the curve stays at its height: more rate never hurts.
        expected = highest_chord(rising, x)
        assert np.interp(x, *hull.T) == pytest.approx(expected, abs=1e-12)
