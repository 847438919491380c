import numpy as np
import pytest
from naive import naive_second_moments, naive_sweep

from ibcollapse.bottleneck.kernels import PackedChannel, encode, second_moments
from ibcollapse.bottleneck.kernels.second_moments import _BLOCK_DOUBLES


def problem(n_x, n_t, n_classes):
    rng = np.random.default_rng(1)
    p_y_given_x = rng.dirichlet(np.full(n_classes, 0.5), n_x)
    p_y_given_t, p_t = rng.dirichlet(np.ones(n_classes), n_t), rng.dirichlet(np.ones(n_t))
    return rng.dirichlet(np.ones(n_x)), p_y_given_x, p_y_given_t, np.log(p_t)


@pytest.mark.parametrize(("n_x", "n_t", "n_classes"), [(1, 1, 1), (300, 4, 3), (50, 1, 7)])
def test_second_moments_agree_with_the_reference(n_x, n_t, n_classes):
    p_x, p_y_given_x, p_y_given_t, log_p_t = problem(n_x, n_t, n_classes)
    _, _, p_t_given_x = naive_sweep(p_x, p_y_given_x, p_y_given_t, log_p_t, 3.0)
    channel = PackedChannel.pack(p_x, np.log(p_y_given_x))
    found = second_moments(channel, np.log(p_y_given_t), log_p_t, 3.0)
    expected = naive_second_moments(p_x, p_y_given_x, p_t_given_x)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-18)


def test_rows_of_several_blocks_add_up():
    p_x, p_y_given_x, p_y_given_t, log_p_t = problem(12_000, 10, 10)
    assert len(p_x) * 100 > _BLOCK_DOUBLES

    def moments(rows):
        channel = PackedChannel.pack(p_x[rows], np.log(p_y_given_x[rows]))
        return second_moments(channel, np.log(p_y_given_t), log_p_t, 3.0)

    parts = sum(moments(slice(first, first + 4000)) for first in (0, 4000, 8000))
    np.testing.assert_allclose(moments(slice(None)), parts, rtol=1e-12)


def test_sums_over_classes_are_the_overlaps_of_clusters():
    p_x, p_y_given_x, p_y_given_t, log_p_t = problem(400, 5, 6)
    channel = PackedChannel.pack(p_x, np.log(p_y_given_x))
    moments = second_moments(channel, np.log(p_y_given_t), log_p_t, 3.0)
    p_t_given_x = encode(channel, np.log(p_y_given_t), log_p_t, 3.0)
    overlaps = np.einsum("x,xt,xs->ts", p_x, p_t_given_x, p_t_given_x)
    found = moments.reshape(5, 6, 5, 6).sum(axis=(1, 3))
    np.testing.assert_allclose(found, overlaps, rtol=1e-13)
