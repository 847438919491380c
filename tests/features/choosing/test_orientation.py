import h5py
import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features

X = np.random.default_rng(2).normal(size=(12, 3))
Y = np.arange(12) % 3


@pytest.fixture
def matlab(tmp_path):
    """Write arrays as MATLAB v7.3 does: its text in the user block, axes reversed."""

    def write(**arrays):
        path = tmp_path / "features.mat"
        with h5py.File(path, "w", userblock_size=512) as file:
            for name, values in arrays.items():
                dataset = file.create_dataset(name, data=np.atleast_2d(values).T)
                dataset.attrs["MATLAB_class"] = np.bytes_("double")
        with path.open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(116))
        return path

    return write


def read(source):
    return np.concatenate([x.copy() for x, _ in source.chunks(5)])


@pytest.mark.parametrize("labels", [Y[:, None] + 1.0, Y[None, :] + 1.0, np.eye(3)[Y]])
def test_matlab_files_arrive_transposed_and_are_turned_back(matlab, labels):
    source = open_features(matlab(feats=X, labels=labels))
    np.testing.assert_array_equal(read(source), X)
    np.testing.assert_array_equal(source.labels, Y)
    assert "columns" in source.description


def test_matlab_text_is_named_as_such(tmp_path, matlab):
    path = matlab(feats=X, labels=Y)
    with h5py.File(path, "r+") as file:
        file["labels"].attrs["MATLAB_class"] = np.bytes_("char")
    with pytest.raises(FeatureFileError, match="MATLAB text or a cell array; store class numbers"):
        open_features(path)


def test_a_square_matlab_matrix_is_never_guessed(matlab):
    square = np.random.default_rng(3).normal(size=(12, 12))
    path = matlab(feats=square, labels=Y)
    with pytest.raises(FeatureFileError, match=r"--no-transpose.*--transpose"):
        open_features(path)
    np.testing.assert_array_equal(read(open_features(path, transpose=True)), square)
    np.testing.assert_array_equal(read(open_features(path, transpose=False)), square.T)


def test_rows_of_a_square_matrix_are_samples_elsewhere(hdf5):
    square = np.random.default_rng(3).normal(size=(12, 12))
    np.testing.assert_array_equal(
        read(open_features(hdf5({"features": square, "labels": Y}))), square
    )


def test_columns_are_samples_when_only_they_agree_with_the_labels(hdf5):
    source = open_features(hdf5({"features": X.T, "labels": Y}, chunks=(2, 4)))
    np.testing.assert_array_equal(read(source), X)
    assert "columns" in source.description


def test_transpose_that_does_not_fit_is_refused(hdf5):
    with pytest.raises(FeatureFileError, match="labels of another length"):
        open_features(hdf5({"features": X, "labels": Y}), transpose=True)


def test_one_hot_labels_do_not_turn_features_of_as_many_columns_as_classes(hdf5):
    source = open_features(hdf5({"features": X, "labels": np.eye(3)[Y]}))
    np.testing.assert_array_equal(read(source), X)


def test_arrays_are_never_turned_unasked():
    with pytest.raises(FeatureFileError, match="labels of another length"):
        open_features((X.T, Y))
    np.testing.assert_array_equal(read(open_features((X.T, Y), transpose=True)), X)
