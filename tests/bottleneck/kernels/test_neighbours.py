import numpy as np
import pytest

from ibcollapse.bottleneck.kernels.neighbours import _search_all_pairs, nearest_neighbours


@pytest.mark.parametrize(
    ("n", "n_dimensions", "k"), [(1, 3, 1), (7, 1, 7), (60, 4, 9), (90, 17, 5)]
)
def test_the_nearest_are_those_of_a_full_sort(n, n_dimensions, k):
    points = np.random.default_rng(n).standard_normal((n, n_dimensions))
    distance = ((points[:, None] - points) ** 2).sum(axis=2)
    expected = np.sort(np.argsort(distance, axis=1)[:, :k])
    np.testing.assert_array_equal(np.sort(nearest_neighbours(points, k)), expected)


def test_among_equal_points_as_many_as_asked_are_different_ones():
    found = nearest_neighbours(np.zeros((12, 3)), 5)
    assert all(len(set(row)) == 5 for row in found.tolist())


def test_the_plain_loop_agrees_with_the_compiled_one():
    points = np.random.default_rng(0).standard_normal((25, 3))
    plain = np.empty((25, 4), dtype=np.int64)
    _search_all_pairs.py_func(points.T.copy(), plain)
    np.testing.assert_array_equal(plain, nearest_neighbours(points, 4))
