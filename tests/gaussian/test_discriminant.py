"""Scores of every covariance model against scipy's multivariate normal."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from ibcollapse.gaussian.discriminant import make_discriminant
from ibcollapse.gaussian.results import CovarianceModel

D, K = 5, 3


def random_model(kind, seed=0):
    """A covariance model and the dense covariances that it stands for."""
    rng = np.random.default_rng(seed)
    roots = rng.standard_normal((K, D, D))
    dense = roots @ roots.transpose(0, 2, 1) + 0.5 * np.eye(D)
    loadings = None
    if kind == "tied":
        matrix = dense[0]
        dense = np.stack([matrix] * K)
    elif kind == "full":
        matrix = dense
    elif kind == "diagonal":
        matrix = np.einsum("cii->ci", dense).copy()
        dense = np.stack([np.diag(v) for v in matrix])
    else:
        loadings, matrix = rng.standard_normal((K, D, 2)), np.array([[0.3], [1.0], [2.0]])
        dense = loadings @ loadings.transpose(0, 2, 1) + matrix[:, :, None] * np.eye(D)
    return CovarianceModel(kind, matrix, loadings, np.zeros(1), 0.0, ()), dense


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("kind", ["tied", "full", "diagonal", "low-rank"])
def test_scores_are_log_densities_up_to_a_term_a_row(kind, offset):
    model, dense = random_model(kind)
    rng = np.random.default_rng(1)
    means = rng.standard_normal((K, D)) + offset
    x = rng.standard_normal((2500, D)) + offset
    expected = np.array(
        [multivariate_normal(m, c).logpdf(x) for m, c in zip(means, dense, strict=True)]
    ).T
    scores = make_discriminant(means, model)(x)
    # Rows of 1e4 carry an absolute rounding of 2e-12, which the precision matrix amplifies.
    np.testing.assert_allclose(
        scores - scores[:, :1], expected - expected[:, :1], rtol=1e-9, atol=1e-9
    )


def test_one_feature_is_scored():
    model = CovarianceModel("tied", np.array([[4.0]]), None, np.zeros(1), 0.0, ())
    scores = make_discriminant(np.array([[0.0], [2.0]]), model)(np.array([[3.0]]))
    # −(3 − 2)²/8 + 3²/8 = 1
    assert (scores[0, 1] - scores[0, 0]) == pytest.approx(1.0, rel=1e-14)


@pytest.mark.parametrize("kind", ["tied", "full"])
def test_single_precision_rows_are_scored_in_double(kind):
    model, _ = random_model(kind)
    means = np.zeros((K, D)) + np.arange(K)[:, None] + 1e4
    x = (np.random.default_rng(0).standard_normal((50, D)) + 1e4).astype(np.float32)
    score = make_discriminant(means, model)
    np.testing.assert_array_equal(score(x), score(x.astype(np.float64)))
