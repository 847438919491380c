import numpy as np
import pytest
from bottleneck.kernels.one_sweep import sweep
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_sweep

from ibcollapse.bottleneck.kernels import PackedChannel

# Scores are sums of n_classes products of size beta · |log p|, so they carry that size times 1e-16;
# the references carry as much. With beta = 5 and moderate logs, 1e-12 leaves a margin of 100.
RTOL = 1e-12


def soft_problem(n_x, n_t, n_classes, seed=0, concentration=0.5):
    rng = np.random.default_rng(seed)
    p_x = rng.dirichlet(np.ones(n_x))
    p_y_given_x = rng.dirichlet(np.full(n_classes, concentration), n_x)
    p_y_given_t = rng.dirichlet(np.ones(n_classes), n_t)
    log_p_t = np.log(rng.dirichlet(np.ones(n_t)))
    return p_x, p_y_given_x, p_y_given_t, log_p_t


def logs(array):
    with np.errstate(divide="ignore"):
        return np.log(array)


def assert_sweep_agrees(problem, beta, rtol=RTOL):
    p_x, p_y_given_x, p_y_given_t, log_p_t = problem
    joint, log_z, _ = naive_sweep(p_x, p_y_given_x, p_y_given_t, log_p_t, beta)
    arguments = PackedChannel.pack(p_x, logs(p_y_given_x)), logs(p_y_given_t), log_p_t, beta
    swept = sweep(*arguments)
    np.testing.assert_allclose(swept.joint, joint, rtol=rtol, atol=1e-300)
    np.testing.assert_allclose(swept.mean_log_z, p_x @ log_z, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("n_x", [1, 31, 32, 33, 700])
@pytest.mark.parametrize(("n_t", "n_classes"), [(1, 1), (1, 7), (7, 1), (2, 2), (11, 6), (13, 23)])
def test_sweep_agrees_with_the_reference_at_every_remainder_of_the_tiles(n_x, n_t, n_classes):
    assert_sweep_agrees(soft_problem(n_x, n_t, n_classes), 5.0)


@pytest.mark.parametrize(("n_t", "n_classes"), [(300, 3), (3, 500), (90, 70)])
def test_sweep_agrees_with_the_reference_on_many_clusters_or_classes(n_t, n_classes):
    assert_sweep_agrees(soft_problem(70, n_t, n_classes), 5.0)


@settings(max_examples=60, deadline=None)
@given(
    n_x=st.integers(1, 90),
    n_t=st.integers(1, 17),
    n_classes=st.integers(1, 12),
    beta=st.floats(0.0, 30.0),
    concentration=st.sampled_from([0.05, 0.5, 5.0]),
    seed=st.integers(0, 1000),
)
def test_sweep_agrees_with_the_reference_on_random_channels(
    n_x, n_t, n_classes, beta, concentration, seed
):
    # Posteriors of concentration 0.05 have logs near -300: the scores' size, 1e4, times 1e-16.
    assert_sweep_agrees(soft_problem(n_x, n_t, n_classes, seed, concentration), beta, rtol=5e-12)


def test_sweep_at_beta_zero_returns_independent_clusters():
    p_x, p_y_given_x, p_y_given_t, log_p_t = soft_problem(50, 4, 3)
    p_y_given_t[0] = [1.0, 0.0, 0.0]
    swept = sweep(PackedChannel.pack(p_x, np.log(p_y_given_x)), logs(p_y_given_t), log_p_t, 0.0)
    expected = np.outer(np.exp(log_p_t), p_x @ p_y_given_x)
    np.testing.assert_allclose(swept.joint, expected, rtol=RTOL)
    assert swept.mean_log_z == pytest.approx(0.0, abs=RTOL)


def test_sweep_keeps_the_row_marginal():
    p_x, p_y_given_x, p_y_given_t, log_p_t = soft_problem(500, 9, 10)
    swept = sweep(PackedChannel.pack(p_x, np.log(p_y_given_x)), np.log(p_y_given_t), log_p_t, 7.0)
    np.testing.assert_allclose(swept.joint.sum(axis=0), p_x @ p_y_given_x, rtol=1e-13)
