import numpy as np
import pytest
from coincidence.designs import simplex_network

from ibcollapse.bottleneck import GaussianIB
from ibcollapse.coincidence import relative_spread, spread_of_equal_modes
from ibcollapse.geometry import simplex_vertices


def test_spread_of_one_degenerate_transition_is_zero():
    x, y = simplex_network(5, 0.3)
    excess = GaussianIB.from_samples(x, y).critical_betas - 1
    assert relative_spread(excess) < 1e-12
    assert relative_spread(np.array([1.0, 3.0])) == 0.5


def test_spread_is_unknown_without_modes_or_at_an_infinite_beta():
    assert np.isnan(relative_spread(np.zeros(0)))
    assert np.isnan(relative_spread(np.array([0.1, np.inf])))
    assert np.isnan(relative_spread(np.zeros(3)))


def test_equal_modes_spread_like_those_of_drawn_samples():
    k, d, per_class, sigma = 4, 6, 30, 0.7
    rng = np.random.default_rng(2)
    means = np.pad(simplex_vertices(k), ((0, 0), (0, d - k + 1)))
    labels = np.repeat(np.arange(k), per_class)
    drawn = [
        relative_spread(
            GaussianIB.from_samples(
                means[labels] + sigma * rng.normal(size=(len(labels), d)), labels
            ).critical_betas
            - 1
        )
        for _ in range(400)
    ]
    # Radius 1: one between-class eigenvalue is 1/(K − 1).
    found = spread_of_equal_modes(
        np.full(k, per_class), d, sigma**2 * (k - 1), n_draws=2000, rng=rng
    )
    # Standard error of the mean of 400 draws is 2 % of it.
    assert found.mean() == pytest.approx(np.mean(drawn), rel=0.07)
    assert np.quantile(found, 0.9) == pytest.approx(np.quantile(drawn, 0.9), rel=0.12)


def test_unequal_classes_have_equal_modes_in_the_limit():
    counts = np.array([4_000_000, 1_000_000, 500_000])
    found = spread_of_equal_modes(counts, 5, 0.5, n_draws=5, rng=np.random.default_rng(0))
    assert found.max() < 0.01


@pytest.mark.parametrize(("counts", "d"), [([2, 2, 2], 3), ([9, 9, 9, 9], 2)])
def test_too_few_samples_or_dimensions_give_no_draws(counts, d):
    draws = spread_of_equal_modes(np.array(counts), d, 1.0, n_draws=3, rng=np.random.default_rng(0))
    assert draws.size == 0
