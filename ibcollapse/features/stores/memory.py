"""Arrays that are in memory, memory-mapped, or loaded when asked for."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features.arrays import as_array
from ibcollapse.features.stores.hdf5_survey import describe, hdf5_errors
from ibcollapse.features.stores.store import StoredArray


class MemoryStore:
    """Arrays by key, each a NumPy array, memory map or open h5py dataset.

    Parameters
    ----------
    name : str
        What messages call it: a path, or "the arrays".
    arrays : mapping of key to array
    problems : mapping of key to str
        Members that cannot be read, and why.
    fingerprint : callable, optional
        SHA-256 of the origin; of the arrays themselves when omitted.
    """

    is_matlab = False

    def __init__(
        self,
        name: str,
        arrays: Mapping[str, Any],
        *,
        problems: Mapping[str, str] | None = None,
        fingerprint: Callable[[], str] | None = None,
    ) -> None:
        self.name = name
        self.attrs: dict[str, Any] = {}
        self._values = dict(arrays)
        self._origin_fingerprint = fingerprint
        refused = [StoredArray(k, (), np.dtype("V1"), why) for k, why in (problems or {}).items()]
        readable = [_header(key, values) for key, values in self._values.items()]
        self.arrays = tuple(sorted(readable + refused, key=lambda array: array.key))

    def read(self, key: str) -> NDArray[Any]:
        """Whole array."""
        values = self._values[key]
        if isinstance(values, h5py.Dataset):
            with hdf5_errors(self.name, f"read {key}"):
                is_text = h5py.check_string_dtype(values.dtype) is not None
                return np.asarray(values.asstr()[...].astype(np.str_) if is_text else values[...])
        return np.asarray(values)

    def blocks(
        self, array: StoredArray, n_rows: int, rows: int, *, transposed: bool
    ) -> Iterator[NDArray[Any]]:
        """Rows 0 to `n_rows` in blocks, views of the array where it is in memory."""
        values = self._values[array.key]
        for start in range(0, n_rows, rows):
            part = slice(start, min(start + rows, n_rows))
            with hdf5_errors(self.name, f"read {array.key}"):
                block = values[:, part].T if transposed else values[part]
            yield block

    def fingerprint(self) -> str:
        """SHA-256 of the origin, or of every array's type, shape and bytes; hexadecimal."""
        if self._origin_fingerprint is not None:
            return self._origin_fingerprint()
        digest = hashlib.sha256()
        for array in self.arrays:
            digest.update(f"{array.key} {array.dtype.str} {array.shape}".encode())
            for block in self._all_blocks(array):
                digest.update(np.ascontiguousarray(block).tobytes())
        return digest.hexdigest()

    def _all_blocks(self, array: StoredArray) -> Iterator[NDArray[Any]]:
        if array.is_text or not array.shape:
            return iter([self.read(array.key)])
        return self.blocks(array, array.shape[0], 4096, transposed=False)

    def group_attrs(self, key: str) -> dict[str, Any]:
        """Nothing: arrays in memory have no attributes."""
        return {}


def _header(key: str, values: Any) -> StoredArray:
    if isinstance(values, h5py.Dataset):
        if not values:
            raise FeatureFileError(f"{key}: an h5py dataset of a closed file; open the file first")
        return describe(values, key)
    is_text = values.dtype.kind in "US"
    problem = ""
    if not is_text and (values.dtype.kind not in "fiub" or values.dtype.itemsize > 8):
        problem = f"of type {values.dtype}; store float16, float32, float64, integers or strings"
    return StoredArray(key, values.shape, values.dtype, problem, is_text=is_text)


def pair_store(pair: Any) -> MemoryStore:
    """Store of a (features, labels) pair of arrays, tensors, memory maps or h5py datasets."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(
            f"features: a {type(pair).__name__}; expected a path, a FeatureSource or a pair "
            "(features, labels)"
        )
    arrays = {
        name: values if isinstance(values, (np.ndarray, h5py.Dataset)) else as_array(values)
        for name, values in zip(("features", "labels"), pair, strict=True)
    }
    if not all(np.ndim(values) for values in arrays.values()):
        raise InputError("features and labels: expected arrays, found single values")
    return MemoryStore("the arrays", arrays)
