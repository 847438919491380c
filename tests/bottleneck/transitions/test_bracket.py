"""Curves of channels whose transitions are hard to tell apart: rings, and nearly one-hot rows."""

import dataclasses

import numpy as np
import pytest

from ibcollapse import Channel, solve, trace_curve
from ibcollapse.bottleneck.continuation.step import lower
from ibcollapse.bottleneck.objective.mixture import trivial_mixture
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.solver.column_generation import solve_state
from ibcollapse.bottleneck.solver.tangent import tangent
from ibcollapse.bottleneck.transitions.classify import crossed, died, unresolved
from ibcollapse.bottleneck.transitions.locate import locate


def typewriter(n_classes):
    keep = np.eye(n_classes)
    return (keep + np.roll(keep, 1, axis=1)) / (2 * n_classes)


def ring(n_classes, width):
    distance = np.abs(np.subtract.outer(np.arange(n_classes), np.arange(n_classes)))
    distance = np.minimum(distance, n_classes - distance)
    rows = np.exp(-0.5 * (distance / width) ** 2)
    return rows / rows.sum(axis=1, keepdims=True) / n_classes


def binned(n_x, n_classes, width):
    x = np.linspace(0, n_classes - 1, n_x)
    rows = np.exp(-0.5 * ((x[:, None] - np.arange(n_classes)) / width) ** 2)
    return rows / rows.sum(axis=1, keepdims=True) / n_x


def leaking(leak):
    """30 points of 6 classes, each one-hot up to a leak."""
    rng = np.random.default_rng(3)
    one_hot = np.zeros((30, 6))
    one_hot[np.arange(30), rng.integers(6, size=30)] = rng.dirichlet(np.ones(30))
    others = np.random.default_rng(0).dirichlet(np.ones(6), 30)
    return one_hot * (1 - leak) + leak * one_hot.sum(axis=1)[:, None] * others


def assert_in_order(curve):
    for values in (curve.beta, curve.i_xt, curve.i_ty, [t.beta for t in curve.transitions]):
        assert len(values) < 2 or np.diff(values).min() >= 0
    assert all(s.gap <= 1e-9 for s in curve.solutions if s.converged)


@pytest.fixture(scope="module")
def eight():
    return trace_curve(typewriter(8))


def test_a_curve_whose_change_was_postponed_is_in_order(eight):
    assert eight.status == "converged"
    assert_in_order(eight)


def test_a_ring_of_atoms_that_gives_way_to_as_many_others_jumps(eight):
    (turn,) = (t for t in eight.transitions if 1.5 < t.beta < 1.6)
    assert (turn.order, turn.clusters_before, turn.clusters_after) == (1, 8, 8)
    below, above = (solve(typewriter(8), turn.beta + step, tol=1e-12) for step in (-1e-6, 1e-6))
    # The two sides move by about 1e-6 times the slope of I(X;T), which is near one.
    assert turn.jump_i_xt == pytest.approx(above.i_xt - below.i_xt, abs=1e-5)


def test_all_is_known_at_beta_two_where_two_neighbours_are_told_from_the_rest(eight):
    # There exp(−beta d(x, r)) is 4 r_y r_y', largest on the whole edge between the two.
    last = eight.transitions[-1]
    assert last.beta == pytest.approx(2.0, abs=1e-9)
    assert eight.i_ty[-1] == pytest.approx(np.log(4), abs=1e-9)


@pytest.mark.parametrize(
    "joint",
    [ring(6, 0.5), ring(8, 1.5), ring(6, 3.0), binned(12, 6, 1.0), binned(24, 12, 2.0)],
    ids=["ring 6", "ring 8", "wide ring", "line 6", "line 12"],
)
def test_cyclic_and_ordered_classes_have_a_curve_without_spurious_transitions(joint):
    curve = trace_curve(joint)
    assert curve.status == "converged"
    assert curve.i_ty[-1] >= 0.9 * curve.i_xy * (1 - 1e-9)
    assert curve.n_clusters.max() <= len(joint)
    assert_in_order(curve)
    assert all(t.certified and t.order == 2 for t in curve.transitions)


def test_on_a_ring_there_is_one_transition_however_many_atoms_do_as_well():
    # The first Fourier mode of the ring splits the trivial state; it breaks no other symmetry.
    curve = trace_curve(ring(8, 0.8))
    assert [t.clusters_before for t in curve.transitions] == [1]


@pytest.mark.parametrize("leak", [1e-5, 1e-6])
def test_nearly_one_hot_rows_gain_a_cluster_at_a_time(leak):
    curve = trace_curve(leaking(leak))
    assert curve.status == "converged"
    assert_in_order(curve)
    changes = [(t.clusters_before, t.clusters_after) for t in curve.transitions]
    assert changes == [(k, k + 1) for k in range(1, 6)]
    assert all(t.certified for t in curve.transitions)


@pytest.mark.parametrize("leak", [1e-3, 1e-6])
def test_leaks_of_all_sizes_have_their_transitions_at_the_same_share_of_themselves(leak):
    # To first order in the leak everything depends on (beta − 1) / leak alone.
    found = [t.beta - 1 for t in trace_curve(leaking(leak)).transitions]
    expected = [t.beta - 1 for t in trace_curve(leaking(1e-5)).transitions]
    np.testing.assert_allclose(
        np.array(found) / leak, np.array(expected) / 1e-5, rtol=5 * max(leak, 1e-5) ** 0.5
    )


@pytest.mark.parametrize("leak", [1e-8, 1e-10])
def test_leaks_below_the_resolution_of_free_energies_end_in_order(leak):
    curve = trace_curve(leaking(leak), time_limit=60)
    assert_in_order(curve)
    assert not curve.is_out_of_time


def test_of_two_states_at_one_beta_the_lower_is_kept_with_what_the_other_proves():
    channel = Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])
    options, rng = Options(), np.random.default_rng(0)
    best = solve_state(channel, 2.0, trivial_mixture(channel), options, rng)
    trivial = solve_state(channel, 1.0, trivial_mixture(channel), options, rng)
    # F of the trivial state is zero at every beta.
    worse = dataclasses.replace(trivial, beta=2.0, gap=-best.evaluation.free_energy)
    kept = lower(worse, best)
    assert kept.mixture is best.mixture
    assert kept.gap == pytest.approx(0.0, abs=1e-15)
    assert lower(best, worse) is best


@pytest.fixture(scope="module")
def symmetric():
    """Five classes told right with odds of 6 to 1, at their onset, and the state far above it."""
    channel = Channel.from_joint(0.1 * np.eye(5) + 0.02)
    options, rng = Options(), np.random.default_rng(0)
    trivial = solve_state(channel, 1.0, trivial_mixture(channel), options, rng)
    above = solve_state(channel, 3.9, trivial_mixture(channel), options, rng)
    slope = tangent(channel, trivial.mixture, trivial.evaluation, 1.0)
    event = locate(
        channel, trivial.mixture, slope, 1.0, 3.9, channel.log_p_y_given_x, above.mixture.log_r
    )
    return channel, trivial, event, above


def test_a_jump_is_one_even_where_the_state_above_it_is_far_and_the_curve_is_steep(symmetric):
    channel, _, event, above = symmetric
    passage = crossed(channel, event, above, Options(), np.random.default_rng(0))
    (jump,) = passage.transitions
    assert jump.order == 1
    # Closed form of the symmetric channel: where the segment from the trivial state ends.
    assert jump.jump_i_xt == pytest.approx(_end_of_segment(5, 0.5), rel=1e-4)
    assert [s.beta for s in passage.solutions] == [event.beta, event.beta]


def _end_of_segment(n_classes, a):
    z = np.linspace(1e-4, 1 - 1e-4, 400_001)

    def entropy(s):
        rest = (1 - s) * np.log((1 - s) / (n_classes - 1))
        return -s * np.log(s) - rest

    s = (1 + (n_classes - 1) * z) / n_classes
    rate = np.log(n_classes) - entropy(s)
    relevance = np.log(n_classes) - entropy(a * s + (1 - a) / n_classes)
    return rate[np.argmin(rate / relevance)]


def test_the_order_of_what_is_not_resolved_follows_the_same_criterion(symmetric):
    channel, trivial, event, above = symmetric
    below = dataclasses.replace(trivial, beta=event.beta * (1 - 1e-6))
    near = solve_state(
        channel, event.beta * (1 + 1e-6), above.mixture, Options(), np.random.default_rng(0)
    )
    (jump,) = unresolved(channel, below, near).transitions
    assert (jump.order, jump.certified) == (1, False)
    (smooth,) = unresolved(
        channel, near, dataclasses.replace(near, beta=near.beta + 1e-6)
    ).transitions
    assert (smooth.order, smooth.jump_i_xt) == (2, 0.0)


def test_where_the_upper_branch_takes_over_with_more_information_it_is_a_jump(symmetric):
    channel, trivial, event, above = symmetric
    upper = dataclasses.replace(
        event, beta=above.beta, mixture=above.mixture, evaluation=above.evaluation
    )
    below = dataclasses.replace(trivial, beta=above.beta * (1 - 1e-6))
    (jump,) = died(channel, upper, below, Options()).transitions
    assert jump.order == 1
    assert jump.jump_i_xt > 0.3
