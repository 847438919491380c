"""Sums over sparse posteriors against the same sums over all of them."""

import numpy as np
import pytest

from ibcollapse.bottleneck.kernels.sparse_moments import group_moments, sparse_second_moments
from ibcollapse.bottleneck.kernels.sparse_products import SparseRows


@pytest.mark.parametrize("n_t", [1, 8, 13])
def test_moments_are_those_of_the_entries_that_were_kept(n_t):
    rng = np.random.default_rng(n_t)
    w = rng.dirichlet(np.full(6, 0.2), 50)
    shares = rng.uniform(size=(50, n_t))
    rows = SparseRows.above(w, 0.05)
    kept = np.where(w > 0.05, w, 0.0)
    assert 0 < np.count_nonzero(kept) < w.size
    expected = np.tril(np.einsum("xt,xy,xz->tyz", shares, kept, kept))
    np.testing.assert_allclose(sparse_second_moments(rows, shares, 6), expected, atol=1e-14)


def test_groups_without_order_add_up_their_rows():
    rng = np.random.default_rng(0)
    w, shares = rng.dirichlet(np.full(4, 0.5), 30), rng.uniform(size=(30, 3))
    p_x, means = rng.uniform(size=30), rng.dirichlet(np.ones(4), 3)
    scale = rng.uniform(1, 2, size=(3, 5))
    groups = rng.permutation(np.arange(30) % 7)
    found = group_moments(SparseRows.above(w, -1.0), shares, p_x, groups, means, scale)
    assert found.shape == (3, 7, 5)
    for group in range(7):
        own = groups == group
        weights = p_x[own] / np.sqrt(p_x[own].sum())
        for t in range(3):
            away = np.column_stack([np.ones(own.sum()), w[own] - means[t]])
            expected = (weights * shares[own, t]) @ away * scale[t]
            np.testing.assert_allclose(found[t, group], expected, atol=1e-6)
