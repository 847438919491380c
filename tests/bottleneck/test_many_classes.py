"""Curves of many classes, which step from transition to transition, against single solves."""

import numpy as np
import pytest

from ibcollapse.bottleneck import Channel, certify, solve, trace_curve
from ibcollapse.bottleneck.kernels import side_by_side

N_CLASSES = 26


@pytest.fixture(scope="module")
def channel():
    """Posteriors of classes that hardly overlap, no two pairs alike."""
    rng = np.random.default_rng(8)
    labels = np.repeat(np.arange(N_CLASSES), 8)
    logits = rng.normal(size=(len(labels), N_CLASSES)) * 1.5
    logits[np.arange(len(labels)), labels] += 9.0
    rows = np.exp(logits)
    return Channel.from_joint(rows / rows.sum())


@pytest.fixture(scope="module")
def curve(channel):
    return trace_curve(channel, fraction=0.5)


def test_every_point_is_the_optimum_there(channel, curve):
    assert curve.status == "converged"
    assert len(curve.transitions) > 5
    for solution in curve.solutions[2::7]:
        assert solution.gap <= 1e-9
        checked = certify(channel, solution.p_t, solution.p_y_given_t, solution.beta)
        assert checked.gap <= 1e-9
        alone = solve(channel, solution.beta)
        assert solution.lagrangian == pytest.approx(alone.lagrangian, abs=1e-9)


def test_transitions_are_in_order_and_count_the_clusters(curve):
    betas = np.array([t.beta for t in curve.transitions])
    assert (np.diff(betas) > 0).all()
    assert all(t.certified for t in curve.transitions)
    for earlier, later in zip(curve.transitions, curve.transitions[1:], strict=False):
        assert earlier.clusters_after == later.clusters_before
    assert curve.transitions[-1].clusters_after == curve.solutions[-1].n_clusters
    assert (np.diff(curve.i_xt) >= -1e-9).all()


def test_below_a_transition_the_branch_is_optimal_and_above_it_is_not(channel, curve):
    for transition in curve.transitions[1:6:2]:
        step = 1e-4 * (transition.beta - 1)
        below, above = (solve(channel, transition.beta + s * step) for s in (-1, 1))
        assert below.n_clusters == transition.clusters_before
        assert above.n_clusters == transition.clusters_after
        assert transition.beta_local >= transition.beta * (1 - 1e-9)


def test_the_number_of_threads_does_not_change_a_bit(channel, curve, monkeypatch):
    monkeypatch.setattr(side_by_side, "THREADS", 1)
    alone = trace_curve(channel, fraction=0.5)
    assert [t.beta for t in alone.transitions] == [t.beta for t in curve.transitions]
    assert [t.beta_local for t in alone.transitions] == [t.beta_local for t in curve.transitions]
    np.testing.assert_array_equal(alone.i_xt, curve.i_xt)
