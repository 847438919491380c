"""No more atoms than points, and the same Z."""

import numpy as np
import pytest

from ibcollapse import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.solver.basic_solution import basic_solution

BETA = 1.7


def _channel(n_x, n_classes, rng):
    return Channel.from_joint(rng.dirichlet(np.ones(n_x * n_classes)).reshape(n_x, n_classes))


def _mixture(n_t, n_classes, rng):
    return Mixture.from_probabilities(
        rng.dirichlet(np.ones(n_t)), rng.dirichlet(np.ones(n_classes), n_t)
    )


@pytest.mark.parametrize(("n_x", "n_t"), [(2, 3), (4, 5), (5, 40), (12, 90)])
def test_as_many_atoms_as_points_have_the_same_z_up_to_the_sum_of_weights(n_x, n_t):
    rng = np.random.default_rng(n_t)
    channel = _channel(n_x, 4, rng)
    mixture = _mixture(n_t, 4, rng)
    fewer = basic_solution(channel, mixture, BETA)
    assert fewer.n_t <= n_x
    ratio = np.exp(evaluate(channel, fewer, BETA).log_z - evaluate(channel, mixture, BETA).log_z)
    # Each elimination rounds Z by some 1e-15 of itself.
    np.testing.assert_allclose(ratio / ratio.mean(), 1.0, rtol=1e-12)


def test_no_more_atoms_than_points_stay_as_they_are():
    rng = np.random.default_rng(0)
    mixture = _mixture(5, 3, rng)
    assert basic_solution(_channel(5, 3, rng), mixture, BETA) is mixture


def test_two_copies_of_an_atom_become_one_that_has_the_weight_of_both():
    rng = np.random.default_rng(1)
    one = _mixture(2, 3, rng)
    twice = Mixture(
        np.concatenate([one.log_r, one.log_r[:1]]),
        np.log([0.5 * one.q[0], one.q[1], 0.5 * one.q[0]]),
    )
    fewer = basic_solution(_channel(2, 3, rng), twice, BETA)
    # The null vector of two equal columns is exact to rounding.
    np.testing.assert_allclose(np.sort(fewer.q), np.sort(one.q), rtol=1e-13)


def test_rows_that_differ_by_rounding_count_once():
    rng = np.random.default_rng(2)
    joint = rng.dirichlet(np.ones(12)).reshape(3, 4)
    nudged = np.concatenate([joint, joint * (1 + 1e-16 * rng.standard_normal(joint.shape))])
    channel = Channel.from_joint(nudged / nudged.sum())
    assert basic_solution(channel, _mixture(6, 4, rng), BETA).n_t == 3
