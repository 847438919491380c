"""The same names as bytes and as text are the same names, wherever a file keeps names."""

import h5py
import numpy as np
import pytest

from ibcollapse.array_backend import as_array
from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features import FeatureWriter, open_features
from ibcollapse.features.pairing import pair_sources

NAMES = np.array(["é_0", "b", "ß2", "猫", "e", "f"])
X = np.random.default_rng(0).normal(size=(6, 3))
LABELS = np.arange(6) % 2


def write(path, **columns):
    with h5py.File(path, "w") as file:
        file["features"] = X
        for name, values in columns.items():
            file[name] = values
    return path


@pytest.mark.parametrize(
    "stored",
    [
        lambda names: np.char.encode(names, "utf-8"),
        lambda names: np.array([name.encode() for name in names], dtype=h5py.string_dtype("ascii")),
        lambda names: np.char.encode(names, "utf-8").astype(h5py.string_dtype("utf-8", 16)),
    ],
    ids=["fixed-length bytes", "bytes called ASCII", "fixed-length UTF-8"],
)
def test_ids_and_labels_match_those_stored_as_text(tmp_path, stored):
    classes = np.array(["é", "b"])[LABELS]
    order = np.random.default_rng(1).permutation(6)
    a = open_features(write(tmp_path / "a.h5", ids=stored(NAMES), labels=stored(classes)))
    text = {"ids": NAMES[order].astype(object), "labels": classes[order].astype(object)}
    b = open_features(write(tmp_path / "b.h5", **text))
    paired = pair_sources([a, b])
    assert paired.matched_by == "ids"
    assert a.ids.tolist() == NAMES.tolist()
    assert a.class_names == b.class_names == ("b", "é")
    np.testing.assert_array_equal(paired.orders[1], np.argsort(order))


def test_ids_of_an_archive_match_those_of_a_file(tmp_path):
    np.savez(tmp_path / "a.npz", features=X, labels=LABELS, ids=np.char.encode(NAMES, "utf-8"))
    a = open_features(tmp_path / "a.npz")
    b = open_features(write(tmp_path / "b.h5", ids=NAMES.astype(object), labels=LABELS))
    assert pair_sources([a, b]).orders[1] is None


def test_labels_of_an_open_dataset_are_text(tmp_path):
    classes = np.char.encode(np.array(["é", "b"])[LABELS], "utf-8")
    with h5py.File(write(tmp_path / "a.h5", labels=classes)) as file:
        assert open_features((file["features"], file["labels"])).class_names == ("b", "é")


def test_categories_and_class_names_stored_as_bytes_are_text(tmp_path):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        group = file.create_group("labels")
        group.attrs["encoding-type"] = "categorical"
        group["codes"], group["categories"] = LABELS, np.char.encode(["é", "b"], "utf-8")
    assert open_features(path).class_names == ("é", "b")
    with FeatureWriter(tmp_path / "b.h5") as writer:
        writer.append({"encoder": X}, LABELS, epoch=0, split="test")
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file.attrs["class_names"] = np.char.encode(["é", "b"], "utf-8")
    assert open_features(tmp_path / "b.h5").class_names == ("é", "b")


def test_the_writer_takes_bytes_for_text(tmp_path):
    classes = np.array(["é", "b"])[LABELS]
    with FeatureWriter(tmp_path / "a.h5") as writer:
        given = {"labels": np.char.encode(classes, "utf-8"), "ids": np.char.encode(NAMES, "utf-8")}
        writer.append({"encoder": X}, epoch=0, split="test", **given)
    source = open_features(tmp_path / "a.h5")
    assert source.class_names == ("b", "é")
    assert source.ids.tolist() == NAMES.tolist()


def test_bytes_among_text_are_text():
    assert as_array(np.array(["é", "é".encode()], dtype=object)).tolist() == ["é", "é"]
    with pytest.raises(InputError, match="no UTF-8"):
        as_array(np.array(["a", b"\xe9"], dtype=object))


@pytest.mark.parametrize("column", ["ids", "labels"])
def test_bytes_that_are_no_text_are_refused(tmp_path, column):
    latin = np.char.encode(np.array(["é", "b", "c", "d", "e", "f"]), "latin-1")
    path = write(tmp_path / "a.h5", **{"labels": LABELS, column: latin})
    with pytest.raises(FeatureFileError, match=rf"a\.h5: {column}.* no UTF-8"):
        pair_sources([open_features(path)] * 2)
    with pytest.raises(InputError, match="no UTF-8"), FeatureWriter(tmp_path / "b.h5") as writer:
        writer.append(
            {"encoder": X}, **{"labels": LABELS, "ids": latin, column: latin}, epoch=0, split="s"
        )
