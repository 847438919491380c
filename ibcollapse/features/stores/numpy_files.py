"""NumPy's own files: .npz archives, and .npy files that lie side by side. Nothing is unpickled."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from ibcollapse.features.stores.damage import reading_errors
from ibcollapse.features.stores.memory import MemoryStore, header, unreadable
from ibcollapse.features.stores.store import StoredArray, one_line

_NPY = ".npy"
# DEFLATE cannot shrink more than 1032 times.
_MAX_COMPRESSION = 1100


def open_npz(path: Path) -> MemoryStore:
    """Store of a .npz archive; each array is loaded when it is first used."""
    name = str(path)
    with reading_errors(name, "open it as .npz"), zipfile.ZipFile(path) as archive:
        headers = [_member_header(archive, info) for info in archive.infolist()]

    def load(key: str) -> NDArray[Any]:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[key])

    return MemoryStore(name, headers, load, path=path)


def _member_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> StoredArray:
    key = info.filename.removesuffix(_NPY)
    if not info.filename.endswith(_NPY):
        return unreadable(key, "no .npy array")
    with archive.open(info) as member:
        found = _read_header(member, key)
        start = member.tell()
    declared = math.prod(found.shape) * found.dtype.itemsize
    if not found.problem and (
        declared != info.file_size - start or declared > _MAX_COMPRESSION * info.compress_size
    ):
        return unreadable(
            key,
            f"declares {found.form}, {declared} bytes, but stores {info.compress_size}; the file "
            "is damaged",
        )
    return found


def _read_header(file: IO[bytes], key: str) -> StoredArray:
    version = npy_format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = npy_format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = npy_format.read_array_header_2_0(file)
    else:
        return unreadable(key, f".npy version {version}, which only tables need; save plain arrays")
    return header(key, shape, dtype)


def open_npy(path: Path) -> MemoryStore:
    """Store of the .npy files in one folder, of which `path` names the features.

    Labels are found by name: `train_labels.npy` beside `train_features.npy`. Features are
    memory-mapped, so that a file larger than memory works.
    """
    files = {file.stem: file for file in path.parent.glob(f"*{_NPY}")} | {path.stem: path}
    headers = []
    for key, file in files.items():
        with reading_errors(str(file), "open it as .npy"), file.open("rb") as handle:
            headers.append(_read_header(handle, key))

    def load(key: str) -> NDArray[Any]:
        with reading_errors(str(files[key]), "read it"):
            return np.asarray(np.load(files[key], mmap_mode="r", allow_pickle=False))

    return MemoryStore(one_line(str(path)), headers, load, given_key=path.stem)
