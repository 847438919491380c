"""How much a birth gains, against the free energy of the branch that carries the new atom."""

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.continuation.branch import follow
from ibcollapse.bottleneck.objective.mixture import evaluate, trivial_mixture
from ibcollapse.bottleneck.solver.birth import Birth
from ibcollapse.bottleneck.solver.support import join, refine
from ibcollapse.bottleneck.transitions.locate import locate

RANDOM = np.random.default_rng(5).dirichlet(np.full(40, 0.4)).reshape(10, 4)


def birth_at(channel, event):
    return Birth.at(channel, event.ended, event.beta, event.violators[0])


@pytest.mark.parametrize("table", [WU_FISCHER, RANDOM])
def test_the_gain_of_a_birth_is_its_second_order(table):
    channel = Channel.from_joint(table)
    trivial = trivial_mixture(channel)
    starts = np.log(0.98 * channel.p_y_given_x + 0.02 * channel.p_y)
    event = locate(channel, trivial, None, 1.0 + 1e-9, 4.0, starts, trivial.log_r)
    assert event is not None
    assert len(event.violators) == 1
    gain = 1e-11
    birth = birth_at(channel, event)
    log_phi = birth.potential_of_gain(gain)
    beta = event.beta + log_phi / event.steepness
    lower = follow(channel, event.mixture, None, event.beta, beta)
    born = refine(channel, join(event.mixture, event.violators, share=1e-4), beta)
    assert born.mixture.n_t == 2
    found = lower.evaluation.free_energy - born.evaluation.free_energy
    assert found == pytest.approx(gain, rel=0.05)
    guess = birth.guess(lower.mixture, log_phi)
    assert guess.q[-1] == pytest.approx(born.mixture.q.min(), rel=0.02)
    missing = evaluate(channel, guess, beta).free_energy - born.evaluation.free_energy
    # The guess is right to second order: it lacks a small part of what the birth gains.
    assert -1e-15 < missing < 0.05 * gain


def test_twice_the_potential_gains_four_times_as_much():
    channel = Channel.from_joint(WU_FISCHER)
    trivial = trivial_mixture(channel)
    starts = np.log(0.98 * channel.p_y_given_x + 0.02 * channel.p_y)
    event = locate(channel, trivial, None, 1.0 + 1e-9, 4.0, starts, trivial.log_r)
    near, far = (birth_at(channel, event).potential_of_gain(g) for g in (1e-12, 4e-12))
    assert far == pytest.approx(2 * near, rel=1e-12)
