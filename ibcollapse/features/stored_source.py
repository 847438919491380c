"""The `FeatureSource` of anything stored: files and arrays alike."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features.choosing.choice import Choice, Request
from ibcollapse.features.labels import UNLABELLED, ClassLabels
from ibcollapse.features.nonfinite import (
    has_nonfinite,
    nonfinite_rows,
    rows_text,
    unsquarable,
)
from ibcollapse.features.pooling import pool_block, pooled_width
from ibcollapse.features.source import Classifier, FeatureContents, FeatureSource
from ibcollapse.features.stores.store import Store, one_line, row_bytes, rows_per_block
from ibcollapse.features.text import as_text

Block = NDArray[np.floating[Any]]
Reopen = Callable[[Store, Request], FeatureSource]


class StoredSource:
    """Features that a `Choice` names in a `Store`; made by `open_features`."""

    def __init__(
        self, store: Store, choice: Choice, request: Request, labels: ClassLabels, reopen: Reopen
    ) -> None:
        self._store = store
        self._choice = choice
        self._request = request
        self._reopen = reopen
        self._class_labels = labels
        self._width = _common_width(store, choice, request.pool)
        self._keep = labels.codes != UNLABELLED
        self._screened = self._ranged = False
        notes = []
        if not self._keep.all():
            absent = np.count_nonzero(~self._keep)
            notes.append(f"left out {absent} of {self.n_stored} as unlabelled (label -1)")
        if request.drop_nonfinite:
            bad = nonfinite_rows(self.stored_blocks(), self._keep)
            self._keep[bad] = False
            self._screened = True
            if bad.size:
                notes.append(
                    f"dropped {bad.size} of {self.n_stored} for NaN or inf ({rows_text(bad)})"
                )
        self._labels: NDArray[np.int64] = labels.codes[self._keep]
        self._labels.setflags(write=False)
        self._description = "; ".join([choice.reason, *notes]) + "."

    def __repr__(self) -> str:
        return (
            f"<features of {self._store.name}: {self.n_samples} x {self.n_features}, "
            f"{len(self.class_names)} classes>"
        )

    @property
    def n_samples(self) -> int:
        """Number of samples, without those left out."""
        return len(self._labels)

    @property
    def n_stored(self) -> int:
        """Number of samples in the file, with those left out, without padding."""
        return self._choice.n_rows

    @property
    def n_features(self) -> int:
        """Dimension of a sample, after pooling."""
        return self._width

    @property
    def class_names(self) -> tuple[str, ...]:
        """Declared names, or the label values in increasing order."""
        return self._class_labels.names

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each sample, shape (n_samples,), read-only."""
        return self._labels

    @property
    def contents(self) -> FeatureContents:
        """Layers, epochs and splits of the same file."""
        return self._choice.contents

    @property
    def layer(self) -> str | None:
        """Layer that was taken."""
        return self._choice.layer

    @property
    def epoch(self) -> int | None:
        """Epoch that was taken."""
        return self._choice.epoch

    @property
    def split(self) -> str | None:
        """Split that was taken."""
        return self._choice.split

    @property
    def description(self) -> str:
        """What was taken, why, and what was left out."""
        return self._description

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the file or arrays; reads all of it the first time."""
        return self._store.fingerprint()

    def chunks(self, rows: int | None = None) -> Iterator[tuple[Block, NDArray[np.int64]]]:
        """Blocks (x, y) in stored order, as `FeatureSource.chunks` describes."""
        stored = first = 0
        ranged = self._ranged
        for x in self.stored_blocks(rows):
            keep = self._keep[stored : stored + len(x)]
            stored += len(x)
            kept = x if keep.all() else x[keep]
            if not self._screened and has_nonfinite(kept):
                raise self._nonfinite_error()
            if not ranged and (largest := unsquarable(kept)) is not None:
                raise self._range_error(largest)
            if len(kept):
                kept.setflags(write=False)
                yield kept, self._labels[first : first + len(kept)]
                first += len(kept)
        self._screened = self._ranged = True

    def stored_blocks(self, rows: int | None = None) -> Iterator[Block]:
        """Pooled blocks of every stored row, unlabelled and non-finite ones included."""
        if rows is not None and rows < 1:
            raise InputError(f"rows {rows}: expected one or more")
        scratch: Block | None = None
        left = self._choice.n_rows
        transposed = self._choice.transposed
        for array in self._choice.features:
            here = min(left, array.shape[1 if transposed else 0])
            left -= here
            size = row_bytes(array, transposed=transposed)
            step = rows or rows_per_block(size, 1 if transposed else array.row_alignment)
            for block in self._store.blocks(array, here, step, transposed=transposed):
                x = pool_block(block, self._request.pool)
                if scratch is None or len(x) > len(scratch):
                    scratch = np.empty(x.shape, dtype=_working_dtype(x.dtype))
                yield _converted(x, scratch)

    def _place(self) -> str:
        names = ", ".join(one_line(array.key) for array in self._choice.features[:3])
        return f"{self._store.name}: {names}"

    def _range_error(self, largest: float) -> FeatureFileError:
        return FeatureFileError(
            f"{self._place()}: values up to {largest:.3g} whose products leave the range of "
            "float64; multiply all features by one power of ten"
        )

    def _nonfinite_error(self) -> FeatureFileError:
        bad = nonfinite_rows(self.stored_blocks(), self._keep)
        return FeatureFileError(
            f"{self._place()}: NaN or infinite features in {bad.size} of "
            f"{self.n_samples} samples ({rows_text(bad)}); leave them out with --drop-nonfinite "
            "(drop_nonfinite=True)"
        )

    @property
    def classifier(self) -> Classifier | None:
        """Classifier that reads this layer, its rows in the order of `class_names`."""
        choice = self._choice
        if choice.weight_key is None:
            return None
        weight = _numbers(self._store, choice.weight_key)
        bias = None if choice.bias_key is None else _numbers(self._store, choice.bias_key)
        values = self._class_labels.values
        if values is not None and weight.ndim == 2 and len(weight) > values.max():
            weight, bias = weight[values], None if bias is None else bias[values]
        expected = (len(self.class_names), self.n_features)
        if weight.shape != expected or (bias is not None and bias.shape != expected[:1]):
            raise FeatureFileError(
                f"{self._store.name}: {choice.weight_key}: classifier of shape {weight.shape}, "
                f"expected {expected} (classes, features of layer {choice.layer})"
            )
        return Classifier(weight, bias)

    @property
    def ids(self) -> NDArray[Any] | None:
        """Names of the samples: integers or text."""
        key = self._choice.ids_key
        if key is None:
            return None
        stored = as_text(self._store.read(key), f"{self._store.name}: {one_line(key)}")
        return self._of_samples(key, stored)

    @property
    def logits(self) -> NDArray[np.float64] | None:
        """Outputs of the network."""
        key = self._choice.logits_key
        return None if key is None else self._of_samples(key, _numbers(self._store, key))

    def _of_samples(self, key: str, values: NDArray[Any]) -> NDArray[Any]:
        if values.shape[:1] != self._keep.shape:
            raise FeatureFileError(
                f"{self._store.name}: {one_line(key)}: shape {values.shape} for {len(self._keep)} "
                "samples"
            )
        return np.asarray(values[self._keep])

    def select(
        self, *, layer: str | None = None, epoch: int | None = None, split: str | None = None
    ) -> FeatureSource:
        """Return the same file at another layer, epoch or split; None keeps the present one."""
        request = dataclasses.replace(
            self._request,
            layer=self.layer if layer is None else layer,
            epoch=self.epoch if epoch is None else epoch,
            split=self.split if split is None else split,
        )
        return self._reopen(self._store, request)


def _common_width(store: Store, choice: Choice, pool: str | None) -> int:
    widths = set()
    for array in choice.features:
        shape = array.shape[::-1] if choice.transposed else array.shape
        widths.add(pooled_width(shape, pool, f"{store.name}: {one_line(array.key)}"))
    if len(widths) != 1:
        raise FeatureFileError(
            f"{store.name}: shards of different widths {sorted(widths)}; choose with --features-key"
        )
    return widths.pop()


def _numbers(store: Store, key: str) -> NDArray[np.float64]:
    values = store.read(key)
    if values.dtype.kind not in "fiub":
        raise FeatureFileError(
            f"{store.name}: {one_line(key)}: of type {values.dtype}, expected numbers"
        )
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


def _working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """float32 where it holds every stored value exactly, else float64."""
    small = dtype.itemsize <= 2 or (dtype.kind == "f" and dtype.itemsize == 4)
    return np.dtype(np.float32 if small else np.float64)


def _converted(x: NDArray[Any], scratch: Block) -> Block:
    """`x` in native floats and row order: as it is, or copied into the buffer `scratch`."""
    if x.dtype == scratch.dtype and x.dtype.isnative and x.flags.c_contiguous:
        return x.view()
    # A signalling NaN is found as any other, a little later.
    with np.errstate(invalid="ignore"):
        np.copyto(scratch[: len(x)], x)
    return scratch[: len(x)]
