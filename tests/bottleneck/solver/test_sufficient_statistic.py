"""Solutions at betas where double precision has no digits left for beta KL."""

import math

import numpy as np
import pytest
from known_channels import binary_symmetric, wu_fischer

import ibcollapse as ib
from ibcollapse.bottleneck.solver.sufficient_statistic import gap_of_rows

TABLE = np.random.default_rng(1).dirichlet(np.full(40, 0.5)).reshape(8, 5)
HUGE = [1e7, 1e12, 1e13, 1e15, 1e100, 1e300]


@pytest.mark.parametrize("beta", HUGE)
@pytest.mark.parametrize("joint", [[[0.45, 0.05], [0.05, 0.45]], TABLE], ids=["binary", "8 x 5"])
def test_a_huge_beta_has_the_minimal_sufficient_statistic(joint, beta):
    channel = ib.Channel.from_joint(joint)
    solution = ib.solve(channel, beta)
    assert (solution.status, solution.gap_search) == ("converged", "exhaustive")
    assert solution.gap <= 1e-9
    assert solution.i_ty == pytest.approx(channel.i_xy, rel=1e-12)
    assert solution.i_xt == pytest.approx(channel.h_x, rel=1e-12)
    assert solution.n_clusters == channel.n_x


def test_rows_that_are_equal_are_one_cluster():
    joint = np.concatenate([TABLE, TABLE]) / 2
    solution = ib.solve(joint, 1e15)
    assert solution.n_clusters == 8
    assert solution.i_xt == pytest.approx(ib.Channel.from_joint(TABLE).h_x, rel=1e-12)


def test_where_both_can_be_had_iterating_ends_at_the_same_representation():
    # At beta = 1e5 atoms are still iterated; the bound says that all rows are told apart already.
    channel = ib.Channel.from_joint(TABLE)
    assert gap_of_rows(channel, 1e5, 1e-9) <= 1e-9
    solution = ib.solve(channel, 1e5)
    assert solution.i_xt == pytest.approx(channel.h_x, rel=1e-9)
    assert solution.converged


@pytest.mark.parametrize("beta", [3.0, 10.0, 30.0, 100.0])
def test_the_bound_is_above_the_gap_that_a_search_finds(beta):
    channel = wu_fischer().reduce()
    found = ib.certify(channel, channel.p_x, channel.p_y_given_x, beta)
    assert found.gap <= gap_of_rows(channel, beta, 20.0) + 1e-12


def test_rows_too_close_for_a_huge_beta_are_not_certified():
    near = TABLE.copy()
    near[1] = near[0] * (1 + 1e-9 * np.arange(5))
    channel = ib.Channel.from_joint(near / near.sum())
    solution = ib.solve(channel, 1e14)
    assert not solution.converged
    assert "lower beta" in solution.status
    assert 1e-3 < solution.gap <= channel.h_x


@pytest.mark.parametrize("beta", [1e13, 1e100])
def test_a_capped_solution_says_that_it_is_one_of_a_smaller_beta(beta):
    channel = ib.Channel.from_joint(TABLE)
    capped = ib.solve(channel, beta, max_clusters=4)
    assert "beyond which double precision" in capped.status
    assert 0 < capped.i_ty < channel.i_xy
    # Data processing: no T has a Lagrangian below (1 − beta) I(X;Y).
    assert capped.gap >= (1 - 1e-9) * beta * (channel.i_xy - capped.i_ty)


@pytest.mark.parametrize("beta", [1e13, 1e100, 1e300])
def test_certify_claims_nothing_that_rounding_hides(beta):
    channel = ib.Channel.from_joint(TABLE)
    trivial = ib.certify(channel, [1.0], channel.p_y[None], beta)
    assert trivial.gap_search == "unfinished"
    assert trivial.gap >= (1 - 1e-9) * (beta - 1) * channel.i_xy
    assert ib.certify(channel, channel.p_x, channel.p_y_given_x, beta).gap > 0


@pytest.mark.parametrize("n_clusters", [None, 3])
def test_a_local_solution_at_a_huge_beta_is_that_of_the_largest_that_has_digits(n_clusters):
    local = ib.solve_local(binary_symmetric(), 1e100, n_clusters=n_clusters, seed=1)
    assert local.beta == 1e100
    assert local.i_xt == pytest.approx(math.log(2), rel=1e-9)
    assert "beyond which double precision" in local.status
    assert math.isnan(local.gap)
