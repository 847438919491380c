"""Trees of plain values and arrays on disk, as JSON or HDF5; the encoding under `serialize`.

A tree is a dict of str → None, bool, int, float, str, NumPy array, list or dict. JSON keeps arrays
as {"array": dtype, "shape": ..., "values": ...}; HDF5 mirrors the tree as groups, with arrays as
datasets and everything else as JSON text in attributes. Both round-trip float64 exactly.
"""

import json
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ibcollapse.errors import ResultFileError
from ibcollapse.storage.deferred_errors import DeferredErrorFile
from ibcollapse.storage.global_heaps import find_endless_heap
from ibcollapse.storage.hdf5_guard import find_danger

HDF5_FORMAT = "ibcollapse-result"
_COMPRESS_FROM = 4096
_SEQUENCE = "sequence_length"
_MAX_DEPTH = 32
# As a declared size may: any up to this, beyond it no more than gzip could have compressed.
_ALWAYS_ALLOWED_BYTES = 1 << 24
_MAX_COMPRESSION = 1100
_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


def write_json(tree: dict[str, Any], path: Path) -> None:
    """Write `tree` as strict JSON (infinities and NaN as {"float": "inf"})."""
    path.write_text(json.dumps(_jsonable(tree), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Tree of a file that `write_json` wrote; `ResultFileError` on anything else."""
    try:
        tree = _unjson(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ResultFileError(f"{path}: not a result file in JSON ({error})") from error
    if not isinstance(tree, dict):
        raise ResultFileError(f"{path}: holds a {type(tree).__name__}, expected a result object")
    return tree


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_jsonable(item) for item in value]
    if isinstance(value, np.ndarray):
        values = [_jsonable(item) for item in value.ravel().tolist()]
        dtype = "str" if value.dtype.kind in "UO" else value.dtype.name
        return {"array": dtype, "shape": list(value.shape), "values": values}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    return value


def _unjson(value: Any) -> Any:
    if isinstance(value, list):
        return [_unjson(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"float"}:
        return _FLOATS[value["float"]]
    if set(value) == {"array", "shape", "values"}:
        dtype = np.dtype(value["array"])
        if dtype.kind not in "biufU":
            raise ValueError(f"an array of {dtype}; results hold numbers, booleans and strings")
        values = [_unjson(item) for item in value["values"]]
        return np.array(values, dtype=dtype).reshape(value["shape"])
    return {key: _unjson(item) for key, item in value.items()}


def write_hdf5(tree: dict[str, Any], path: Path) -> None:
    """Write `tree` to a fresh HDF5 file at `path`; `OSError` when the disk is full."""
    with DeferredErrorFile(path, "wb+") as raw:
        with h5py.File(raw, "w", libver="v110", track_order=True) as file:
            file.attrs["format"] = HDF5_FORMAT
            file.attrs["format_version"] = 1
            _write_group(file.create_group("result", track_order=True), tree)
        raw.raise_error()


def _write_group(group: h5py.Group, tree: dict[str, Any]) -> None:
    for key, value in tree.items():
        if isinstance(value, np.ndarray):
            _write_array(group, key, value)
        elif isinstance(value, dict):
            _write_group(group.create_group(key, track_order=True), value)
        elif isinstance(value, list) and any(
            isinstance(v, (dict, list, np.ndarray)) for v in value
        ):
            child = group.create_group(key, track_order=True)
            child.attrs[_SEQUENCE] = len(value)
            _write_group(child, {str(i): item for i, item in enumerate(value)})
        else:
            group.attrs[key] = json.dumps(_jsonable(value), allow_nan=False)


def _write_array(group: h5py.Group, key: str, value: np.ndarray[Any, Any]) -> None:
    if value.dtype.kind in "UO":
        group.create_dataset(key, data=value.astype(object), dtype=h5py.string_dtype())
    elif value.size >= _COMPRESS_FROM:
        group.create_dataset(key, data=value, compression="gzip", shuffle=True)
    else:
        group.create_dataset(key, data=value)


def read_hdf5(path: Path) -> dict[str, Any]:
    """Tree of a file that `write_hdf5` wrote; `ResultFileError` on anything else."""
    heap = find_endless_heap(path)
    if heap is not None:
        raise ResultFileError(f"{path}: damaged (global heap at byte {heap}); copy it again")
    danger = find_danger(path)
    if danger:
        raise ResultFileError(f"{path}: damaged ({danger}); copy it again")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != HDF5_FORMAT:
                raise ResultFileError(f"{path}: an HDF5 file, but no result of ibcollapse")
            root = file["result"]
            if not isinstance(root, h5py.Group):
                raise ResultFileError(f"{path}: its /result is no group")
            tree = _read_group(root, 0)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        if isinstance(error, ResultFileError):
            raise
        raise ResultFileError(f"{path}: not a readable result file ({error})") from error
    if not isinstance(tree, dict):
        raise ResultFileError(f"{path}: holds a list, expected a result object")
    return tree


def _read_group(group: h5py.Group, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_DEPTH} groups")
    tree: dict[str, Any] = {}
    for key in group:
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{group.name}/{key} is a link; results hold none")
        tree[key] = _read_item(group[key], depth)
    length = None
    for key, text in group.attrs.items():
        if key == _SEQUENCE:
            length = int(text)
        else:
            tree[key] = _unjson(json.loads(text))
    if length is None:
        return tree
    return [tree[str(i)] for i in range(length)]


def _read_item(item: h5py.Group | h5py.Dataset | h5py.Datatype, depth: int) -> Any:
    if isinstance(item, h5py.Group):
        return _read_group(item, depth + 1)
    if not isinstance(item, h5py.Dataset):
        # Damage turned a dataset into a named type; results have none.
        raise ValueError(f"{item.name} is neither a group nor an array")
    if item.external is not None or item.is_virtual:
        raise ValueError(f"{item.name} stores its values in another file; results never do")
    declared, stored = item.size * item.dtype.itemsize, item.file.id.get_filesize()
    if declared > _ALWAYS_ALLOWED_BYTES + _MAX_COMPRESSION * stored:
        raise ValueError(f"{item.name} declares {declared} bytes in a file of {stored}")
    if h5py.check_string_dtype(item.dtype) is not None:
        return item.asstr()[...].astype(np.str_)
    if item.dtype.kind not in "biuf":
        raise ValueError(f"{item.name} is of type {item.dtype}; results hold numbers and strings")
    return item[...]
