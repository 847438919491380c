import numpy as np
import pytest

from ibcollapse.bottleneck import GaussianIB
from ibcollapse.coincidence import ModeAccuracy
from ibcollapse.coincidence.mode_accuracy import label_mode_accuracy
from ibcollapse.features import open_features
from ibcollapse.gaussian.folds import stratified_folds
from ibcollapse.progress import SILENT


def sample(seed=0, n=240, n_classes=4, dimension=6):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    return 1.5 * rng.normal(size=(n_classes, dimension))[y] + rng.normal(size=(n, dimension)), y


def test_agrees_with_a_loop_over_folds_modes_and_samples():
    x, y = sample()
    found = label_mode_accuracy(
        open_features((x, y)), folds=3, shrinkage=0.0, rng=np.random.default_rng(5), progress=SILENT
    )
    folds = stratified_folds(y, 3, np.random.default_rng(5))
    for fold in range(3):
        train, test = folds != fold, folds == fold
        gaussian = GaussianIB.from_samples(x[train], y[train])
        v = gaussian.directions * np.sqrt(1 + gaussian.snr)[:, None]
        means = np.stack([x[train][y[train] == c].mean(axis=0) for c in range(4)])
        for n in range(1, 4):
            right = [
                int(np.argmin([np.sum((v[:n] @ (row - m)) ** 2) for m in means])) == label
                for row, label in zip(x[test], y[test], strict=True)
            ]
            assert found.accuracy[fold, n] == pytest.approx(np.mean(right), abs=1e-12)
    assert found.accuracy[:, 0] == pytest.approx(np.full(3, 0.25))


def test_simplex_classes_far_apart_need_fewer_modes_than_transitions():
    # Random directions of the simplex tell well separated classes apart: that accuracy is full
    # says nothing about how many transitions there are.
    x, y = sample(1)
    found = label_mode_accuracy(
        open_features((30 * np.eye(4, 6)[y] + x, y)),
        folds=2,
        shrinkage=0.0,
        rng=np.random.default_rng(0),
        progress=SILENT,
    )
    assert found.mean[-1] == 1.0
    assert found.modes_needed()[0] <= 3


def test_modes_needed_reads_the_last_shortfall():
    table = ModeAccuracy(np.array([[0.1, 0.9, 0.5, 0.895, 0.9], [0.1, 0.9, 0.9, 0.9, 0.9]]), 5)
    assert table.modes_needed(0.01) == (3, 1, 3)
    assert table.standard_error[2] == pytest.approx(0.2)
