"""What every solver of this room says about how far it came."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

CONVERGED = "converged"

# Eigenvalues or singular values below this share of the largest count as zero: solutions are
# accurate to the square root of a relative gap of 1e-9 or better.
RANK_TOLERANCE = 1e-6


def gap_status(relative_gap: float, tol: float) -> str:
    """ "converged", or a sentence that names `tol` as the argument to change."""
    if relative_gap <= tol:
        return CONVERGED
    return f"the relative gap is {relative_gap:.1e}, above tol={tol:.1e}; raise tol"


def numerical_rank(values: NDArray[np.floating[Any]]) -> int:
    """Number of values above the rank tolerance; zero for zeros."""
    largest = float(values.max())
    return int(np.sum(values > RANK_TOLERANCE * largest)) if largest > 0 else 0
