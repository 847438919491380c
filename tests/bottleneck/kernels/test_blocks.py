import numpy as np
import pytest

from ibcollapse.bottleneck.kernels.blocks import score_coefficients, tile_edges


@pytest.mark.parametrize("beta", [0.0, 3.0])
def test_compiled_and_plain_coefficients_agree(beta):
    log_p_y_given_t = np.log(np.random.default_rng(0).dirichlet(np.ones(4), 3))
    log_p_y_given_t[1, 2] = -np.inf
    log_p_t = np.array([-1.0, -0.5, -np.inf])
    compiled = score_coefficients(log_p_y_given_t, log_p_t, beta)
    plain = score_coefficients.py_func(log_p_y_given_t, log_p_t, beta)
    np.testing.assert_array_equal(compiled, plain)
    assert np.isfinite(compiled).all()


def test_coefficients_are_beta_log_decoders_plus_log_weights_in_bits():
    found = score_coefficients(np.log([[0.25, 0.75]]), np.log([0.125]), 2.0)
    np.testing.assert_allclose(found, [[-7.0, 2.0 * np.log2(0.75) - 3.0]], rtol=1e-15)


@pytest.mark.parametrize("length", [1, 4, 5, 6, 11, 100])
def test_tiles_cover_the_length_with_nearly_equal_sizes(length):
    edges = tile_edges(length, 5)
    np.testing.assert_array_equal(edges, tile_edges.py_func(length, 5))
    sizes = np.diff(edges)
    assert edges[0] == 0
    assert edges[-1] == length
    assert sizes.max() <= 5
    assert sizes.max() - sizes.min() <= 1
