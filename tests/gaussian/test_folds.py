"""Folds are stratified, reproducible, and their complements exact."""

import numpy as np
import pytest
from gaussian.array_source import ArraySource, simplex_mixture

from ibcollapse.errors import InputError
from ibcollapse.gaussian.folds import (
    ALWAYS_TRAINING,
    FoldMoments,
    checked_chunks,
    fourth_powers,
    stratified_folds,
)
from ibcollapse.progress import SILENT


def folds_of(labels, n_folds=5, seed=0):
    return stratified_folds(np.asarray(labels), n_folds, np.random.default_rng(seed))


def test_every_class_is_spread_evenly_over_the_folds():
    labels = np.repeat([0, 1, 2], [103, 7, 3])
    folds = folds_of(labels)
    for c in range(3):
        sizes = np.bincount(folds[labels == c], minlength=5)
        assert sizes.max() - sizes.min() <= 1
    assert np.ptp(np.bincount(folds)) <= 1


def test_single_rows_are_never_held_out():
    folds = folds_of([0, 0, 1, 2, 2])
    assert folds[2] == ALWAYS_TRAINING
    assert (folds[[0, 1, 3, 4]] >= 0).all()


def test_folds_depend_on_the_seed_alone():
    labels = np.arange(60) % 4
    np.testing.assert_array_equal(folds_of(labels), folds_of(labels))
    assert (folds_of(labels) != folds_of(labels, seed=1)).any()


@pytest.mark.parametrize("kind", ["tied", "full", "diagonal"])
def test_training_moments_are_those_of_the_other_folds(kind):
    x, y = simplex_mixture(3, 4, 2.0).sample(90, 0)
    y[5] = 3  # a class of one row stays in every training set
    source, folds = ArraySource(x, y), folds_of(y)
    moments = FoldMoments(source, folds, 5, kind, SILENT)
    for fold in (None, 0, 3):
        keep = np.ones(90, dtype=bool) if fold is None else folds != fold
        direct = FoldMoments(ArraySource(x[keep], y[keep]), folds[keep], 5, kind, SILENT)
        expected = direct.training(None)
        training = moments.training(fold)
        np.testing.assert_array_equal(training.counts, np.bincount(y[keep]))
        np.testing.assert_allclose(training.scatter, expected.scatter, rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(moments.training_means(fold), training.means, rtol=1e-12)


@pytest.mark.parametrize("diagonal", [False, True])
def test_fourth_powers_are_about_each_training_mean(diagonal):
    x, y = simplex_mixture(3, 4, 2.0).sample(60, 0)
    source, folds = ArraySource(x, y), folds_of(y, 2)
    means = [np.random.default_rng(m).standard_normal((3, 4)) for m in range(3)]
    inverses = [np.random.default_rng(9).random((k, 4)) for k in (1, 3, 3)]
    sums = fourth_powers(source, folds, means, inverses, diagonal=diagonal, progress=SILENT)
    for m in range(3):
        z = (x - means[m][y]) * np.broadcast_to(inverses[m], (3, 4))[y]
        fourth = (z**4).sum(axis=1) if diagonal else (z**2).sum(axis=1) ** 2
        seen = np.ones(60, dtype=bool) if m == 0 else folds != m - 1
        expected = [fourth[seen & (y == c)].sum() for c in range(3)]
        np.testing.assert_allclose(sums[m], expected, rtol=1e-12)


class Shuffled(ArraySource):
    def chunks(self, rows=None):
        yield self.x, self.labels[::-1]


class Short(ArraySource):
    def chunks(self, rows=None):
        yield self.x[:-1], self.labels[:-1]


@pytest.mark.parametrize(("kind", "message"), [(Shuffled, "same on every pass"), (Short, "5 of")])
def test_source_that_changes_its_rows_is_caught(kind, message):
    source = kind(np.zeros((6, 2)), [0, 0, 0, 1, 1, 1])
    with pytest.raises(InputError, match=message):
        list(checked_chunks(source, "test", SILENT))
