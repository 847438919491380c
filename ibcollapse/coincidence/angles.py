"""Principal angles between subspaces given by columns."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import subspace_angles

FloatArray = NDArray[np.float64]


def principal_angles(a: FloatArray, b: FloatArray) -> FloatArray:
    """Principal angles in radians, increasing, between the spans of two sets of columns.

    Columns are scaled to length one first, so that directions of very different length count
    alike; zero columns are left out. Golub, van Loan, Matrix Computations, sec. 6.4.3; small
    angles from sines (Knyazev, Argentati 2002, doi:10.1137/S1064827500377332).

    Parameters
    ----------
    a, b : float64 (d, m), (d, r)

    Returns
    -------
    float64 (min(rank a, rank b),)
        Empty when one of the spans is zero.

    Examples
    --------
    >>> plane = np.eye(3)[:, :2]
    >>> principal_angles(plane, np.array([[0.0], [1.0], [1.0]])).round(4).tolist()
    [0.7854]
    """
    left, right = _unit_columns(a), _unit_columns(b)
    if left.shape[1] == 0 or right.shape[1] == 0:
        return np.zeros(0)
    return np.asarray(subspace_angles(left, right)[::-1], dtype=np.float64)


def overlap(angles: FloatArray) -> float:
    """Mean squared cosine of principal angles, in [0, 1]; NaN without any.

    Random r-dimensional spans in d dimensions overlap by r/d on average.
    """
    return float(np.mean(np.cos(angles) ** 2)) if angles.size else float("nan")


def _unit_columns(columns: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(columns, axis=0)
    return np.asarray(columns[:, lengths > 0] / lengths[lengths > 0], dtype=np.float64)
