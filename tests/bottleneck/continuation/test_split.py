"""The two halves of an atom that splits, against the optimum that they are on the way to."""

import numpy as np
import pytest

from ibcollapse.bottleneck import Channel, solve
from ibcollapse.bottleneck.continuation.split import parted
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate, trivial_mixture
from ibcollapse.bottleneck.objective.stability import split_directions

ONSET = 1.5625  # of the binary symmetric channel with error 0.1: (1 - 2 · 0.1)^-2
SYMMETRIC = Channel.from_joint([[0.45, 0.05], [0.05, 0.45]])


def halves(beta, least=1e-13):
    trivial = trivial_mixture(SYMMETRIC)
    there = evaluate(SYMMETRIC, trivial, beta)
    return halved(trivial, there, beta, least)


def halved(mixture, there, beta, least=1e-13):
    splits = split_directions(SYMMETRIC, mixture, there, beta)
    return parted(SYMMETRIC, mixture, there, splits, 0, beta, least)


@pytest.mark.parametrize("excess", [1e-4, 1e-2])
def test_just_beyond_a_split_most_of_the_gain_is_there_at_once(excess):
    beta = ONSET * (1 + excess)
    start = halves(beta)
    assert start.n_t == 2
    np.testing.assert_allclose(start.q, 0.5)
    np.testing.assert_allclose(start.r[0], start.r[1][::-1], rtol=1e-9)
    gained = evaluate(SYMMETRIC, start, beta).free_energy
    optimum = solve(SYMMETRIC, beta).lagrangian
    assert optimum - 1e-15 <= gained < 0.8 * optimum < 0


def test_below_its_split_an_atom_stays_whole():
    assert halves(0.999 * ONSET) is None
    # F gains as the square of the distance, here about 1e-9 nats.
    assert halves(ONSET * (1 + 1e-4), least=1e-6) is None


def test_other_atoms_are_kept():
    beta = 1.7
    pair = Mixture.from_probabilities(np.array([0.7, 0.3]), np.array([[0.5, 0.5], [0.9, 0.1]]))
    start = halved(pair, evaluate(SYMMETRIC, pair, beta), beta)
    assert start.n_t == 3
    np.testing.assert_allclose(start.r[0], [0.9, 0.1])
    np.testing.assert_allclose(start.q, [0.3, 0.35, 0.35])
