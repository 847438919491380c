"""Moments of Φ's terms against sums written out, and the ascent against a dense grid."""

import numpy as np
import pytest

from ibcollapse.bottleneck.kernels import PackedChannel
from ibcollapse.bottleneck.kernels.ascent import Effort, climb_all
from ibcollapse.bottleneck.kernels.start_moments import (
    log_potential_of_starts,
    moments_of_starts,
    offsets_of,
)


def problem(n_x: int, n_classes: int, n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(n_classes, 0.5), n_x)
    log_r = np.log(rng.dirichlet(np.ones(n_classes), n))
    return (
        rows,
        PackedChannel.pack(np.full(n_x, 1 / n_x), np.log(rows)),
        rng.normal(size=n_x),
        log_r,
    )


@pytest.mark.parametrize(
    ("n_x", "n_classes", "n"), [(1, 1, 1), (7, 2, 3), (33, 6, 5), (700, 11, 60), (40, 37, 2)]
)
def test_moments_are_the_sums_over_rows(n_x, n_classes, n):
    rows, packed, offset, log_r = problem(n_x, n_classes, n)
    beta = 3.0
    got = moments_of_starts(packed, offsets_of(packed, offset, beta), log_r, beta, second=True)
    terms = np.exp(offset[:, None] + beta * rows @ log_r.T)
    share = terms / terms.sum(axis=0)
    # Relative 1e-12: the exponentials are good to 1e-15 times scores of up to a few hundred.
    np.testing.assert_allclose(got.log_phi, np.log(terms.sum(axis=0)), rtol=1e-12, atol=1e-12)
    alone = log_potential_of_starts(packed, offsets_of(packed, offset, beta), log_r, beta)
    np.testing.assert_allclose(alone, got.log_phi, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(got.mean, share.T @ rows, rtol=1e-12)
    second = np.einsum("xn,xy,xz->nyz", share, rows, rows)
    lower = np.tril_indices(n_classes)
    np.testing.assert_allclose(got.second[:, *lower], second[:, *lower], rtol=1e-11)


@pytest.mark.parametrize("n_classes", [1, 2, 10])
@pytest.mark.parametrize("beta", [0.5, 60.0, 3000.0])
def test_decoders_far_below_the_largest_term_keep_their_digits(n_classes, beta):
    # A decoder next to a corner is thousands of bits below the rows' own at the larger betas.
    rows, packed, offset, log_r = problem(90, n_classes, 7)
    corner = np.full((1, n_classes), np.log(1e-9))
    corner[0, 0] = np.log1p(-1e-9 * (n_classes - 1))
    log_r = np.concatenate([log_r, corner])
    got = moments_of_starts(packed, offsets_of(packed, offset, beta), log_r, beta, second=True)
    scores = offset[:, None] + beta * rows @ log_r.T
    share = np.exp(scores - scores.max(axis=0))
    log_phi = np.log(share.sum(axis=0)) + scores.max(axis=0)
    share /= share.sum(axis=0)
    np.testing.assert_allclose(got.log_phi, log_phi, rtol=1e-13, atol=1e-12)
    alone = log_potential_of_starts(packed, offsets_of(packed, offset, beta), log_r, beta)
    np.testing.assert_allclose(alone, log_phi, rtol=1e-13, atol=1e-12)
    # A score of 1e5 bits leaves eleven digits of its power.
    np.testing.assert_allclose(got.mean, share.T @ rows, rtol=1e-10)
    second = np.einsum("xn,xy,xz->nyz", share, rows, rows)
    lower = np.tril_indices(n_classes)
    np.testing.assert_allclose(got.second[:, *lower], second[:, *lower], rtol=1e-10)


def test_threads_change_no_bit():
    _, packed, offset, log_r = problem(3000, 12, 90)
    one = moments_of_starts(packed, offsets_of(packed, offset, 2.0), log_r, 2.0, second=True)
    two = moments_of_starts(
        packed, offsets_of(packed, offset, 2.0), log_r, 2.0, second=True, n_threads=2
    )
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_start_that_no_row_reaches_has_no_potential():
    packed = PackedChannel.pack([0.5, 0.5], np.log([[0.5, 0.5], [0.9, 0.1]]))
    got = moments_of_starts(
        packed, offsets_of(packed, np.zeros(2), 2.0), np.array([[0.0, -1e30]]), 2.0
    )
    assert got.log_phi[0] == -np.inf
    assert (got.mean == 0).all()


@pytest.mark.parametrize("beta", [1.5, 4.0, 12.0])
def test_the_ascent_reaches_the_maximum_of_a_grid(beta):
    rows, packed, offset, log_r = problem(60, 2, 20, seed=3)
    reached_r, reached = climb_all(packed, offset, log_r, beta, Effort(1e-14, 4, 80))
    grid = np.linspace(1e-4, 1 - 1e-4, 20_001)
    scores = offset[:, None] + beta * rows @ np.log(np.stack([grid, 1 - grid]))
    best = np.log(np.exp(scores).sum(axis=0)).max()
    # Between grid points a maximum can be higher by curvature times the squared spacing.
    assert best - 1e-12 <= reached.max() <= best + 1e-6
    # At a maximum the decoder is the mean of the posteriors under Φ's terms.
    means = moments_of_starts(packed, offsets_of(packed, offset, beta), reached_r, beta).mean
    np.testing.assert_allclose(np.exp(reached_r), means, atol=1e-6)


def test_near_one_hot_rows_leave_no_start_half_way():
    rng = np.random.default_rng(5)
    rows = 0.999 * np.eye(6)[rng.integers(6, size=200)] + 0.001 * rng.dirichlet(np.ones(6), 200)
    packed = PackedChannel.pack(np.full(200, 1 / 200), np.log(rows))
    offset = np.log(np.full(200, 1 / 200)) - 1.001 * rows @ np.log(rows.mean(axis=0))
    starts = np.log(rng.dirichlet(np.ones(6), 40))
    reached_r, _ = climb_all(packed, offset, starts, 1.001, Effort(1e-14, 4, 80))
    means = moments_of_starts(packed, offsets_of(packed, offset, 1.001), reached_r, 1.001).mean
    # The Hessian is of the order 1e-3 here, so that a gain of 1e-14 leaves moves of about 1e-6.
    np.testing.assert_allclose(np.exp(reached_r), means, atol=1e-8)
