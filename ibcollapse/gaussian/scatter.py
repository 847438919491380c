"""Within-class scatter about fixed references: one pooled matrix, one a class, or diagonals.

Each kind accumulates sums of (weighted) outer products of rows that the caller has already
centred near their class means, and offers the rank-one corrections that move the centre exactly.
"""

from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

ScatterKind = Literal["tied", "full", "diagonal"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class Scatter(Protocol):
    """Sums of outer products of centred rows."""

    def add_rows(self, rows: Floats, codes: Codes) -> None:
        """Add the outer products of `rows` (n, d) of the classes `codes` (n,)."""

    def add_outer(self, vectors: Floats, coefficients: Floats) -> None:
        """Add a_c v_c v_cᵀ for `vectors` (m, K, d) and `coefficients` (m, K), m of them a class."""

    def absorb(self, other: Self) -> None:
        """Add the sums of another accumulator of the same kind and sizes."""

    def values(self) -> Floats:
        """Copy of the sums, matrices symmetric in both triangles."""

    def summed_diagonal(self) -> Floats:
        """Diagonal (d,) of the sums, added over classes where they are kept apart."""


class TiedScatter:
    """Σ_c w_c S_c, one (d, d) matrix for all classes: a single SYRK a block."""

    def __init__(self, class_weights: Floats, n_features: int) -> None:
        self._root_weights = None if np.all(class_weights == 1) else np.sqrt(class_weights)
        self._class_weights = class_weights
        # BLAS writes one triangle of a column-major matrix in place.
        self._lower = np.zeros((n_features, n_features), order="F")

    def add_rows(self, rows: Floats, codes: Codes) -> None:
        """Add one block; the rows themselves are scaled when classes carry weights."""
        if self._root_weights is not None:
            rows = rows * self._root_weights[codes, None]
        self._lower = _syrk(rows, self._lower)

    def add_outer(self, vectors: Floats, coefficients: Floats) -> None:
        """Add Σ w_c a_c v_c v_cᵀ in one GEMM."""
        flat = vectors.reshape(-1, vectors.shape[-1])
        scaled = flat * (coefficients * self._class_weights).reshape(-1, 1)
        # The transpose of the symmetric product has the memory order of the sums.
        self._lower += (scaled.T @ flat).T

    def absorb(self, other: Self) -> None:
        """Add another pooled matrix."""
        self._lower += other._lower

    def values(self) -> Floats:
        """Symmetric (d, d)."""
        return _mirrored(self._lower)

    def summed_diagonal(self) -> Floats:
        """Diagonal, (d,)."""
        return np.diagonal(self._lower).copy()


class FullScatter:
    """S_c, one (d, d) matrix a class."""

    def __init__(self, n_classes: int, n_features: int) -> None:
        self._lower = [np.zeros((n_features, n_features), order="F") for _ in range(n_classes)]

    def add_rows(self, rows: Floats, codes: Codes) -> None:
        """Add one block, sorted by class so that each class is one SYRK."""
        order = np.argsort(codes, kind="stable")
        rows = rows[order]
        ends = np.cumsum(np.bincount(codes, minlength=len(self._lower)))
        for c, (start, end) in enumerate(zip(np.r_[0, ends[:-1]], ends, strict=True)):
            if end > start:
                self._lower[c] = _syrk(rows[start:end], self._lower[c])

    def add_outer(self, vectors: Floats, coefficients: Floats) -> None:
        """Add to the matrix of each class, in one GEMM a class."""
        for c, lower in enumerate(self._lower):
            lower += ((vectors[:, c] * coefficients[:, c, None]).T @ vectors[:, c]).T

    def absorb(self, other: Self) -> None:
        """Add each class's matrix to its own."""
        for lower, addend in zip(self._lower, other._lower, strict=True):
            lower += addend

    def values(self) -> Floats:
        """Symmetric (K, d, d)."""
        return np.stack([_mirrored(lower) for lower in self._lower])

    def summed_diagonal(self) -> Floats:
        """Sum of the diagonals, (d,)."""
        diagonals = [np.diagonal(lower) for lower in self._lower]
        return np.asarray(np.sum(diagonals, axis=0), dtype=np.float64)


class DiagonalScatter:
    """Diagonals of S_c, one vector a class."""

    def __init__(self, n_classes: int, n_features: int) -> None:
        self._sums = np.zeros((n_classes, n_features))

    def add_rows(self, rows: Floats, codes: Codes) -> None:
        """Add the squares of one block."""
        for c in np.unique(codes):
            members = rows[codes == c]
            self._sums[c] += np.einsum("ij,ij->j", members, members)

    def add_outer(self, vectors: Floats, coefficients: Floats) -> None:
        """Add a_c v_c² to the row of each class."""
        self._sums += np.einsum("mk,mkd->kd", coefficients, vectors**2)

    def absorb(self, other: Self) -> None:
        """Add another accumulator's rows."""
        self._sums += other._sums

    def values(self) -> Floats:
        """Copy, (K, d)."""
        return self._sums.copy()

    def summed_diagonal(self) -> Floats:
        """Sum over classes, (d,)."""
        return np.asarray(self._sums.sum(axis=0), dtype=np.float64)


def make_scatter(
    kind: ScatterKind, n_classes: int, n_features: int, class_weights: Floats
) -> Scatter:
    """Empty accumulator of `kind`; the weights matter to the pooled one only."""
    if kind == "tied":
        return TiedScatter(class_weights, n_features)
    if kind == "full":
        return FullScatter(n_classes, n_features)
    return DiagonalScatter(n_classes, n_features)


def _syrk(rows: Floats, lower: Floats) -> Floats:
    # rows.T is column-major already, so BLAS reads and updates without a copy.
    updated: Floats = dsyrk(1.0, rows.T, beta=1.0, c=lower, lower=1, overwrite_c=1)
    return updated


def _mirrored(lower: Floats) -> Floats:
    # The transpose is row-major and holds the sums above its diagonal; copying them below it is
    # several times faster than adding two triangles.
    symmetric = np.ascontiguousarray(lower.T)
    for row in range(1, len(symmetric)):
        symmetric[row, :row] = symmetric[:row, row]
    return symmetric
