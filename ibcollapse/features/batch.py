"""A batch of samples, checked before a writer touches the file."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_array
from ibcollapse.errors import InputError
from ibcollapse.features.text import as_text


@dataclasses.dataclass(frozen=True)
class Batch:
    """Samples of one epoch and split: features per layer, labels, and what was given besides."""

    features: dict[str, NDArray[Any]]
    labels: NDArray[Any]
    ids: NDArray[Any] | None
    logits: NDArray[Any] | None


def prepare_batch(
    features: Mapping[str, ArrayLike],
    labels: ArrayLike,
    *,
    ids: ArrayLike | None,
    logits: ArrayLike | None,
    dtype: np.dtype[Any] | None,
    class_names: Sequence[str] | None,
) -> Batch:
    """Checked arrays of a batch; `InputError` names the layer and the shape found."""
    if not isinstance(features, Mapping) or not features:
        raise InputError("features: expected a mapping of layer name to (n, d) array, found none")
    y = _labels(labels, class_names)
    n = len(y)
    matrices = {name: _matrix(f"layer {name!r}", x, n, dtype) for name, x in features.items()}
    for name in matrices:
        check_name("layer", name)
    names = None if ids is None else as_array(ids)
    if names is not None and (names.shape != (n,) or names.dtype.kind not in "iuUS"):
        raise InputError(f"ids: {names.dtype} {names.shape}, expected {n} integers or strings")
    names = None if names is None else as_text(names, "ids", InputError)
    scores = None if logits is None else _matrix("logits", logits, n, dtype)
    return Batch(matrices, y, names, scores)


def check_epoch(epoch: Any) -> None:
    """Refuse what is no epoch: anything but integers from zero."""
    if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or epoch < 0:
        raise InputError(f"epoch {epoch!r}: expected an integer, zero or more")


def check_name(what: str, name: Any) -> None:
    """Refuse what HDF5 would read as a path: `what` ("layer", "split") names it in the error."""
    if not isinstance(name, str) or not name or "/" in name or name in (".", ".."):
        raise InputError(f"{what} {name!r}: expected a name without '/'")


def _labels(labels: ArrayLike, class_names: Sequence[str] | None) -> NDArray[Any]:
    y = as_array(labels)
    if y.ndim != 1 or y.dtype.kind not in "iuUS":
        raise InputError(f"labels: {y.dtype} {y.shape}, expected integers or strings, shape (n,)")
    if y.dtype.kind in "US":
        y = as_text(y, "labels", InputError)
        strangers = sorted(set(y.tolist()) - set(class_names)) if class_names is not None else []
    else:
        y = y.astype(np.int64)
        top = len(class_names) if class_names is not None else np.iinfo(np.int64).max
        strangers = np.unique(y[(y < -1) | (y >= top)]).tolist()
    if strangers:
        raise InputError(
            f"labels: {strangers[:5]} outside the classes "
            f"{'0, 1, ...' if class_names is None else list(class_names)} (−1: unlabelled)"
        )
    return y


def _matrix(what: str, values: ArrayLike, n: int, dtype: np.dtype[Any] | None) -> NDArray[Any]:
    x = as_array(values)
    if x.ndim != 2 or x.dtype.kind not in "fiu" or x.dtype.itemsize > 8:
        raise InputError(f"{what}: {x.dtype} {x.shape}, expected float16/32/64 of shape (n, d)")
    if len(x) != n:
        raise InputError(f"{what}: {len(x)} rows for {n} labels")
    target = dtype or (x.dtype if x.dtype.kind == "f" else np.dtype(np.float32))
    with np.errstate(over="ignore"):
        stored = x.astype(target.newbyteorder("="), copy=False)
    if target.itemsize < x.dtype.itemsize and np.isfinite(x).sum() != np.isfinite(stored).sum():
        raise InputError(f"{what}: values up to {np.nanmax(np.abs(x)):.3g} overflow {target}")
    return stored
