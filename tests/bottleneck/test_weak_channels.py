"""Channels whose rows hardly differ: critical betas from a thousand to where precision ends."""

import numpy as np
import pytest
import scipy.optimize
from bottleneck.ground_truths import binary_symmetric, symmetric, symmetric_onset

from ibcollapse.bottleneck import Channel, solve, trace_curve
from ibcollapse.bottleneck.transitions.onset import onset_beta_local


@pytest.mark.parametrize("a", [0.03, 0.01, 0.003])
def test_a_weak_binary_channel_splits_at_the_inverse_square(a):
    curve = trace_curve(Channel.from_joint(binary_symmetric((1 - a) / 2)), n_points=8, fraction=0.7)
    (split,) = curve.transitions
    assert split.beta == pytest.approx(a**-2, rel=1e-7)
    assert (split.mechanism, split.clusters_after, split.certified) == ("split", 2, True)
    assert curve.status == "converged"


@pytest.mark.parametrize("n_classes", [5, 10])
@pytest.mark.parametrize("a", [0.03, 0.01, 0.003])
def test_a_weak_symmetric_channel_jumps_where_the_envelope_says(n_classes, a):
    # Critical betas of 586 to 82 335, I(X;Y) down to 2e-5 nats.
    curve = trace_curve(Channel.from_joint(symmetric(n_classes, a)), n_points=8, fraction=0.7)
    (jump,) = curve.transitions
    onset, end = symmetric_onset(n_classes, a)
    assert jump.beta == pytest.approx(onset, rel=1e-7)
    assert (jump.mechanism, jump.clusters_after, jump.certified) == ("jump", n_classes, True)
    # The closed form's I(T;Y) of 1e-5 nats is a difference of logarithms: six digits of its root.
    assert jump.jump_i_xt == pytest.approx(end[0], rel=1e-5)


def weakened(share, n_classes=5):
    """A random table of 12 points with all but `share` of its dependence taken out."""
    rng = np.random.default_rng(0)
    joint = rng.dirichlet(np.ones(12 * n_classes)).reshape(12, n_classes)
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return Channel.from_joint((1 - share) * independent + share * joint)


def test_two_weak_channels_have_the_same_transitions_in_units_of_their_strength():
    # To first order rows p + share (w − p) have the curve of share² the betas and rates unchanged.
    found = [trace_curve(weakened(s), n_points=8, fraction=0.4) for s in (0.01, 0.003)]
    betas = [
        np.array([t.beta * s**2 for t in curve.transitions])
        for curve, s in zip(found, (0.01, 0.003), strict=True)
    ]
    np.testing.assert_allclose(betas[0], betas[1], rtol=0.02)
    kinds = [[(t.mechanism, t.clusters_after) for t in curve.transitions] for curve in found]
    assert kinds[0] == kinds[1]
    assert all(t.certified for curve in found for t in curve.transitions)


@pytest.mark.parametrize("delta", [0.499, 0.4999, 0.49999])
def test_a_curve_of_next_to_no_information_obeys_mrs_gerbers_lemma(delta):
    # Critical betas of 2.5e5 to 2.5e9; beta times a rounding of 2e-16 is what a point is known to.
    curve = trace_curve(binary_symmetric(delta))
    a = 1 - 2 * delta

    def information(bias):
        return 0.5 * ((1 + bias) * np.log1p(bias) + (1 - bias) * np.log1p(-bias))

    known = 1e-9 + 1e-15 * a**-2
    assert curve.transitions[0].beta == pytest.approx(a**-2, rel=known)
    assert curve.i_ty[-1] >= 0.9 * curve.i_xy * (1 - known)
    assert len(curve.solutions) > 40
    for solution in curve.solutions[2:]:
        bias = scipy.optimize.brentq(
            lambda b, s=solution: information(b) - s.i_xt, 0.0, 1.0 - 1e-15, xtol=1e-15
        )
        assert solution.i_ty == pytest.approx(information(a * bias), rel=known)


@pytest.mark.parametrize("share", [1e-4, 1e-5])
def test_beyond_double_precision_nothing_is_certified(share):
    channel = weakened(share)
    curve = trace_curve(channel, n_points=8, fraction=0.3)
    # To first order in `share` the betas are those of any weak channel (above), over its square.
    assert curve.transitions[0].beta == pytest.approx(3.5424 / share**2, rel=1e-3)
    assert not any(t.certified for t in curve.transitions)
    assert "points did not reach the tolerance" in curve.status
    # One beta can still be asked for: the gap then says what rounding leaves, 1e-16 of beta.
    beta = 1.3 * onset_beta_local(channel)
    solution = solve(channel, beta)
    assert solution.lagrangian < 0
    assert 1e-9 < solution.gap < 1e-14 * beta
    assert "raise tol" in solution.status
