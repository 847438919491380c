"""Merging clusters down to a cap: the pair that costs least goes first."""

import itertools

import numpy as np
import pytest
from bottleneck.ground_truths import random_joint

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.solver.capped import shrink


def information(joint):
    independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    return float(np.sum(joint * np.log(joint / independent)))


def state(n_t, seed):
    rng = np.random.default_rng(seed)
    channel = Channel.from_joint(random_joint(12, 4, seed))
    decoders, weights = rng.dirichlet(np.ones(4), n_t), rng.dirichlet(np.ones(n_t))
    return channel, Mixture.from_probabilities(weights, decoders)


@pytest.mark.parametrize("seed", range(6))
def test_one_merge_takes_the_pair_that_loses_the_least_information(seed):
    channel, mixture = state(5, seed)
    joint = evaluate(channel, mixture, 3.0).joint
    best = -np.inf
    for s, t in itertools.combinations(range(5), 2):
        rest = [i for i in range(5) if i not in (s, t)]
        best = max(best, information(np.vstack([joint[rest], joint[s] + joint[t]])))
    merged = shrink(channel, mixture, 3.0, 4)
    assert information(merged.q[:, None] * merged.r) == pytest.approx(best, abs=1e-13)


def test_every_cap_keeps_the_label_marginal():
    channel, mixture = state(6, 3)
    for most in range(1, 7):
        merged = shrink(channel, mixture, 2.0, most)
        assert merged.n_t == most
        np.testing.assert_allclose(merged.q @ merged.r, channel.p_y, atol=1e-14)
