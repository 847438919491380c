import numpy as np
import pytest
from bottleneck.ground_truths import random_joint, symmetric
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_potential, naive_simplex_grid

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.kernels.decoders import LOG_ZERO
from ibcollapse.bottleneck.pricing.ascent import climb

# The kernel is met through `climb`, which prepares its offset and drops duplicate maxima.


def logs(array):
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(array), LOG_ZERO)


def problem(n_x, n_classes, seed):
    rng = np.random.default_rng(seed)
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    # Weights of a state somewhere between trivial and optimal: any positive numbers will do.
    return channel, np.log(channel.p_x) + 0.5 * rng.standard_normal(channel.n_x), rng


def naive_log_phi(channel, log_v, candidates, beta):
    """log Φ with distortions counted from the trivial representation's."""
    trivial = beta * (channel.negative_entropy - channel.p_y_given_x @ np.log(channel.p_y))
    return naive_potential(log_v + trivial, channel.p_y_given_x, candidates, beta)


@settings(max_examples=25, deadline=None)
@given(
    n_x=st.integers(2, 60),
    n_classes=st.integers(2, 8),
    beta=st.floats(1.1, 20.0),
    seed=st.integers(0, 10_000),
)
def test_every_end_is_a_stationary_point_with_the_potential_it_reports(n_x, n_classes, beta, seed):
    channel, log_v, rng = problem(n_x, n_classes, seed)
    starts = rng.dirichlet(np.ones(n_classes), 12)
    maxima = climb(channel, log_v, np.log(starts), beta)
    r = np.exp(maxima.log_r)
    log_phi, mean = naive_log_phi(channel, log_v, r, beta)
    np.testing.assert_allclose(r.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(maxima.log_phi, log_phi, atol=1e-10)
    # At a maximum r is the mean of the terms; log Φ, flat to 1e-14 nats, leaves √ of that in r.
    np.testing.assert_allclose(mean, r, atol=1e-5)
    assert np.all(np.diff(maxima.log_phi) <= 0)


@settings(max_examples=25, deadline=None)
@given(beta=st.floats(1.1, 30.0), seed=st.integers(0, 10_000))
def test_no_start_ends_below_where_it_began(beta, seed):
    channel, log_v, rng = problem(40, 5, seed)
    for start in rng.dirichlet(np.full(5, 0.3), 4):
        before, _ = naive_log_phi(channel, log_v, start[None], beta)
        maxima = climb(channel, log_v, np.log(start)[None], beta)
        assert len(maxima.log_phi) == 1
        assert maxima.log_phi[0] >= before[0] - 1e-12


@settings(max_examples=15, deadline=None)
@given(beta=st.floats(1.1, 15.0), seed=st.integers(0, 10_000))
def test_from_a_grid_of_starts_the_grids_maximum_is_found(beta, seed):
    channel, log_v, _ = problem(6, 3, seed)
    grid = naive_simplex_grid(3, 30)
    grid = grid[(grid > 0).all(axis=1)]
    log_phi, _ = naive_log_phi(channel, log_v, grid, beta)
    maxima = climb(channel, log_v, np.log(grid[::7]), beta)
    assert maxima.log_phi[0] >= log_phi.max() - 1e-12


def test_symmetric_maxima_are_all_found_and_equally_high():
    channel = Channel.from_joint(symmetric(6, 0.8))
    starts = np.log(0.7 * np.eye(6) + 0.3 / 6)
    maxima = climb(channel, np.log(channel.p_x), starts, 3.0)
    assert len(maxima.log_phi) == 6
    np.testing.assert_allclose(maxima.log_phi, maxima.log_phi[0], atol=1e-13)
    tops = np.sort(np.exp(maxima.log_r).argmax(axis=1))
    np.testing.assert_array_equal(tops, np.arange(6))


def test_order_and_company_of_the_starts_do_not_matter():
    channel, log_v, rng = problem(120, 6, 4)
    starts = np.log(rng.dirichlet(np.ones(6), 30))
    together = climb(channel, log_v, starts, 8.0)
    backwards = climb(channel, log_v, starts[::-1], 8.0)
    best_alone = max(climb(channel, log_v, s[None], 8.0).log_phi[0] for s in starts)
    assert together.log_phi[0] == pytest.approx(best_alone, abs=1e-12)
    assert backwards.log_phi[0] == pytest.approx(best_alone, abs=1e-12)


def test_starts_on_the_faces_of_the_simplex_stay_finite():
    channel = Channel.from_joint([[0.3, 0.1, 0.0], [0.1, 0.2, 0.0], [0.0, 0.1, 0.2]])
    starts = logs(np.vstack([np.eye(3), [[0.5, 0.5, 0.0]]]))
    maxima = climb(channel, np.log(channel.p_x), starts, 4.0)
    # From a corner that excludes every row there is no way up; the face's point climbs.
    assert np.isfinite(maxima.log_phi[0])
    assert not np.isnan(maxima.log_phi).any()
    assert np.isfinite(np.exp(maxima.log_r)).all()
    np.testing.assert_allclose(np.exp(maxima.log_r).sum(axis=1), 1, atol=1e-12)


def test_the_starts_are_not_changed():
    channel, log_v, rng = problem(50, 4, 2)
    starts = np.log(rng.dirichlet(np.ones(4), 5))
    kept = starts.copy()
    climb(channel, log_v, starts, 5.0)
    np.testing.assert_array_equal(starts, kept)


def test_one_hot_rows_have_a_maximum_at_each_of_them():
    channel = Channel.from_joint(np.diag([0.2, 0.3, 0.5]))
    starts = np.log(np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]]))
    # Under the trivial representation (Z = 1) Φ at corner y is p(y) p(y)^−beta.
    maxima = climb(channel, np.log(channel.p_x), starts, 2.0)
    expected = np.sort(-np.log([0.2, 0.3, 0.5]))[::-1]
    np.testing.assert_allclose(maxima.log_phi[:3], expected, atol=1e-9)


@settings(max_examples=20, deadline=None)
@given(
    n_x=st.integers(2, 60),
    n_classes=st.integers(2, 9),
    beta=st.floats(1.1, 20.0),
    seed=st.integers(0, 10_000),
)
def test_small_channels_climb_to_the_maxima_of_large_ones(n_x, n_classes, beta, seed):
    channel, log_v, rng = problem(n_x, n_classes, seed)
    starts = logs(rng.dirichlet(np.full(n_classes, 0.5), 20))
    hints = logs(rng.dirichlet(np.ones(n_classes), 3))
    small = climb(channel, log_v, starts, beta, hints=hints)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ibcollapse.bottleneck.kernels.small_ascent._SMALL", 0)
        large = climb(channel, log_v, starts, beta, hints=hints)
    assert small.log_phi[0] == pytest.approx(large.log_phi[0], abs=1e-9)
