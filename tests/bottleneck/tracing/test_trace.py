import dataclasses
import itertools
import math

import numpy as np
import pytest
from bottleneck.ground_truths import (
    WU_FISCHER,
    binary_symmetric,
    binary_symmetric_point,
    eight_by_five,
    erasure,
    random_joint,
    symmetric,
    symmetric_onset,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck import Channel, CurveInterrupted, find_transitions, solve, trace_curve
from ibcollapse.errors import InputError
from ibcollapse.progress import SilentProgress


def check_curve(curve, tol=1e-9):
    """What holds for every certified curve: order, monotonicity, concavity, slope 1/beta."""
    beta, r, i = curve.beta, curve.i_xt, curve.i_ty
    assert np.all(np.diff(beta) >= 0)
    # A value at beta is known to tol in L, so that i_xt may step back by beta's share of it.
    slack = 2 * tol * beta[1:]
    assert np.all(np.diff(r) >= -1e-6)
    assert np.all(np.diff(i) >= -1e-6)
    assert np.all(i <= np.minimum(r, curve.i_xy) + 1e-9)
    # Concave with slope 1/beta: every point lies below every tangent.
    for b, rate, relevance in zip(beta[1:], r[1:], i[1:], strict=True):
        assert np.all(relevance + (r - rate) / b >= i - slack.max())


@pytest.mark.parametrize("n_classes", [3, 4, 6, 10, 20])
@pytest.mark.parametrize("a", [0.5, 8 / 9])
def test_symmetric_confusion_jumps_once_to_all_classes(n_classes, a):
    onset, end = symmetric_onset(n_classes, a)
    channel = Channel.from_joint(symmetric(n_classes, a))
    curve = trace_curve(channel, n_points=12, fraction=0.8)
    (transition,) = curve.transitions
    assert transition.beta == pytest.approx(onset, rel=1e-6)
    assert transition.beta_local == pytest.approx(a**-2, rel=1e-9)
    assert (transition.order, transition.mechanism) == (1, "jump")
    assert (transition.clusters_before, transition.clusters_after) == (1, n_classes)
    assert transition.multiplicity == n_classes - 1
    jump = (transition.jump_i_xt, transition.jump_i_ty)
    np.testing.assert_allclose(jump, end, atol=2e-6)
    assert sorted(transition.separates) == sorted((name,) for name in channel.class_names)
    check_curve(curve)


@pytest.mark.parametrize(
    ("n_classes", "a", "beta", "local", "end"),
    # Two programs' values (10 classes at an error of 10 %: a = 8/9).
    [(3, 0.5, 3.898735, 4.0, 0.102855), (10, 8 / 9, 1.224625, 1.265625, 0.522573)],
)
def test_symmetric_confusion_has_the_transitions_of_two_programs(n_classes, a, beta, local, end):
    (transition,) = find_transitions(
        Channel.from_joint(symmetric(n_classes, a)), n_points=5, fraction=0.5
    )
    # Six decimals were written down.
    assert transition.beta == pytest.approx(beta, abs=6e-7)
    assert transition.beta_local == pytest.approx(local, rel=1e-9)
    assert transition.jump_i_xt == pytest.approx(end, abs=6e-7)


def test_on_the_straight_segment_the_trivial_and_all_class_atoms_tie():
    n_classes, a = 5, 0.5
    onset, end = symmetric_onset(n_classes, a)
    curve = trace_curve(Channel.from_joint(symmetric(n_classes, a)), n_points=10, fraction=0.6)
    ends = [s for s in curve.solutions if abs(s.beta - curve.transitions[0].beta) < 1e-12]
    assert [s.n_clusters for s in ends] == [1, n_classes]
    # Both ends are optimal at one beta, so every mixture of them is: |T| = K + 1 in between.
    assert ends[0].lagrangian == pytest.approx(ends[1].lagrangian, abs=1e-9)
    slope = (ends[1].i_ty - ends[0].i_ty) / (ends[1].i_xt - ends[0].i_xt)
    assert slope == pytest.approx(1 / onset, rel=1e-6)
    assert ends[1].i_xt == pytest.approx(end[0], abs=2e-6)


@pytest.mark.parametrize("delta", [0.02, 0.1, 0.4])
def test_the_binary_symmetric_curve_is_mrs_gerbers(delta):
    curve = trace_curve(Channel.from_joint(binary_symmetric(delta)), n_points=15, fraction=0.95)
    (transition,) = curve.transitions
    assert transition.beta == pytest.approx((1 - 2 * delta) ** -2, rel=1e-6)
    assert transition.beta_local == pytest.approx(transition.beta, rel=1e-6)
    assert (transition.order, transition.mechanism, transition.multiplicity) == (2, "split", 1)
    for solution in curve.solutions:
        if abs(solution.beta / transition.beta - 1) > 1e-4:
            expected = binary_symmetric_point(delta, solution.beta)
            np.testing.assert_allclose((solution.i_xt, solution.i_ty), expected, atol=1e-6)
    check_curve(curve)


def test_wu_fischer_has_both_transitions_in_both_forms():
    curve = trace_curve(Channel.from_joint(WU_FISCHER))
    first, second = curve.transitions
    assert first.beta == pytest.approx(1.937899, abs=6e-7)
    assert first.beta_local == pytest.approx(2.073443, abs=6e-7)
    assert second.beta == pytest.approx(5.60927, abs=6e-6)
    assert second.beta_local == pytest.approx(5.62337, abs=6e-6)
    for transition, clusters in ((first, 1), (second, 2)):
        # A new atom at a finite distance whose weight grows from zero: no jump, no split.
        assert (transition.order, transition.mechanism) == (2, "nucleation")
        assert (transition.clusters_before, transition.clusters_after) == (clusters, clusters + 1)
        assert transition.certified
    check_curve(curve)


def test_the_eight_by_five_joint_has_four_nucleations():
    channel = Channel.from_joint(eight_by_five())
    curve = trace_curve(channel, fraction=0.8)
    assert [t.clusters_after for t in curve.transitions][:3] == [2, 3, 4]
    for transition in curve.transitions:
        width = 1e-5 * (transition.beta - 1)
        sides = [solve(channel, transition.beta + s * width, tol=1e-11) for s in (-1, 1)]
        assert [s.n_clusters for s in sides] == [
            transition.clusters_before,
            transition.clusters_after,
        ]
        assert transition.beta <= transition.beta_local or math.isnan(transition.beta_local)
    check_curve(curve)


@pytest.mark.parametrize("erased", [0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_erasure_jumps_from_nothing_to_everything(n_classes, erased):
    channel = Channel.from_joint(erasure(n_classes, erased))
    curve = trace_curve(channel)
    (transition,) = curve.transitions
    assert transition.beta == pytest.approx(1 / (1 - erased), rel=1e-6)
    assert (transition.order, transition.mechanism) == (1, "jump")
    assert transition.jump_i_xt == pytest.approx(math.log(n_classes), rel=1e-6)
    assert transition.jump_i_ty == pytest.approx((1 - erased) * math.log(n_classes), rel=1e-6)
    assert curve.i_ty[-1] == pytest.approx(channel.i_xy, rel=1e-9)


@pytest.mark.parametrize("p_y", [[0.5, 0.5], [0.2, 0.3, 0.5], [0.25] * 4])
def test_a_deterministic_label_has_one_segment_of_slope_one(p_y):
    curve = trace_curve(Channel.from_joint(np.diag(p_y)))
    (transition,) = curve.transitions
    entropy = -float(np.sum(np.array(p_y) * np.log(p_y)))
    assert (transition.beta, transition.order, transition.clusters_after) == (1, 1, len(p_y))
    np.testing.assert_allclose(curve.i_xt, [0, entropy], rtol=1e-12)
    np.testing.assert_array_equal(curve.i_xt, curve.i_ty)


@settings(max_examples=5, deadline=None)
@given(n_x=st.integers(3, 8), n_classes=st.integers(2, 4), seed=st.integers(0, 400))
def test_curves_of_random_tables_are_concave_and_their_transitions_real(n_x, n_classes, seed):
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed, 0.7))
    curve = trace_curve(channel, n_points=12, fraction=0.7)
    check_curve(curve)
    known = [(t.beta, t.clusters_before, t.clusters_after) for t in curve.transitions]
    assert [b for b, _, _ in known] == sorted(b for b, _, _ in known)
    for solution in curve.solutions:
        assert solution.gap <= 1e-8
    # Between neighbouring transitions the number of clusters is the one that they report.
    for (low, _, after), (high, before, _) in itertools.pairwise(known):
        assert after == before
        if high - low > 1e-3 * (low - 1):
            assert solve(channel, 0.5 * (low + high), tol=1e-11).n_clusters == after


def test_one_rounding_error_in_the_table_adds_no_transition():
    # A branch followed in too long a step once gave a split 3 -> 3 at 7.43, for some last bits.
    for bits in range(3):
        nudge = 1 + 1e-15 * np.random.default_rng(bits).standard_normal((3, 3))
        curve = trace_curve(Channel.from_joint(WU_FISCHER * nudge), beta_max=8.0)
        assert [t.clusters_after for t in curve.transitions] == [2, 3]


@pytest.mark.parametrize("error", [1e-2, 1e-3])
def test_collapsed_confusion_is_resolved_close_to_beta_one(error):
    n_classes, a = 10, 1 - error * 10 / 9
    onset, end = symmetric_onset(n_classes, a)
    curve = trace_curve(Channel.from_joint(symmetric(n_classes, a)), n_points=12)
    (transition,) = curve.transitions
    # Relative to beta - 1, which is all that such a sweep has.
    assert transition.beta - 1 == pytest.approx(onset - 1, rel=1e-5)
    assert transition.jump_i_xt == pytest.approx(end[0], rel=1e-4)
    assert np.diff(curve.i_xt).max() <= 1.5 * max(end[0], math.log(10) / 12)


def test_a_channel_too_weak_to_tell_clusters_apart_says_so():
    joint = np.outer([0.3, 0.7], [0.2, 0.8]) + 3e-7 * np.array([[1, -1], [-1, 1]])
    curve = trace_curve(Channel.from_joint(joint))
    assert (len(curve.solutions), curve.transitions) == (1, ())
    assert "too close" in curve.status


@pytest.mark.parametrize("leak", [0.0, 1e-15, 1e-12])
def test_groups_of_classes_that_no_row_connects_part_at_beta_one(leak):
    joint = np.array([[1, leak, 0], [0, 0.9, 0.1], [0, 0.1, 0.9]])
    joint /= joint.sum()
    curve = trace_curve(Channel.from_joint(joint))
    apart, split = curve.transitions
    entropy = math.log(3) - 2 / 3 * math.log(2)
    assert (apart.beta, apart.order, apart.separates) == (1.0, 1, (("0",), ("1", "2")))
    assert apart.jump_i_xt == pytest.approx(entropy, abs=1e-9)
    assert apart.jump_i_ty == pytest.approx(entropy, abs=1e-9)
    # Above, the other group is a binary symmetric channel of its own.
    assert split.beta == pytest.approx(1.5625, rel=1e-6)
    assert curve.status == "converged"
    # One beta at a time, too, T tells the groups apart.
    joint = np.array([[1, 0, 0], [0, 0.9, 0.1], [0, 0.1, 0.9]]) / 3
    solution = solve(Channel.from_joint(joint), 1.2)
    entropy = math.log(3) - 2 / 3 * math.log(2)
    assert solution.i_xt == pytest.approx(entropy, abs=1e-9)
    assert solution.i_ty == pytest.approx(entropy, abs=1e-9)


@pytest.mark.parametrize("joint", [[[0.3], [0.7]], [[0.2, 0.8]], np.outer([0.3, 0.7], [0.2, 0.8])])
def test_without_information_there_is_one_point_and_no_transition(joint):
    curve = trace_curve(Channel.from_joint(joint))
    assert (len(curve.solutions), curve.transitions) == (1, ())
    assert "I(X;Y) is zero" in curve.status


def test_the_fraction_one_is_reached():
    curve = trace_curve(Channel.from_joint(WU_FISCHER), fraction=1.0, n_points=10)
    assert curve.status == "converged"
    assert curve.i_ty[-1] == pytest.approx(curve.i_xy, rel=1e-9)


def test_limits_end_the_curve_and_are_named():
    channel = Channel.from_joint(WU_FISCHER)
    at_beta = trace_curve(channel, beta_max=3.0, n_points=10)
    assert at_beta.beta[-1] == 3.0
    assert "beta_max = 3" in at_beta.status
    capped = trace_curve(channel, max_clusters=2, n_points=10)
    assert capped.n_clusters.max() == 2
    assert "max_clusters" in capped.status
    assert len(capped.transitions) == 1


def test_control_c_hands_over_what_was_finished():
    class Impatient(SilentProgress):
        calls = 0

        def advance(self, steps=1.0):
            self.calls += 1
            if self.calls > 4:
                raise KeyboardInterrupt

    with pytest.raises(CurveInterrupted) as stopped:
        trace_curve(Channel.from_joint(binary_symmetric(0.1)), progress=Impatient())
    assert len(stopped.value.curve.solutions) >= 4
    assert "interrupted at beta" in stopped.value.curve.status


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fraction": 0.0}, "fraction is 0"),
        ({"fraction": 1.5}, "fraction is 1.5"),
        ({"fraction": math.nan}, "fraction is nan"),
        ({"max_clusters": 0}, "max_clusters is 0"),
        ({"beta_max": 1.0}, "beta_max is 1"),
        ({"beta_max": math.nan}, "beta_max is nan"),
        ({"n_points": 1}, "n_points is 1"),
        ({"tol": 0.0}, "tol is 0"),
        ({"tol": math.nan}, "tol is nan"),
        ({"tol": -1.0}, "tol is -1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        trace_curve(Channel.from_joint(binary_symmetric(0.1)), **options)


def test_relabelled_classes_give_the_relabelled_transitions():
    joint, order = eight_by_five(), [3, 0, 4, 1, 2]
    names = np.array(list("abcde"))
    one = find_transitions(Channel.from_joint(joint, class_names=names), fraction=0.6)
    other = find_transitions(
        Channel.from_joint(joint[::-1, order], class_names=names[order]), fraction=0.6
    )
    assert [t.mechanism for t in one] == [t.mechanism for t in other]
    for first, second in zip(one, other, strict=True):
        assert first.beta == pytest.approx(second.beta, rel=1e-8)
        groups = [{frozenset(group) for group in t.separates} for t in (first, second)]
        assert groups[0] == groups[1]
        assert dataclasses.asdict(first)["clusters_after"] == second.clusters_after
