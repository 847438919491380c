import math

import numpy as np
import pytest
from bottleneck.ground_truths import (
    WU_FISCHER,
    binary_symmetric,
    eight_by_five,
    random_joint,
    symmetric,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.bottleneck import Channel, certify, solve
from ibcollapse.errors import InputError


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), beta=st.floats(1.0, 10.0))
def test_merging_points_costs_no_more_than_the_recorded_loss(seed, beta):
    channel = Channel.from_joint(random_joint(9, 4, seed))
    groups = np.random.default_rng(seed).integers(0, 4, 9)
    merged = channel.merge(np.unique(groups, return_inverse=True)[1])
    full, less = solve(channel, beta), solve(merged, beta)
    assert full.lagrangian <= less.lagrangian + 2e-9
    assert less.lagrangian <= full.lagrangian + beta * merged.information_lost + 2e-9


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_the_seed_does_not_matter(seed):
    rng = np.random.default_rng(5)
    # More points than the search starts from, so that the seed does choose.
    channel = Channel.from_joint(rng.dirichlet(np.full(600, 0.3)).reshape(150, 4))
    first, again = solve(channel, 2.5), solve(channel, 2.5, seed=seed)
    assert again.lagrangian == pytest.approx(first.lagrangian, abs=2e-9)
    assert again.n_clusters == first.n_clusters
    np.testing.assert_allclose(again.p_t, first.p_t, atol=1e-4)


def test_no_two_clusters_coincide_and_none_is_dead():
    channel = Channel.from_joint(random_joint(30, 4, 3))
    solution = solve(channel, 6.0)
    roots = np.sqrt(solution.p_y_given_t)
    affinity = roots @ roots.T - np.eye(solution.n_clusters)
    assert 1 - affinity.max() > 1e-7
    assert solution.p_t.min() > 1e-9
    assert np.all(np.diff(solution.p_t) <= 0)
    assert solution.effective_clusters <= solution.n_clusters


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_cap_on_clusters_is_kept_and_its_gap_is_honest(most):
    channel, beta = Channel.from_joint(symmetric(5, 0.6)), 4.0
    capped, free = solve(channel, beta, max_clusters=most), solve(channel, beta)
    assert capped.n_clusters <= most < free.n_clusters
    assert "max_clusters" in capped.status
    suboptimality = capped.lagrangian - free.lagrangian
    assert 1e-3 < suboptimality <= capped.gap + 1e-9
    checked = certify(channel, capped.p_t, capped.p_y_given_t, beta)
    assert checked.gap == pytest.approx(capped.gap, rel=1e-6)


def test_a_cap_that_does_not_bind_costs_nothing():
    channel = Channel.from_joint(eight_by_five())
    free, capped = solve(channel, 3.0), solve(channel, 3.0, max_clusters=8)
    assert capped.converged
    assert capped.lagrangian == pytest.approx(free.lagrangian, abs=2e-9)


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_up_to_beta_one_the_trivial_representation_is_optimal(beta):
    solution = solve(Channel.from_joint(eight_by_five()), beta)
    assert (solution.n_clusters, solution.i_xt, solution.i_ty, solution.gap) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "joint",
    [[[0.3], [0.7]], [[0.2, 0.8]], np.outer([0.3, 0.7], [0.2, 0.8]), [[0.5, 0.5], [0.0, 0.0]]],
    ids=["one class", "one point", "independent", "one live point"],
)
def test_without_information_nothing_is_worth_keeping(joint):
    solution = solve(Channel.from_joint(joint), 1e4)
    assert (solution.n_clusters, solution.converged) == (1, True)
    assert solution.i_xt == pytest.approx(0, abs=1e-12)


def test_probabilities_of_1e_minus_300_are_neither_lost_nor_fatal():
    rare = Channel.from_joint([[0.4, 0.1], [0.1, 0.4], [1e-300, 1e-301]])
    common = Channel.from_joint([[0.4, 0.1], [0.1, 0.4]])
    assert solve(rare, 4.0).lagrangian == pytest.approx(solve(common, 4.0).lagrangian, abs=1e-9)
    sharp = Channel.from_joint([[0.5, 1e-300], [1e-300, 0.5]])
    assert solve(sharp, 1.5).i_xt == pytest.approx(math.log(2), abs=1e-9)


@pytest.mark.parametrize("beta", [1e3, 1e6, 1e12])
def test_at_huge_beta_every_distinct_row_is_kept(beta):
    channel = Channel.from_joint(WU_FISCHER)
    solution = solve(channel, beta)
    # H(X) is reached exactly; L = H(X) − beta I(X;Y) has 16 digits of which beta takes its share.
    assert solution.n_clusters == 3
    assert solution.i_xt == pytest.approx(channel.h_x, abs=1e-9)
    assert solution.lagrangian == pytest.approx(channel.h_x - beta * channel.i_xy, rel=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beta": -1.0}, "beta is -1.0"),
        ({"beta": math.inf}, r"beta is inf.*channel\.reduce"),
        ({"beta": math.nan}, "beta is nan"),
        ({"beta": 2.0, "tol": 0.0}, "tol is 0"),
        ({"beta": 2.0, "tol": math.nan}, "tol is nan"),
        ({"beta": 2.0, "max_clusters": 0}, "max_clusters is 0"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        solve(Channel.from_joint(binary_symmetric(0.1)), **options)


def embo_lagrangian(channel, beta, n_clusters):
    """Best of embo's three restarts in nats, at a true beta."""
    embo = pytest.importorskip("embo")
    # embo draws from NumPy's global generator. It raises e to minus b times a divergence in bits,
    # so its b is beta times ln 2, and it returns bits.
    np.random.seed(0)  # noqa: NPY002
    rows, bits = channel.p_y_given_x.T, beta * math.log(2)
    i_xt, i_ty, _, _ = embo.InformationBottleneck.beta_iter(
        1, bits, channel.p_x, channel.p_y, rows, n_clusters, 3, 5000, rtol=1e-10
    )
    return float(i_xt - beta * i_ty) * math.log(2)


def test_where_embo_converges_it_agrees():
    channel = Channel.from_joint(eight_by_five())
    ours, theirs = solve(channel, 3.0).lagrangian, embo_lagrangian(channel, 3.0, 8)
    assert ours - 1e-9 <= theirs <= ours + 1e-8


def test_where_embo_stops_in_a_local_optimum_ours_is_lower():
    channel = Channel.from_joint(random_joint(20, 8, 2))
    ours, theirs = solve(channel, 5.0), embo_lagrangian(channel, 5.0, 20)
    assert ours.gap <= 1e-9
    # The best of its three restarts: 2.2e-3 nats of 0.742.
    assert 1e-3 < theirs - ours.lagrangian < 1e-2
