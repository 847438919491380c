"""What an HDF5 file holds, from its headers alone, and which of it is refused.

A feature file may come from a stranger: nothing outside the file is opened (external links and
storage, virtual datasets), nothing is allocated from a declared size that the file does not back
with stored bytes, and hard-link cycles end.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.stores.damage import reading_errors
from ibcollapse.features.stores.store import StoredArray, one_line

MAX_OBJECTS = 100_000
MAX_DEPTH = 64
MAX_CHUNK_BYTES = 1 << 30
# DEFLATE cannot shrink more than 1032 times; LZF less. Small arrays are harmless at any ratio.
_MAX_COMPRESSION = 1100
_ALWAYS_ALLOWED_BYTES = 1 << 26
_EXTERNAL = "a link to another file, which is never followed; copy the data into this one"


def survey(file: h5py.File, name: str) -> tuple[StoredArray, ...]:
    """Every array below the root, by increasing key; soft links are left out."""
    seen: set[int] = set()
    found: list[StoredArray] = []
    pending: list[tuple[h5py.Group, str, int]] = [(file, "", 0)]
    while pending:
        group, prefix, depth = pending.pop()
        for child in group:
            key = f"{prefix}{child}"
            with reading_errors(name, f"read the header of {one_line(key)}"):
                # The address is asked of the link: asking the object (H5Oget_info) crashes inside
                # HDF5 when its header is damaged.
                link = group.id.links.get_info(child.encode("utf-8", "surrogateescape"))
                if link.type == h5py.h5l.TYPE_EXTERNAL:
                    found.append(StoredArray(key, (), np.dtype("V1"), _EXTERNAL))
                if link.type != h5py.h5l.TYPE_HARD or link.u in seen:
                    continue
                seen.add(link.u)
                item = group[child]
                column = _array(item, key)
            if len(seen) > MAX_OBJECTS or depth > MAX_DEPTH:
                raise FeatureFileError(
                    f"{name}: more than {MAX_OBJECTS} objects or {MAX_DEPTH} nested groups; "
                    "write the features to a file of their own"
                )
            if column is not None:
                found.append(column)
            elif isinstance(item, h5py.Group):
                pending.append((item, f"{key}/", depth + 1))
    return tuple(sorted(found, key=lambda array: array.key))


def _array(item: Any, key: str) -> StoredArray | None:
    """Header of a dataset, or of a group that a format uses as one array; None for other groups."""
    if isinstance(item, h5py.Dataset):
        return describe(item, key)
    return _categorical(item, key) or _sparse(item, key) if isinstance(item, h5py.Group) else None


def describe(dataset: h5py.Dataset, key: str) -> StoredArray:
    """Header of one dataset, with the reason where it cannot or must not be read."""
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    shape = dataset.shape
    return StoredArray(
        key,
        () if shape is None else tuple(int(length) for length in shape),
        dataset.dtype,
        _problem(dataset, is_text=is_text),
        is_text=is_text,
        row_alignment=dataset.chunks[0] if dataset.chunks else 1,
    )


def _problem(dataset: h5py.Dataset, *, is_text: bool) -> str:
    dtype = dataset.dtype
    if dataset.external is not None or dataset.is_virtual:
        return (
            "its values are stored in other files, which are never opened; copy them into this one"
        )
    if dataset.shape is None:
        return "an empty dataspace; write the array again"
    if dtype.names is not None:
        return (
            f"a table with the fields {', '.join(dtype.names)}; store each as an array of its own"
        )
    if dataset.attrs.get("MATLAB_class") in (b"cell", b"char", "cell", "char"):
        return "MATLAB text or a cell array; store class numbers"
    if not is_text and (dtype.kind not in "fiub" or dtype.itemsize > 8):
        return f"of type {dtype}; store float16, float32, float64, integers or strings"
    chunk = _chunk_bytes(dataset)
    if chunk > MAX_CHUNK_BYTES:
        return f"stored in chunks of {chunk / 2**30:.3g} GiB; write it in chunks of about 1 MiB"
    declared, stored = dataset.size * dtype.itemsize, _stored_bytes(dataset)
    if declared > _ALWAYS_ALLOWED_BYTES + _MAX_COMPRESSION * stored:
        return (
            f"declares {declared / 2**30:.3g} GiB but stores at most {stored} bytes; the file is "
            "damaged or was never filled"
        )
    return ""


def _stored_bytes(dataset: h5py.Dataset) -> int:
    """Bytes that the file holds of a dataset; at most its own size, where that says enough."""
    size = int(dataset.file.id.get_filesize())
    if dataset.size * dataset.dtype.itemsize > _ALWAYS_ALLOWED_BYTES + _MAX_COMPRESSION * size:
        # HDF5 would count the chunks that the shape declares one by one, for hours.
        return size
    return int(dataset.id.get_storage_size())


def _chunk_bytes(dataset: h5py.Dataset) -> int:
    if not dataset.chunks:
        return 0
    return int(np.prod([float(length) for length in dataset.chunks])) * int(dataset.dtype.itemsize)


def _categorical(group: h5py.Group, key: str) -> StoredArray | None:
    """An anndata column: codes into categories, −1 where the value is missing."""
    if _encoding(group) != "categorical" or not {"codes", "categories"} <= set(group):
        return None
    for member in ("codes", "categories"):
        is_hard = isinstance(group.get(member, getlink=True), h5py.HardLink)
        if not is_hard or not isinstance(group[member], h5py.Dataset):
            return StoredArray(key, (), np.dtype("V1"), f"its {member} are no dataset of this file")
    codes = describe(group["codes"], key)
    names = describe(group["categories"], key)
    problem = codes.problem or names.problem
    return StoredArray(key, codes.shape, codes.dtype, problem, is_categorical=True)


def _sparse(group: h5py.Group, key: str) -> StoredArray | None:
    if not str(_encoding(group)).endswith("_matrix"):
        return None
    problem = "a sparse matrix; store it dense (in anndata: adata.X = adata.X.toarray())"
    return StoredArray(key, (), np.dtype("V1"), problem)


def _encoding(group: h5py.Group) -> Any:
    return group.attrs.get("encoding-type", "")


def is_matlab(path: Path) -> bool:
    """Whether MATLAB wrote this file (v7.3): its arrays then arrive with reversed axes."""
    with path.open("rb") as handle:
        return handle.read(10) == b"MATLAB 7.3"
