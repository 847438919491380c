import math

import numpy as np
import pytest
from bottleneck.kernels.one_sweep import sweep
from naive import naive_sweep

from ibcollapse.bottleneck.kernels import PackedChannel


def logs(array):
    with np.errstate(divide="ignore"):
        return np.log(array)


def soft_problem(n_x=200, n_t=6, n_classes=5, seed=0):
    rng = np.random.default_rng(seed)
    p_y_given_x = rng.dirichlet(np.full(n_classes, 0.5), n_x)
    p_y_given_t = rng.dirichlet(np.ones(n_classes), n_t)
    return rng.dirichlet(np.ones(n_x)), p_y_given_x, p_y_given_t, logs(rng.dirichlet(np.ones(n_t)))


def test_one_hot_rows_find_their_one_hot_decoders():
    labels = np.random.default_rng(0).integers(0, 4, 100)
    channel = PackedChannel.pack(np.full(100, 0.01), logs(np.eye(4)[labels]))
    swept = sweep(channel, logs(np.eye(4)), logs(np.full(4, 0.25)), 3.0)
    np.testing.assert_allclose(swept.joint, np.diag(np.bincount(labels) / 100), rtol=1e-14)
    assert swept.mean_log_z == pytest.approx(math.log(0.25), rel=1e-14)


@pytest.mark.parametrize("beta", [1e2, 1e3, 1e4])
def test_sums_that_would_underflow_without_a_shift_stay_right(beta):
    p_x, p_y_given_x, p_y_given_t, log_p_t = soft_problem()
    joint, log_z, _ = naive_sweep(p_x, p_y_given_x, p_y_given_t, log_p_t, beta)
    assert log_z.min() < -745.0 or beta == 1e2  # exp(-745) is the smallest double
    arguments = PackedChannel.pack(p_x, logs(p_y_given_x)), logs(p_y_given_t), log_p_t, beta
    # Exponents are sums of terms of size beta · |log p|, up to 30 beta, at 1e-16 relative each.
    swept = sweep(*arguments)
    np.testing.assert_allclose(swept.mean_log_z, p_x @ log_z, rtol=1e-13)
    np.testing.assert_allclose(swept.joint, joint, rtol=1e-14 * beta, atol=1e-300)
    np.testing.assert_allclose(swept.joint.sum(axis=0), p_x @ p_y_given_x, rtol=1e-13)


def test_near_deterministic_rows_agree_with_the_reference_at_beta_1e4():
    # KL of order 1e-4 to the right decoder: beta KL is of order one and the encoder truly soft.
    rng = np.random.default_rng(3)
    p_y_given_x = np.full((300, 3), 1e-5) + np.eye(3)[rng.integers(0, 3, 300)]
    p_y_given_x *= 1.0 + 0.02 * rng.random((300, 3))
    p_y_given_x /= p_y_given_x.sum(axis=1, keepdims=True)
    p_y_given_t, log_p_t = p_y_given_x[:7] * [1.0, 1.01, 0.99], np.log(np.full(7, 1 / 7))
    p_y_given_t /= p_y_given_t.sum(axis=1, keepdims=True)
    p_x = np.full(300, 1 / 300)
    joint, log_z, p_t_given_x = naive_sweep(p_x, p_y_given_x, p_y_given_t, log_p_t, 1e4)
    assert 0.05 < p_t_given_x.max(axis=1).mean() < 0.9
    arguments = PackedChannel.pack(p_x, np.log(p_y_given_x)), np.log(p_y_given_t), log_p_t, 1e4
    # 1e4 · 11 (the largest log) · 1e-16 = 1e-11 in the exponents of both sides.
    np.testing.assert_allclose(sweep(*arguments).joint, joint, rtol=5e-11)
    np.testing.assert_allclose(sweep(*arguments).mean_log_z, p_x @ log_z, rtol=1e-10)


def test_log_posteriors_of_minus_800_count_as_zero():
    logs_of_rows = np.array([[0.0, -800.0, -1000.0], [-800.0, 0.0, -np.inf]])
    channel = PackedChannel.pack([0.5, 0.5], logs_of_rows)
    log_decoders = np.array([[0.0, -700.0, -700.0], [-700.0, 0.0, -700.0]])
    joint = sweep(channel, log_decoders, np.log([0.5, 0.5]), 10.0).joint
    np.testing.assert_array_equal(joint, 0.5 * np.eye(2, 3))


def test_zero_class_in_a_decoder_excludes_exactly_the_rows_that_can_have_it():
    # Of a row alone, so that its joint p(t, y) shows which clusters it goes to.
    p_y_given_x = np.array([[0.5, 0.5, 0.0], [0.3, 0.3, 0.4], [1e-290, 0.5, 0.5]])
    p_y_given_t = np.array([[0.4, 0.6, 0.0], [0.2, 0.3, 0.5], [0.0, 0.5, 0.5]])
    log_p_t = np.log(np.full(3, 1 / 3))
    excluded = np.array([[False, False, True], [True, False, True], [True, False, True]])
    for row, missed in zip(p_y_given_x, excluded, strict=True):
        alone = PackedChannel.pack([1.0], logs(row[None]))
        joint, log_z, _ = naive_sweep(np.ones(1), row[None], p_y_given_t, log_p_t, 3.0)
        swept = sweep(alone, logs(p_y_given_t), log_p_t, 3.0)
        np.testing.assert_array_equal(swept.joint.sum(axis=1) == 0.0, missed)
        np.testing.assert_allclose(swept.joint, joint, rtol=1e-12, atol=1e-280)
        assert swept.mean_log_z == pytest.approx(log_z[0], rel=1e-12)


def test_row_that_no_cluster_reaches_goes_to_none_and_is_reported():
    channel = PackedChannel.pack([0.999999, 1e-6], logs([[1.0, 0.0], [0.5, 0.5]]))
    arguments = channel, logs([[1.0, 0.0]]), np.zeros(1), 2.0
    swept = sweep(*arguments)
    assert swept.mean_log_z == -math.inf
    np.testing.assert_allclose(swept.joint, [[0.999999, 0.0]], rtol=1e-15)


@pytest.mark.parametrize("weightless", [1, 2])
def test_clusters_all_alike_or_all_without_weight_are_told_apart(weightless):
    # Every score is the same in both cases; only where weight is left do rows share it.
    p_x, p_y_given_x, p_y_given_t, _ = soft_problem(n_t=2)
    log_p_t = np.where(np.arange(2) < weightless, -np.inf, 0.0)
    swept = sweep(PackedChannel.pack(p_x, logs(p_y_given_x)), logs(p_y_given_t), log_p_t, 0.0)
    np.testing.assert_allclose(swept.joint[1], (2 - weightless) * (p_x @ p_y_given_x), rtol=1e-14)
    assert swept.mean_log_z == pytest.approx(0.0 if weightless == 1 else -math.inf, abs=1e-14)


@pytest.mark.parametrize("bits", [0.0, 20.0, 63.9, 64.1, 500.0, 1500.0])
def test_scores_far_from_the_last_clusters_lose_no_digits(bits):
    # Below 64 bits scores are taken against the last cluster's, here of the least or most weight.
    p_x, p_y_given_x, p_y_given_t, _ = soft_problem()
    p_y_given_t[1:] = p_y_given_t[0]
    channel = PackedChannel.pack(p_x, logs(p_y_given_x))
    p_y = p_x @ p_y_given_x
    ladder = np.linspace(0.0, -bits, 6) * math.log(2.0)
    for log_p_t in (ladder, ladder[::-1]):
        shares = np.exp(log_p_t) / np.exp(log_p_t).sum()
        swept = sweep(channel, logs(p_y_given_t), log_p_t, 1e-9)
        np.testing.assert_allclose(swept.joint, np.outer(shares, p_y), rtol=2e-14, atol=1e-60)
        expected = math.log(np.exp(log_p_t).sum())
        assert swept.mean_log_z == pytest.approx(expected, abs=1e-8)


def test_row_without_weight_adds_nothing():
    p_x, p_y_given_x, p_y_given_t, log_p_t = soft_problem()
    weightless = np.append(p_x, 0.0), np.vstack([p_y_given_x, [1.0, 0.0, 0.0, 0.0, 0.0]])
    p_y_given_t[:, 0] = 0.0
    reachable = p_y_given_x.copy()
    reachable[:, 0] = 0.0
    weightless[1][:-1, 0] = 0.0
    arguments = logs(p_y_given_t), log_p_t, 2.0
    with_row = sweep(PackedChannel.pack(weightless[0], logs(weightless[1])), *arguments)
    without = sweep(PackedChannel.pack(p_x, logs(reachable)), *arguments)
    np.testing.assert_array_equal(with_row.joint, without.joint)
    assert with_row.mean_log_z == without.mean_log_z


def test_cluster_without_weight_receives_nothing():
    p_x, p_y_given_x, p_y_given_t, log_p_t = soft_problem()
    log_p_t[2] = -np.inf
    channel = PackedChannel.pack(p_x, logs(p_y_given_x))
    joint = sweep(channel, logs(p_y_given_t), log_p_t, 2.0).joint
    np.testing.assert_array_equal(joint[2], 0.0)
    kept = np.delete(np.arange(6), 2)
    rest = sweep(channel, logs(p_y_given_t[kept]), log_p_t[kept], 2.0).joint
    np.testing.assert_allclose(joint[kept], rest, rtol=1e-14)
