"""Figures that SciPy and scikit-learn compute too, compared by the name that they have there."""

import numpy as np
import pytest
from scipy.linalg import logm, svdvals
from scipy.stats import entropy
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity

from ibcollapse.matrix_information import effective_ranks, matrix_information


def von_neumann(density):
    """−Tr(ρ log ρ) of a density matrix of full rank, by SciPy's matrix logarithm."""
    return -float(np.trace(density @ logm(density)).real)


def test_entropies_of_scipys_matrix_logarithm_and_sklearns_cosines():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 9)), rng.normal(size=(6, 8))
    grams = [cosine_similarity(x), cosine_similarity(y)]
    of_x, of_y, joint = (von_neumann(g / 6) for g in (*grams, grams[0] * grams[1]))
    found = matrix_information(x, y, n_permutations=0)
    assert found.entropy_a == pytest.approx(of_x, rel=1e-10)
    assert found.entropy_joint == pytest.approx(joint, rel=1e-10)
    assert found.mir == pytest.approx((of_x + of_y - joint) / min(of_x, of_y), rel=1e-9)
    assert found.hdr == pytest.approx(abs(of_x - of_y) / max(of_x, of_y), rel=1e-8)


def test_effective_ranks_of_scipys_entropy_and_sklearns_pca():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(80, 5)) * [5, 2, 1, 1, 0.1] + 2, np.arange(80) % 4
    found = effective_ranks((x, y))
    assert found.rankme == pytest.approx(np.exp(entropy(svdvals(x))), rel=1e-9)
    assert found.rankme_squared == pytest.approx(np.exp(entropy(svdvals(x) ** 2)), rel=1e-9)
    variance = PCA().fit(x).explained_variance_
    ratio = variance.sum() ** 2 / np.sum(variance**2)
    assert found.participation_ratio == pytest.approx(ratio, rel=1e-10)
