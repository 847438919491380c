"""A filter that is not installed is named, wherever the array that it compressed is used."""

import sys

import h5py
import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features

X = np.random.default_rng(0).normal(size=(6, 4))
LABELS = np.arange(6) % 2


def write(path, code, key, values, *, skipped=False):
    """One chunk that says it went through filter `code`, which it did unless `skipped`."""
    with h5py.File(path, "a") as file:
        if key in file:
            del file[key]
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk(values.shape)
        properties.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (2, 2, 8, 2400, 5, 1, 0))
        dataset = h5py.h5d.create(
            file.id,
            key.encode(),
            h5py.h5t.py_create(values.dtype),
            h5py.h5s.create_simple(values.shape),
            dcpl=properties,
        )
        content = values.tobytes() if skipped else b"\x02\x01" + bytes(50)
        dataset.write_direct_chunk((0,) * values.ndim, content, int(skipped))


@pytest.fixture
def path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"], file["labels"], file["ids"] = X, LABELS, np.arange(6)
    return tmp_path / "a.h5"


@pytest.fixture(autouse=True)
def _without_hdf5plugin(monkeypatch):
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)


def read_all(source):
    return np.concatenate([x.copy() for x, _ in source.chunks()]), source.labels, source.ids


@pytest.mark.parametrize(
    ("code", "name", "remedy"),
    [
        (32001, "Blosc", "pip install hdf5plugin"),
        (32004, "LZ4", "pip install hdf5plugin"),
        (32008, "Bitshuffle", "pip install hdf5plugin"),
        (32013, "ZFP", "pip install hdf5plugin"),
        (32015, "Zstandard", "pip install hdf5plugin"),
        (32026, "Blosc2", "pip install hdf5plugin"),
        (305, "LZO", "HDF5_PLUGIN_PATH"),
        (40123, "", "HDF5_PLUGIN_PATH"),
    ],
)
@pytest.mark.parametrize("key", ["features", "labels", "ids"])
def test_the_line_names_the_filter_and_what_to_do(path, key, code, name, remedy):
    write(path, code, key, {"features": X, "labels": LABELS, "ids": np.arange(6)}[key])
    with pytest.raises(FeatureFileError) as refused:
        read_all(open_features(path))
    said = str(refused.value)
    filter_name = f"{name} ({code})" if name else str(code)
    assert f"a.h5: {key} is compressed with the HDF5 filter {filter_name}, not installed" in said
    assert remedy in said
    assert "\n" not in said


def test_open_datasets_are_told_of_their_filters_too(path):
    write(path, 32015, "features", X)
    with h5py.File(path) as file, pytest.raises(FeatureFileError, match=r"Zstandard \(32015\)"):
        read_all(open_features((file["features"], file["labels"])))


def test_chunks_that_went_through_no_filter_are_read_without_it(path):
    write(path, 32001, "features", X, skipped=True)
    np.testing.assert_array_equal(read_all(open_features(path))[0], X.astype(np.float64))


def test_hdf5plugin_is_imported_when_a_filter_is_missing(path, monkeypatch, tmp_path):
    write(path, 32001, "features", X)
    (tmp_path / "hdf5plugin.py").write_text("import sys\nsys.modules['asked_for_filters'] = sys\n")
    monkeypatch.delitem(sys.modules, "hdf5plugin")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "asked_for_filters", raising=False)
    with pytest.raises(FeatureFileError, match="Blosc"):
        read_all(open_features(path))
    assert sys.modules.pop("asked_for_filters") is sys
    del sys.modules["hdf5plugin"]


def test_damage_of_what_needs_no_filter_is_called_damage(path):
    with h5py.File(path, "a") as file:
        del file["features"]
        file.create_dataset("features", data=X, chunks=X.shape, compression="gzip")
        file["features"].id.write_direct_chunk((0, 0), b"no deflate", 0)
    with pytest.raises(FeatureFileError, match="cannot read features"):
        read_all(open_features(path))
