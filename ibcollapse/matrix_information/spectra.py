"""Eigenvalues of trace-normalised Gram matrices, alone and joined by the Hadamard product."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.errors import InputError

# eigvalsh of this side takes about half a minute and half a gigabyte; beyond it, work in batches.
MAX_SIDE = 8192


@dataclasses.dataclass(frozen=True)
class RowSet:
    """Unit rows of one variable, repeated rows stored once.

    Attributes
    ----------
    rows : float64 (n_rows, n_features)
        Distinct unit rows.
    codes : int64 (n_samples,) or None
        Which row each sample has; None: sample i has row i.
    """

    rows: NDArray[np.float64]
    codes: NDArray[np.int64] | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples, repetitions counted."""
        return len(self.rows) if self.codes is None else len(self.codes)

    def take(self, index: NDArray[np.int64]) -> "RowSet":
        """The samples `index`, in that order."""
        if self.codes is None:
            return RowSet(self.rows[index])
        return RowSet(self.rows, self.codes[index])

    def expand(self) -> NDArray[np.float64]:
        """One row a sample, float64 (n_samples, n_features)."""
        return self.rows if self.codes is None else self.rows[self.codes]


def unit_rows(
    x: ArrayLike, *, centred: bool = False, codes: NDArray[np.int64] | None = None
) -> RowSet:
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
    rows = np.array(x, dtype=np.float64, copy=True)
    if rows.ndim != 2 or rows.size == 0:
        raise InputError(
            f"features of shape {rows.shape}; expected a non-empty (samples, features)"
        )
    if not np.isfinite(rows).all():
        raise InputError("features hold NaN or infinity; drop those samples first")
    scale = np.abs(rows).max()
    if centred:
        rows -= rows.mean(axis=0) if codes is None else rows[codes].mean(axis=0)
    norms = np.linalg.norm(rows, axis=1)
    # A row that centring cancels leaves only rounding, of this size; its direction means nothing.
    directionless = norms <= 4 * np.finfo(np.float64).eps * scale * np.sqrt(rows.shape[1])
    if directionless.any():
        raise InputError(
            f"{int(directionless.sum())} of {len(rows)} rows have length zero"
            f"{' after centring' if centred else ''} and no unit vector; drop them"
        )
    return RowSet(rows / norms[:, None], codes)


def gram_spectrum(samples: RowSet) -> NDArray[np.float64]:
    """Non-zero eigenvalues of the samples' Gram matrix divided by its trace, decreasing.

    The Gram matrix G = X Xᵀ of (n_samples, n_samples) and Xᵀ X of (n_features, n_features) share
    their non-zero eigenvalues, so the smaller side is decomposed; repeated rows enter as √count.

    Raises
    ------
    InputError
        When both sides exceed `MAX_SIDE`.
    """
    rows = samples.rows
    if samples.codes is not None:
        rows = rows * np.sqrt(np.bincount(samples.codes, minlength=len(rows)))[:, None]
    n_rows, n_features = rows.shape
    _refuse_side(min(n_rows, n_features), f"{n_rows} rows of {n_features} features")
    gram = rows @ rows.T if n_rows <= n_features else rows.T @ rows
    return _normalised_eigenvalues(gram)


def joint_spectrum(a: RowSet, b: RowSet) -> NDArray[np.float64]:
    """Non-zero eigenvalues of the Hadamard product of two Grams over its trace, decreasing.

    (A∘B)_ij = ⟨a_i, a_j⟩⟨b_i, b_j⟩ is the Gram matrix of the Kronecker rows a_i ⊗ b_i, so its
    non-zero eigenvalues are those of Σ_i a_i a_iᵀ ⊗ b_i b_iᵀ, of side rank(A)·rank(B). The smaller
    of that side and n_samples is decomposed; either way the result is exact. Where b repeats K
    rows, the sum over samples is Σ_c S_c ⊗ b_c b_cᵀ with one scatter S_c a class.

    Raises
    ------
    InputError
        When both sides exceed `MAX_SIDE`.
    """
    n_samples = a.n_samples
    if n_samples <= min(MAX_SIDE, a.rows.shape[1]):
        return _normalised_eigenvalues(_hadamard_gram(a, b))
    a, b = _to_principal_axes(a), _to_principal_axes(b)
    side = a.rows.shape[1] * b.rows.shape[1]
    if n_samples <= side:
        _refuse_side(
            n_samples, f"{n_samples} samples of rank {a.rows.shape[1]} and {b.rows.shape[1]}"
        )
        return _normalised_eigenvalues(_hadamard_gram(a, b))
    _refuse_side(side, f"rank {a.rows.shape[1]} times rank {b.rows.shape[1]}")
    return _normalised_eigenvalues(_kronecker_gram(a, b))


def _hadamard_gram(a: RowSet, b: RowSet) -> NDArray[np.float64]:
    x, y = a.expand(), b.expand()
    product: NDArray[np.float64] = (x @ x.T) * (y @ y.T)
    return product


def _kronecker_gram(a: RowSet, b: RowSet) -> NDArray[np.float64]:
    """Σ_i a_i a_iᵀ ⊗ b_i b_iᵀ."""
    if b.codes is None and a.codes is not None:
        a, b = b, a
    x, side = a.expand(), a.rows.shape[1] * b.rows.shape[1]
    gram = np.zeros((side, side))
    if b.codes is None:
        for start in range(0, len(x), 2048):
            block = slice(start, start + 2048)
            rows = (x[block, :, None] * b.rows[block, None, :]).reshape(-1, side)
            gram += rows.T @ rows
        return gram
    blocks = gram.reshape(x.shape[1], b.rows.shape[1], x.shape[1], b.rows.shape[1])
    for code, row in enumerate(b.rows):
        members = x[b.codes == code]
        if len(members):
            blocks += np.einsum("ij,k,l->ikjl", members.T @ members, row, row)
    return gram


def _to_principal_axes(samples: RowSet) -> RowSet:
    """The same rows in the coordinates of their numerical row space (inner products unchanged)."""
    rows = samples.rows
    if min(rows.shape) > MAX_SIDE:
        return samples
    if rows.shape[0] <= rows.shape[1]:
        u, sigma, _ = np.linalg.svd(rows, full_matrices=False)
        keep = sigma > sigma[0] * max(rows.shape) * np.finfo(np.float64).eps
        return RowSet(u[:, keep] * sigma[keep], samples.codes)
    eigenvalues, axes = np.linalg.eigh(rows.T @ rows)
    keep = eigenvalues > eigenvalues[-1] * max(rows.shape) * np.finfo(np.float64).eps
    return samples if keep.all() else RowSet(rows @ axes[:, keep], samples.codes)


def _normalised_eigenvalues(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.linalg.eigvalsh(gram)[::-1]
    # Exact zeros come out as rounding of either sign; their −λ log λ would add up.
    values = values[values > len(values) * np.finfo(np.float64).eps * values[0]]
    normalised: NDArray[np.float64] = values / values.sum()
    return normalised


def _refuse_side(side: int, found: str) -> None:
    if side > MAX_SIDE:
        raise InputError(
            f"{found}: the smallest exact eigenproblem has side {side}, the limit is {MAX_SIDE}; "
            "pass batch_size (1024 is usual) to average over batches"
        )
