"""Reference geometries of class means as Gram matrices, and the distance to them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import as_floats
from ibcollapse.errors import InputError


def simplex_etf(n_classes: int) -> NDArray[np.float64]:
    """Gram matrix of the simplex equiangular tight frame: ones, and −1/(K − 1) off the diagonal.

    Parameters
    ----------
    n_classes : int
        K, at least 2.

    Returns
    -------
    float64 (n_classes, n_classes)
        Cosines between the class means about their global mean (Papyan, Han, Donoho 2020).

    Raises
    ------
    InputError
        When `n_classes` is below 2.

    Examples
    --------
    >>> simplex_etf(3)[0]
    array([ 1. , -0.5, -0.5])
    """
    _require_classes(n_classes)
    return (n_classes * np.eye(n_classes) - 1.0) / (n_classes - 1)


def orthogonal_frame(n_classes: int) -> NDArray[np.float64]:
    """Gram matrix of orthonormal class means (non-negative features): the identity.

    Compare it with means about the origin; about their global mean, orthogonal means form the
    simplex ETF.

    Raises
    ------
    InputError
        When `n_classes` is below 2.
    """
    _require_classes(n_classes)
    return np.eye(n_classes)


def gram_distance(gram: ArrayLike, reference: ArrayLike) -> float:
    """‖G/‖G‖_F − R/‖R‖_F‖_F between two Gram matrices, in [0, 2]; invariant under scale.

    Parameters
    ----------
    gram, reference : array (n_classes, n_classes)
        Symmetric positive semi-definite, not zero.

    Raises
    ------
    InputError
        On different shapes, non-finite entries or a Gram matrix that is zero.

    Examples
    --------
    >>> round(gram_distance(orthogonal_frame(4), simplex_etf(4)), 6)
    0.517638
    """
    g, r = as_floats(gram), as_floats(reference)
    if g.shape != r.shape or g.ndim != 2 or g.shape[0] != g.shape[1]:
        raise InputError(
            f"Gram matrices of shapes {g.shape} and {r.shape}; expected the same square"
        )
    norms = np.linalg.norm(g), np.linalg.norm(r)
    if not np.isfinite(norms).all() or min(norms) == 0.0:
        raise InputError("a Gram matrix is zero or not finite and has no shape to compare")
    return float(np.linalg.norm(g / norms[0] - r / norms[1]))


def _require_classes(n_classes: int) -> None:
    if n_classes < 2:
        raise InputError(f"{n_classes} class; a geometry of class means needs at least 2")
