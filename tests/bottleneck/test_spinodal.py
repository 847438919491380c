"""Local end of a branch that is no longer optimal: beta λ₂ = 1, published values."""

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER, symmetric

from ibcollapse.bottleneck import Channel, find_transitions


def test_the_second_transition_of_wu_fischer_loses_stability_where_two_programs_say():
    first, second = find_transitions(Channel.from_joint(WU_FISCHER))[:2]
    assert first.beta_local == pytest.approx(2.073443, abs=1e-6)
    assert second.beta_local == pytest.approx(5.62337, abs=1e-5)
    assert second.beta == pytest.approx(5.60927, abs=1e-5)


@pytest.mark.parametrize("n_classes", [3, 4])
def test_the_trivial_branch_of_symmetric_confusion_ends_at_a_to_minus_two(n_classes):
    transitions = find_transitions(Channel.from_joint(symmetric(n_classes, 0.5)))
    np.testing.assert_allclose(transitions[0].beta_local, 4.0, rtol=1e-9)
    assert transitions[0].beta < 4.0
