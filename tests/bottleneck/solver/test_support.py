"""Merging atoms and descending to a stationary mixture."""

import numpy as np
import pytest
from bottleneck.ground_truths import binary_symmetric, binary_symmetric_point, random_joint
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck import Channel, solve
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.solver.support import join, merge_coincident, refine


def mixture_of(n_t, n_classes, seed):
    rng = np.random.default_rng(seed)
    decoders, weights = rng.dirichlet(np.ones(n_classes), n_t), rng.dirichlet(np.ones(n_t))
    return Mixture.from_probabilities(weights, decoders)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), beta=st.floats(1.1, 8.0))
def test_refining_never_raises_the_free_energy_and_ends_self_consistent(seed, beta):
    channel, start = Channel.from_joint(random_joint(10, 4, seed)), mixture_of(5, 4, seed)
    ended = refine(channel, start, beta)
    before, after = (evaluate(channel, m, beta) for m in (start, ended.mixture))
    assert after.free_energy <= before.free_energy + 1e-12
    # The residual is a square: 1e-20 nats leave 1e-10 in the joint p(t, y).
    if ended.residual < 1e-20:
        own = ended.mixture.q[:, None] * ended.mixture.r
        np.testing.assert_allclose(after.joint, own, atol=1e-8)


def test_the_binary_symmetric_state_is_reached_from_anywhere():
    channel = Channel.from_joint(binary_symmetric(0.1))
    exact, relevance = binary_symmetric_point(0.1, 2.0)
    for seed in range(5):
        ended = refine(channel, mixture_of(2, 2, seed), 2.0)
        free_energy = ended.evaluation.free_energy
        assert free_energy == pytest.approx(exact - 2.0 * relevance, abs=1e-11)


def test_copies_of_atoms_merge_without_changing_the_state():
    channel, once = Channel.from_joint(random_joint(8, 3, 1)), mixture_of(3, 3, 1)
    twice = join(once, once.log_r[[2, 0, 1]], share=0.25)
    merged = merge_coincident(twice)
    assert merged.n_t == 3
    np.testing.assert_allclose(merged.r, once.r, atol=1e-14)
    np.testing.assert_allclose(merged.q.sum(), 1.0, rtol=1e-14)
    values = [evaluate(channel, m, 3.0).free_energy for m in (twice, merged)]
    assert values[0] == pytest.approx(values[1], abs=1e-14)


def test_joined_atoms_get_the_share_asked_for():
    joined = join(mixture_of(3, 4, 0), mixture_of(2, 4, 5).log_r, share=0.1)
    np.testing.assert_allclose(joined.q[3:], 0.05, rtol=1e-14)
    np.testing.assert_allclose(joined.q[:3].sum(), 0.9, rtol=1e-14)


def test_an_atom_whose_weight_hides_its_gradient_gets_what_it_should_have():
    channel, beta = Channel.from_joint(random_joint(12, 4, 3)), 6.0
    best = solve(channel, beta)
    optimum = Mixture.from_probabilities(best.p_t, best.p_y_given_t)
    least = int(np.argmin(optimum.q))
    without = refine(channel, optimum.take(np.arange(optimum.n_t) != least), beta)
    log_v = potential_weights(channel, without.evaluation.log_z)
    hill = climb(channel, log_v, optimum.log_r[[least]], beta)
    excess = np.expm1(hill.log_phi[0])
    assert without.mixture.n_t == optimum.n_t - 1
    assert excess > 1e-6
    newborn = join(without.mixture, hill.log_r[:1], share=1e-28 / excess**2)
    ended = refine(channel, newborn, beta)
    np.testing.assert_allclose(ended.evaluation.p_t / ended.mixture.q, 1.0, atol=1e-9)
    assert ended.mixture.q[-1] > 1e-6
    assert ended.evaluation.free_energy == pytest.approx(best.lagrangian, abs=1e-12)
