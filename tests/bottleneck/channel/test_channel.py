import math

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER, random_joint
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_information

from ibcollapse.bottleneck import Channel
from ibcollapse.errors import InputError


@settings(max_examples=40, deadline=None)
@given(n_x=st.integers(1, 40), n_classes=st.integers(1, 12), seed=st.integers(0, 10_000))
def test_informations_are_those_of_the_table(n_x, n_classes, seed):
    joint = random_joint(n_x, n_classes, seed)
    channel = Channel.from_joint(joint)
    expected = naive_information(channel.p_x, channel.p_y_given_x, np.eye(channel.n_x))
    np.testing.assert_allclose([channel.h_x, channel.i_xy], expected, atol=1e-12)
    np.testing.assert_allclose(channel.p_y, joint.sum(axis=0), atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(n_x=st.integers(1, 200), n_classes=st.integers(1, 200), seed=st.integers(0, 10_000))
def test_normalising_again_changes_no_bit(n_x, n_classes, seed):
    rng = np.random.default_rng(seed)
    rows = np.log(rng.dirichlet(np.full(n_classes, 0.7), n_x) + 1e-12)
    once = Channel(rng.dirichlet(np.ones(n_x)), rows - np.log(np.exp(rows).sum(1))[:, None])
    again = Channel(once.p_x, once.log_p_y_given_x)
    np.testing.assert_array_equal(again.p_x, once.p_x)
    np.testing.assert_array_equal(again.log_p_y_given_x, once.log_p_y_given_x)


@settings(max_examples=40, deadline=None)
@given(
    n_x=st.integers(1, 60),
    n_classes=st.integers(2, 6),
    share=st.floats(0, 1),
    max_rows=st.none() | st.integers(1, 20),
    seed=st.integers(0, 10_000),
)
def test_reduction_loses_what_it_says_and_what_it_may(n_x, n_classes, share, max_rows, seed):
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    allowed = share * channel.i_xy
    reduced = channel.reduce(max_loss=allowed, max_rows=max_rows)
    assert reduced.information_lost == pytest.approx(channel.i_xy - reduced.i_xy, abs=1e-12)
    np.testing.assert_allclose(reduced.p_y, channel.p_y, atol=1e-13)
    if max_rows is None:
        assert reduced.information_lost <= allowed + 1e-12
    else:
        assert reduced.n_x <= max_rows


def test_equal_rows_merge_exactly_and_zero_mass_points_are_dropped():
    joint = np.vstack([WU_FISCHER / 2, WU_FISCHER / 2, np.zeros((2, 3))])
    channel = Channel.from_joint(joint)
    assert (channel.n_x, channel.n_dropped) == (6, 2)
    reduced = channel.reduce()
    assert (reduced.n_x, reduced.n_dropped) == (3, 2)
    assert reduced.information_lost <= 1e-15
    assert reduced.i_xy == pytest.approx(channel.i_xy, abs=1e-15)


def test_counts_are_divided_by_their_total():
    counts = Channel.from_joint(np.array([[8, 2], [2, 8]], dtype=np.uint8))
    np.testing.assert_allclose(counts.p_y_given_x, [[0.8, 0.2], [0.2, 0.8]], rtol=1e-14)


def test_probabilities_below_the_smallest_double_survive_as_logarithms():
    rows = np.array([[0.0, -2000.0], [-1500.0, 0.0], [-1500.0, 0.0]])
    merged = Channel([0.5, 0.25, 0.25], rows).reduce()
    assert sorted(merged.log_p_y_given_x.min(axis=1)) == [-2000.0, -1500.0]


def test_arguments_are_not_changed_and_arrays_are_read_only():
    p_x, rows = np.array([0.5, 0.5]), np.log([[0.9, 0.1], [0.1, 0.9]])
    channel = Channel(p_x, rows)
    p_x[0] = 7
    rows[0, 0] = 7
    assert channel.p_x[0] == 0.5
    for array in (channel.p_x, channel.log_p_y_given_x, channel.p_y_given_x, channel.p_y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("joint", "message"),
    [
        ([0.5, 0.5], "two axes"),
        (np.zeros((0, 3)), "two axes"),
        ([["a"]], "holds numbers"),
        ([[True, False]], "holds numbers"),
        ([[0.5, -0.1], [0.3, 0.3]], r"negative or non-finite entries, the first -0.1 at \(0, 1\)"),
        ([[0.5, math.nan], [0.3, 0.2]], "negative or non-finite"),
        ([[0.5, math.inf], [0.3, 0.2]], "negative or non-finite"),
        ([[0.5, 0.1], [0.3, 0.2]], r"sums to 1.1, expected 1; divide it by its sum"),
        (np.zeros((2, 2)), "sums to 0"),
    ],
)
def test_tables_that_are_no_joint_are_refused(joint, message):
    with pytest.raises(InputError, match=message):
        Channel.from_joint(joint)


@pytest.mark.parametrize(
    ("p_x", "rows", "message"),
    [
        ([], np.zeros((0, 2)), "at least one point"),
        ([0.6, 0.6], np.log([[0.5, 0.5]] * 2), "p_x sums to 1.2"),
        ([1.5, -0.5], np.log([[0.5, 0.5]] * 2), "negative or non-finite"),
        ([1.0], np.log([[0.5, 0.5]] * 2), r"shape \(2, 2\), expected \(1, n_classes\)"),
        ([1.0], [[math.nan, 0.0]], "NaN or positive"),
        ([1.0], [[0.5, -3.0]], "NaN or positive"),
        ([0.5, 0.5], np.log([[0.5, 0.5], [0.5, 0.4]]), "row 1 .* sums to 0.9"),
        ([1.0], [[-math.inf, -math.inf]], "row 0 .* sums to 0"),
    ],
)
def test_arrays_that_are_no_channel_are_refused(p_x, rows, message):
    with pytest.raises(InputError, match=message):
        Channel(p_x, rows)


def test_names_and_limits_are_checked():
    with pytest.raises(InputError, match="3 class names for 2 classes"):
        Channel.from_joint([[0.5, 0.5]], class_names=list("abc"))
    channel = Channel.from_joint(WU_FISCHER)
    for options in ({"max_loss": -1.0}, {"max_loss": math.nan}, {"max_rows": 0}):
        with pytest.raises(InputError, match=next(iter(options))):
            channel.reduce(**options)
