"""Opening a file of any format as a `Store`."""

import os
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ibcollapse.array_backend import as_array
from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError
from ibcollapse.features.stores.damage import reading_errors
from ibcollapse.features.stores.hdf5 import Hdf5Store
from ibcollapse.features.stores.memory import MemoryStore, header
from ibcollapse.features.stores.numpy_files import open_npy, open_npz
from ibcollapse.features.stores.store import Store
from ibcollapse.features.stores.tensor_files import open_safetensors, open_torch

READERS_GROUP = "ibcollapse.feature_readers"

_BY_SUFFIX: dict[str, Callable[[Path], Store]] = {
    ".npz": open_npz,
    ".npy": open_npy,
    ".pt": open_torch,
    ".pth": open_torch,
    ".safetensors": open_safetensors,
}


def open_store(path: str | os.PathLike[str]) -> Store:
    """Store of the file at `path`: by its suffix, HDF5 where the suffix says nothing else.

    A package adds a format with an entry point in the group "ibcollapse.feature_readers": its
    name is the suffix without the dot, its object a function from a `Path` to a mapping of array
    names to arrays.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    FeatureFileError
        When it is a folder, may not be read, or is damaged.
    MissingExtraError
        When its format needs an extra that is not installed.
    """
    source = Path(path)
    _check_readable(source)
    suffix = source.suffix.lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix](source)
    for reader in entry_points(group=READERS_GROUP, name=suffix.removeprefix(".")):
        return _foreign_store(source, reader.load())
    return Hdf5Store(source)


def _foreign_store(path: Path, reader: Callable[[Path], Any]) -> MemoryStore:
    with reading_errors(str(path), f"read it with {reader.__module__}"):
        arrays = {str(key): as_array(values) for key, values in reader(path).items()}
    headers = [header(key, values.shape, values.dtype) for key, values in arrays.items()]
    return MemoryStore(str(path), headers, arrays.__getitem__, path=path)


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise FeatureFileError(f"{path}: a folder; name a feature file in it")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise FeatureFileNotFoundError(f"{path}: no such feature file") from error
    except OSError as error:
        raise FeatureFileError(f"{path}: cannot be read: {error.strerror}") from error
