"""Class counts, means and within-class scatter in one pass, mergeable."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from ibcollapse.array_backend import as_array, as_floats
from ibcollapse.errors import InputError
from ibcollapse.gaussian.scatter import Codes, Floats, ScatterKind, make_scatter

Weighting = Literal["class", "sample"]

# A centred float64 block of about 4 MiB stays near the cache between centring and SYRK; fewer
# than 1024 rows would make the update of a wide (d, d) matrix memory-bound.
_BLOCK_VALUES = 2**19
_MIN_BLOCK_ROWS = 1024


class ClassMoments:
    """Counts, means and within-class scatter of labelled rows, from any number of blocks.

    Rows are centred in float64 at a reference per class (the class's mean in the first block that
    holds it), so that neither a common offset nor float32 input costs digits; the exact centre is
    restored by a rank-one correction a class. Memory is independent of the number of rows.

    Parameters
    ----------
    n_classes, n_features : int
        K and d.
    scatter : {"tied", "full", "diagonal"}
        What is kept of the second moments: the pooled Σ_c w_c S_c (d, d); each S_c (K, d, d); or
        the diagonal of each S_c (K, d), where S_c = Σ_{i∈c} (x_i − μ_c)(x_i − μ_c)ᵀ.
    class_weights : float (K,), optional
        w_c of the pooled scatter; ones when not given. 1/n_c makes every class count the same.

    Raises
    ------
    InputError
        On sizes below one, an unknown `scatter`, or weights that are negative, not finite, of
        another length, or given for a scatter that keeps the classes apart.

    Examples
    --------
    >>> moments = ClassMoments(2, 1)
    >>> moments.update([[0.0], [2.0], [7.0]], [0, 0, 1])
    >>> moments.means.ravel().tolist(), moments.scatter.tolist()
    ([1.0, 7.0], [[2.0]])

    References
    ----------
    Chan, Golub, LeVeque (1983), The American Statistician 37, doi:10.1080/00031305.1983.10483115.
    """

    def __init__(
        self,
        n_classes: int,
        n_features: int,
        *,
        scatter: ScatterKind = "tied",
        class_weights: ArrayLike | None = None,
    ) -> None:
        if n_classes < 1 or n_features < 1:
            raise InputError(
                f"{n_classes} classes and {n_features} features: both must be at least one"
            )
        if scatter not in get_args(ScatterKind):
            raise InputError(f"scatter={scatter!r}; choose 'tied', 'full' or 'diagonal'")
        self.n_classes = n_classes
        self.n_features = n_features
        self.scatter_kind: ScatterKind = scatter
        self.class_weights = _checked_weights(class_weights, n_classes, scatter)
        self._counts = np.zeros(n_classes, dtype=np.int64)
        self._reference = np.zeros((n_classes, n_features))
        self._sums = np.zeros((n_classes, n_features))  # of rows minus their reference
        self._scatter = make_scatter(scatter, n_classes, n_features, self.class_weights)

    def update(self, x: ArrayLike, y: ArrayLike) -> None:
        """Add the rows `x` (n, d) of any real dtype with class codes `y` (n,).

        Raises
        ------
        InputError
            On other shapes, codes outside 0…K−1, or NaN or infinite values; blocks before the
            offending one stay counted.
        """
        rows, codes = self._checked_block(x, y)
        step = max(_MIN_BLOCK_ROWS, _BLOCK_VALUES // self.n_features)
        for start in range(0, len(rows), step):
            self._add_block(rows[start : start + step], codes[start : start + step])

    def merge(self, other: "ClassMoments") -> "ClassMoments":
        """Moments of the rows of both, as a new object; associative up to rounding.

        Raises
        ------
        InputError
            When classes, features, kind of scatter or class weights differ.
        """
        return merged_moments((self, other))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows per class, int64 (K,)."""
        return self._counts.copy()

    @property
    def n_samples(self) -> int:
        """Rows in all."""
        return int(self._counts.sum())

    @property
    def means(self) -> Floats:
        """Class means, float64 (K, d); NaN for a class without rows."""
        means = self._mean_or_reference()
        means[self._counts == 0] = np.nan
        return means

    @property
    def scatter(self) -> Floats:
        """Within-class scatter about the class means, float64; shape by `scatter_kind`."""
        return merged_moments((self,))._scatter.values()

    def within_squares(self) -> Floats:
        """Σ_c w_c Σ_{i∈c} (x_ij − μ_cj)² of each feature, float64 (d,): no full scatter is made."""
        weights = self.class_weights * _reciprocal(self._counts)
        squares = self._scatter.summed_diagonal() - weights @ self._sums**2
        return np.maximum(squares, 0.0)

    def _mean_or_reference(self) -> Floats:
        return self._reference + self._sums * _reciprocal(self._counts)[:, None]

    def _layout(self) -> tuple[int, int, str, tuple[float, ...]]:
        weights = tuple(self.class_weights.tolist())
        return self.n_classes, self.n_features, self.scatter_kind, weights

    def _checked_block(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.generic], Codes]:
        rows, codes = as_array(x), as_array(y)
        if rows.ndim != 2 or rows.shape[1] != self.n_features:
            raise InputError(f"features of shape {rows.shape}; expected (n, {self.n_features})")
        if rows.dtype.kind not in "fiub":
            raise InputError(f"features of dtype {rows.dtype}; expected real numbers")
        if codes.shape != (len(rows),) or codes.dtype.kind not in "iu":
            raise InputError(
                f"labels of shape {codes.shape} and dtype {codes.dtype}; "
                f"expected {len(rows)} integers"
            )
        if len(codes) and (codes.min() < 0 or codes.max() >= self.n_classes):
            raise InputError(
                f"class codes from {codes.min()} to {codes.max()}; "
                f"expected 0 to {self.n_classes - 1}"
            )
        return rows, codes.astype(np.int64, copy=False)

    def _add_block(self, rows: NDArray[np.generic], codes: Codes) -> None:
        counts = np.bincount(codes, minlength=self.n_classes)
        # A NaN or an infinity anywhere reaches the sums, which are K/n of the block to inspect.
        with np.errstate(invalid="ignore"):
            self._set_references(rows, codes, counts)
            centred = self._reference[codes]
            np.subtract(rows, centred, out=centred)
            sums = class_sums(centred, codes, self.n_classes)
        if not np.isfinite(sums).all():
            bad = int((~np.isfinite(rows).all(axis=1)).sum())
            raise InputError(
                f"{bad} of {len(rows)} rows hold NaN or infinite features; drop or repair them"
            )
        self._scatter.add_rows(centred, codes)
        self._counts += counts
        self._sums += sums

    def _set_references(
        self, rows: NDArray[np.generic], codes: Codes, counts: NDArray[np.int64]
    ) -> None:
        for c in np.flatnonzero((self._counts == 0) & (counts > 0)):
            self._reference[c] = np.mean(rows[codes == c], axis=0, dtype=np.float64)


def merged_moments(parts: Sequence[ClassMoments]) -> ClassMoments:
    """Moments of the rows of all `parts` (at least one), as a new object.

    The pairwise formula of Chan et al. for any number of parts p: with the means m_pc and μ_c of
    all rows, S_c = Σ_p (S_pc + n_pc (m_pc − μ_c)(m_pc − μ_c)ᵀ). Nothing is subtracted but the
    correction of each part's own reference.

    Raises
    ------
    InputError
        When classes, features, kind of scatter or class weights differ.
    """
    first = parts[0]
    for part in parts[1:]:
        if part._layout() != first._layout():
            raise InputError(
                f"moments of {first._layout()[:3]} cannot be merged with {part._layout()[:3]} "
                "(classes, features, scatter), or their class weights differ"
            )
    merged = ClassMoments(
        first.n_classes,
        first.n_features,
        scatter=first.scatter_kind,
        class_weights=first.class_weights if first.scatter_kind == "tied" else None,
    )
    counts = np.array([part._counts for part in parts])
    merged._counts = counts.sum(axis=0)
    means = np.array([part._mean_or_reference() for part in parts])
    # Averaging differences to a mean of the same class keeps a common offset out of the sums.
    base = means[counts.argmax(axis=0), np.arange(first.n_classes)]
    shares = counts * _reciprocal(merged._counts)
    merged._reference = base + np.einsum("pk,pkd->kd", shares, means - base)
    for part in parts:
        merged._scatter.absorb(part._scatter)
    sums = np.array([part._sums for part in parts])
    merged._scatter.add_outer(sums, -_reciprocal(counts))
    if len(parts) > 1:
        merged._scatter.add_outer(means - merged._reference, counts.astype(np.float64))
    return merged


def class_sums(rows: NDArray[np.floating[Any]], codes: Codes, n_classes: int) -> Floats:
    """Sums of the rows (n, d) of each class, float64 (K, d)."""
    indicator = sparse.csr_array(
        (np.ones(len(codes)), codes, np.arange(len(codes) + 1)), shape=(len(codes), n_classes)
    )
    sums: Floats = indicator.T @ rows
    return sums


def _reciprocal(counts: NDArray[np.int64]) -> Floats:
    return np.divide(1.0, counts, out=np.zeros(counts.shape), where=counts > 0)


def _checked_weights(weights: ArrayLike | None, n_classes: int, kind: ScatterKind) -> Floats:
    if weights is None:
        return np.ones(n_classes)
    values = as_floats(weights).copy()
    if kind != "tied":
        raise InputError(f"class_weights belong to scatter='tied'; {kind!r} keeps classes apart")
    if values.shape != (n_classes,) or not np.isfinite(values).all() or (values < 0).any():
        raise InputError(
            f"class_weights of shape {values.shape}; expected {n_classes} finite numbers >= 0"
        )
    return values
