"""Eigenvalues of trace-normalised Gram matrices, alone and joined by the Hadamard product."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.linear_algebra import singular_parts, symmetric_eigenpairs, symmetric_eigenvalues
from ibcollapse.matrix_information.rows import RowSet

# eigvalsh of this side takes about half a minute and half a gigabyte; beyond it, work in batches.
MAX_SIDE = 8192


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
    refuse_side(min(n_rows, n_features), f"{n_rows} rows of {n_features} features")
    gram = rows @ rows.T if n_rows <= n_features else rows.T @ rows
    return normalised_eigenvalues(gram)


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
        return normalised_eigenvalues(_hadamard_gram(a, b))
    a, b = to_principal_axes(a), to_principal_axes(b)
    side = a.rows.shape[1] * b.rows.shape[1]
    if n_samples <= side:
        refuse_side(
            n_samples, f"{n_samples} samples of rank {a.rows.shape[1]} and {b.rows.shape[1]}"
        )
        return normalised_eigenvalues(_hadamard_gram(a, b))
    refuse_side(side, f"rank {a.rows.shape[1]} times rank {b.rows.shape[1]}")
    return normalised_eigenvalues(_kronecker_gram(a, b))


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


def to_principal_axes(samples: RowSet) -> RowSet:
    """The same rows in the coordinates of their numerical row space (inner products unchanged)."""
    rows = samples.rows
    if min(rows.shape) > MAX_SIDE:
        return samples
    if rows.shape[0] <= rows.shape[1]:
        u, sigma, _ = singular_parts(rows)
        keep = sigma > sigma[0] * max(rows.shape) * np.finfo(np.float64).eps
        return RowSet(u[:, keep] * sigma[keep], samples.codes)
    axes = row_space(*symmetric_eigenpairs(rows.T @ rows), len(rows))
    full = axes.shape[1] == rows.shape[1]
    return samples if full else RowSet(rows @ axes, samples.codes)


def row_space(
    eigenvalues: NDArray[np.float64], axes: NDArray[np.float64], n_rows: int
) -> NDArray[np.float64]:
    """Axes (d, rank) of the numerical row space of `n_rows` rows, from eigh of XᵀX."""
    side = max(n_rows, len(eigenvalues))
    return axes[:, eigenvalues > eigenvalues[-1] * side * np.finfo(np.float64).eps]


def normalised_eigenvalues(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-zero eigenvalues of a symmetric matrix over their sum, decreasing."""
    return normalised(np.asarray(symmetric_eigenvalues(gram), dtype=np.float64))


def normalised(eigenvalues: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those of increasing `eigenvalues` that are not rounding, over their sum, decreasing."""
    values = eigenvalues[::-1]
    # Exact zeros come out as rounding of either sign; their −λ log λ would add up.
    values = values[values > len(values) * np.finfo(np.float64).eps * values[0]]
    return np.asarray(values / values.sum(), dtype=np.float64)


def refuse_side(side: int, found: str) -> None:
    """Raise InputError where an eigenproblem of `side` is too large."""
    if side > MAX_SIDE:
        raise InputError(
            f"{found}: the smallest exact eigenproblem has side {side}, the limit is {MAX_SIDE}; "
            "pass batch_size (1024 is usual) to average over batches"
        )
