"""Arrays of an HDF5 file, read in blocks into one buffer that is used again."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.stores.damage import reading_errors
from ibcollapse.features.stores.hdf5_filters import filters_of
from ibcollapse.features.stores.hdf5_survey import MAX_CHUNK_BYTES, is_matlab, survey
from ibcollapse.features.stores.store import StoredArray, one_line, row_bytes
from ibcollapse.storage.global_heaps import find_endless_heap
from ibcollapse.storage.hdf5_guard import find_danger

_DEFAULT_CACHE_BYTES = 1 << 20


class Hdf5Store:
    """Arrays of the HDF5 file at `path`; the file is open only while something is read."""

    given_key: str | None = None

    def __init__(self, path: Path) -> None:
        self.name = str(path)
        self._path = path
        self._fingerprint: str | None = None
        if not h5py.is_hdf5(path):
            raise FeatureFileError(
                f"{path}: not an HDF5 file; feature files are .h5, .npz, .npy, .pt or .safetensors"
            )
        heap = find_endless_heap(path)
        if heap is not None:
            raise FeatureFileError(
                f"{path}: the strings in it are damaged (global heap at byte {heap}); copy or "
                "download it again"
            )
        danger = find_danger(path)
        if danger:
            raise FeatureFileError(f"{path}: damaged: {danger}; copy or download it again")
        self.is_matlab = is_matlab(path)
        with reading_errors(self.name, "open it"), h5py.File(path, "r") as file:
            self.attrs = _plain_attrs(file)
            self.arrays = survey(file, self.name)

    def read(self, key: str) -> NDArray[Any]:
        """Whole array; strings as NumPy strings."""
        with reading_errors(self.name, f"read {one_line(key)}"), h5py.File(self._path, "r") as file:
            dataset = file[key]
            with filters_of(dataset, f"{self.name}: {one_line(key)}"):
                values = dataset[...]
            if h5py.check_string_dtype(dataset.dtype) is None or dataset.dtype.kind == "S":
                return np.asarray(values)
            return np.array([_text(value) for value in values.ravel()]).reshape(values.shape)

    def blocks(
        self, array: StoredArray, n_rows: int, rows: int, *, transposed: bool
    ) -> Iterator[NDArray[Any]]:
        """Rows 0 to `n_rows` in blocks, each a view of one buffer."""
        where, doing = f"{self.name}: {one_line(array.key)}", f"read {one_line(array.key)}"
        cache = _chunk_cache_bytes(array, rows, transposed=transposed)
        with reading_errors(self.name, doing):
            file = h5py.File(self._path, "r", rdcc_nbytes=cache)
        with file:
            with reading_errors(self.name, doing):
                dataset = file[array.key]
                rows = min(rows, n_rows)
                shape = (array.shape[0], rows) if transposed else (rows, *array.shape[1:])
                buffer = np.empty(shape, dtype=array.dtype)
            for start in range(0, n_rows, rows):
                stop = min(start + rows, n_rows)
                rows_here: tuple[slice, ...] = (slice(start, stop),)
                into: tuple[slice, ...] = (slice(stop - start),)
                if transposed:
                    rows_here, into = (slice(None), *rows_here), (slice(None), *into)
                with reading_errors(self.name, doing), filters_of(dataset, where):
                    dataset.read_direct(buffer, rows_here, into)
                yield buffer[into].T if transposed else buffer[into]

    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes, hexadecimal."""
        if self._fingerprint is None:
            with self._path.open("rb") as handle:
                self._fingerprint = hashlib.file_digest(handle, "sha256").hexdigest()
        return self._fingerprint

    def group_attrs(self, key: str) -> dict[str, Any]:
        """Attributes of a group; empty when there is no such group."""
        with reading_errors(self.name, f"read {one_line(key)}"), h5py.File(self._path, "r") as file:
            return _plain_attrs(file[key]) if key in file else {}


def _plain_attrs(group: h5py.Group) -> dict[str, Any]:
    """Attributes that are numbers, strings or arrays of them."""
    attrs: dict[str, Any] = {}
    for name in group.attrs:
        if group.attrs.get_id(name).get_storage_size() > 1 << 24:
            continue
        value = group.attrs[name]
        if isinstance(value, bytes):
            value = value.decode(errors="backslashreplace")
        attrs[str(name)] = value
    return attrs


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _chunk_cache_bytes(array: StoredArray, rows: int, *, transposed: bool) -> int:
    """Chunk cache that keeps one band of chunks, where a block is less than a chunk's rows.

    Without it every block would decompress the same chunks again.
    """
    if transposed or array.row_alignment <= rows:
        return _DEFAULT_CACHE_BYTES
    band = array.row_alignment * row_bytes(array, transposed=False)
    return max(_DEFAULT_CACHE_BYTES, min(band, MAX_CHUNK_BYTES))
