import numpy as np
import pytest
import scipy.linalg

from ibcollapse.errors import NumericalError
from ibcollapse.linear_algebra import (
    largest_eigenpairs,
    singular_parts,
    singular_values,
    symmetric_eigenpairs,
    symmetric_eigenvalues,
)


def symmetric(n, seed=0):
    square = np.random.default_rng(seed).normal(size=(n, n))
    return square + square.T


def fails(*arguments, **options):
    raise np.linalg.LinAlgError("did not converge")


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_eigenpairs_reproduce_the_matrix(n):
    matrix = symmetric(n)
    values, vectors = symmetric_eigenpairs(matrix)
    np.testing.assert_allclose((vectors * values) @ vectors.T, matrix, atol=1e-12)
    np.testing.assert_allclose(symmetric_eigenvalues(matrix), values, atol=1e-12)


@pytest.mark.parametrize("size", [24, 30, 64, 100])
def test_as_many_of_the_largest_as_asked_for_where_all_but_one_coincide(size):
    # What a symmetric channel's atom at p(y) has: `syevr` with a range returns none of these.
    a = 0.89 / size
    matrix = a * np.eye(size) + (1 - a) / size
    values, vectors = largest_eigenpairs(matrix, 2)
    np.testing.assert_allclose(values, [a, 1.0], atol=1e-13)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-13)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(2), atol=1e-12)


def test_a_range_that_comes_back_empty_is_taken_from_all(monkeypatch):
    monkeypatch.setattr(scipy.linalg, "eigh", lambda *a, **o: (np.empty(0), np.empty((5, 0))))
    matrix = symmetric(5)
    values, vectors = largest_eigenpairs(matrix, 2)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[-2:], atol=1e-12)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-12)


def test_another_driver_is_asked_where_the_fastest_does_not_converge(monkeypatch):
    matrix = symmetric(6)
    expected = np.linalg.eigvalsh(matrix)
    monkeypatch.setattr(np.linalg, "eigh", fails)
    monkeypatch.setattr(np.linalg, "eigvalsh", fails)
    np.testing.assert_allclose(symmetric_eigenpairs(matrix)[0], expected, atol=1e-12)
    np.testing.assert_allclose(symmetric_eigenvalues(matrix), expected, atol=1e-12)
    stack = np.stack([matrix, 2 * matrix])
    np.testing.assert_allclose(symmetric_eigenvalues(stack), [expected, 2 * expected], atol=1e-12)


def test_another_driver_finds_singular_values(monkeypatch):
    matrix = np.random.default_rng(1).normal(size=(5, 3))
    expected = np.linalg.svd(matrix, compute_uv=False)
    monkeypatch.setattr(np.linalg, "svd", fails)
    np.testing.assert_allclose(singular_values(matrix), expected, atol=1e-12)
    u, values, vt = singular_parts(matrix)
    np.testing.assert_allclose((u * values) @ vt, matrix, atol=1e-12)
    assert singular_parts(matrix, whole=True)[0].shape == (5, 5)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize(
    "function",
    [
        symmetric_eigenpairs,
        symmetric_eigenvalues,
        singular_parts,
        singular_values,
        lambda matrix: largest_eigenpairs(matrix, 2),
    ],
)
def test_a_matrix_that_is_not_finite_is_an_error_that_counts_its_entries(function, wrong):
    matrix = symmetric(4)
    matrix[2, 1] = matrix[1, 2] = wrong
    with pytest.raises(NumericalError, match="4 x 4 matrix, with 2 entries not finite"):
        function(matrix)
