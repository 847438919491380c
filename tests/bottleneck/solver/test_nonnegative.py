"""The quadratic minimum over non-negative variables, against its optimality conditions."""

import numpy as np
import pytest
import scipy.optimize

from ibcollapse.bottleneck.solver import nonnegative
from ibcollapse.bottleneck.solver.nonnegative import nonnegative_minimum


def problem(n, rank, seed):
    """A Hessian of some rank, a slope and a point with zeros."""
    rng = np.random.default_rng(seed)
    factor = rng.gamma(0.5, size=(rank, n))
    around = np.where(rng.random(n) < 0.3, 0.0, rng.random(n))
    return factor.T @ factor / rank, rng.normal(size=n), around


@pytest.mark.parametrize("n", [1, 5, 32, 33, 120, 400])
@pytest.mark.parametrize("seed", range(3))
def test_slopes_vanish_where_variables_do_not(n, seed):
    hessian, slope, around = problem(n, 2 * n, seed)
    found = nonnegative_minimum(hessian, slope, around)
    at_found = slope + hessian @ (found - around)
    scale = np.abs(slope).max()
    assert found.min() >= 0
    assert np.abs(at_found[found > 0]).max(initial=0.0) <= 1e-8 * scale
    assert at_found.min() >= -1e-8 * scale


def test_exchanges_find_what_entering_one_by_one_finds():
    hessian, slope, around = problem(150, 300, 7)
    root = np.linalg.cholesky(hessian).T
    target = np.linalg.solve(root.T, hessian @ around - slope)
    one_by_one = scipy.optimize.nnls(root, target)[0]
    np.testing.assert_allclose(nonnegative_minimum(hessian, slope, around), one_by_one, atol=1e-9)


@pytest.mark.parametrize("rank", [3, 40])
def test_a_singular_hessian_still_has_its_least_value(rank):
    # Fewer equations than variables: the minimiser is not unique, its value is.
    hessian, _, around = problem(60, rank, 1)
    slope = -hessian @ np.random.default_rng(2).random(60)
    found = nonnegative_minimum(hessian, slope, around)
    assert found.min() >= 0
    at_found = slope + hessian @ (found - around)
    assert at_found.min() >= -1e-6 * np.abs(slope).max()
    assert abs(at_found @ found) <= 1e-6 * np.abs(slope).max()


def test_where_exchanges_go_in_circles_variables_enter_one_by_one(monkeypatch):
    hessian, slope, around = problem(90, 180, 3)
    expected = nonnegative_minimum(hessian, slope, around)
    monkeypatch.setattr(nonnegative, "_MOST_EXCHANGES", 0)
    np.testing.assert_allclose(nonnegative_minimum(hessian, slope, around), expected, atol=1e-9)
