import hashlib
import zipfile

import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features

X = np.random.default_rng(7).normal(size=(12, 3))
Y = np.arange(12) % 3


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_archives_are_read_by_name(tmp_path, whole, save):
    save(tmp_path / "f.npz", X_train=X, y_train=Y, X_test=X[:6], y_test=Y[:6].astype(str))
    source = open_features(tmp_path / "f.npz", split="test")
    np.testing.assert_array_equal(whole(source, 4)[0], X[:6])
    assert source.class_names == ("0", "1", "2")


def test_nothing_is_unpickled(tmp_path):
    np.savez(tmp_path / "f.npz", X=X, y=Y.astype(object))
    with pytest.raises(FeatureFileError, match="y: Python objects, which would need pickle"):
        open_features(tmp_path / "f.npz")


def test_unnamed_arrays_are_chosen_by_key(tmp_path):
    np.savez(tmp_path / "f.npz", X, Y)
    with pytest.raises(FeatureFileError, match=r"no labels for arr_0 .*--labels-key"):
        open_features(tmp_path / "f.npz")
    assert open_features(tmp_path / "f.npz", labels_key="arr_1").n_samples == 12


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.98])
def test_a_truncated_archive_is_refused(tmp_path, keep):
    np.savez(tmp_path / "f.npz", X=X, y=Y)
    content = (tmp_path / "f.npz").read_bytes()
    (tmp_path / "f.npz").write_bytes(content[: int(keep * len(content))])
    with pytest.raises(FeatureFileError, match=r"f\.npz: cannot open it as \.npz"):
        open_features(tmp_path / "f.npz")


def test_damaged_values_are_refused_when_read(tmp_path):
    np.savez(tmp_path / "f.npz", X=X, y=Y)
    content = bytearray((tmp_path / "f.npz").read_bytes())
    content[content.index(X.tobytes())] ^= 0xFF
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(FeatureFileError, match="Bad CRC-32 for file"):
        list(open_features(tmp_path / "f.npz").chunks())


@pytest.mark.parametrize("shape", [(10**12, 3), (11, 3), (0, 3)])
def test_a_shape_that_the_archive_does_not_back_is_refused(tmp_path, shape):
    with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        with archive.open("X.npy", "w") as member:
            header = {"descr": "<f8", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, header)
            member.write(X.tobytes())
        with archive.open("y.npy", "w") as member:
            np.save(member, Y)
    with pytest.raises(FeatureFileError, match=r"X: declares .* but stores .*damaged"):
        open_features(tmp_path / "f.npz")


def test_a_bomb_of_zeros_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "f.npz", "w", zipfile.ZIP_LZMA) as archive:
        with archive.open("X.npy", "w") as member:
            np.save(member, np.zeros((200_000, 20)))
        with archive.open("y.npy", "w") as member:
            np.save(member, np.arange(200_000) % 2)
    with pytest.raises(FeatureFileError, match=r"X: declares float64 .200000, 20., 32000000 bytes"):
        open_features(tmp_path / "f.npz")


@pytest.mark.parametrize("cut", [8, 20, 60])
def test_a_damaged_header_is_refused(tmp_path, cut):
    np.save(tmp_path / "labels.npy", Y)
    np.save(tmp_path / "features.npy", X)
    content = (tmp_path / "features.npy").read_bytes()
    (tmp_path / "features.npy").write_bytes(content[:cut] + b"{('" + content[cut + 3 :])
    with pytest.raises(FeatureFileError, match=r"features\.npy: cannot open it as \.npy"):
        open_features(tmp_path / "features.npy")


def test_npy_features_find_their_labels_beside_them(tmp_path, whole):
    for split, n in (("train", 12), ("test", 6)):
        np.save(tmp_path / f"{split}_feats.npy", X[:n].astype(np.float32))
        np.save(tmp_path / f"{split}_labels.npy", Y[:n])
    source = open_features(tmp_path / "test_feats.npy")
    np.testing.assert_array_equal(whole(source, 4)[0], X[:6].astype(np.float32))
    assert "test_labels" in source.description


def test_npy_features_are_memory_mapped(tmp_path):
    np.save(tmp_path / "features.npy", X)
    np.save(tmp_path / "labels.npy", Y)
    source = open_features(tmp_path / "features.npy")
    block, _ = next(source.chunks())
    base = block
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


def test_npy_features_without_labels_say_which_option_names_them(tmp_path):
    np.save(tmp_path / "features.npy", X)
    np.save(tmp_path / "other.npy", Y)
    with pytest.raises(FeatureFileError, match="--labels-key"):
        open_features(tmp_path / "features.npy")
    assert open_features(tmp_path / "features.npy", labels_key="other").n_samples == 12


def test_the_fingerprint_of_an_archive_is_that_of_its_bytes(tmp_path):
    np.savez(tmp_path / "f.npz", X=X, y=Y)
    expected = hashlib.sha256((tmp_path / "f.npz").read_bytes()).hexdigest()
    assert open_features(tmp_path / "f.npz").fingerprint == expected


def test_members_that_are_no_arrays_are_left_alone(tmp_path):
    np.savez(tmp_path / "f.npz", X=X, y=Y)
    with zipfile.ZipFile(tmp_path / "f.npz", "a") as archive:
        archive.writestr("README.txt", "made yesterday")
    assert open_features(tmp_path / "f.npz").n_samples == 12
