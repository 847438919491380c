import numpy as np
import pytest
from scipy.special import xlogy

from ibcollapse.bottleneck.kernels import PackedChannel
from ibcollapse.errors import InputError


@pytest.mark.parametrize("n_x", [1, 32, 33, 5000])
def test_rows_come_back_and_the_fill_is_zero(n_x):
    rng = np.random.default_rng(0)
    p_y_given_x = rng.dirichlet(np.ones(3), n_x)
    packed = PackedChannel.pack(rng.dirichlet(np.ones(n_x)), np.log(p_y_given_x))
    rows = packed.posteriors.transpose(0, 2, 1).reshape(-1, 3)
    np.testing.assert_allclose(rows[:n_x], p_y_given_x, rtol=1e-15)
    np.testing.assert_array_equal(rows[n_x:], 0.0)
    np.testing.assert_array_equal(packed.p_x.reshape(-1)[n_x:], 0.0)
    bits = xlogy(p_y_given_x, p_y_given_x).sum(axis=1) / np.log(2.0)
    np.testing.assert_allclose(packed.negentropy.reshape(-1)[:n_x], bits, rtol=1e-13)


def test_packed_arrays_start_at_cache_lines_and_are_read_only():
    packed = PackedChannel.pack([1.0], [[0.0]])
    for array in (packed.p_x, packed.posteriors, packed.negentropy):
        assert array.ctypes.data % 64 == 0
        assert not array.flags.writeable


def test_zero_posteriors_add_no_entropy():
    packed = PackedChannel.pack([0.5, 0.5], [[0.0, -np.inf], [-800.0, 0.0]])
    np.testing.assert_array_equal(packed.negentropy.reshape(-1)[:2], 0.0)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3), (3,), (3, 1, 1)])
def test_shapes_that_do_not_belong_together_are_refused(shape):
    with pytest.raises(InputError, match=r"p_x has shape \(3,\) and log_p_y_given_x"):
        PackedChannel.pack(np.full(3, 1 / 3), np.zeros(shape))
