"""Class codes from labels of every form people store."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.text import as_text

UNLABELLED = -1


@dataclasses.dataclass(frozen=True)
class ClassLabels:
    """Classes of all stored rows.

    Attributes
    ----------
    codes : int64 (n,)
        Index into `names`; −1 marks an unlabelled row.
    names : tuple of str
        The declared names, or the label values in increasing order.
    values : int64 (n_classes,) or None
        The integer that stands for each class in the file; None for strings.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    values: NDArray[np.int64] | None


def decode_labels(
    raw: NDArray[Any], *, n: int, where: str, class_names: Sequence[str] | None = None
) -> ClassLabels:
    """Class codes of integers, integer-valued floats, booleans, strings, bytes or one-hot rows.

    Parameters
    ----------
    raw : array (n,), (n, 1), (1, n), or one-hot (n, K) or (K, n)
    n : int
        Number of samples.
    where : str
        File and dataset, for messages.
    class_names : sequence of str, optional
        Declared classes: integers index them, strings are among them.

    Raises
    ------
    FeatureFileError
        On fractions, NaN, numbers below −1, one-hot rows without exactly one 1, or labels outside
        the declared classes.
    """
    flat = _flatten(raw, n, where)
    if flat.dtype.kind in "SU":
        return _from_strings(flat, where, class_names)
    return _from_integers(_integers(flat, where), where, class_names)


def _flatten(raw: NDArray[Any], n: int, where: str) -> NDArray[Any]:
    if raw.size == n:
        return raw.reshape(n)
    if raw.ndim == 2 and n in raw.shape and raw.dtype.kind in "fiub":
        rows = raw if raw.shape[0] == n else raw.T
        is_hot = rows == 1
        wrong = np.flatnonzero((is_hot.sum(axis=1) != 1) | ((rows != 0) & ~is_hot).any(axis=1))
        if wrong.size:
            raise FeatureFileError(
                f"{where}: {raw.shape} labels are no one-hot rows (row {wrong[0]} is no single 1 "
                "among zeros); store one class per sample"
            )
        return np.asarray(np.argmax(is_hot, axis=1))
    raise FeatureFileError(
        f"{where}: labels of shape {raw.shape} for {n} samples; expected ({n},), ({n}, 1) or "
        "one-hot"
    )


def _integers(flat: NDArray[Any], where: str) -> NDArray[np.int64]:
    if flat.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            wrong = np.flatnonzero(~np.isfinite(flat) | (flat != np.floor(flat)))
        if wrong.size:
            raise FeatureFileError(
                f"{where}: labels are no whole numbers ({wrong.size} of {flat.size}, first "
                f"{flat[wrong[0]]} in row {wrong[0]}); mark unlabelled samples by -1"
            )
    if flat.size and (float(flat.max()) >= 2**62 or float(flat.min()) < UNLABELLED):
        raise FeatureFileError(
            f"{where}: labels from {flat.min()} to {flat.max()}; expected 0 or more, -1 for "
            "unlabelled"
        )
    return flat.astype(np.int64)


def _from_integers(
    labels: NDArray[np.int64], where: str, class_names: Sequence[str] | None
) -> ClassLabels:
    labelled = labels != UNLABELLED
    values, positions = np.unique(labels[labelled], return_inverse=True)
    if class_names is not None:
        if values.size and values[-1] >= len(class_names):
            raise FeatureFileError(
                f"{where}: label {values[-1]} for {len(class_names)} class_names (0 to "
                f"{len(class_names) - 1})"
            )
        return ClassLabels(labels, tuple(class_names), np.arange(len(class_names)))
    codes = np.full(len(labels), UNLABELLED, dtype=np.int64)
    codes[labelled] = positions
    return ClassLabels(codes, tuple(str(value) for value in values.tolist()), values)


def _from_strings(
    labels: NDArray[Any], where: str, class_names: Sequence[str] | None
) -> ClassLabels:
    values, positions = np.unique(labels, return_inverse=True)
    found = as_text(values, f"{where}: labels").tolist()
    names = tuple(found if class_names is None else class_names)
    strangers = sorted(set(found) - set(names))
    if strangers:
        raise FeatureFileError(
            f"{where}: labels {strangers[:5]} are none of the {len(names)} class_names "
            f"{list(names[:5])}"
        )
    position = {name: i for i, name in enumerate(names)}
    index = np.array([position[name] for name in found], dtype=np.int64)
    return ClassLabels(index[positions], names, None)
