"""What the walk foresees, against where it happens."""

import dataclasses

import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER

from ibcollapse.bottleneck import Channel, find_transitions
from ibcollapse.bottleneck.pricing.oracle import Options
from ibcollapse.bottleneck.solver.column_generation import solve_state
from ibcollapse.bottleneck.solver.initial import first_guess
from ibcollapse.bottleneck.transitions.prediction import next_failure


@pytest.fixture(scope="module")
def channel():
    return Channel.from_joint(WU_FISCHER)


def solved(channel, beta):
    guess, _ = first_guess(channel, beta)
    return solve_state(channel, beta, guess, Options(), np.random.default_rng(0))


def test_a_birth_is_foreseen_from_below(channel):
    born = find_transitions(channel)[1]
    state = solved(channel, born.beta - 1e-3)
    coming = next_failure(channel, state, state.slope)
    assert coming - state.beta == pytest.approx(born.beta - state.beta, rel=0.15)


def test_a_birth_walked_backwards_is_a_death_where_the_weight_would_be_zero(channel):
    born = find_transitions(channel)[1]
    distance = 1e-4
    state = solved(channel, born.beta + distance)
    assert state.mixture.n_t == born.clusters_after
    slope = state.slope
    backwards = dataclasses.replace(slope, log_q=-slope.log_q, log_r=-slope.log_r)
    coming = next_failure(channel, state, backwards)
    assert coming - state.beta == pytest.approx(distance, rel=0.02)
