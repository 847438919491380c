import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError, InputError
from ibcollapse.features import FeatureWriter, open_features

X = np.random.default_rng(5).normal(size=(12, 3))
Y = np.arange(12) % 3


def test_a_source_is_handed_through():
    source = open_features((X, Y))
    assert open_features(source) is source


def test_a_source_moves_to_another_epoch(tmp_path):
    path = tmp_path / "run.h5"
    with FeatureWriter(path) as writer:
        for epoch in (1, 2):
            writer.append({"h": X}, Y, epoch=epoch)
    assert open_features(open_features(path), epoch=1).epoch == 1


def test_options_of_a_file_are_refused_for_a_source():
    with pytest.raises(InputError, match="opened already"):
        open_features(open_features((X, Y)), drop_nonfinite=True)


def test_lists_and_memory_maps_are_arrays(tmp_path, whole):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    source = open_features((mapped, Y.tolist()))
    np.testing.assert_array_equal(whole(source, 5)[0], X)


@pytest.mark.torch
def test_tensors_are_taken_without_a_copy(whole):
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X, requires_grad=True)
    source = open_features((tensor, torch.tensor(Y)))
    block, _ = next(source.chunks())
    assert block.ctypes.data == tensor.data_ptr()
    brain = open_features((torch.tensor(X).bfloat16(), torch.tensor(Y)))
    # bfloat16 keeps 8 bits of the mantissa.
    np.testing.assert_allclose(whole(brain)[0], X, rtol=2**-8)


def test_h5py_datasets_are_read_in_blocks(hdf5, whole):
    h5py = pytest.importorskip("h5py")
    path = hdf5({"some": X, "words": Y.astype(str)})
    with h5py.File(path) as file:
        source = open_features((file["some"], file["words"]))
        np.testing.assert_array_equal(whole(source, 5)[0], X)
        assert source.class_names == ("0", "1", "2")
        pair = (file["some"], file["words"])
    with pytest.raises(FeatureFileError, match="closed file"):
        open_features(pair)


@pytest.mark.parametrize(
    ("features", "words"),
    [
        (X, "a ndarray; expected a path, a FeatureSource or a pair"),
        ((X,), "a tuple; expected a path"),
        ((X, [[1, 2], [3]]), "a list is no array"),
        (None, "a NoneType"),
    ],
)
def test_what_is_no_pair_is_an_input_error(features, words):
    with pytest.raises(InputError, match=words):
        open_features(features)


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((X, Y[:11]), r"labels int64 \(11,\) for features float64 \(12, 3\)"),
        ((X[:0], Y[:0]), r"features is empty \(float64 \(0, 3\)\)"),
        ((X[:, 0], Y), r"shape \(12,\), expected \(n_samples, n_features\)"),
        ((X.reshape(12, 1, 3, 1).repeat(2, 1), Y), "--pool mean-nchw"),
        ((X.astype(complex), Y), "features: of type complex128; store float16"),
        ((X.astype(str), Y), "features are strings"),
        ((X, Y + 0.5), "no whole numbers"),
        ((X, Y * 0), "Found only the class 0; at least two"),
        ((X, Y * 0 - 1), "Found no labelled sample"),
        ((X, Y * 0 + np.where(np.arange(12) < 6, -1, 1)), "-1 means unlabelled"),
        ((X, np.where(np.arange(12) < 1, 9, Y)), r"1 of 4 classes \(9\) have only one sample"),
    ],
)
def test_pairs_that_cannot_be_analysed_are_refused_in_one_line(pair, words):
    with pytest.raises(FeatureFileError, match=words) as error:
        open_features(pair)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("the arrays: ")


def test_a_declared_class_without_samples_is_named(tmp_path):
    path = tmp_path / "f.h5"
    with FeatureWriter(path, class_names=["cat", "dog", "emu", "fox"]) as writer:
        writer.append({"h": X}, Y, epoch=0)
    with pytest.raises(FeatureFileError, match=r"1 of 4 classes \(fox\) have no sample"):
        open_features(path)


def test_a_class_that_loses_all_samples_is_named_not_forgotten():
    x = np.where(Y[:, None] == 2, np.nan, X)
    with pytest.raises(FeatureFileError, match=r"dropped 4 of 12.*\(2\) have no sample"):
        open_features((x, Y), drop_nonfinite=True)


def test_missing_folders_and_forbidden_files(tmp_path, monkeypatch):
    with pytest.raises(FeatureFileNotFoundError, match=r"none\.h5: no such feature file"):
        open_features(tmp_path / "none.h5")
    with pytest.raises(FeatureFileError, match="a folder; name a feature file in it"):
        open_features(tmp_path)

    def forbid(*_, **__):
        raise PermissionError(13, "Permission denied")

    # Tests may run as root, whom no file mode stops.
    monkeypatch.setattr("pathlib.Path.open", forbid)
    with pytest.raises(FeatureFileError, match=r"f\.h5: cannot be read: Permission denied"):
        open_features(tmp_path / "f.h5")
