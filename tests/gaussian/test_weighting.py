"""Weighted covariances: the two weightings are different numbers, and never mixed."""

import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.weighting import (
    between_covariance,
    class_shares,
    global_mean,
    total_covariance,
    within_covariance,
)


def unbalanced():
    """900 and 100 samples, means −1 and +1, within variance exactly 0.01."""
    x = np.concatenate([np.repeat([-1.1, -0.9], 450), np.repeat([0.9, 1.1], 50)])[:, None]
    return x, np.repeat([0, 1], [900, 100])


def accumulated(x, y, **options):
    moments = ClassMoments(int(y.max()) + 1, x.shape[1], **options)
    moments.update(x, y)
    return moments


@pytest.mark.parametrize(
    ("weighting", "nc1"),
    # tr(Σ_W Σ_B⁺)/K: 0.01/1/2 and 0.01/0.36/2 (0.36 = 4 · 0.9 · 0.1).
    [("class", 0.005), ("sample", 0.01 / 0.36 / 2)],
)
def test_both_weightings_reach_their_own_collapse_number(weighting, nc1):
    x, y = unbalanced()
    moments = accumulated(x, y, scatter="full")
    ratio = within_covariance(moments, weighting) / between_covariance(moments, weighting)
    assert ratio.item() / 2 == pytest.approx(nc1, rel=1e-12)


def test_pooled_scatter_serves_only_the_weighting_it_was_made_for():
    x, y = unbalanced()
    pooled = accumulated(x, y)
    assert within_covariance(pooled, "sample").item() == pytest.approx(0.01, rel=1e-12)
    with pytest.raises(InputError, match="class_weights=1/counts"):
        within_covariance(pooled, "class")
    balanced = accumulated(x, y, class_weights=1 / np.bincount(y))
    assert within_covariance(balanced, "class").item() == pytest.approx(0.01, rel=1e-12)
    with pytest.raises(InputError, match="cannot be weighted by sample"):
        within_covariance(balanced, "sample")


@pytest.mark.parametrize("kind", ["tied", "full", "diagonal"])
def test_total_is_the_covariance_of_the_rows(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=500)
    x = rng.standard_normal((500, 3)) + rng.standard_normal((4, 3))[y] + 50
    total = np.cov(x.T, bias=True)
    expected = np.diag(total) if kind == "diagonal" else total
    moments = accumulated(x, y, scatter=kind)
    np.testing.assert_allclose(total_covariance(moments, "sample"), expected, rtol=1e-10)
    np.testing.assert_allclose(global_mean(moments, "sample"), x.mean(axis=0), rtol=1e-13)


def test_absent_class_has_no_share():
    moments = ClassMoments(3, 1)
    moments.update([[0.0], [4.0], [4.0]], [0, 2, 2])
    np.testing.assert_allclose(class_shares(moments, "class"), [0.5, 0, 0.5])
    np.testing.assert_allclose(class_shares(moments, "sample"), [1 / 3, 0, 2 / 3])
    np.testing.assert_allclose(global_mean(moments, "class"), [2.0])


def test_weighting_must_be_named_and_rows_must_exist():
    with pytest.raises(InputError, match="'classes'"):
        class_shares(ClassMoments(2, 1), "classes")
    with pytest.raises(InputError, match="no rows"):
        class_shares(ClassMoments(2, 1), "class")
