import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from ibcollapse.errors import InputError
from ibcollapse.report.figures.beta_axis import format_beta, set_beta_scale


@pytest.mark.parametrize(
    ("beta", "text"),
    [
        (3.898735, "3.90"),
        (1.00191427, "1.00191"),
        (1.224625, "1.225"),
        (11.111111, "11.1"),
        (1234.5, "1234"),
        (1.0, "1"),
        (0.998, "0.99800"),
        (1.0 + 2.0**-30, "1 + 9.3e-10"),
        (1.0 - 2.0**-30, "1 − 9.3e-10"),
        (math.inf, "∞"),
    ],
)
def test_beta_keeps_three_digits_of_its_distance_from_one(beta, text):
    assert format_beta(beta) == text


@settings(deadline=None)
@given(st.floats(1e-5, 1e3), st.floats(1.02, 10.0))
def test_betas_two_percent_apart_are_written_differently(excess, ratio):
    # Three digits of beta − 1 resolve 1 % of it at least; beyond beta = 100 the digits are beta's.
    assert format_beta(1 + excess) != format_beta(1 + excess * ratio)


def axis_over(beta, i_ty, scale="auto"):
    ax = Figure().add_subplot()
    used_log = set_beta_scale(ax, beta, i_ty, scale=scale)
    return ax, used_log


def test_collapse_takes_the_logarithmic_scale():
    ax, used_log = axis_over([0.9, 1.0019, 1.003, 1.0062], [0.0, 0.2, 1.0, 2.0])
    assert used_log
    assert "log" in ax.get_xlabel()
    left, right = ax.get_xlim()
    assert 1.0 < left < 1.0019
    assert 1.0062 < right < 1.01


def test_a_jump_at_one_alone_does_not_ask_for_the_logarithmic_scale():
    # No logarithm of beta − 1 would spread it out.
    assert not axis_over([1.0, 1.0, 2.7, 3.3, 4.0], [0.0, 1.0, 1.0, 1.1, 1.2])[1]
    assert axis_over([1.0, 1.0, 1.01, 1.03, 4.0], [0.0, 1.0, 1.0, 1.1, 1.2])[1]


def test_a_rise_at_the_very_left_takes_the_logarithmic_scale():
    beta = np.array([1.1, 1.2, 1.4, 50.0])
    assert axis_over(beta, [0.0, 1.0, 1.9, 2.0])[1]
    assert not axis_over([1.5, 3.0, 4.0, 12.0], [0.0, 0.1, 0.2, 2.0])[1]


def test_a_rise_over_decades_takes_the_logarithmic_scale():
    beta = np.array([1.0, 1.0001, 1.001, 1.01, 1.5])
    assert axis_over(beta, [0.0, 0.1, 0.2, 0.3, 2.0])[1]


def test_the_scale_can_be_forced():
    beta, i_ty = [1.001, 1.002], [0.0, 1.0]
    assert not axis_over(beta, i_ty, "linear")[1]
    assert axis_over([2.0, 3.0], i_ty, "log")[1]


def test_nothing_above_one_stays_linear():
    assert not axis_over([0.5, 1.0], [0.0, 0.0], "log")[1]
    assert not axis_over([], [])[1]


def test_an_unknown_scale_is_refused():
    with pytest.raises(InputError, match="'auto', 'linear' or 'log'"):
        axis_over([1.1, 2.0], [0.0, 1.0], "sqrt")


def test_positions_are_those_of_log_beta_minus_one():
    ax, _ = axis_over([1.001, 1.1], [0.0, 1.0], "log")
    x = ax.transData.transform([(1.001, 0.0), (1.01, 0.0), (1.1, 0.0)])[:, 0]
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.floats(-9.0, 2.0), st.floats(0.02, 8.0))
def test_ticks_are_few_ordered_inside_and_distinct(exponent, decades):
    low, high = 1 + 10.0**exponent, 1 + 10.0 ** (exponent + decades)
    ax, used_log = axis_over([low, high], [0.0, 1.0], "log")
    assert used_log
    shown = [t for t in ax.get_xticks() if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    labels = ax.xaxis.get_major_formatter().format_ticks(shown)
    assert 2 <= len(shown) <= 9
    assert all(a < b for a, b in itertools.pairwise(shown))
    assert len(set(labels)) == len(labels)
