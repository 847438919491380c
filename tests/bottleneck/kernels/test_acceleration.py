import numpy as np
import pytest
from bottleneck.ground_truths import binary_symmetric, binary_symmetric_point, random_joint
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_information, naive_sweep

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.kernels.acceleration import sweep_until_still


def naive_map(channel, joint, beta):
    """The next p(t, y) and Σ p(x) log Z(x), by the definition."""
    p_t = joint.sum(axis=1)
    decoders = joint / p_t[:, None]
    following, log_z, encoder = naive_sweep(
        channel.p_x, channel.p_y_given_x, decoders, np.log(p_t), beta
    )
    return following, float(channel.p_x @ log_z), encoder


@settings(max_examples=20, deadline=None)
@given(
    n_x=st.integers(3, 40),
    n_classes=st.integers(2, 6),
    n_t=st.integers(1, 7),
    beta=st.floats(1.1, 12.0),
    seed=st.integers(0, 10_000),
)
def test_it_ends_no_worse_than_it_began_and_hardly_moves(n_x, n_classes, n_t, beta, seed):
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    rng = np.random.default_rng(seed)
    encoder = rng.dirichlet(np.ones(n_t), n_x)
    start = (encoder * channel.p_x[:, None]).T @ channel.p_y_given_x
    ended = sweep_until_still(channel.prepared.packed, start, beta, tol=1e-14, max_maps=3000)
    following, reached, _ = naive_map(channel, ended.joint, beta)
    assert reached >= naive_map(channel, start, beta)[1] - 1e-12
    assert ended.mean_log_z == pytest.approx(reached, rel=1e-13, abs=1e-13)
    assert ended.joint.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(ended.mapped, following, rtol=1e-10, atol=1e-14)
    if ended.n_maps < 3000:
        # What is left to gain, at most 1e-14, is never less than half of Σ p r².
        change = np.where(following > 1e-200, np.log(following) - np.log(ended.joint), 0.0)
        assert (following * change**2).sum() <= 2.02e-14


@pytest.mark.parametrize(("ratio", "most"), [(1.1, 20), (1.01, 25), (1.001, 30), (1.0001, 40)])
def test_a_critical_beta_does_not_slow_it_down(ratio, most):
    delta = 0.1
    beta = ratio * (1 - 2 * delta) ** -2
    channel = Channel.from_joint(binary_symmetric(delta))
    start = np.array([[0.9, 0.1], [0.2, 0.8]]) * [[0.6], [0.4]]
    # Plain maps take 72, 774, 7303 and 67429 to 1e-8.
    ended = sweep_until_still(channel.prepared.packed, start, beta, tol=1e-14, max_maps=most)
    _, _, encoder = naive_map(channel, ended.joint, beta)
    i_xt, i_ty = naive_information(channel.p_x, channel.p_y_given_x, encoder)
    exact_xt, exact_ty = binary_symmetric_point(delta, beta)
    assert ended.n_maps < most
    assert i_xt - beta * i_ty == pytest.approx(exact_xt - beta * exact_ty, abs=1e-8)


def test_the_start_is_left_as_it_was():
    channel = Channel.from_joint(binary_symmetric(0.2))
    start = np.array([[0.3, 0.2], [0.1, 0.4]])
    kept = start.copy()
    sweep_until_still(channel.prepared.packed, start, 4.0, tol=1e-12, max_maps=10)
    np.testing.assert_array_equal(start, kept)


def test_a_cluster_without_weight_and_a_class_it_lacks_stay_out():
    channel = Channel.from_joint([[0.3, 0.1, 0.1], [0.1, 0.3, 0.1]])
    start = np.array([[0.4, 0.0, 0.1], [0.0, 0.4, 0.1], [0.0, 0.0, 0.0]])
    ended = sweep_until_still(channel.prepared.packed, start, 3.0, tol=1e-12, max_maps=50)
    assert np.isfinite(ended.joint).all()
    np.testing.assert_array_equal(ended.joint[2], 0.0)
    np.testing.assert_array_equal(ended.mapped[2], 0.0)
