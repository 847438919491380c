import struct

import h5py
import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features


@pytest.fixture
def path(tmp_path):
    """A file whose labels are strings in a global heap."""
    target = tmp_path / "f.h5"
    with h5py.File(target, "w") as file:
        file["features"] = np.arange(16.0).reshape(8, 2)
        file["labels"] = np.array(["cat", "dog"] * 4, dtype=object)
    return target


def test_a_sound_heap_is_read(path):
    assert open_features(path).class_names == ("cat", "dog")


@pytest.mark.parametrize(("index", "length"), [(0, 0), (1, 2**64 - 16)])
def test_a_heap_that_would_never_end_is_refused(path, index, length):
    # HDF5 2.0 hangs on reading these, without this check.
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    first_object = heap + 16
    struct.pack_into("<HH4xQ", content, first_object, index, 0, length)
    path.write_bytes(content)
    with pytest.raises(FeatureFileError, match=f"global heap at byte {heap}"):
        open_features(path)


def test_a_mark_at_the_end_of_the_file_is_no_heap(path):
    path.write_bytes(path.read_bytes() + b"GCOL\x01\0\0\0")
    assert open_features(path).n_samples == 8
