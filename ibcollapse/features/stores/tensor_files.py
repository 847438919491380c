"""Tensors on disk: .pt through the extra 'torch', .safetensors through the extra 'safetensors'."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.errors import InputError, MissingExtraError
from ibcollapse.features.stores.damage import reading_errors
from ibcollapse.features.stores.memory import MemoryStore, header, unreadable
from ibcollapse.features.stores.store import StoredArray

_MAX_DEPTH = 16
_SAFETENSORS_TYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I8": "<i1",
    "I16": "<i2",
    "I32": "<i4",
    "I64": "<i8",
    "U8": "<u1",
    "U16": "<u2",
    "U32": "<u4",
    "U64": "<u8",
    "BOOL": "?",
}


def open_torch(path: Path) -> MemoryStore:
    """Store of a file that `torch.save` made of tensors in (nested) dicts, lists or tuples.

    Only tensors and plain values are loaded (`weights_only`): a file cannot run code.

    Raises
    ------
    MissingExtraError
        Without torch.
    FeatureFileError
        On pickled objects of other kinds.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", f"{path}: reading .pt files") from error
    doing = "open it as a dict of tensors (other objects are refused)"
    # torch warns of pickle protocols that it then refuses; the error says enough.
    with warnings.catch_warnings(action="ignore"), reading_errors(str(path), doing):
        content = torch.load(path, map_location="cpu", weights_only=True)
    arrays: dict[str, NDArray[Any]] = {}
    headers = []
    for key, value in _leaves(content, "", 0):
        try:
            arrays[key] = as_array(value)
        except (InputError, RuntimeError, TypeError) as error:
            headers.append(unreadable(key, f"no plain tensor ({error})"))
        else:
            headers.append(header(key, arrays[key].shape, arrays[key].dtype))
    return MemoryStore(str(path), headers, arrays.__getitem__, path=path)


def _leaves(value: Any, key: str, depth: int) -> Iterator[tuple[str, Any]]:
    is_sequence = isinstance(value, (list, tuple)) and any(hasattr(item, "shape") for item in value)
    if depth > _MAX_DEPTH or not (isinstance(value, Mapping) or is_sequence):
        yield key, value
        return
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    for name, item in items:
        yield from _leaves(item, f"{key}/{name}" if key else str(name), depth + 1)


def open_safetensors(path: Path) -> MemoryStore:
    """Store of a .safetensors file; each tensor is loaded when it is first used.

    Raises
    ------
    MissingExtraError
        Without safetensors.
    """
    try:
        import safetensors
    except ImportError as error:
        raise MissingExtraError("safetensors", f"{path}: reading .safetensors files") from error
    # The library's own exception derives from Exception alone.
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            headers = [_tensor_header(file, key) for key in sorted(file.keys())]
    except safetensors.SafetensorError as error:
        with reading_errors(str(path), "open it as .safetensors"):
            raise ValueError(str(error)) from error

    def load(key: str) -> NDArray[Any]:
        with safetensors.safe_open(path, framework="numpy") as file:
            return np.asarray(file.get_tensor(key))

    return MemoryStore(str(path), headers, load, path=path)


def _tensor_header(file: Any, key: str) -> StoredArray:
    tensor = file.get_slice(key)
    kind = _SAFETENSORS_TYPES.get(tensor.get_dtype())
    if kind is None:
        return unreadable(key, f"of type {tensor.get_dtype()}; save it as float32 (tensor.float())")
    return header(key, tuple(tensor.get_shape()), np.dtype(kind))
