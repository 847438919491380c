"""Least of a convex quadratic function over non-negative variables."""

import numpy as np
import scipy.linalg
import scipy.optimize
from numpy.typing import NDArray

from ibcollapse.bottleneck.deadline import check

Array = NDArray[np.float64]

# Up to so many variables one after the other takes the least time.
_FEW = 32
# Exchanges of all wrong variables at once that need not leave fewer of them; Júdice and Pires.
_CHANCES = 3
# Exchanges after which variables enter one by one after all.
_MOST_EXCHANGES = 200
# What is added to the diagonal, at least, as a share of the trace.
_LEAST_LIFT = 1e-13
# A slope up to this share of the largest linear term is none.
_LEVEL = 1e-14


def nonnegative_minimum(hessian: Array, slope: Array, around: Array) -> Array:
    """argmin over p ≥ 0 of slopeᵀ (p − around) + ½ (p − around)ᵀ H (p − around), (n,).

    By block principal pivoting from the support of `around` (Portugal, Júdice and Vicente 1994, doi
    10.1090/S0025-5718-1994-1250776-4), a Cholesky factor for each exchange, of which there are few
    where the support hardly changes; few variables enter one by one (Lawson and Hanson).

    Parameters
    ----------
    hessian : float64 (n, n)
        Positive semidefinite: it is lifted by as little as a Cholesky factor needs.
    slope, around : float64 (n,)
        `around` ≥ 0.
    """
    lift = _LEAST_LIFT * np.trace(hessian)
    while True:
        lifted = hessian + lift * np.eye(len(hessian))
        try:
            root = scipy.linalg.cholesky(lifted, check_finite=False)
            break
        except scipy.linalg.LinAlgError:
            lift *= 100
    linear = lifted @ around - slope
    found = None if len(linear) <= _FEW else _exchanged(lifted, linear, around > 0)
    if found is not None:
        return found
    target = scipy.linalg.solve_triangular(root, linear, trans="T", check_finite=False)
    solution: Array = scipy.optimize.nnls(root, target, maxiter=50 * len(linear))[0]
    return solution


def _exchanged(hessian: Array, linear: Array, free: NDArray[np.bool_]) -> Array | None:
    """The minimum of ½ pᵀ H p − linearᵀ p by exchanges between free variables and zeros.

    None where they go in circles, or rounding takes a factor away.
    """
    free = free.copy()
    level = _LEVEL * float(np.abs(linear).max())
    fewest, chances = len(linear) + 1, _CHANCES
    for _ in range(_MOST_EXCHANGES):
        check()
        where = np.flatnonzero(free)
        solution = np.zeros(len(linear))
        try:
            factor = scipy.linalg.cho_factor(hessian[np.ix_(where, where)], check_finite=False)
        except scipy.linalg.LinAlgError:
            return None
        solution[where] = scipy.linalg.cho_solve(factor, linear[where], check_finite=False)
        slope = hessian @ solution - linear
        wrong = (free & (solution < 0)) | (~free & (slope < -level))
        n_wrong = int(wrong.sum())
        if n_wrong == 0:
            return solution
        if n_wrong < fewest:
            fewest, chances = n_wrong, _CHANCES
        elif chances:
            chances -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        free ^= wrong
    return None
