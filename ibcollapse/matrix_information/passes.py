"""Entropies of all samples at once by passes over the features, in memory independent of them."""

import itertools
from collections.abc import Iterator

import numpy as np

from ibcollapse.linear_algebra import symmetric_eigenpairs
from ibcollapse.matrix_information.entropy import matrix_entropy
from ibcollapse.matrix_information.rows import FloatArray, IntArray, Rows, RowSet
from ibcollapse.matrix_information.spectra import (
    gram_spectrum,
    normalised,
    normalised_eigenvalues,
    refuse_side,
    row_space,
    to_principal_axes,
)
from ibcollapse.progress import Progress

# Sums of several permutations share a pass, and rows of b are held, up to this many numbers each
# (256 MiB).
_HELD_VALUES = 2**25
_KRONECKER_VALUES = 2**22


def entropies_by_passes(
    a: Rows,
    b: Rows,
    *,
    alpha: float,
    n_permutations: int,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[FloatArray, FloatArray]:
    """Entropies (1, 2) of the Grams, and (1, 1 + n_permutations) of their Hadamard products.

    As `entropies_of_batches` for one batch of all samples; nats. Exact, like
    `spectra.joint_spectrum` for more samples than features: Σ_i a_i a_iᵀ ⊗ b_i b_iᵀ is summed block
    by block, in the principal axes that a first pass finds. a lies in the order of its samples.

    Raises
    ------
    InputError
        When an eigenproblem exceeds `spectra.MAX_SIDE`.
    """
    spectrum_a, axes_a = _principal(a)
    if isinstance(b, RowSet) and b.codes is not None:
        marginals = spectrum_a, gram_spectrum(b)
        joint: _Coded | _Paired = _Coded(a, axes_a, to_principal_axes(b).rows, b.codes)
    else:
        spectrum_b, axes_b = _principal(b)
        marginals = spectrum_a, spectrum_b
        joint = _Paired(a, axes_a, b, axes_b)
    refuse_side(joint.side, f"rank {axes_a.shape[1]} times rank {joint.side // axes_a.shape[1]}")
    orders = _orders(a.n_samples, n_permutations, rng)
    entropies: list[float] = []
    while chosen := list(itertools.islice(orders, joint.at_once)):
        for gram in joint.grams(chosen):
            entropies.append(matrix_entropy(normalised_eigenvalues(gram), alpha=alpha))
            progress.advance()
    of_each = [matrix_entropy(spectrum, alpha=alpha) for spectrum in marginals]
    return np.array([of_each]), np.array([entropies])


def _orders(n_samples: int, n_permutations: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """The samples in their own order, then permuted ones."""
    yield np.arange(n_samples)
    for _ in range(n_permutations):
        yield rng.permutation(n_samples)


def _principal(rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Spectrum of the Gram, and the axes (n_features, rank) of the row space."""
    d = rows.n_features
    refuse_side(d, f"{rows.n_samples} rows of {d} features")
    gram = np.zeros((d, d))
    for block in rows.blocks():
        gram += block.T @ block
    eigenvalues, axes = symmetric_eigenpairs(gram)
    return normalised(eigenvalues), row_space(eigenvalues, axes, rows.n_samples)


class _Coded:
    """Grams of a against the few rows of b's classes: Σ_c S_c ⊗ b_c b_cᵀ, one scatter a class."""

    def __init__(self, a: Rows, axes: FloatArray, rows: FloatArray, codes: IntArray) -> None:
        self.a, self.axes, self.rows, self.codes = a, axes, rows, codes
        self.rank = axes.shape[1]
        self.side = self.rank * rows.shape[1]
        self.at_once = max(1, _HELD_VALUES // (len(rows) * self.rank**2 + a.n_samples))

    def grams(self, orders: list[IntArray]) -> Iterator[FloatArray]:
        """One Gram (side, side) for each order of b's samples, from one pass."""
        codes = [self.codes[order] for order in orders]
        scatters = np.zeros((len(orders), len(self.rows), self.rank, self.rank))
        start = 0
        for block in self.a.blocks():
            x, part = block @ self.axes, slice(start, start + len(block))
            start += len(block)
            for scatter, code in zip(scatters, codes, strict=True):
                for c in np.unique(code[part]):
                    members = x[code[part] == c]
                    scatter[c] += members.T @ members
        n_classes, width = self.rows.shape
        outer = (self.rows[:, :, None] * self.rows[:, None, :]).reshape(n_classes, -1)
        for scatter in scatters:
            product = scatter.reshape(n_classes, -1).T @ outer
            by_axis = product.reshape(self.rank, self.rank, width, width).transpose(0, 2, 1, 3)
            yield by_axis.reshape(self.side, self.side)


class _Paired:
    """Grams of a against other rows b: Σ_i a_i a_iᵀ ⊗ b_i b_iᵀ."""

    def __init__(self, a: Rows, axes_a: FloatArray, b: Rows, axes_b: FloatArray) -> None:
        self.a, self.axes_a, self.b, self.axes_b = a, axes_a, b, axes_b
        self.side = axes_a.shape[1] * axes_b.shape[1]
        self.at_once = max(1, _HELD_VALUES // (self.side**2 + a.n_samples))

    def grams(self, orders: list[IntArray]) -> Iterator[FloatArray]:
        """One Gram (side, side) for each order of b's samples.

        As many rows of b as may be held are met with all of a, then the next ones.
        """
        partners = [self.b.position(order) for order in orders]
        sums = np.zeros((len(orders), self.side, self.side))
        first = 0
        for held in self._held_rows():
            start = 0
            for block in self.a.blocks():
                x, part = block @ self.axes_a, slice(start, start + len(block))
                start += len(block)
                for gram, partner in zip(sums, partners, strict=True):
                    place = partner[part] - first
                    here = (place >= 0) & (place < len(held))
                    _add_products(gram, x[here], held[place[here]])
            first += len(held)
        yield from sums

    def _held_rows(self) -> Iterator[FloatArray]:
        """The rows of b on their axes, in the order in which they lie, as many as may be held."""
        most = max(1, _HELD_VALUES // self.axes_b.shape[1])
        held: list[FloatArray] = []
        for block in self.b.blocks():
            rows = block @ self.axes_b
            while sum(map(len, held)) + len(rows) >= most:
                missing = most - sum(map(len, held))
                yield np.concatenate([*held, rows[:missing]])
                held, rows = [], rows[missing:]
            held.append(rows)
        yield np.concatenate(held)


def _add_products(gram: FloatArray, x: FloatArray, y: FloatArray) -> None:
    """gram += Σ_i (x_i ⊗ y_i)(x_i ⊗ y_i)ᵀ."""
    step = max(1, _KRONECKER_VALUES // len(gram))
    for start in range(0, len(x), step):
        block = slice(start, start + step)
        rows = (x[block, :, None] * y[block, None, :]).reshape(-1, len(gram))
        gram += rows.T @ rows
