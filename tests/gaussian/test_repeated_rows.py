"""Equal rows are never on both sides of a fold, and the fit says how many there are."""

import numpy as np
import pytest
from gaussian.array_source import ArraySource, simplex_mixture
from hypothesis import given, settings
from hypothesis import strategies as st

from ibcollapse.errors import InputError
from ibcollapse.gaussian import fit_gaussian
from ibcollapse.gaussian.folds import ALWAYS_TRAINING, fold_moments, stratified_folds
from ibcollapse.progress import SILENT


def generator():
    return np.random.default_rng(0)


def noise(n=200, d=100):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, n)
    return rng.standard_normal((n, d)), y


@pytest.mark.parametrize("copies", [2, 4])
def test_copied_noise_says_nothing_about_its_labels(copies):
    x, y = noise()
    fit = fit_gaussian(ArraySource(np.tile(x, (copies, 1)), np.tile(y, copies)))
    assert fit.i_xy_held_out < 0.01
    assert fit.held_out_accuracy < 0.35
    expected = f"{200 * (copies - 1)} of {200 * copies} rows repeat an earlier one"
    assert any(expected in note for note in fit.notes)


def test_oversampled_class_is_not_recognised():
    x, y = noise()
    few = np.flatnonzero(y == 0)[:5]
    x, y = np.vstack([x, np.repeat(x[few], 30, axis=0)]), np.r_[y, np.repeat(y[few], 30)]
    copied = np.isin(np.arange(len(y)), few) | (np.arange(len(y)) >= 200)
    moments = fold_moments(ArraySource(x, y), 5, "tied", generator(), SILENT)
    assert moments.n_together == 150
    for row in few:
        same = (x == x[row]).all(axis=1)
        assert len(np.unique(moments.folds[same])) == 1
    assert len(np.unique(moments.folds[copied])) > 1


def test_files_without_repeated_rows_keep_their_folds_and_passes():
    x, y = noise()
    source = ArraySource(x, y)
    moments = fold_moments(source, 5, "tied", generator(), SILENT)
    np.testing.assert_array_equal(moments.folds, stratified_folds(y, 5, generator()))
    assert source.n_passes == 1
    # Folds of the release before equal rows were looked at.
    naive, turn, rng = np.empty(len(y), dtype=int), 0, generator()
    for c in range(4):
        members = rng.permutation(np.flatnonzero(y == c))
        naive[members] = (turn + np.arange(len(members))) % 5
        turn = (turn + len(members)) % 5
    np.testing.assert_array_equal(moments.folds, naive)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=2, max_size=80),
    st.integers(2, 6),
)
def test_groups_stay_together_and_every_class_is_known_to_every_fit(pairs, n_folds):
    labels, groups = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    folds = stratified_folds(labels, n_folds, generator(), groups)
    for g in np.unique(groups):
        assert len(np.unique(folds[groups == g])) == 1
    for fold in range(n_folds):
        assert set(labels[folds == fold]) <= set(labels[folds != fold])


def test_folds_of_a_class_differ_by_at_most_its_largest_group():
    labels = np.repeat([0, 1], [300, 200])
    groups = np.r_[np.arange(300) // 3, 1000 + np.arange(200)]
    folds = stratified_folds(labels, 5, generator(), groups)
    assert np.ptp(np.bincount(folds[labels == 0], minlength=5)) <= 3
    assert np.ptp(np.bincount(folds[labels == 1], minlength=5)) <= 1


def test_folds_of_copies_depend_on_the_seed_alone():
    labels, groups = np.arange(120) % 2, np.arange(120) // 4
    folds = [stratified_folds(labels, 5, np.random.default_rng(s), groups) for s in (0, 0, 1)]
    np.testing.assert_array_equal(folds[0], folds[1])
    assert (folds[0] != folds[2]).any()


def test_equal_rows_of_several_classes_share_a_fold():
    x, y = noise()
    x, y = np.vstack([x, x]), np.r_[y, (y + 1) % 4]
    moments = fold_moments(ArraySource(x, y), 5, "tied", generator(), SILENT)
    np.testing.assert_array_equal(moments.folds[:200], moments.folds[200:])
    for c in range(4):
        sizes = np.bincount(moments.folds[y == c], minlength=5)
        assert np.ptp(sizes) <= 3


def test_class_of_equal_rows_is_held_out_row_by_row_and_named():
    x, y = simplex_mixture(3, 4, 4.0).sample(150, 0)
    x[y == 1] = 0.5
    fit = fit_gaussian(ArraySource(x, y, ("a", "b", "c")))
    assert any("they were held out apart: 'b'" in note for note in fit.notes)
    assert fit.held_out_accuracy > 0.8


def test_class_known_from_one_group_of_several_classes_is_in_no_fold():
    # Class 1 shares its two rows with class 0, and greed puts both pairs into one fold.
    labels = np.array([0, 1, 0, 1, 0, 0])
    groups = np.array([0, 0, 0, 1, 1, 2])
    folds = stratified_folds(labels, 2, generator(), groups)
    for fold in range(2):
        assert set(labels[folds == fold]) <= set(labels[folds != fold])
    assert (folds >= ALWAYS_TRAINING).all()


def test_rows_that_no_fold_can_hold_out_are_refused():
    # Two rows, both under both labels: whichever is held out, the other class is still known; with
    # one row in all, every class is known from it alone and there is nothing between the rows.
    y = np.array([0, 1] * 10)
    with pytest.raises(InputError, match="all rows are equal"):
        fit_gaussian(ArraySource(np.ones((20, 3)), y))
