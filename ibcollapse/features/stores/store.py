"""Named arrays in a file or in memory: what a reader must offer, whatever the format."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ibcollapse.printable import printable

BLOCK_BYTES = 32 << 20


@dataclasses.dataclass(frozen=True)
class StoredArray:
    """One array, known by its header only.

    Attributes
    ----------
    key : str
        Path inside the file, without a leading slash.
    shape : tuple of int
    dtype : numpy dtype
        `object` for strings of variable length.
    problem : str
        Why it cannot be read and what to do; empty when it can.
    is_text : bool
        Whether the values are strings.
    is_categorical : bool
        Whether the format itself says that the values are classes (anndata).
    row_alignment : int
        Rows that the file stores together; reading in multiples of it touches each chunk once.
    """

    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    problem: str = ""
    is_text: bool = False
    is_categorical: bool = False
    row_alignment: int = 1

    @property
    def is_real(self) -> bool:
        """Whether the values are real numbers."""
        return not self.is_text and self.dtype.kind in "fiub" and self.dtype.itemsize <= 8

    @property
    def form(self) -> str:
        """Shape and type for messages, such as "float32 (100, 64)"."""
        kind = "strings" if self.is_text else str(self.dtype)
        return f"{kind} {self.shape}"


class Store(Protocol):
    """Arrays by key; opened for each reading, so that a store holds no file open."""

    name: str
    """What messages call it: usually the path."""
    is_matlab: bool
    """Whether MATLAB wrote it, so that axes may arrive reversed."""
    given_key: str | None
    """The array that the path itself names, where each array has a file of its own."""
    attrs: dict[str, Any]
    """Attributes of the root."""
    arrays: tuple[StoredArray, ...]
    """Headers of all arrays, by increasing key."""

    def read(self, key: str) -> NDArray[Any]:
        """Whole array of labels, ids or weights; strings as NumPy strings."""

    def blocks(
        self, array: StoredArray, n_rows: int, rows: int, *, transposed: bool
    ) -> Iterator[NDArray[Any]]:
        """Rows 0 to `n_rows` of `array` in blocks of at most `rows`, in its stored dtype.

        A block may be a view of a buffer that the next one overwrites. `transposed`: samples are
        the columns of the stored matrix; blocks come as (m, n_features) all the same.
        """

    def fingerprint(self) -> str:
        """SHA-256 of the contents, hexadecimal."""

    def group_attrs(self, key: str) -> dict[str, Any]:
        """Attributes of a group; empty where the format has none."""


def rows_per_block(row_bytes: int, alignment: int, budget: int = BLOCK_BYTES) -> int:
    """Rows of about `budget` bytes: a multiple of `alignment` where one fits, at least one."""
    rows = max(1, budget // max(row_bytes, 1))
    return rows - rows % alignment if rows >= alignment else rows


def row_bytes(array: StoredArray, *, transposed: bool) -> int:
    """Bytes of one sample as stored."""
    lengths = array.shape[:1] if transposed else array.shape[1:]
    return array.dtype.itemsize * math.prod(lengths)


def one_line(text: str, limit: int = 120) -> str:
    """`text` on one line: names inside a file are foreign and may hold control characters."""
    plain = printable(text[: limit + 1])
    return plain if len(text) <= limit else plain[: limit - 3] + "..."
