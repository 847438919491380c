import numpy as np
import pytest
import scipy.special
from bottleneck.ground_truths import random_joint
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_information, naive_lagrangian, naive_sweep

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO
from ibcollapse.bottleneck.objective.mixture import (
    Mixture,
    blahut_arimoto_step,
    conditional_entropy,
    evaluate,
    information,
    trivial_mixture,
)


def state(n_x, n_classes, n_t, seed):
    rng = np.random.default_rng(seed)
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    p_t, r = rng.dirichlet(np.ones(n_t)), rng.dirichlet(np.ones(n_classes), n_t)
    return channel, Mixture.from_probabilities(p_t, r)


SIZES = {
    "n_x": st.integers(1, 15),
    "n_classes": st.integers(1, 6),
    "n_t": st.integers(1, 5),
    "beta": st.floats(0.0, 30.0),
    "seed": st.integers(0, 10_000),
}


@settings(max_examples=40, deadline=None)
@given(**SIZES)
def test_a_sweep_is_the_references(n_x, n_classes, n_t, beta, seed):
    channel, mixture = state(n_x, n_classes, n_t, seed)
    found = evaluate(channel, mixture, beta)
    joint, _, encoder = naive_sweep(
        channel.p_x, channel.p_y_given_x, mixture.r, mixture.log_q, beta
    )
    np.testing.assert_allclose(found.p_t_given_x, encoder, atol=1e-12)
    np.testing.assert_allclose(found.joint, joint, atol=1e-12)
    expected = naive_lagrangian(channel.p_x, channel.p_y_given_x, mixture.r, mixture.q, beta)
    assert found.free_energy == pytest.approx(expected, abs=1e-11)
    np.testing.assert_allclose(found.p_t, joint.sum(axis=1), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(**SIZES)
def test_free_energy_bounds_the_encoders_lagrangian_and_a_step_never_raises_it(
    n_x, n_classes, n_t, beta, seed
):
    channel, mixture = state(n_x, n_classes, n_t, seed)
    here = evaluate(channel, mixture, beta)
    i_xt, i_ty = information(channel, here.joint, here.p_t_given_x)
    assert i_xt - beta * i_ty <= here.free_energy + 1e-12
    there = evaluate(channel, blahut_arimoto_step(here), beta)
    assert there.free_energy <= here.free_energy + 1e-12


@settings(max_examples=40, deadline=None)
@given(**SIZES)
def test_informations_are_those_of_the_joint_tables(n_x, n_classes, n_t, beta, seed):
    channel, mixture = state(n_x, n_classes, n_t, seed)
    found = evaluate(channel, mixture, beta)
    expected = naive_information(channel.p_x, channel.p_y_given_x, found.p_t_given_x)
    np.testing.assert_allclose(
        information(channel, found.joint, found.p_t_given_x), expected, atol=1e-12
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), beta=st.floats(0.5, 10.0), share=st.floats(0.05, 0.95))
def test_free_energy_is_convex_in_the_mixing_measure(seed, beta, share):
    channel, one = state(6, 4, 2, seed)
    _, other = state(6, 4, 3, seed + 1)
    both = Mixture(
        np.vstack([one.log_r, other.log_r]),
        np.append(one.log_q + np.log(share), other.log_q + np.log1p(-share)),
    )
    ends = [evaluate(channel, m, beta).free_energy for m in (one, other)]
    between = evaluate(channel, both, beta).free_energy
    assert between <= share * ends[0] + (1 - share) * ends[1] + 1e-12


@pytest.mark.parametrize("beta", [30.0, 300.0, 3000.0, 1e6])
@pytest.mark.parametrize("n_t", [1, 3])
def test_sums_far_beyond_the_range_of_exponentials_keep_their_digits(beta, n_t):
    channel, mixture = state(50, 6, n_t, 1)
    found = evaluate(channel, mixture, beta)
    scores = beta * (channel.p_y_given_x @ (mixture.log_r - np.log(channel.p_y)).T) + mixture.log_q
    log_z = scipy.special.logsumexp(scores, axis=1)
    # The scores' own rounding.
    np.testing.assert_allclose(found.log_z, log_z, rtol=1e-13, atol=1e-13)
    encoder = np.exp(scores - log_z[:, None])
    np.testing.assert_allclose(found.p_t_given_x, encoder, atol=1e-13 * beta)
    assert np.abs(log_z).max() > 0.1 * beta


def test_the_trivial_state_has_free_energy_zero_at_every_beta():
    channel = Channel.from_joint(random_joint(200, 10, 0))
    for beta in (0.0, 1.0, 1e3, 1e9):
        assert evaluate(channel, trivial_mixture(channel), beta).free_energy == 0.0


def test_zeros_of_a_decoder_exclude_exactly_the_rows_that_need_them():
    channel = Channel.from_joint([[0.5, 0.0], [0.2, 0.3]])
    mixture = Mixture.from_probabilities(np.array([0.5, 0.5]), np.array([[1.0, 0.0], [0.4, 0.6]]))
    assert mixture.log_r[0, 1] == LOG_ZERO
    encoder = evaluate(channel, mixture, 2.0).p_t_given_x
    assert encoder[1, 0] == 0.0
    np.testing.assert_allclose(encoder.sum(axis=1), 1)
    assert encoder[0, 0] == pytest.approx(1 / (1 + 0.4**2), rel=1e-12)


def test_a_cluster_that_nobody_chooses_vanishes_in_a_step():
    channel = Channel.from_joint([[0.0, 0.5], [0.2, 0.3]])
    mixture = Mixture.from_probabilities(np.array([0.5, 0.5]), np.array([[1.0, 0.0], [0.4, 0.6]]))
    assert blahut_arimoto_step(evaluate(channel, mixture, 2.0)).n_t == 1


def test_conditional_entropy_of_a_table_with_zeros():
    joint = np.array([[0.25, 0.25], [0.5, 0.0]])
    assert conditional_entropy(joint) == pytest.approx(0.5 * np.log(2), rel=1e-15)


def test_taking_atoms_renormalises_their_weights():
    _, mixture = state(3, 3, 4, 0)
    kept = mixture.take(np.array([True, False, True, False]))
    np.testing.assert_allclose(kept.q, mixture.q[[0, 2]] / mixture.q[[0, 2]].sum(), rtol=1e-14)
    np.testing.assert_array_equal(kept.log_r, mixture.log_r[[0, 2]])
