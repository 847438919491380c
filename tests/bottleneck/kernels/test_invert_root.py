"""The inverse Cholesky factor against NumPy's."""

import numpy as np
import pytest

from ibcollapse.bottleneck.kernels.cholesky import invert_root


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 12, 101])
def test_it_is_the_inverse_of_the_factor(size):
    rng = np.random.default_rng(size)
    root = rng.normal(size=(size, 2 * size))
    matrix = root @ root.T / size
    lower, inverse = np.tril(matrix), np.full((size, size), np.nan)
    assert invert_root(lower, inverse)
    factor = np.linalg.cholesky(matrix)
    np.testing.assert_allclose(np.tril(lower), factor, atol=1e-12)
    np.testing.assert_allclose(inverse @ factor, np.eye(size), atol=1e-9)
    assert not np.triu(inverse, 1).any()


@pytest.mark.parametrize("bad", [0, 3, 4, 8])
def test_a_matrix_that_is_not_positive_is_refused(bad):
    matrix = np.eye(9)
    matrix[bad, bad] = -1e-3
    assert not invert_root(matrix, np.empty((9, 9)))


def test_a_missing_value_is_no_positive_matrix():
    matrix = np.eye(6)
    matrix[5, 2] = np.nan
    assert not invert_root(matrix, np.empty((6, 6)))
