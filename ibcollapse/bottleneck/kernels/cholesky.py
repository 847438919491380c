"""Positive definite systems: small ones inside compiled loops, and factors of larger ones."""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import kernel, part_of_kernel

Array = NDArray[np.float64]

# Columns that are taken off the others together.
_AT_ONCE = 4


@part_of_kernel
def dot(a: Array, b: Array) -> float:
    """Inner product; a loop, because `np.dot` makes Numba link a BLAS."""
    total = 0.0
    for y in range(len(a)):
        total += a[y] * b[y]
    return total


@part_of_kernel
def length(vector: Array) -> float:
    """Euclidean length."""
    total = 0.0
    for y in range(len(vector)):
        total += vector[y] * vector[y]
    return math.sqrt(total)


@part_of_kernel
def _factor_columns(matrix: Array, first: int, last: int, least: float) -> bool:
    """Columns of L from `first` up to `last`, from which those before have been taken off."""
    size = len(matrix)
    for k in range(first, last):
        if not matrix[k, k] > least:
            return False
        root = math.sqrt(matrix[k, k])
        matrix[k, k] = root
        for i in range(k + 1, size):
            matrix[i, k] /= root
        for m in range(k + 1, last):
            share = matrix[m, k]
            for i in range(m, size):
                matrix[i, m] -= matrix[i, k] * share
    return True


@part_of_kernel
def factor(matrix: Array, least: float) -> bool:
    """L of matrix = L Lᵀ in place of its lower triangle; False where a pivot is not above `least`.

    It takes four columns at once, so that its inner loops are vectors that are read and written
    once for four products.
    """
    size = len(matrix)
    columns = np.zeros((_AT_ONCE, size))
    for first in range(0, size, _AT_ONCE):
        last = min(first + _AT_ONCE, size)
        if not _factor_columns(matrix, first, last, least):
            return False
        for k in range(_AT_ONCE):
            for i in range(last, size):
                columns[k, i] = matrix[i, first + k] if first + k < last else 0.0
        a, b, c, d = columns[0], columns[1], columns[2], columns[3]
        for i in range(last, size):
            row = matrix[i]
            for j in range(last, i + 1):
                row[j] -= a[i] * a[j] + b[i] * b[j] + c[i] * c[j] + d[i] * d[j]
    return True


@part_of_kernel
def solve(lower: Array, vector: Array) -> None:
    """Solve L Lᵀ z = vector in place."""
    size = len(vector)
    for i in range(size):
        for k in range(i):
            vector[i] -= lower[i, k] * vector[k]
        vector[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            vector[i] -= lower[k, i] * vector[k]
        vector[i] /= lower[i, i]


@kernel
def invert_root(matrix: Array, inverse: Array) -> bool:
    """L⁻¹ into `inverse` for matrix = L Lᵀ, whose lower triangle L replaces; False if not positive.

    LAPACK does as much in the same time, but SciPy calls it with the interpreter locked.
    """
    size = len(matrix)
    if not factor(matrix, 0.0):
        return False
    for i in range(size):
        row = inverse[i]
        for j in range(size):
            row[j] = 0.0
        whole = i - i % _AT_ONCE
        for k in range(0, whole, _AT_ONCE):
            a, b, c, d = inverse[k], inverse[k + 1], inverse[k + 2], inverse[k + 3]
            p, q, r, s = matrix[i, k], matrix[i, k + 1], matrix[i, k + 2], matrix[i, k + 3]
            for j in range(k + _AT_ONCE):
                row[j] -= p * a[j] + q * b[j] + r * c[j] + s * d[j]
        for k in range(whole, i):
            above, share = inverse[k], matrix[i, k]
            for j in range(k + 1):
                row[j] -= share * above[j]
        for j in range(i):
            row[j] /= matrix[i, i]
        row[i] = 1.0 / matrix[i, i]
    return True
