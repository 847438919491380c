"""Covariance models: unbiased, invertible, and open about what was done."""

import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.features.precision import Precision
from ibcollapse.gaussian.covariance import (
    MAX_JITTER,
    CovarianceModel,
    estimate_covariance,
    scatter_kind,
    unshrunk_covariances,
)
from ibcollapse.gaussian.moments import ClassMoments
from ibcollapse.gaussian.scales import feature_scales

NAMES = ("a", "b", "c")


def moments_of(x, y, kind="tied"):
    moments = ClassMoments(3, x.shape[1], scatter=scatter_kind(kind))
    moments.update(x, y)
    return moments


def scales_of(x, y):
    m = moments_of(x, y)
    return feature_scales(m.counts, m.means, m.within_squares(), Precision.of([x.dtype]))


def estimated(x, y, kind, alpha, rank=None):
    intensity = np.full(1 if kind == "tied" else 3, alpha)
    return estimate_covariance(
        moments_of(x, y, kind), scales_of(x, y), kind, intensity, rank=rank, class_names=NAMES
    )


def unshrunk(x, y, kind="tied"):
    """In the features' own units."""
    scales = scales_of(x, y)
    return [scales.restore(c) for c in unshrunk_covariances(moments_of(x, y, kind), scales)]


def sample(n=120, d=4, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return rng.standard_normal((n, d)) * np.array([1, 2, 3])[y, None], y


def test_tied_and_class_covariances_are_unbiased():
    x, y = sample()
    (pooled,), per_class = unshrunk(x, y), unshrunk(x, y, "full")
    expected = [np.cov(x[y == c].T) for c in range(3)]
    np.testing.assert_allclose(per_class, expected, rtol=1e-12)
    np.testing.assert_allclose(pooled, 39 * np.sum(expected, axis=0) / 117, rtol=1e-12)


def test_shrinkage_mixes_with_the_mean_variance_in_units_of_the_pooled_deviations():
    x, y = sample()
    plain, half = estimated(x, y, "full", 0.0), estimated(x, y, "full", 0.5)
    pooled = np.diag(unshrunk(x, y)[0])
    for c in range(3):
        target = np.diag(np.mean(np.diag(plain.matrix[c]) / pooled) * pooled)
        np.testing.assert_allclose(half.matrix[c], (plain.matrix[c] + target) / 2, rtol=1e-12)
    assert half.jitter == 0
    assert half.notes == ()


def test_low_rank_keeps_the_leading_eigenpairs_and_averages_the_rest():
    x, y = sample()
    full, low = estimated(x, y, "full", 0.1), estimated(x, y, "low-rank", 0.1, rank=2)
    pooled = np.diag(unshrunk(x, y)[0])
    for c in range(3):
        rebuilt = low.loadings[c] @ low.loadings[c].T + np.diag(low.matrix[c])
        units = np.sqrt(np.outer(pooled, pooled))
        values, vectors = np.linalg.eigh(full.matrix[c] / units)
        values[:2] = values[:2].mean()
        expected = units * (vectors * values @ vectors.T)
        np.testing.assert_allclose(rebuilt, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["full", "diagonal"])
def test_small_class_takes_the_pooled_covariance_and_says_so(kind):
    x, y = sample()
    keep = (y < 2) | (np.arange(120) < 6)  # two rows of class c
    model = estimated(x[keep], y[keep], kind, 0.0)
    (pooled,) = unshrunk(x[keep], y[keep])
    expected = pooled if kind == "full" else np.diag(pooled)
    np.testing.assert_allclose(model.matrix[2], expected, rtol=1e-10)
    assert any("equal rows, took the pooled covariance: 'c' (2)" in note for note in model.notes)


@pytest.mark.parametrize("kind", ["full", "diagonal"])
def test_class_of_equal_rows_takes_the_pooled_covariance(kind):
    x, y = sample()
    x[y == 1] = 0.1
    model = estimated(x, y, kind, 0.0)
    assert model.jitter == 0
    (pooled,) = unshrunk(x, y)
    expected = pooled if kind == "full" else np.diag(pooled)
    np.testing.assert_allclose(model.matrix[1], expected, rtol=1e-10)
    assert any("'b' (40)" in note for note in model.notes)


def test_more_features_than_rows_is_invertible_by_shrinkage_and_said():
    x, y = sample(n=12, d=30)
    model = estimated(x, y, "tied", 0.2)
    assert np.linalg.eigvalsh(model.matrix).min() >= 0.199 * np.diag(model.matrix).min()
    assert model.jitter == 0
    assert any("30 features exceed the 9 degrees of freedom" in note for note in model.notes)


@pytest.mark.parametrize("kind", ["tied", "full", "diagonal", "low-rank"])
def test_constant_feature_is_left_out_and_named(kind):
    x, y = sample()
    rank = 2 if kind == "low-rank" else None
    without = estimated(x[:, [0, 2, 3]], y, kind, 0.1, rank)
    x[:, 1] = 7.0
    model = estimated(x, y, kind, 0.1, rank)
    assert model.jitter == 0
    np.testing.assert_array_equal(model.live, [0, 2, 3])
    weights = np.array([0.2, 0.3, 0.5])
    np.testing.assert_array_equal(model.pooled(weights)[1], 0)
    np.testing.assert_allclose(
        model.pooled(weights)[np.ix_(model.live, model.live)], without.pooled(weights), rtol=1e-12
    )
    assert any("1 of 4 features are constant" in n and n.endswith(": 1") for n in model.notes)


@pytest.mark.parametrize("kind", ["tied", "full"])
def test_repeated_feature_without_shrinkage_gets_bounded_reported_jitter(kind):
    x, y = sample()
    x[:, 1] = 3 * x[:, 0]
    model = estimated(x, y, kind, 0.0)
    assert 0 < model.jitter <= MAX_JITTER
    assert any("was added to each feature's" in note for note in model.notes)


def test_collapsed_classes_get_a_deviation_on_the_scale_of_the_means():
    y = np.arange(30) % 3
    x = np.eye(3)[y] * 5
    model = estimated(x, y, "tied", 0.1)
    np.testing.assert_allclose(model.matrix, 1e-12 * np.var(5 * np.eye(3), axis=0) * np.eye(3))
    assert any("3 of 3 features hardly vary inside classes" in note for note in model.notes)


def test_isotropic_noise_of_earlier_results_is_understood():
    model = CovarianceModel(
        "low-rank", np.array([[0.5], [2.0]]), np.zeros((2, 3, 1)), np.zeros(2), 0.0, ()
    )
    np.testing.assert_array_equal(model.live, [0, 1, 2])
    np.testing.assert_allclose(model.pooled(np.array([0.5, 0.5])), 1.25 * np.eye(3), rtol=1e-15)


def test_equal_rows_and_single_rows_are_refused():
    y = np.arange(9) % 3
    with pytest.raises(InputError, match="all rows are equal"):
        estimated(np.ones((9, 2)), y, "tied", 0.1)
    with pytest.raises(InputError, match="3 rows for 3 classes"):
        estimated(np.eye(3), np.arange(3), "tied", 0.1)
