"""Local end of a branch that is no longer optimal: beta λ₂ = 1, published values."""

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER, symmetric

from ibcollapse.bottleneck import Channel, find_transitions, trace_curve
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.objective.mixture import Mixture
from ibcollapse.bottleneck.objective.stability import split_directions


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


def test_a_branch_followed_in_small_steps_is_stable_up_to_its_local_end():
    joint = np.random.default_rng(11).dirichlet(np.full(200, 0.3)).reshape(40, 5)
    channel = Channel.from_joint(joint)
    curve = trace_curve(channel, fraction=0.6)
    born = [t for t in curve.transitions if t.mechanism == "nucleation" and t.clusters_before > 1]
    ending = [t for t in born if np.isfinite(t.beta_local)]
    assert len(ending) >= 2
    for transition in ending:
        here = next(s for s in curve.solutions if s.beta == transition.beta)
        state = Mixture.from_probabilities(here.p_t, here.p_y_given_t)
        beta = here.beta
        for further in np.linspace(here.beta, transition.beta_local, 41)[1:]:
            ended = follow(channel, state, None, beta, further)
            assert ended is not None
            growth = split_directions(channel, ended.mixture, ended.evaluation, further).growth
            assert growth.max() < 1 or further == transition.beta_local
            state, beta = ended.mixture, further
        assert growth.max() == pytest.approx(1.0, abs=1e-5)
