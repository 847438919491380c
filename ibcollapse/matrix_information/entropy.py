"""Matrix entropies: functions of the eigenvalues of a trace-normalised Gram matrix."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_floats
from ibcollapse.errors import InputError


def matrix_entropy(eigenvalues: ArrayLike, *, alpha: float = 1.0) -> float:
    """Entropy of a density matrix with these eigenvalues, in nats.

    alpha = 1 is von Neumann's −Σ λ log λ; otherwise Rényi's log(Σ λ^alpha) / (1 − alpha), the
    matrix-based entropy of Sánchez Giraldo, Rao, Príncipe (2015, doi:10.1109/TIT.2014.2370058).

    Parameters
    ----------
    eigenvalues : array (n,)
        Non-negative; scaled to sum to one. Zeros count as 0 · log 0 = 0.
    alpha : float
        Order, positive and finite.

    Raises
    ------
    InputError
        On a negative, non-finite or all-zero spectrum, or an order that is not positive.

    Examples
    --------
    >>> round(matrix_entropy([0.5, 0.5]), 6)
    0.693147
    >>> round(matrix_entropy([0.75, 0.25], alpha=2), 6)
    0.470004
    """
    weights = probabilities(eigenvalues)
    if not (np.isfinite(alpha) and alpha > 0):
        raise InputError(f"alpha = {alpha}; the order of the entropy must be positive and finite")
    if alpha == 1.0:
        entropy = -np.sum(weights * np.log(weights))
    else:
        entropy = np.log(np.sum(weights**alpha)) / (1.0 - alpha)
    # A single eigenvalue has entropy 0, which rounding can turn into −0 or −1e-17.
    return max(float(entropy), 0.0)


def probabilities(spectrum: ArrayLike) -> NDArray[np.float64]:
    """The positive entries of a spectrum divided by their sum.

    Raises
    ------
    InputError
        On a negative, non-finite, empty or all-zero spectrum.
    """
    values = as_floats(spectrum)
    if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any() or not values.any():
        raise InputError(
            "a spectrum must be a non-empty row of finite, non-negative, not all-zero values"
        )
    positive = values[values > 0]
    return np.asarray(positive / positive.sum(), dtype=np.float64)
