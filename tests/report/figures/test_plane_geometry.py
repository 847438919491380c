import dataclasses

import numpy as np
import pytest

from ibcollapse.report.figures.plane_geometry import point_at, transition_ends


def test_a_first_order_transition_spans_its_straight_segment(symmetric):
    # K = 10, error 10 %: the segment ends at I(X;T) = 0.522573 (theory §2).
    [jump] = symmetric.transitions
    assert jump.beta == pytest.approx(1.224625, abs=5e-7)
    ends = transition_ends(symmetric, jump)
    assert ends[0] == pytest.approx([0.0, 0.0], abs=1e-12)
    # The grid of z that the curve is built on is 5e-5 wide.
    assert ends[1, 0] == pytest.approx(0.522573, abs=1e-4)
    assert ends[1, 0] / ends[1, 1] == pytest.approx(jump.beta, rel=1e-12)


def test_a_jump_without_its_two_solutions_uses_the_recorded_jump(symmetric):
    [jump] = symmetric.transitions
    sparse = dataclasses.replace(
        symmetric, solutions=tuple(s for s in symmetric.solutions if s.beta != jump.beta)
    )
    before, after = transition_ends(sparse, jump)
    assert after - before == pytest.approx([jump.jump_i_xt, jump.jump_i_ty])


def test_a_continuous_transition_has_no_extent(binary_symmetric):
    [opening] = binary_symmetric.transitions
    before, after = transition_ends(binary_symmetric, opening)
    assert np.array_equal(before, after)


def test_below_the_first_solution_the_curve_is_at_the_origin(symmetric):
    assert np.array_equal(point_at(symmetric, 1.0), [0.0, 0.0])
    empty = dataclasses.replace(symmetric, solutions=())
    assert np.array_equal(point_at(empty, 2.0), [0.0, 0.0])
