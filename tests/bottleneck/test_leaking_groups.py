"""Groups of classes that are almost disconnected: the onset lies within a leak of beta = 1."""

import numpy as np
import pytest
import scipy.linalg
from bottleneck.ground_truths import binary_symmetric

from ibcollapse.bottleneck import Channel, find_transitions, solve_rate, trace_curve


def pairs(leak):
    """Two binary symmetric pairs that share the mass `leak` evenly with all entries."""
    apart = 0.5 * scipy.linalg.block_diag(binary_symmetric(0.11), binary_symmetric(0.2))
    return Channel.from_joint((1 - leak) * apart + leak / 16)


def test_without_a_leak_each_pair_parts_where_it_would_alone():
    found = trace_curve(pairs(0.0), fraction=0.95).transitions
    betas = [t.beta for t in found]
    # Classes of different groups part at 1; a binary symmetric pair at (1 − 2δ)^−2.
    np.testing.assert_allclose(betas, [1.0, 0.78**-2, 0.6**-2], rtol=1e-8)
    assert [t.order for t in found] == [1, 2, 2]
    assert all(t.certified for t in found)


@pytest.mark.parametrize("leak", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10])
def test_a_leak_moves_the_first_transition_to_that_of_its_own_symmetric_channel(leak):
    found = trace_curve(pairs(leak), fraction=0.95).transitions
    # Group against group the channel is binary symmetric with crossover leak/2, uniformly over x.
    onset = (1 - leak) ** -2
    # beta itself has an absolute rounding of 2e-16.
    assert found[0].beta - 1 == pytest.approx(onset - 1, rel=1e-6, abs=1e-15)
    assert [t.mechanism for t in found] == ["split"] * 3
    assert [(t.order, t.clusters_before, t.clusters_after) for t in found] == [
        (2, 1, 2),
        (2, 2, 3),
        (2, 3, 4),
    ]
    # Rounding of log Φ, 1e-15, is no small part of what matters closer to one.
    assert [t.certified for t in found] == [leak >= 1e-7, True, True]


def test_a_class_of_next_to_no_probability_is_no_group_by_itself():
    joint = np.array([[0.4, 0.1, 1e-30], [0.1, 0.4, 1e-30]])
    (transition,) = find_transitions(joint)
    assert transition.beta == pytest.approx(0.6**-2, rel=1e-9)
    assert solve_rate(joint, i_xt=0.3).status == "converged"
