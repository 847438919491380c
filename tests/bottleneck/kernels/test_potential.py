import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_potential

from ibcollapse.bottleneck.kernels import PackedChannel, log_partition, potential, sweep
from ibcollapse.errors import InputError


def logs(array):
    with np.errstate(divide="ignore"):
        return np.log(array)


def problem(n_x, n_candidates, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    p_y_given_x = rng.dirichlet(np.full(n_classes, 0.5), n_x)
    return rng.dirichlet(np.ones(n_x)), p_y_given_x, rng.dirichlet(np.ones(n_classes), n_candidates)


@settings(max_examples=40, deadline=None)
@given(
    n_x=st.integers(1, 1200),
    n_candidates=st.integers(1, 13),
    n_classes=st.integers(1, 12),
    beta=st.floats(0.0, 30.0),
    spread=st.sampled_from([0.0, 10.0, 3000.0]),
    seed=st.integers(0, 1000),
)
def test_potential_agrees_with_the_reference_however_far_the_weights_spread(
    n_x, n_candidates, n_classes, beta, spread, seed
):
    p_x, p_y_given_x, candidates = problem(n_x, n_candidates, n_classes, seed)
    rng = np.random.default_rng(seed)
    log_weights = np.log(p_x) + spread * rng.standard_normal(n_x)
    expected = naive_potential(log_weights, p_y_given_x, candidates, beta)
    log_phi, ascended = potential(
        PackedChannel.pack(p_x, np.log(p_y_given_x)), log_weights, np.log(candidates), beta
    )
    # Exponents up to 1e4 in size carry 1e-12 on either side; soft ones are a thousand times closer.
    np.testing.assert_allclose(log_phi, expected[0], rtol=1e-13, atol=5e-12)
    np.testing.assert_allclose(ascended, expected[1], rtol=2e-11, atol=1e-300)


def test_a_cluster_of_a_fixed_point_has_potential_one_and_stays():
    p_x, p_y_given_x, p_y_given_t = problem(300, 3, 4)
    channel, p_t = PackedChannel.pack(p_x, np.log(p_y_given_x)), np.full(3, 1 / 3)
    for _ in range(3000):
        joint = sweep(channel, np.log(p_y_given_t), np.log(p_t), 4.0).joint
        p_t = joint.sum(axis=1)
        p_y_given_t = joint / p_t[:, None]
    log_z = log_partition(channel, np.log(p_y_given_t), np.log(p_t), 4.0)
    log_phi, ascended = potential(channel, np.log(p_x) - log_z, np.log(p_y_given_t), 4.0)
    np.testing.assert_allclose(log_phi, 0.0, atol=1e-9)
    np.testing.assert_allclose(ascended, p_y_given_t, rtol=1e-8)


def test_the_ascent_map_never_lowers_the_potential():
    p_x, p_y_given_x, candidates = problem(500, 20, 6)
    channel = PackedChannel.pack(p_x, np.log(p_y_given_x))
    previous = np.full(20, -np.inf)
    for _ in range(30):
        log_phi, candidates = potential(channel, np.log(p_x), np.log(candidates), 8.0)
        assert np.all(log_phi >= previous - 1e-13)
        previous = log_phi


def test_a_candidate_that_excludes_every_row_has_no_potential():
    channel = PackedChannel.pack([0.5, 0.5], logs([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0]]))
    log_phi, ascended = potential(channel, np.log([0.5, 0.5]), logs([[1.0, 0.0, 0.0]] * 2), 1.0)
    np.testing.assert_array_equal(log_phi, -np.inf)
    np.testing.assert_array_equal(ascended, 0.0)


def test_rows_of_log_weight_minus_infinity_are_left_out():
    p_x, p_y_given_x, candidates = problem(100, 3, 4)
    log_weights = np.log(p_x)
    log_weights[::2] = -np.inf
    some = potential(
        PackedChannel.pack(p_x, np.log(p_y_given_x)), log_weights, logs(candidates), 2.0
    )
    half = PackedChannel.pack(p_x[1::2], np.log(p_y_given_x[1::2]))
    rest = potential(half, log_weights[1::2], logs(candidates), 2.0)
    np.testing.assert_allclose(some.log_phi, rest.log_phi, rtol=1e-13)
    np.testing.assert_allclose(some.ascended, rest.ascended, rtol=1e-13)


def test_threads_agree_with_one(monkeypatch):
    monkeypatch.setattr("ibcollapse.bottleneck.kernels.partition._WORTH_A_THREAD", 1)
    p_x, p_y_given_x, candidates = problem(3000, 7, 5)
    # Weights that differ by 1e-900 between the parts: each part has its own shift.
    log_weights = np.log(p_x) + np.linspace(0.0, -3000.0, 3000)
    arguments = PackedChannel.pack(p_x, np.log(p_y_given_x)), log_weights, logs(candidates), 3.0
    alone, together = potential(*arguments), potential(*arguments, n_threads=2)
    np.testing.assert_allclose(together.log_phi, alone.log_phi, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(together.ascended, alone.ascended, rtol=1e-12)


def test_weights_that_do_not_fit_are_refused():
    channel = PackedChannel.pack([0.5, 0.5], np.log([[0.9, 0.1], [0.1, 0.9]]))
    with pytest.raises(InputError, match=r"log_weights has shape \(3,\).*\(2,\)"):
        potential(channel, np.zeros(3), np.zeros((1, 2)), 1.0)
    with pytest.raises(InputError, match="log_p_y_given_t has shape"):
        potential(channel, np.zeros(2), np.zeros((1, 3)), 1.0)
    assert math.isfinite(potential(channel, np.zeros(2), np.log([[0.5, 0.5]]), 1.0).log_phi[0])
