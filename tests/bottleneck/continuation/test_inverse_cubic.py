"""Roots foretold from two points with slopes."""

import numpy as np
import pytest

from ibcollapse.bottleneck.continuation.inverse_cubic import step_to_root


def test_exact_where_the_place_is_a_cubic_of_the_value():
    def place(v):
        return 2.0 + 0.7 * v - 0.1 * v**2 + 0.05 * v**3

    def slope(v):
        return 1.0 / (0.7 - 0.2 * v + 0.15 * v**2)

    before, here = -0.8, -0.3
    step = step_to_root(here, slope(here), place(here) - place(before), before, slope(before))
    assert place(here) + step == pytest.approx(2.0, abs=1e-14)


def test_error_is_of_fourth_order_in_the_distances():
    errors = []
    for h in (0.1, 0.05):
        here, before = h, 2 * h
        step = step_to_root(
            np.expm1(here), np.exp(here), here - before, np.expm1(before), np.exp(before)
        )
        errors.append(abs(here + step))
    assert errors[0] < 1e-4
    assert errors[0] / errors[1] == pytest.approx(16, rel=0.2)


@pytest.mark.parametrize(("value_before", "slope_before"), [(0.5, 1.0), (0.9, -1.0), (0.5001, 1.0)])
def test_newton_where_the_points_do_not_belong_together(value_before, slope_before):
    # The same value twice, slopes of two signs, values that hardly change over a long way.
    assert step_to_root(0.5, 2.0, 3.0, value_before, slope_before) == -0.25
