"""Figures that other packages compute too, compared by the name that they have there."""

import numpy as np
import pytest
from alignment.pair_material import labels_of, whole
from scipy.spatial import procrustes
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from ibcollapse.alignment import align_many


def related(n=200, d_a=4, d_b=3, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, d_a)) @ rng.normal(size=(d_a, d_a)) + 2
    return a, a @ rng.normal(size=(d_a, d_b)) + rng.normal(size=(n, d_b))


def test_cca_of_cca_zoo():
    linear = pytest.importorskip("cca_zoo.linear")
    a, b = related()
    left, right = linear.CCA(n_components=3).fit([a, b]).transform([a, b])
    theirs = [np.corrcoef(u, v)[0, 1] for u, v in zip(left.T, right.T, strict=True)]
    np.testing.assert_allclose(whole(a, b).rho, theirs, rtol=1e-8)


def test_ridge_cca_of_cca_zoo():
    # Theirs shrinks to the identity, ours to the mean variance: equal where that is one.
    linear = pytest.importorskip("cca_zoo.linear")
    a, b = (x / np.sqrt(np.var(x, axis=0, ddof=1).mean()) for x in related(seed=1))
    model = linear.RidgeCCA(n_components=3, shrinkage=0.3).fit([a, b])
    left, right = model.transform([a, b])
    theirs = [np.corrcoef(u, v)[0, 1] for u, v in zip(left.T, right.T, strict=True)]
    np.testing.assert_allclose(whole(a, b, shrinkage=0.3).rho, theirs, rtol=1e-8)


def test_gcca_of_cca_zoo():
    # MAXVAR: an eigenvalue over the number of views is the mean share of the latent variable's
    # variance that the views explain.
    linear = pytest.importorskip("cca_zoo.linear")
    rng = np.random.default_rng(2)
    y = labels_of(300, 5)
    latent = 2 * rng.normal(size=(5, 3))[y] + rng.normal(size=(300, 3))
    views = [latent @ rng.normal(size=(3, 3)) + rng.normal(size=(300, 3)) for _ in range(4)]
    scores = linear.GCCA(n_components=3).fit(views).transform(views)
    common = np.sum(scores, axis=0)
    theirs = [
        np.mean([np.corrcoef(score[:, k], common[:, k])[0, 1] ** 2 for score in scores])
        for k in range(3)
    ]
    # Five class means span all three dimensions, so that no feature is projected away.
    ours = align_many([(view, y) for view in views]).agreement
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_cca_of_scikit_learn():
    a, b = related(seed=3)
    left, right = CCA(n_components=3, max_iter=5000, tol=1e-14).fit_transform(a, b)
    theirs = [np.corrcoef(u, v)[0, 1] for u, v in zip(left.T, right.T, strict=True)]
    # Its power iterations stop at a change of 1e-14 in squared weights.
    np.testing.assert_allclose(whole(a, b).rho, theirs, rtol=1e-6)


def test_ridge_of_scikit_learn():
    a, b = related(seed=4)
    strength = 0.2 * np.var(a, axis=0).mean() * len(a)
    predicted = Ridge(alpha=strength).fit(a, b).predict(a)
    expected = r2_score(b, predicted, multioutput="variance_weighted")
    assert whole(a, b, ridge=0.2).r2_a_to_b.value == pytest.approx(expected, rel=1e-10)


def test_procrustes_of_scipy():
    a, b = related(d_b=4, seed=5)
    _, _, disparity = procrustes(b, a)
    found = whole(a, b)
    assert found.procrustes_cosine.value**2 == pytest.approx(1 - disparity, rel=1e-10)
    assert found.procrustes_r2.value == pytest.approx(1 - disparity, rel=1e-10)


@pytest.mark.torch
def test_procrustes_disparity_and_r2_of_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional")
    shape = pytest.importorskip("torchmetrics.functional.shape")
    a, b = related(d_b=4, seed=6)
    x, y = (torch.from_numpy(z)[None] for z in (a, b))
    found = whole(a, b)
    disparity = float(shape.procrustes_disparity(y, x)[0])
    assert found.procrustes_r2.value == pytest.approx(1 - disparity, rel=1e-10)
    design = np.column_stack([a, np.ones(len(a))])
    predicted = torch.from_numpy(design @ np.linalg.lstsq(design, b, rcond=None)[0])
    theirs = functional.r2_score(predicted, torch.from_numpy(b), multioutput="variance_weighted")
    assert found.r2_a_to_b.value == pytest.approx(float(theirs), rel=1e-10)
