"""The datasets of one split while batches arrive."""

from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features import layout
from ibcollapse.features.batch import Batch

# HDF5 keeps 1 MiB of chunks a dataset by default; a chunk must fit in it with room to spare, or
# each small batch would decompress and compress it again.
_CHUNK_BYTES = 1 << 19


class GrowingSplit:
    """Appends checked batches to the datasets of `group` (one epoch and split)."""

    def __init__(self, group: h5py.Group, compression: str | None) -> None:
        self._group = group
        self._compression = compression
        self._datasets: dict[str, h5py.Dataset] = {}
        group.visititems(self._remember)
        stored = self._datasets.get(layout.IDS)
        self._seen_ids: set[Any] = set() if stored is None else set(_plain_ids(stored[...]))

    def _remember(self, name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            self._datasets[name] = item

    def append(self, batch: Batch) -> None:
        """Write the rows of `batch` behind those already there; `InputError` writes nothing."""
        columns: dict[str, NDArray[Any]] = {layout.LABELS: batch.labels}
        columns |= {f"{layout.FEATURES}/{name}": x for name, x in batch.features.items()}
        if batch.ids is not None:
            columns[layout.IDS] = batch.ids
        if batch.logits is not None:
            columns[layout.LOGITS] = batch.logits
        self._check(columns)
        self._check_ids(batch)
        for name, values in columns.items():
            dataset = self._datasets.get(name)
            if dataset is None:
                dataset = self._datasets[name] = self._create(name, values)
            start = len(dataset)
            dataset.resize(start + len(values), axis=0)
            dataset[start:] = values.astype(object) if values.dtype.kind in "US" else values

    def _check(self, columns: dict[str, NDArray[Any]]) -> None:
        if not self._datasets:
            return
        if set(columns) != set(self._datasets):
            raise InputError(
                f"{self._group.name}: this batch has {', '.join(sorted(columns))}; the batches "
                f"before it had {', '.join(sorted(self._datasets))}"
            )
        for name, values in columns.items():
            dataset = self._datasets[name]
            is_text = h5py.check_string_dtype(dataset.dtype) is not None
            if values.shape[1:] != dataset.shape[1:] or is_text != (values.dtype.kind in "US"):
                raise InputError(
                    f"{dataset.name}: this batch is {values.dtype} {values.shape}, the rows "
                    f"before it are {dataset.dtype} {dataset.shape}"
                )

    def _check_ids(self, batch: Batch) -> None:
        if batch.ids is None:
            return
        ids = _plain_ids(batch.ids)
        fresh = set(ids)
        repeated = fresh & self._seen_ids
        if len(fresh) != len(ids) or repeated:
            twice = repeated or {name for name in fresh if ids.count(name) > 1}
            raise InputError(
                f"{self._group.name}/ids: {sorted(twice)[:5]} appear twice; "
                "ids are unique in a split"
            )
        self._seen_ids |= fresh

    def _create(self, name: str, values: NDArray[Any]) -> h5py.Dataset:
        text = values.dtype.kind in "US"
        row_bytes = 16 if text else values.dtype.itemsize * int(np.prod(values.shape[1:]))
        rows = max(1, min(65536, _CHUNK_BYTES // max(row_bytes, 1)))
        filters = (
            {} if text or self._compression is None else {"compression": "gzip", "shuffle": True}
        )
        return self._group.create_dataset(
            name,
            shape=(0, *values.shape[1:]),
            maxshape=(None, *values.shape[1:]),
            chunks=(rows, *values.shape[1:]),
            dtype=h5py.string_dtype() if text else values.dtype,
            **filters,
        )


def _plain_ids(ids: NDArray[Any]) -> list[Any]:
    return [item.decode() if isinstance(item, bytes) else item for item in ids.tolist()]
