import numpy as np
import pytest
from bottleneck.ground_truths import WU_FISCHER, random_joint
from hypothesis import given, settings
from hypothesis import strategies as st
from naive import naive_simplex_grid

from ibcollapse.bottleneck import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.pricing.ascent import climb
from ibcollapse.bottleneck.pricing.branch_and_bound import bound_log_potential


def weights_of_some_state(channel, beta, seed):
    rng = np.random.default_rng(seed)
    r = rng.dirichlet(np.ones(channel.n_classes), 2)
    mixture = Mixture.from_probabilities(np.array([0.3, 0.7]), r)
    return potential_weights(channel, evaluate(channel, mixture, beta).log_z)


@settings(max_examples=30, deadline=None)
@given(
    n_x=st.integers(2, 12),
    n_classes=st.integers(2, 3),
    beta=st.floats(0.5, 40.0),
    seed=st.integers(0, 10_000),
)
def test_the_bound_holds_on_a_dense_grid_and_is_tight(n_x, n_classes, beta, seed):
    channel = Channel.from_joint(random_joint(n_x, n_classes, seed))
    log_v = weights_of_some_state(channel, beta, seed)
    tol = 1e-6
    bound, best_r, tight = bound_log_potential(channel, log_v, beta, lower=-np.inf, tol=tol)
    grid = naive_simplex_grid(n_classes, 2000 if n_classes == 2 else 60)
    grid = grid[(grid > 0).all(axis=1)]
    log_phi, _ = log_potential(channel, log_v, np.log(grid), beta)
    assert tight
    assert log_phi.max() <= bound
    with np.errstate(divide="ignore"):
        start = np.maximum(np.log(best_r), -1e30)[None]
    reached = climb(channel, log_v, start, beta).log_phi[0]
    assert bound - 2 * tol <= reached <= bound + 1e-12
    # Where it says that the maximum is, log Φ is within the tolerance of the bound.
    there = log_potential(channel, log_v, start, beta)[0][0]
    assert bound - 1.001 * tol <= there <= bound


@pytest.mark.parametrize("cells", [1, 10, 200])
def test_stopped_early_the_bound_is_loose_but_still_holds(cells):
    channel, beta = Channel.from_joint(WU_FISCHER), 6.0
    log_v = weights_of_some_state(channel, beta, 0)
    exact, _, _ = bound_log_potential(channel, log_v, beta, lower=-np.inf, tol=1e-9)
    loose, _, tight = bound_log_potential(
        channel, log_v, beta, lower=-np.inf, tol=1e-9, max_cells=cells
    )
    assert not tight
    assert loose >= exact


def test_more_cells_never_loosen_the_bound():
    channel, beta = Channel.from_joint(WU_FISCHER), 6.0
    log_v = weights_of_some_state(channel, beta, 1)
    bounds = [
        bound_log_potential(channel, log_v, beta, lower=-np.inf, tol=1e-9, max_cells=n)[0]
        for n in (1, 4, 20, 100, 1000, 20_000)
    ]
    assert np.all(np.diff(bounds) <= 1e-12)


def test_a_value_that_is_known_already_is_not_undercut():
    channel, beta = Channel.from_joint(WU_FISCHER), 3.0
    log_v = weights_of_some_state(channel, beta, 2)
    bound, _, tight = bound_log_potential(channel, log_v, beta, lower=50.0, tol=1e-9)
    assert (bound, tight) == (50.0 + 1e-9, True)


def test_classes_that_no_row_has_are_left_out():
    joint = random_joint(5, 2, 3)
    wide = np.insert(joint, 1, 0.0, axis=1)
    narrow_channel, wide_channel = Channel.from_joint(joint), Channel.from_joint(wide)
    log_v = weights_of_some_state(narrow_channel, 4.0, 3)
    narrow = bound_log_potential(narrow_channel, log_v, 4.0, lower=-np.inf, tol=1e-8)
    found = bound_log_potential(wide_channel, log_v, 4.0, lower=-np.inf, tol=1e-8)
    assert found[0] == pytest.approx(narrow[0], abs=2e-8)
    assert found[1][1] == 0


def test_one_class_has_one_decoder():
    channel = Channel.from_joint([[0.4], [0.6]])
    bound, best_r, tight = bound_log_potential(
        channel, np.log(channel.p_x), 3.0, lower=-np.inf, tol=1e-9
    )
    assert tight
    assert bound == pytest.approx(0.0, abs=2e-9)
    np.testing.assert_array_equal(best_r, [1.0])
