"""Small positive definite systems inside compiled loops."""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.compilation import part_of_kernel

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
