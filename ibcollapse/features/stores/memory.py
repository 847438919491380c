"""Arrays that are in memory, memory-mapped, or loaded whole when first asked for."""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features.stores.damage import reading_errors
from ibcollapse.features.stores.hdf5_filters import filters_of
from ibcollapse.features.stores.hdf5_survey import describe
from ibcollapse.features.stores.store import StoredArray, one_line

_HASHED_ROWS = 4096


class MemoryStore:
    """Arrays by key, loaded by a function that is called once for each array that is used.

    Parameters
    ----------
    name : str
        What messages call it: a path, or "the arrays".
    headers : iterable of StoredArray
    load : callable
        Array (NumPy, memory map or open h5py dataset) of a key.
    path : path, optional
        File whose bytes the fingerprint is taken of; of the arrays themselves when omitted.
    given_key : str, optional
        The array that the path names.
    """

    is_matlab = False

    def __init__(
        self,
        name: str,
        headers: Iterable[StoredArray],
        load: Callable[[str], Any],
        *,
        path: Path | None = None,
        given_key: str | None = None,
    ) -> None:
        self.name = name
        self.attrs: dict[str, Any] = {}
        self.given_key = given_key
        self.arrays = tuple(sorted(headers, key=lambda array: array.key))
        self._load = load
        self._path = path
        self._loaded: dict[str, Any] = {}

    def read(self, key: str) -> NDArray[Any]:
        """Whole array; strings as NumPy strings."""
        values = self._value(key)
        with self._reading(key, values):
            if isinstance(values, h5py.Dataset):
                # Of whatever encoding it says it is: most files that say ASCII hold UTF-8.
                is_text = h5py.check_string_dtype(values.dtype) is not None
                text = values.asstr("utf-8")[...].astype(np.str_) if is_text else values[...]
                return np.asarray(text)
            return np.asarray(values)

    def blocks(
        self, array: StoredArray, n_rows: int, rows: int, *, transposed: bool
    ) -> Iterator[NDArray[Any]]:
        """Rows 0 to `n_rows` of `array` in blocks, views of it where it is in memory."""
        values = self._value(array.key)
        for start in range(0, n_rows, rows):
            part = slice(start, min(start + rows, n_rows))
            with self._reading(array.key, values):
                block = np.asarray(values[:, part]).T if transposed else np.asarray(values[part])
            yield block

    @contextlib.contextmanager
    def _reading(self, key: str, values: Any) -> Iterator[None]:
        name = one_line(key)
        with reading_errors(self.name, f"read {name}"), filters_of(values, f"{self.name}: {name}"):
            yield

    def _value(self, key: str) -> Any:
        if key not in self._loaded:
            with reading_errors(self.name, f"read {one_line(key)}"):
                self._loaded[key] = self._load(key)
        return self._loaded[key]

    def fingerprint(self) -> str:
        """SHA-256 of the file's bytes, or of every array's type, shape and bytes; hexadecimal."""
        if self._path is not None:
            with self._path.open("rb") as handle:
                return hashlib.file_digest(handle, "sha256").hexdigest()
        digest = hashlib.sha256()
        for array in self.arrays:
            digest.update(f"{array.key} {array.dtype.str} {array.shape}".encode())
            if array.is_text:
                digest.update("\0".join(self.read(array.key).ravel().astype(str)).encode())
                continue
            for block in self.blocks(array, array.shape[0], _HASHED_ROWS, transposed=False):
                digest.update(np.ascontiguousarray(block).tobytes())
        return digest.hexdigest()

    def group_attrs(self, key: str) -> dict[str, Any]:
        """Nothing: arrays in memory have no attributes."""
        return {}


def header(key: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> StoredArray:
    """Header of a NumPy array, with the reason where its type is refused."""
    is_text = dtype.kind in "US"
    problem = ""
    if dtype.hasobject:
        problem = "Python objects, which would need pickle; save numbers or strings"
    elif not is_text and (dtype.kind not in "fiub" or dtype.itemsize > 8):
        problem = f"of type {dtype}; store float16, float32, float64, integers or strings"
    return StoredArray(key, shape, dtype, problem, is_text=is_text)


def unreadable(key: str, problem: str) -> StoredArray:
    """Header of something that is no array, and why it cannot be used."""
    return StoredArray(key, (), np.dtype("V1"), problem)


def pair_store(pair: Any) -> MemoryStore:
    """Store of a (features, labels) pair of arrays, tensors, memory maps or h5py datasets.

    Raises
    ------
    InputError
        When it is no pair, or one of the two is no array.
    FeatureFileError
        On an h5py dataset whose file was closed.
    """
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(
            f"features: a {type(pair).__name__}; expected a path, a FeatureSource or a pair "
            "(features, labels)"
        )
    arrays: dict[str, Any] = {}
    headers = []
    for key, values in zip(("features", "labels"), pair, strict=True):
        if isinstance(values, h5py.Dataset):
            if not values:
                raise FeatureFileError(f"{key}: an h5py dataset of a closed file; open it first")
            arrays[key] = values
            headers.append(describe(values, key))
        else:
            arrays[key] = as_array(values)
            headers.append(header(key, arrays[key].shape, arrays[key].dtype))
    return MemoryStore("the arrays", headers, arrays.__getitem__)
