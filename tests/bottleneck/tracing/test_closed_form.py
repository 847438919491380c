"""Deterministic labels and channels without a curve."""

import numpy as np
import pytest

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.channel.components import is_deterministic
from ibcollapse.bottleneck.tracing.closed_form import deterministic_curve, why_untraced


def labels(p_y):
    return Channel.from_joint(np.diag(p_y))


def test_only_exact_one_hot_rows_are_deterministic():
    assert is_deterministic(labels([0.2, 0.3, 0.5]))
    assert not is_deterministic(Channel.from_joint([[0.5, 1e-15], [0.0, 0.5]]))


def test_curve_of_a_label_is_the_segment_of_slope_one():
    p_y = np.array([0.2, 0.3, 0.5])
    curve = deterministic_curve(labels(p_y))
    h_y = -float(np.sum(p_y * np.log(p_y)))
    ends = [(s.i_xt, s.i_ty) for s in curve.solutions]
    np.testing.assert_allclose(ends, [(0.0, 0.0), (h_y, h_y)], atol=1e-14)
    (jump,) = curve.transitions
    assert (jump.beta, jump.order, jump.clusters_after, jump.multiplicity) == (1.0, 1, 3, 2)
    assert jump.jump_i_xt == pytest.approx(h_y)
    np.testing.assert_allclose(curve.solutions[1].p_t, [0.5, 0.3, 0.2])


def test_an_absent_class_takes_no_cluster():
    curve = deterministic_curve(Channel.from_joint([[0.5, 0.0, 0.0], [0.0, 0.0, 0.5]]))
    assert curve.transitions[0].clusters_after == 2
    assert len(curve.transitions[0].separates) == 2


def test_channels_without_a_curve_say_why():
    assert "zero" in (why_untraced(Channel.from_joint(np.outer([0.4, 0.6], [0.5, 0.5]))) or "")
    close = 0.5 + 1e-8 * np.array([[1, -1], [-1, 1]])
    assert why_untraced(Channel.from_joint(close / 2)) is not None
    assert why_untraced(Channel.from_joint([[0.4, 0.1], [0.1, 0.4]])) is None
