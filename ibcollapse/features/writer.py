"""Writing a native feature file from a training loop, batch by batch."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import h5py
import numpy as np
from numpy.typing import ArrayLike

from ibcollapse.array_backend import as_array
from ibcollapse.errors import InputError, OutputError
from ibcollapse.features import layout
from ibcollapse.features.batch import Batch, check_epoch, check_name, prepare_batch
from ibcollapse.features.growing import GrowingSplit
from ibcollapse.storage.atomic import atomic_path
from ibcollapse.storage.deferred_errors import DeferredErrorFile

FloatType = Literal["float16", "float32", "float64"]


class FeatureWriter:
    """Writes a feature file in the native layout; the file appears when the `with` block ends.

    Memory stays bounded by one batch and about 1 MiB for each dataset of the current epoch. When
    the block ends by an exception, nothing is left behind and a file of that name stays as it was.

    Parameters
    ----------
    path : path
        File to make (usually .h5); replaced when it exists.
    class_names : sequence of str, optional
        Name of class 0, 1, ...: integer labels then index it.
    default_layer : str, optional
        Layer that readers take unless told otherwise; the first of the first batch when omitted.
    default_split : str, optional
        Split that readers take; "train" when omitted.
    dtype : {"float16", "float32", "float64"}, optional
        Type that features and logits are stored in; as given when omitted.
    compression : {"gzip"} or None
        Filter of the features; lossless.
    provenance : mapping of str to str, int or float
        Kept as attributes `made_<name>` (loss, seed, ...).

    Raises
    ------
    InputError
        On a batch that does not fit the ones before it, or a block that appended nothing.
    OutputError
        When the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib, numpy as np
    >>> from ibcollapse.features import FeatureWriter, open_features
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "features.h5"
    >>> with FeatureWriter(path, provenance={"loss": "supcon"}) as writer:
    ...     for batch in range(3):
    ...         writer.append({"encoder": np.eye(4)}, [0, 1, 0, 1], epoch=10, split="train")
    ...     writer.metrics(epoch=10, loss=0.3)
    >>> open_features(path).n_samples
    12
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        class_names: Sequence[str] | None = None,
        default_layer: str | None = None,
        default_split: str | None = None,
        dtype: FloatType | None = None,
        compression: Literal["gzip"] | None = "gzip",
        provenance: Mapping[str, str | float | int] | None = None,
    ) -> None:
        if dtype not in (None, "float16", "float32", "float64"):
            raise InputError(f"dtype {dtype!r}: features are stored as float16, float32 or float64")
        if compression not in (None, "gzip"):
            raise InputError(f"compression {compression!r}: expected 'gzip' or None")
        self.path = Path(path)
        self._class_names = _checked_class_names(class_names)
        self._default_layer = default_layer
        self._default_split = default_split or "train"
        self._dtype = None if dtype is None else np.dtype(dtype)
        self._compression = compression
        self._provenance = dict(provenance or {})
        for name, value in self._provenance.items():
            if not isinstance(value, (str, int, float)):
                raise InputError(f"provenance {name}: {value!r} is no string or number")
        self._stack = contextlib.ExitStack()
        self._disk: DeferredErrorFile
        self._file: h5py.File | None = None
        self._epoch: int | None = None
        self._splits: dict[str, GrowingSplit] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            temporary = stack.enter_context(atomic_path(self.path))
            self._disk = stack.enter_context(DeferredErrorFile(temporary, "w+"))
            stack.callback(self._disk.raise_error)
            self._file = stack.enter_context(h5py.File(self._disk, "w", libver="v110"))
            self._describe(self._file.attrs)
            self._stack = stack.pop_all()
        return self

    def _describe(self, attrs: h5py.AttributeManager) -> None:
        attrs["format"] = layout.FORMAT
        attrs["format_version"] = layout.FORMAT_VERSION
        attrs["default_split"] = self._default_split
        if self._default_layer is not None:
            attrs["default_layer"] = self._default_layer
        if self._class_names is not None:
            attrs.create("class_names", list(self._class_names), dtype=h5py.string_dtype())
        for name, value in self._provenance.items():
            attrs[layout.PROVENANCE_PREFIX + name] = value

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._splits.clear()
        if error is None and self._epoch is None:
            error = InputError(f"{self.path}: nothing was appended, so no feature file was made")
            with contextlib.suppress(InputError):
                self._stack.__exit__(type(error), error, None)
            raise error
        try:
            self._stack.__exit__(kind, error, trace)
        except OutputError:
            # atomic_path reads any OSError as a failed write; one that the caller's own code
            # raised inside the block is theirs and travels on unchanged.
            if error is None:
                raise

    def append(
        self,
        features: Mapping[str, ArrayLike],
        labels: ArrayLike,
        *,
        epoch: int,
        split: str = "train",
        ids: ArrayLike | None = None,
        logits: ArrayLike | None = None,
    ) -> None:
        """Add a batch of samples.

        Parameters
        ----------
        features : mapping of layer name to float (n, d) array or tensor
            The same layers, widths and order of samples in every batch of an epoch and split.
        labels : integers (−1: unlabelled) or strings, shape (n,)
        epoch : int
            Zero or more. Batches of one epoch are written fastest one after the other.
        split : str
            "train", "test", ...
        ids : integers or strings, shape (n,), optional
            Unique names of the samples: what aligns two files.
        logits : float (n, K), optional
        """
        batch = prepare_batch(
            features,
            labels,
            ids=ids,
            logits=logits,
            dtype=self._dtype,
            class_names=self._class_names,
        )
        file = self._open_file()
        if self._default_layer is None:
            self._default_layer = next(iter(batch.features))
            file.attrs["default_layer"] = self._default_layer
        elif self._epoch is None and self._default_layer not in batch.features:
            raise InputError(
                f"default_layer {self._default_layer!r} is none of the layers appended "
                f"({', '.join(batch.features)})"
            )
        self._write(self._split(epoch, split), batch)

    def _write(self, split: GrowingSplit, batch: Batch) -> None:
        try:
            split.append(batch)
            self._disk.raise_error()
        except OSError as error:
            raise OutputError(
                f"cannot write {self.path}: {error}; nothing was left behind"
            ) from error

    def _split(self, epoch: int, split: str) -> GrowingSplit:
        file = self._open_file()
        check_epoch(epoch)
        check_name("split", split)
        if split == layout.CLASSIFIER:
            raise InputError(f"split {split!r}: this name is kept for the classifier's weights")
        if epoch != self._epoch:
            # Closing an epoch's datasets frees their chunk caches: memory is that of one epoch.
            self._splits.clear()
            self._epoch = epoch
        if split not in self._splits:
            group = file.require_group(layout.split_path(epoch, split))
            self._splits[split] = GrowingSplit(group, self._compression)
        return self._splits[split]

    def classifier(
        self, weight: ArrayLike, bias: ArrayLike | None = None, *, layer: str, epoch: int
    ) -> None:
        """Store the linear classifier that reads `layer`: weight (K, d) and bias (K,)."""
        file = self._open_file()
        check_epoch(epoch)
        w = as_array(weight)
        if w.ndim != 2 or w.dtype.kind != "f":
            raise InputError(f"classifier weight: {w.dtype} {w.shape}, expected floats (K, d)")
        b = None if bias is None else as_array(bias)
        if b is not None and b.shape != w.shape[:1]:
            raise InputError(f"classifier bias: shape {b.shape}, expected {w.shape[:1]}")
        path = f"{layout.epoch_path(epoch)}/{layout.CLASSIFIER}"
        if path in file:
            raise InputError(f"epoch {epoch} already has a classifier")
        group = file.create_group(path)
        group.attrs["layer"] = layer
        group.create_dataset(layout.WEIGHT, data=w)
        if b is not None:
            group.create_dataset(layout.BIAS, data=b)

    def metrics(self, *, epoch: int, **values: float) -> None:
        """Store numbers of an epoch (loss, train_accuracy, test_accuracy, ...)."""
        check_epoch(epoch)
        attrs = self._open_file().require_group(layout.epoch_path(epoch)).attrs
        for name, value in values.items():
            attrs[name] = float(value)

    def _open_file(self) -> h5py.File:
        if self._file is None or not self._file:
            raise InputError("a FeatureWriter is used inside its `with` block")
        return self._file


def _checked_class_names(names: Sequence[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    found = tuple(names)
    if not all(isinstance(name, str) for name in found) or len(set(found)) != len(found):
        raise InputError(f"class_names {found!r}: expected different strings, one a class")
    return found
