"""Figures of the geometry that other packages compute too, by the name that they have there."""

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.spatial.distance import pdist
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestCentroid

from ibcollapse.coincidence.label_bottleneck import label_bottleneck
from ibcollapse.features import open_features
from ibcollapse.features.source import Classifier
from ibcollapse.geometry import collapse_geometry
from ibcollapse.progress import SILENT


def classes(seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(4), [60, 20, 35, 25])
    return 1.5 * rng.normal(size=(4, 6))[y] + rng.normal(size=(140, 6)), y


@pytest.mark.parametrize("weighting", ["class", "sample"])
def test_nearest_centroid_of_scikit_learn(weighting):
    x, y = classes()
    predicted = NearestCentroid().fit(x, y).predict(x)
    shares = {"class": balanced_accuracy_score(y, predicted), "sample": np.mean(predicted == y)}
    found = collapse_geometry((x, y), weighting=weighting)
    assert found.nearest_mean_accuracy == pytest.approx(shares[weighting], rel=1e-12)


def test_discriminant_of_scikit_learn_and_pencil_of_scipy():
    # λ of Σ_B v = λ Σ_W v are 1/(β − 1); scikit-learn gives their shares.
    x, y = classes(1)
    found = label_bottleneck(
        open_features((x, y)),
        shrinkage=0.0,
        n_bootstrap=0,
        confidence=0.95,
        rng=np.random.default_rng(0),
        progress=SILENT,
    )
    model = LinearDiscriminantAnalysis(solver="eigen").fit(x, y)
    separation = 1 / (found.critical_betas - 1)
    np.testing.assert_allclose(
        separation / separation.sum(), model.explained_variance_ratio_[:3], rtol=1e-9
    )
    residual = x - model.means_[y]
    within, total = residual.T @ residual, np.cov(x.T, bias=True) * len(x)
    pencil = eigh(total - within, within, eigvals_only=True)[::-1][:3]
    np.testing.assert_allclose(separation, pencil, rtol=1e-9)


def test_cosines_of_scikit_learn_and_distances_of_scipy():
    x, y = classes(2)
    found = collapse_geometry((x, y))
    means = np.stack([x[y == c].mean(axis=0) for c in range(4)])
    centred = means - means.mean(axis=0)
    pairs = cosine_similarity(centred)[np.triu_indices(4, 1)]
    assert found.equiangular_deviation == pytest.approx(np.mean(np.abs(pairs + 1 / 3)), rel=1e-10)
    assert found.mean_similarity == pytest.approx(np.mean(1 - np.arccos(pairs) / np.pi), rel=1e-10)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    assert found.uniformity == pytest.approx(-np.log(pdist(unit)).mean(), rel=1e-10)
    spread = pdist(found.class_variance[:, None], lambda u, v: u[0] + v[0])
    assert found.cdnv == pytest.approx(np.mean(spread / (2 * pdist(means) ** 2)), rel=1e-10)


@pytest.mark.torch
def test_accuracies_of_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional")
    x, y = classes(3)
    rng = np.random.default_rng(4)
    weight, bias = rng.normal(size=(4, 6)), rng.normal(size=4)
    found = collapse_geometry((x, y), classifier=Classifier(weight, bias))
    logits, labels = torch.from_numpy(x @ weight.T + bias), torch.from_numpy(y)
    theirs = functional.classification.multiclass_accuracy(logits, labels, 4, average="macro")
    assert found.classifier_accuracy == pytest.approx(float(theirs), rel=1e-6)
