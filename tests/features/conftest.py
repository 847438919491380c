"""Small labelled features, and files that hold them in a given layout."""

import h5py
import numpy as np
import pytest


@pytest.fixture
def samples():
    """Features (12, 3) float32 and labels 0, 1, 2, 0, 1, 2, ..."""
    x = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    return x, np.arange(12) % 3


@pytest.fixture
def hdf5(tmp_path):
    """Write a mapping of path to array as an HDF5 file and return its path."""

    def write(arrays, name="features.h5", **options):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            for key, values in arrays.items():
                values = np.asarray(values)
                if values.dtype.kind == "U":
                    file.create_dataset(key, data=values.astype(object), dtype=h5py.string_dtype())
                else:
                    file.create_dataset(key, data=values, **(options if values.ndim > 1 else {}))
        return path

    return write


@pytest.fixture
def whole():
    """All of a source at once: the blocks of `chunks`, copied and joined."""

    def read(source, rows=None):
        blocks = [(x.copy(), y.copy()) for x, y in source.chunks(rows)]
        return np.concatenate([x for x, _ in blocks]), np.concatenate([y for _, y in blocks])

    return read
