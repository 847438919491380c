"""Unit rows of one variable, in memory or read block by block."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_floats
from ibcollapse.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_BLOCK_ROWS = 2048


class Rows(Protocol):
    """One unit row a sample."""

    @property
    def n_samples(self) -> int:
        """Number of samples, repetitions counted."""

    @property
    def n_features(self) -> int:
        """Dimension of a row."""

    def take(self, index: IntArray) -> "RowSet":
        """The samples `index`, in that order, in memory."""

    def blocks(self) -> Iterator[FloatArray]:
        """All rows, float64 (m, n_features) at a time; row k is that of sample j, position(j) = k.

        The same on every call.
        """

    def position(self, index: IntArray) -> IntArray:
        """Where in `blocks` the samples `index` come."""


@dataclasses.dataclass(frozen=True)
class RowSet:
    """Unit rows in memory, repeated rows stored once.

    Attributes
    ----------
    rows : float64 (n_rows, n_features)
        Distinct unit rows.
    codes : int64 (n_samples,) or None
        Which row each sample has; None: sample i has row i.
    """

    rows: FloatArray
    codes: IntArray | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples, repetitions counted."""
        return len(self.rows) if self.codes is None else len(self.codes)

    @property
    def n_features(self) -> int:
        """Dimension of a row."""
        return int(self.rows.shape[1])

    def take(self, index: IntArray) -> "RowSet":
        """The samples `index`, in that order."""
        if self.codes is None:
            return RowSet(self.rows[index])
        return RowSet(self.rows, self.codes[index])

    def expand(self) -> FloatArray:
        """One row a sample, float64 (n_samples, n_features)."""
        return self.rows if self.codes is None else self.rows[self.codes]

    def blocks(self) -> Iterator[FloatArray]:
        """All rows in the order of the samples."""
        for start in range(0, self.n_samples, _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            yield self.rows[block] if self.codes is None else self.rows[self.codes[block]]

    def position(self, index: IntArray) -> IntArray:
        """`index` itself."""
        return index


@dataclasses.dataclass(frozen=True)
class RowStream:
    """Unit rows that lie elsewhere and are read again on every pass.

    Attributes
    ----------
    read : callable
        Yields the features (m, n_features) block by block, the same on every call; a block is
        valid until the next one.
    n_samples, n_features : int
    centre : float64 (n_features,)
        Subtracted before rows are scaled to length one.
    order : int64 (n_samples,) or None
        Row of the features that each sample has; None: sample i has row i.
    """

    read: Callable[[], Iterator[NDArray[np.floating[Any]]]]
    n_samples: int
    n_features: int
    centre: FloatArray
    order: IntArray | None = None

    def take(self, index: IntArray) -> RowSet:
        """The samples `index`, in that order, from one pass."""
        positions = self.position(index)
        sorter = np.argsort(positions)
        wanted = positions[sorter]
        found, start = np.empty((len(index), self.n_features)), 0
        for x in self.read():
            low, high = np.searchsorted(wanted, (start, start + len(x)))
            rows = x[wanted[low:high] - start] - self.centre
            found[sorter[low:high]] = rows / _lengths(rows)
            start += len(x)
        return RowSet(found)

    def blocks(self) -> Iterator[FloatArray]:
        """All rows in the order in which they lie."""
        for x in self.read():
            rows = x - self.centre
            yield rows / _lengths(rows)

    def position(self, index: IntArray) -> IntArray:
        """Row of the features that each of the samples `index` has."""
        return index if self.order is None else self.order[index]


def unit_rows(x: ArrayLike, *, centred: bool = False, codes: IntArray | None = None) -> RowSet:
    """Rows of `x` scaled to length one, after subtracting the samples' mean if `centred`.

    Parameters
    ----------
    x : array (n_samples, n_features), or (n_rows, n_features) with `codes`
        Finite features.
    centred : bool
        Subtract the mean over samples (repetitions counted) first.
    codes : int64 (n_samples,), optional
        Row of `x` that each sample has.

    Raises
    ------
    InputError
        When `x` is not two-dimensional, not finite, or a row has no direction (zero length).
    """
    rows = np.array(as_floats(x), copy=True)
    if rows.ndim != 2 or rows.size == 0:
        raise InputError(
            f"features of shape {rows.shape}; expected a non-empty (samples, features)"
        )
    if not np.isfinite(rows).all():
        raise InputError("features hold NaN or infinity; drop those samples first")
    scale = np.abs(rows).max()
    if centred:
        rows -= rows.mean(axis=0) if codes is None else rows[codes].mean(axis=0)
    _require_directions(_directionless(rows, scale), len(rows), centred)
    return RowSet(rows / _lengths(rows), codes)


def stream_rows(
    read: Callable[[], Iterator[NDArray[np.floating[Any]]]],
    mean: FloatArray,
    *,
    scale: float,
    n_samples: int,
    centred: bool,
    order: IntArray | None = None,
) -> RowStream:
    """`RowStream` of features whose rows all have a direction, found out in one pass.

    Parameters
    ----------
    read : callable
        As in `RowStream`.
    mean : float64 (n_features,)
        Of the samples; subtracted if `centred`.
    scale : float
        Largest absolute value of the features.
    order : int64 (n_samples,), optional

    Raises
    ------
    InputError
        When a row has no direction (zero length).
    """
    centre = mean if centred else np.zeros_like(mean)
    number = sum(_directionless(x - centre, scale) for x in read())
    _require_directions(number, n_samples, centred)
    return RowStream(read, n_samples, len(mean), centre, order)


def _lengths(rows: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float64)


def _directionless(rows: FloatArray, scale: float) -> int:
    # A row that centring cancels leaves only rounding, of this size; its direction means nothing.
    rounding = 4 * np.finfo(np.float64).eps * scale * np.sqrt(rows.shape[1])
    return int(np.sum(_lengths(rows) <= rounding))


def _require_directions(number: int, n_rows: int, centred: bool) -> None:
    if number:
        raise InputError(
            f"{number} of {n_rows} rows have length zero"
            f"{' after centring' if centred else ''} and no unit vector; drop them"
        )
