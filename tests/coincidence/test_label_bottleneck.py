import numpy as np
import pytest
from coincidence.designs import simplex_network
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.coincidence.label_bottleneck import label_bottleneck
from ibcollapse.errors import InputError
from ibcollapse.features import open_features
from ibcollapse.progress import SILENT


def measured(x, y, *, shrinkage=0.0, n_bootstrap=0, seed=0):
    return label_bottleneck(
        open_features((x, y)),
        shrinkage=shrinkage,
        n_bootstrap=n_bootstrap,
        confidence=0.95,
        rng=np.random.default_rng(seed),
        progress=SILENT,
    )


def test_balanced_simplex_opens_all_modes_at_one_beta():
    # Population check of the theory: K = 10, m = 1, sigma = .3: 1 + sigma² (K − 1) = 1.81, nine
    # times, in a space with three more dimensions of noise.
    found = measured(*simplex_network(10, 0.3, extra=3))
    assert found.critical_betas == pytest.approx(np.full(9, 1.81), rel=1e-12)
    assert found.excess == pytest.approx(9 * 0.81, rel=1e-12)
    assert found.bound == pytest.approx(found.excess, rel=1e-12)
    assert found.angles == pytest.approx(np.zeros(9), abs=1e-7)
    assert found.spread < 1e-10
    assert found.rank_between == 9


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_classes=st.integers(2, 6),
    dimension=st.integers(1, 7),
    shrinkage=st.sampled_from([0.0, 0.3]),
)
def test_excess_never_exceeds_the_bound(seed, n_classes, dimension, shrinkage):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=60)])
    mixing = rng.normal(size=(dimension, dimension)) * np.exp(rng.normal(size=dimension))
    x = rng.normal(size=(n_classes, dimension))[y] + rng.normal(size=(len(y), dimension)) @ mixing
    found = measured(x, y, shrinkage=shrinkage)
    assert found.excess <= found.bound * (1 + 1e-9)
    # K − 1 ≥ d: the means span everything, so their span is invariant and equality holds.
    if dimension <= n_classes - 1:
        assert found.excess == pytest.approx(found.bound, rel=1e-6)


def test_bound_is_loose_as_the_modes_leave_the_span_of_the_means():
    # Two dimensions, means along e1, noise correlated by r: s = 1/((1 − r²) var) along
    # Σ_W^-1 e1, which has the slope −r, so the angle is atan r and excess/bound is 1 − r².
    r = 0.8
    root = np.linalg.cholesky(np.array([[1.0, r], [r, 1.0]]))
    cloud = np.vstack([root.T, -root.T]) * np.sqrt(2)
    shift = np.array([3.0, 0.0])
    x = np.vstack([cloud + shift, cloud - shift])
    found = measured(x, np.repeat([0, 1], 4))
    assert found.bound == pytest.approx(1 / 9, rel=1e-12)
    assert found.excess / found.bound == pytest.approx(1 - r**2, rel=1e-12)
    assert found.angles == pytest.approx([np.arctan(r)], abs=1e-12)


def test_mode_that_carries_nothing_is_left_out():
    means = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]])
    cloud = np.vstack([np.eye(3), -np.eye(3)])
    found = measured(np.vstack([cloud + m for m in means]), np.repeat([0, 1, 2], 6))
    assert found.rank_between == 1
    assert len(found.critical_betas) == 1
    assert found.excess == pytest.approx(found.bound, rel=1e-12)


def test_bootstrap_interval_covers_the_beta_of_the_population():
    covered = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        y = np.arange(400) % 2
        x = np.where(y == 1, 1.0, -1.0)[:, None] + rng.normal(size=(400, 1))
        found = measured(x, y, n_bootstrap=200, seed=seed)
        # One dimension, so no direction is fitted: s = 1, beta = 2.
        covered.append(found.beta_low[0] <= 2.0 <= found.beta_high[0])
    # 38 expected of 40; below 33 has probability under 2e-3... at a true coverage of 95 %.
    assert sum(covered) >= 33


def test_bootstrap_is_about_the_shrunk_betas():
    rng = np.random.default_rng(3)
    y = np.arange(3000) % 3
    x = 2 * np.eye(3, 4)[y] + rng.normal(size=(3000, 4)) * [0.1, 1, 1, 2]
    found = measured(x, y, shrinkage=0.5, n_bootstrap=100)
    assert (found.beta_low < found.critical_betas).all()
    assert (found.critical_betas < found.beta_high).all()


def test_separation_without_noise_is_refused():
    with pytest.raises(InputError, match="determine Y exactly"):
        measured(np.array([[0.0, 1], [0, 2], [1, 1], [1, 3]]), [0, 0, 1, 1])
