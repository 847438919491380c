"""Pairs that should not be aligned, or only with a remark: every case of bad input by itself."""

import h5py
import numpy as np
import pytest
from alignment.pair_material import labels_of, whole

from ibcollapse.alignment import align
from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features import FeatureWriter, open_features
from ibcollapse.matrix_information import matrix_information

QUIET = {"n_permutations": 0, "n_bootstrap": 0}


def write(path, x, y, *, names=None, ids=None, classifier=None, epoch=0):
    with FeatureWriter(path, class_names=names) as writer:
        writer.append({"head": x}, y, epoch=epoch, split="test", ids=ids)
        if classifier is not None:
            writer.classifier(classifier, layer="head", epoch=epoch)
    return path


def material(n=60, d=4, seed=0):
    rng = np.random.default_rng(seed)
    y = labels_of(n, 3)
    return np.eye(3, d)[y] + 0.3 * rng.normal(size=(n, d)), y


def test_a_class_missing_in_one_network_is_told(tmp_path):
    x, y = material()
    kept, ids = y != 2, np.arange(60)
    a = write(tmp_path / "a.h5", x, y, ids=ids)
    b = write(tmp_path / "b.h5", x[kept], y[kept], ids=ids[kept])
    with pytest.raises(InputError, match=r"60 samples in the first .* 40 ids in both"):
        align(a, b, **QUIET)
    # The same number of samples without ids: the labels give it away.
    relabelled = np.where(kept, y, 0)
    with pytest.raises(InputError, match=r"labels differ in 20 of 60 samples.*'2'"):
        align((x, y), (x, relabelled), **QUIET)
    # And where a file declares its classes, it is refused as it is opened.
    declared = write(tmp_path / "c.h5", x, relabelled, names=("cat", "dog", "owl"))
    with pytest.raises(FeatureFileError, match=r"1 of 3 classes \(owl\) have no sample"):
        align((x, y), declared, **QUIET)


def test_an_epoch_that_one_file_lacks_is_named(tmp_path):
    a = write(tmp_path / "a.h5", *material(), epoch=3)
    b = write(tmp_path / "b.h5", *material(), epoch=5)
    open_features(a, epoch=3)
    with pytest.raises(ValueError, match=r"3.*5|5.*3"):
        open_features(b, epoch=3)


def test_the_same_inputs_in_another_order_are_refused_without_ids():
    x, y = material()
    order = np.random.default_rng(1).permutation(60)
    with pytest.raises(InputError, match="or sample ids"):
        align((x, y), (x[order], y[order]), **QUIET)


def test_duplicated_samples_change_no_figure_and_repeated_ids_are_refused(tmp_path):
    x, y = material()
    z = x @ np.random.default_rng(2).normal(size=(4, 4)) + 0.5 * material(seed=3)[0]
    once, twice = whole(x, z), whole(np.tile(x, (2, 1)), np.tile(z, (2, 1)))
    np.testing.assert_allclose(twice.rho, once.rho, rtol=1e-10)
    assert twice.procrustes_cosine.value == pytest.approx(once.procrustes_cosine.value, rel=1e-10)
    path = write(tmp_path / "a.h5", x, y, ids=np.arange(60))
    with h5py.File(path, "r+") as file:
        file["epochs/000000/test/ids"][0] = 1
    with pytest.raises(InputError, match="repeat"):
        align(path, path, **QUIET)


def test_duplicated_features_count_once():
    x, _ = material()
    found = whole(np.column_stack([x, x]), x)
    assert (found.rank_a, found.rank_b) == (4, 4)
    np.testing.assert_allclose(found.rho, 1.0, rtol=1e-9)


def test_a_rank_deficient_classifier_spans_what_it_spans(tmp_path):
    x, y = material()
    flat = np.outer([1.0, 2.0, 4.0], [1.0, 0.5, 0, 0])
    files = [write(tmp_path / f"{name}.h5", x, y, classifier=flat) for name in "ab"]
    found = align(*files, span="classifier", **QUIET)
    assert (found.identified_rank_a, found.identified_rank_b) == (1, 1)
    assert len(found.identified.rho) == 1
    # Rows of one direction: a Gram of rank one, whose entropy is zero and has no ratio.
    assert np.isnan(matrix_information(files[0], against="classifier", n_permutations=0).mir)


def test_a_classifier_with_equal_or_zero_rows_is_refused(tmp_path):
    x, y = material()
    equal = write(tmp_path / "equal.h5", x, y, classifier=np.ones((3, 4)))
    with pytest.raises(InputError, match="coincide"):
        align(equal, equal, span="classifier", **QUIET)
    zero = write(tmp_path / "zero.h5", x, y, classifier=np.diag([1.0, 1.0, 0.0]) @ np.eye(3, 4))
    with pytest.raises(InputError, match="1 of 3 rows have length zero"):
        matrix_information(zero, against="classifier", n_permutations=0)
