"""Positive definite systems: small ones inside compiled loops, and factors of larger ones."""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import kernel, part_of_kernel

Array = NDArray[np.float64]


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
def factor(matrix: Array, damping: float, lower: Array) -> bool:
    """Cholesky factor of matrix + damping I into `lower`; False when it is not positive."""
    size = len(matrix)
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            if i == j:
                total += damping
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                if total <= 1e-14:
                    return False
                lower[i, i] = math.sqrt(total)
            else:
                lower[i, j] = total / lower[j, j]
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

    LAPACK does as much in the same time, but SciPy calls it with the interpreter locked. Unlike
    `factor` it goes by columns, so that its inner loops are vectors.
    """
    size = len(matrix)
    column = np.empty(size)
    for k in range(size):
        if not matrix[k, k] > 0.0:
            return False
        root = math.sqrt(matrix[k, k])
        matrix[k, k] = root
        for i in range(k + 1, size):
            column[i] = matrix[i, k] / root
            matrix[i, k] = column[i]
        for i in range(k + 1, size):
            for j in range(k + 1, i + 1):
                matrix[i, j] -= column[i] * column[j]
    for i in range(size):
        row = inverse[i]
        for j in range(size):
            row[j] = 0.0
        for k in range(i):
            above = inverse[k]
            share = matrix[i, k]
            for j in range(k + 1):
                row[j] -= share * above[j]
        for j in range(i):
            row[j] /= matrix[i, i]
        row[i] = 1.0 / matrix[i, i]
    return True
