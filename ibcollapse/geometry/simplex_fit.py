"""The simplex ETF that fits a set of class means best, and how far each class is from it."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.geometry.references import simplex_etf
from ibcollapse.linear_algebra import singular_parts, symmetric_eigenpairs
from ibcollapse.storage.serialize import register


@register("geometry/SimplexFit")
@dataclasses.dataclass(frozen=True)
class SimplexFit:
    """Best-fit simplex ETF under rotation, reflection, translation and scale.

    Attributes
    ----------
    radius : float
        Distance of the fitted vertices from their centre, feature units.
    residual : float
        ‖M − E‖_F / ‖M‖_F of centred means M and fitted vertices E, in [0, 1]: the sine of the
        angular Procrustes distance.
    class_deviation : float64 (n_classes,)
        Distance of each mean from its vertex over `radius`; NaN where `radius` is 0.
    """

    radius: float
    residual: float
    class_deviation: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.class_deviation.setflags(write=False)


def fit_simplex(means: NDArray[np.float64]) -> SimplexFit:
    """Orthogonal Procrustes fit of the simplex ETF to class means (Schönemann 1966).

    With the vertices V of a unit simplex and the centred means M, minimises ‖M − r V Q‖_F over
    r ≥ 0 and orthonormal Q: UΣWᵀ = svd(VᵀM), Q = UWᵀ, r = tr Σ / K. Means of fewer than K − 1
    dimensions are padded with zeros, since no ETF fits into their space.

    Parameters
    ----------
    means : float64 (n_classes, n_features)
        Class means, centred or not; every class weighs the same.

    Raises
    ------
    InputError
        With fewer than two classes, or when all means coincide.
    """
    n_classes = len(means)
    vertices = simplex_vertices(n_classes)
    centred = means - means.mean(axis=0)
    norm = np.linalg.norm(centred)
    if not norm > 0:
        raise InputError("all class means coincide; no simplex can be fitted")
    if centred.shape[1] < n_classes - 1:
        centred = np.pad(centred, ((0, 0), (0, n_classes - 1 - centred.shape[1])))
    u, sigma, wt = singular_parts(vertices.T @ centred)
    radius = sigma.sum() / n_classes
    misfit = centred - radius * (vertices @ u @ wt)
    lengths = np.linalg.norm(misfit, axis=1)
    deviation = lengths / radius if radius > 0 else np.full(n_classes, np.nan)
    return SimplexFit(float(radius), float(np.linalg.norm(misfit) / norm), deviation)


def simplex_vertices(n_classes: int) -> NDArray[np.float64]:
    """Unit vectors, float64 (n_classes, n_classes − 1), with cosines −1/(K − 1).

    Raises
    ------
    InputError
        When `n_classes` is below 2.
    """
    values, axes = symmetric_eigenpairs(simplex_etf(n_classes))
    # One eigenvalue is 0 (the centre), the others are K/(K − 1).
    return np.asarray(axes[:, 1:] * np.sqrt(values[1:]), dtype=np.float64)
