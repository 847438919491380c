import math
import types

import numpy as np
import pytest
from bottleneck import zoo
from bottleneck.ground_truths import (
    binary_symmetric,
    eight_by_five,
    erasure,
    overlapping_classes,
    symmetric,
    symmetric_onset,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import ibcollapse as ib
from ibcollapse.bottleneck import Channel, deadline
from ibcollapse.bottleneck.transitions import onset


@pytest.mark.parametrize("delta", [0.01, 0.1, 0.3])
def test_binary_symmetric_channel_starts_where_it_loses_stability(delta):
    joint = binary_symmetric(delta)
    expected = (1 - 2 * delta) ** -2
    assert ib.onset_beta(joint) == pytest.approx(expected, rel=1e-12)
    assert ib.onset_beta(joint) == ib.onset_beta_local(joint)


@pytest.mark.parametrize("a", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("n_classes", [3, 4, 7, 12, 20])
def test_symmetric_family_starts_at_the_first_order_onset_of_its_envelope(n_classes, a):
    joint = symmetric(n_classes, a)
    onset, _ = symmetric_onset(n_classes, a)
    assert ib.onset_beta(joint) == pytest.approx(onset, rel=1e-9)
    assert onset < ib.onset_beta_local(joint) * (1 - 1e-4)


@pytest.mark.parametrize("joint", [eight_by_five(), erasure(3, 0.4), erasure(5, 0.1)])
def test_onset_is_the_first_transition_of_the_traced_curve(joint):
    first = ib.find_transitions(joint, fraction=0.3)[0]
    assert ib.onset_beta(joint) == pytest.approx(first.beta, rel=1e-9)


def test_channels_without_a_first_choice_have_their_limits():
    assert math.isinf(ib.onset_beta(np.outer([0.3, 0.7], [0.2, 0.5, 0.3])))
    assert ib.onset_beta(np.eye(4) / 4) == 1.0
    two_groups = np.kron(np.eye(2), binary_symmetric(0.2)) / 2
    assert ib.onset_beta(two_groups) == pytest.approx(1.0, abs=1e-14)
    assert math.isinf(ib.onset_beta([[0.4], [0.6]]))


@settings(max_examples=30, deadline=None)
@given(
    n_x=st.integers(3, 12),
    n_classes=st.integers(2, 3),
    concentration=st.sampled_from([0.2, 0.5, 2.0]),
    seed=st.integers(0, 10_000),
)
def test_trivial_is_certified_up_to_the_onset_and_beaten_above(n_x, n_classes, concentration, seed):
    # Of at most three classes certificates are exhaustive: they bound what climbs may miss.
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.full(n_x * n_classes, concentration)).reshape(n_x, n_classes)
    onset = ib.onset_beta(joint)
    p_y = joint.sum(axis=0, keepdims=True)
    below = ib.certify(joint, np.ones(1), p_y, 1 + 0.999 * (onset - 1))
    assert below.gap_search == "exhaustive"
    assert below.gap <= 1e-9
    above = ib.solve(joint, 1 + 1.02 * (onset - 1))
    assert above.n_clusters > 1
    assert above.lagrangian < 0


# From 24 classes on the walk steps from transition to transition.
@pytest.mark.parametrize("n_classes", [20, 30])
def test_far_decoders_of_many_soft_classes_come_long_before_the_local_onset(n_classes):
    joint = overlapping_classes(n_classes)
    onset = ib.onset_beta(joint)
    assert onset < 0.6 * ib.onset_beta_local(joint)
    first = ib.find_transitions(joint, fraction=1e-4)[0]
    assert first.beta == pytest.approx(onset, rel=1e-9)
    assert first.mechanism == "nucleation"
    assert first.certified


def test_the_trivial_state_is_not_certified_past_an_onset_that_other_starts_miss():
    # Of 8000 points one comes first, with a hill of its own that no start beside it leads to.
    joint = np.random.default_rng(2).dirichlet(np.full(240_000, 0.5)).reshape(8000, 30)
    channel = ib.Channel.from_joint(joint)
    beta = 1.01 * ib.onset_beta(channel)
    verdict = ib.certify(channel, np.ones(1), channel.p_y[None], beta)
    assert verdict.gap > 1e-3
    solution = ib.solve(channel, beta)
    assert solution.n_clusters == 2
    assert solution.lagrangian < -1e-7
    assert solution.gap <= 1e-9


def test_rows_that_differ_by_rounding_only_have_no_onset():
    rng = np.random.default_rng(0)
    independent = np.outer(rng.dirichlet(np.ones(500)), rng.dirichlet(np.full(20, 0.1)))
    assert math.isinf(ib.onset_beta(independent))
    assert math.isinf(ib.onset_beta_local(independent))


def test_a_finished_search_has_one_end_and_is_what_onset_beta_says():
    onset = ib.find_onset(symmetric(5, 0.5))
    assert onset.converged
    assert onset.lower == onset.upper == ib.onset_beta(symmetric(5, 0.5))


@pytest.mark.parametrize("climbs", [0, 1])
def test_a_search_cut_short_keeps_the_onset_between_its_ends(monkeypatch, climbs):
    joint = symmetric(5, 0.5)
    true, _ = symmetric_onset(5, 0.5)
    climb, made = onset.climb, []

    def late(*given, **options):
        if len(made) == climbs:
            raise deadline.OutOfTimeError
        made.append(1)
        return climb(*given, **options)

    monkeypatch.setattr(onset, "climb", late)
    monkeypatch.setattr(deadline, "time", types.SimpleNamespace(monotonic=lambda: len(made)))
    monkeypatch.setattr(onset, "is_over", lambda until: True)
    found = ib.find_onset(joint, time_limit=100)
    assert not found.converged
    assert found.status.startswith("the time was up")
    assert 1 < found.lower < true <= found.upper * (1 + 1e-12)
    # Each hill that was climbed lowers the upper end, from that of local stability on.
    local = ib.onset_beta_local(joint)
    assert found.upper == local if climbs == 0 else found.upper < 0.95 * local


def test_the_lower_end_is_doeblins_where_it_is_tight():
    # An erasure channel loses each bit alike: I(T;Y) = (1 − ε) I(X;T) of every T.
    assert onset._proven_lower(Channel.from_joint(erasure(3, 0.4))) == pytest.approx(1 / 0.6)


def test_onset_beta_warns_where_the_ends_differ(monkeypatch):
    monkeypatch.setattr(onset, "_MOST_TURNS", 1)
    with pytest.warns(RuntimeWarning, match="the onset lies between"):
        assert ib.onset_beta(symmetric(5, 0.5)) < ib.onset_beta_local(symmetric(5, 0.5))


def test_a_hill_of_the_size_of_rounding_has_no_root():
    # One beside p(y), of 1e-14 nats, had its root at beta = -0.94.
    member = zoo.member("symmetric/100/5")
    assert ib.onset_beta(member.joint) == pytest.approx(member.closed.onset, rel=1e-10)
