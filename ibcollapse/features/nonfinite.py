"""Features that cannot be computed with: NaN, infinities, and what has no square."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Variances are products of two values, and their own products and sums are taken.
_LARGEST = 1e75


def has_nonfinite(x: NDArray[np.floating[Any]]) -> bool:
    """Whether any value of `x` is NaN or infinite.

    A finite sum proves that there is none and needs no temporary array; only a sum that is not
    finite (which an overflow can cause, too) is looked at again value by value.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = x.sum()
    return not np.isfinite(total) and not bool(np.isfinite(x).all())


def unsquarable(x: NDArray[np.floating[Any]]) -> float | None:
    """Largest magnitude of finite `x` when squares and their sums leave the range of float64.

    None when they do not, or all of `x` is zero: narrower types never leave it.
    """
    if x.dtype.itemsize < 8 or x.size == 0:
        return None
    largest = max(float(x.max()), -float(x.min()))
    return largest if largest > _LARGEST or 0 < largest < 1 / _LARGEST else None


def nonfinite_rows(
    blocks: Iterable[NDArray[np.floating[Any]]], keep: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Stored rows, of those in the mask `keep`, whose features are not all finite."""
    found = []
    start = 0
    for x in blocks:
        if has_nonfinite(x):
            found.append(start + np.flatnonzero(~np.isfinite(x).all(axis=1)))
        start += len(x)
    rows = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    return np.asarray(rows[keep[rows]], dtype=np.int64)


def rows_text(rows: NDArray[np.int64], limit: int = 5) -> str:
    """The first few row numbers, for a message."""
    listed = ", ".join(str(row) for row in rows[:limit].tolist())
    return f"row{'s' if len(rows) > 1 else ''} {listed}{', ...' if len(rows) > limit else ''}"
