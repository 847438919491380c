"""Eigenvalues and singular values that were checked: the only place that calls their solvers.

LAPACK's drivers fail in their own ways. `syevr` with a range of indices returns no eigenvalue at
all, without an error, for matrices that are degenerate to rounding (every symmetric channel of 24
classes and more); `syevd` and `gesdd` do not converge on some finite matrices whose entries span
many orders of magnitude. So each answer is checked for its number and for being finite, and a
slower driver is asked next.
"""

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.errors import NumericalError

Array = NDArray[np.float64]
_Found = TypeVar("_Found")

# Divide and conquer, relatively robust representations, QR iterations: by speed.
_DRIVERS = ("evd", "evr", "ev")


def symmetric_eigenpairs(matrix: NDArray[Any]) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and orthonormal eigenvectors in columns, of a symmetric matrix.

    Parameters
    ----------
    matrix : float (n, n)
        Its lower triangle is read.

    Raises
    ------
    NumericalError
        When the matrix is not finite, or no driver finds its eigenvalues.
    """
    return _first_that_works(
        "eigenvalues",
        matrix,
        (lambda: np.linalg.eigh(matrix), *(_driven(matrix, driver) for driver in _DRIVERS[1:])),
        lambda found: _is_whole(found[0], len(matrix)) and bool(np.isfinite(found[1]).all()),
    )


def symmetric_eigenvalues(matrix: NDArray[Any]) -> Array:
    """Eigenvalues, ascending, of one symmetric matrix or a stack of them (..., n, n).

    Lower triangles are read. Raises `NumericalError` as `symmetric_eigenpairs` does.
    """
    try:
        values = np.linalg.eigvalsh(matrix)
    except np.linalg.LinAlgError:
        values = np.full(matrix.shape[:-1], np.nan)
    if np.isfinite(values).all():
        return np.asarray(values, dtype=np.float64)
    stack = matrix.reshape(-1, *matrix.shape[-2:])
    return np.array([symmetric_eigenpairs(one)[0] for one in stack]).reshape(matrix.shape[:-1])


def largest_eigenpairs(matrix: Array, n: int) -> tuple[Array, Array]:
    """The n largest eigenvalues, ascending, of a symmetric matrix, and their vectors (size, n).

    The lower triangle is read. Raises `NumericalError` as `symmetric_eigenpairs` does.
    """
    size = len(matrix)

    def some() -> tuple[Array, Array]:
        # `evx` finds degenerate eigenvalues of a range, where `evr` may return none.
        return scipy.linalg.eigh(  # type: ignore[no-any-return]
            matrix, subset_by_index=[size - n, size - 1], driver="evx", check_finite=False
        )

    def whole() -> tuple[Array, Array]:
        values, vectors = symmetric_eigenpairs(matrix)
        return values[-n:], vectors[:, -n:]

    return _first_that_works(
        "eigenvalues",
        matrix,
        (some, whole),
        lambda found: _is_whole(found[0], n) and bool(np.isfinite(found[1]).all()),
    )


def singular_parts(matrix: NDArray[Any], *, whole: bool = False) -> tuple[Array, Array, Array]:
    """U, the singular values descending, and Vᵀ, of a matrix (m, n); thin unless `whole`.

    Raises `NumericalError` when the matrix is not finite or no driver finds its singular values.
    """
    return _first_that_works(
        "singular values",
        matrix,
        (
            lambda: np.linalg.svd(matrix, full_matrices=whole),
            lambda: _by_gesvd(matrix, whole),
        ),
        lambda found: _is_whole(found[1], min(matrix.shape)),
    )


def singular_values(matrix: NDArray[Any]) -> Array:
    """Singular values, descending, of a matrix (m, n); raises as `singular_parts` does."""
    return _first_that_works(
        "singular values",
        matrix,
        (
            lambda: np.linalg.svd(matrix, compute_uv=False),
            lambda: scipy.linalg.svd(
                matrix, compute_uv=False, lapack_driver="gesvd", check_finite=False
            ),
        ),
        lambda found: _is_whole(found, min(matrix.shape)),
    )


def _driven(matrix: NDArray[Any], driver: str) -> Callable[[], tuple[Array, Array]]:
    return lambda: scipy.linalg.eigh(matrix, driver=driver, check_finite=False)


def _by_gesvd(matrix: NDArray[Any], whole: bool) -> tuple[Array, Array, Array]:
    u, values, vt = scipy.linalg.svd(
        matrix, full_matrices=whole, lapack_driver="gesvd", check_finite=False
    )
    return u, values, vt


def _is_whole(values: Array, n: int) -> bool:
    """Whether there are n values, all finite."""
    return len(values) == n and bool(np.isfinite(values).all())


def _first_that_works(
    what: str,
    matrix: NDArray[Any],
    attempts: tuple[Callable[[], _Found], ...],
    is_right: Callable[[_Found], bool],
) -> _Found:
    size = " x ".join(map(str, matrix.shape))
    for attempt in attempts:
        with contextlib.suppress(np.linalg.LinAlgError):
            found = attempt()
            if is_right(found):
                return found
        # Some drivers answer with numbers where others say that they cannot.
        wrong = matrix.size - int(np.isfinite(matrix).sum())
        if wrong:
            raise NumericalError(f"no {what} of a {size} matrix, with {wrong} entries not finite")
    raise NumericalError(f"no driver found the {what} of a {size} matrix of finite entries")
