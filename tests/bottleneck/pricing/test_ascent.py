import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER, random_joint
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_kl, naive_potential, naive_sweep

from ibcollapse.bottleneck import Channel, solve
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO
from ibcollapse.bottleneck.objective.distances import distinct, hellinger_squared
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate, trivial_mixture
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.objective.stability import split_directions
from ibcollapse.bottleneck.pricing import starts
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.pricing.starts import midpoints, starting_decoders
from ibcollapse.bottleneck.transitions.onset import onset_beta_local


def state(n_x, n_classes, n_t, seed):
    rng = np.random.default_rng(seed)
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    p_t, r = rng.dirichlet(np.ones(n_t)), rng.dirichlet(np.ones(n_classes), n_t)
    return channel, Mixture.from_probabilities(p_t, r), rng


@settings(max_examples=30, deadline=None)
@given(
    n_x=st.integers(1, 20),
    n_classes=st.integers(2, 6),
    beta=st.floats(0.1, 20.0),
    seed=st.integers(0, 10_000),
)
def test_the_potential_is_its_definition(n_x, n_classes, beta, seed):
    channel, mixture, rng = state(n_x, n_classes, 3, seed)
    candidates = rng.dirichlet(np.ones(n_classes), 4)
    evaluation = evaluate(channel, mixture, beta)
    log_v = potential_weights(channel, evaluation.log_z)
    log_phi, mean = log_potential(channel, log_v, np.log(candidates), beta)
    # Plain distortions, of which both Z and Φ hold one factor that cancels.
    log_z = naive_sweep(channel.p_x, channel.p_y_given_x, mixture.r, mixture.log_q, beta)[1]
    expected = naive_potential(np.log(channel.p_x) - log_z, channel.p_y_given_x, candidates, beta)
    np.testing.assert_allclose(log_phi, expected[0], atol=1e-11)
    np.testing.assert_allclose(mean, expected[1], atol=1e-11)


@settings(max_examples=30, deadline=None)
@given(beta=st.floats(1.1, 10.0), seed=st.integers(0, 10_000))
def test_the_potential_is_one_minus_the_slope_of_f_towards_a_new_atom(beta, seed):
    channel, mixture, rng = state(8, 4, 3, seed)
    candidate = np.log(rng.dirichlet(np.ones(4)))
    evaluation = evaluate(channel, mixture, beta)
    log_v = potential_weights(channel, evaluation.log_z)
    log_phi, _ = log_potential(channel, log_v, candidate[None], beta)
    share = 1e-6
    joined = Mixture(
        np.vstack([mixture.log_r, candidate]),
        np.append(mixture.log_q + np.log1p(-share), np.log(share)),
    )
    phi = np.exp(log_phi[0])
    slope = (evaluate(channel, joined, beta).free_energy - evaluation.free_energy) / share
    log_z = naive_sweep(channel.p_x, channel.p_y_given_x, mixture.r, mixture.log_q, beta)[1]
    kl = naive_kl(channel.p_y_given_x, np.exp(candidate)[None])[:, 0]
    curvature = channel.p_x @ (np.exp(-beta * kl - log_z) - 1) ** 2
    # One-sided and convex: half the curvature times the share is left over, and rounding.
    assert -1e-8 <= slope - (1 - phi) <= share * curvature + 1e-8


def test_weights_average_the_potential_to_one():
    channel, mixture, _ = state(12, 4, 5, 0)
    evaluation = evaluate(channel, mixture, 4.0)
    log_v = potential_weights(channel, evaluation.log_z)
    log_phi, _ = log_potential(channel, log_v, mixture.log_r, 4.0)
    # Σ_t p(t) Φ(r_t) = Σ_x p(x) Z(x)/Z(x).
    assert mixture.q @ np.exp(log_phi) == pytest.approx(1, abs=1e-13)


def test_searches_start_from_every_row_corner_and_atom_of_a_small_channel():
    channel = Channel.from_joint(WU_FISCHER)
    mixture = trivial_mixture(channel)
    evaluation = evaluate(channel, mixture, 2.0)
    starts = starting_decoders(
        channel,
        mixture,
        split_directions(channel, mixture, evaluation, 2.0),
        potential_weights(channel, evaluation.log_z),
        2.0,
        np.random.default_rng(0),
    )
    r = np.exp(starts)
    np.testing.assert_allclose(r.sum(axis=1), 1, atol=1e-12)
    for row in channel.p_y_given_x:
        assert np.abs(r - row).max(axis=1).min() < 1e-12
    for y in range(3):
        assert r[:, y].max() > 0.9
    pushed = np.abs(r - channel.p_y).max(axis=1)
    assert np.count_nonzero((pushed > 1e-9) & (pushed < 0.2)) >= 2


def test_starts_never_put_mass_on_classes_that_no_row_has():
    channel = Channel.from_joint([[0.3, 0.2, 0.0], [0.1, 0.4, 0.0]])
    mixture = trivial_mixture(channel)
    evaluation = evaluate(channel, mixture, 3.0)
    starts = starting_decoders(
        channel,
        mixture,
        split_directions(channel, mixture, evaluation, 3.0),
        potential_weights(channel, evaluation.log_z),
        3.0,
        np.random.default_rng(0),
    )
    assert np.exp(starts)[:, 2].max() == 0.0


def test_hellinger_distance_is_its_definition_and_zero_on_itself():
    rng = np.random.default_rng(0)
    a, b = rng.dirichlet(np.ones(5), 4), rng.dirichlet(np.ones(5), 4)
    a[0], b[0] = [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]
    with np.errstate(divide="ignore"):
        log_a, log_b = (np.maximum(np.log(m), LOG_ZERO) for m in (a, b))
    found = hellinger_squared(log_a, log_b)
    np.testing.assert_allclose(found, 1 - np.sqrt(a * b).sum(axis=1), atol=1e-14)
    assert found[0] == 1
    np.testing.assert_array_equal(hellinger_squared(log_a, log_a), 0)


def test_of_rows_in_one_basin_the_best_is_kept():
    r = np.array([[0.5, 0.5], [0.5 + 1e-5, 0.5 - 1e-5], [0.9, 0.1]])
    kept = distinct(np.log(r), np.array([0.1, 0.2, 0.05]), 1e-6)
    np.testing.assert_array_equal(kept, [1, 2])


@pytest.mark.parametrize("beta", [0.0, 3.0])
def test_a_decoder_that_excludes_a_row_has_no_share_in_it(beta):
    channel = Channel.from_joint([[0.25, 0.25], [0.5, 0.0]])
    mixture = trivial_mixture(channel)
    log_v = potential_weights(channel, evaluate(channel, mixture, beta).log_z)
    corner = np.array([[0.0, LOG_ZERO]])
    log_phi, _ = log_potential(channel, log_v, corner, beta)
    kl = naive_kl(channel.p_y_given_x[1:], channel.p_y[None])[0, 0]
    expected = np.log(0.5) + beta * kl if beta else 0.0
    assert log_phi[0] == pytest.approx(expected, abs=1e-12)


def test_midpoints_are_of_pairs_of_near_atoms_each_once():
    r = np.array([[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9], [1.0, 0.0, 0.0]])
    mixture = Mixture.from_probabilities(np.full(4, 0.25), r)
    found = np.exp(midpoints(mixture))
    expected = [0.5 * (r[i] + r[j]) for i in range(4) for j in range(i + 1, 4)]
    np.testing.assert_allclose(found, expected, atol=1e-15)
    assert len(midpoints(trivial_mixture(Channel.from_joint(WU_FISCHER)))) == 0


def test_no_hill_between_the_rows_is_missed():
    # Every start but the midpoints of atoms passed a state 2.5e-3 nats short of a violator.
    channel = Channel.from_joint(random_joint(300, 10, 3, 0.3))
    beta = 1.2 * onset_beta_local(channel)
    solution = solve(channel, beta)
    state = Mixture.from_probabilities(solution.p_t, solution.p_y_given_t)
    log_v = potential_weights(channel, evaluate(channel, state, beta).log_z)
    everywhere = np.concatenate([channel.p_y_given_x, random_joint(100, 10, 1) * 100])
    everywhere /= everywhere.sum(axis=1, keepdims=True)
    found = climb(channel, log_v, np.maximum(np.log(everywhere), LOG_ZERO), beta)
    assert solution.gap <= 1e-9
    assert found.log_phi[0] <= 1e-9


def test_no_hill_above_a_row_is_missed_among_more_atoms_than_classes(monkeypatch):
    channel = Channel.from_joint(random_joint(500, 20, 3))
    beta = 1.3 * onset_beta_local(channel)

    def highest(solution):
        state = Mixture.from_probabilities(solution.p_t, solution.p_y_given_t)
        log_v = potential_weights(channel, evaluate(channel, state, beta).log_z)
        return climb(channel, log_v, channel.log_p_y_given_x, beta).log_phi[0]

    solution = solve(channel, beta)
    assert solution.gap <= 1e-9
    assert highest(solution) <= 1e-9
    # Every other start passes a state that one row is a violator of.
    monkeypatch.setattr(starts, "_MOST_ROWS_CLIMBED", (0, 0))
    missed = solve(channel, beta)
    assert missed.gap <= 1e-9
    assert highest(missed) > 5e-4
