"""Groups of rows with equal or near-equal posteriors, against sums written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr, xlogy

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.channel.reduction import (
    all_rows_differ,
    average_rows,
    group_equal_rows,
    group_near_rows,
)


def rows_of(n_x, n_classes, seed):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(n_x)), rng.dirichlet(np.full(n_classes, 0.5), n_x)


def loss_of(p_x, rows, groups):
    """Σ p(x) KL(row ‖ mean of its group), nats."""
    total = 0.0
    for g in np.unique(groups):
        part = groups == g
        mean = np.average(rows[part], axis=0, weights=p_x[part])
        total += float(p_x[part] @ rel_entr(rows[part], mean).sum(axis=1))
    return total


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n_distinct=st.integers(1, 6))
def test_rows_share_a_group_exactly_when_they_are_equal(seed, n_distinct):
    rng = np.random.default_rng(seed)
    _, rows = rows_of(n_distinct, 3, seed)
    chosen = rng.integers(0, n_distinct, 20)
    groups = group_equal_rows(np.log(rows[chosen]))
    np.testing.assert_array_equal(
        groups[:, None] == groups[None, :], chosen[:, None] == chosen[None, :]
    )
    np.testing.assert_array_equal(np.unique(groups), np.arange(len(np.unique(chosen))))


def test_means_are_weighted_and_reach_below_the_smallest_double():
    logs = np.array([[0.0, -1000.0], [0.0, -1001.0], [-np.inf, 0.0]])
    weights, means = average_rows(np.array([0.25, 0.5, 0.25]), logs, np.array([0, 0, 1]))
    np.testing.assert_allclose(weights, [0.75, 0.25])
    expected = -1000.0 + np.log((1.0 + 2.0 * np.exp(-1.0)) / 3.0)
    np.testing.assert_allclose(means, [[0.0, expected], [-np.inf, 0.0]], rtol=1e-14)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), max_loss=st.floats(1e-4, 0.5))
def test_near_rows_lose_no_more_than_allowed(seed, max_loss):
    p_x, rows = rows_of(40, 4, seed)
    groups = group_near_rows(p_x, rows, xlogy(rows, rows).sum(axis=1), max_loss, None)
    assert loss_of(p_x, rows, groups) <= max_loss + 1e-12
    np.testing.assert_array_equal(np.unique(groups), np.arange(groups.max() + 1))


@pytest.mark.parametrize("most", [1, 2, 7])
def test_a_limit_on_groups_is_kept_and_more_groups_lose_less(most):
    p_x, rows = rows_of(60, 5, 1)
    negative_entropy = xlogy(rows, rows).sum(axis=1)
    groups = group_near_rows(p_x, rows, negative_entropy, 0.0, most)
    more = group_near_rows(p_x, rows, negative_entropy, 0.0, most + 3)
    assert groups.max() + 1 == most
    assert loss_of(p_x, rows, more) < loss_of(p_x, rows, groups)


def test_two_bunches_are_told_apart():
    p_x = np.full(10, 0.1)
    rows = np.repeat([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]], 5, axis=0)
    rows[::2] = rows[::2] * 0.999 + 0.001 / 3
    groups = group_near_rows(p_x, rows, xlogy(rows, rows).sum(axis=1), 1e-4, None)
    np.testing.assert_array_equal(groups, np.repeat([groups[0], groups[5]], 5))
    assert groups[0] != groups[5]


@settings(max_examples=40, deadline=None)
@given(n_x=st.integers(1, 40), n_classes=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_rows_are_said_to_differ_exactly_where_a_sort_finds_none_equal(n_x, n_classes, seed):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.ones(n_classes), n_x)
    rows[rng.random(n_x) < 0.3, 0] = 0.0
    if seed % 2:
        rows = rows[rng.integers(0, n_x, n_x)]
    with np.errstate(divide="ignore"):
        log_rows = np.log(rows)
    n_groups = group_equal_rows(log_rows).max() + 1
    assert all_rows_differ(log_rows) == (n_groups == n_x)


def test_a_channel_of_different_rows_is_its_own_reduction():
    channel = Channel.from_joint([[0.4, 0.1], [0.2, 0.3]])
    assert channel.reduce() is channel
