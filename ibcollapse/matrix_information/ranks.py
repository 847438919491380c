"""Effective ranks of a representation: RankMe, participation ratio, LiDAR."""

import dataclasses
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cho_factor, solve_triangular

from ibcollapse.array_backend import as_floats
from ibcollapse.errors import InputError
from ibcollapse.linear_algebra import singular_values
from ibcollapse.matrix_information.entropy import matrix_entropy, probabilities
from ibcollapse.storage.serialize import register


@register("matrix_information/EffectiveRanks")
@dataclasses.dataclass(frozen=True)
class EffectiveRanks:
    """How many directions a representation uses, by four definitions.

    Attributes
    ----------
    rankme : float
        exp-entropy of the uncentred features' singular values over their sum (Garrido et al. 2023).
    rankme_squared : float
        The same on squared singular values: exp of the von Neumann entropy of the Gram matrix.
    participation_ratio : float
        (Σ λ)² / Σ λ² over the eigenvalues λ of the covariance (centred).
    lidar : float
        Effective rank of Σ_w^{-1/2} Σ_b Σ_w^{-1/2} with the classes as surrogate tasks (Thilak et
        al. 2023), weighted equally in both; at most n_classes − 1.
    lidar_ridge : float
        Variance that was added to the diagonal of Σ_w, in squared feature units.
    n_samples, n_features, n_classes : int
        Sizes they were computed from; a rank near min(n_samples, n_features) is a cap, not a fact.
    """

    rankme: float
    rankme_squared: float
    participation_ratio: float
    lidar: float
    lidar_ridge: float
    n_samples: int
    n_features: int
    n_classes: int


def effective_rank(
    singular_values: ArrayLike, *, variant: Literal["sigma", "sigma_squared"] = "sigma"
) -> float:
    """exp of the entropy of normalised singular values, between 1 and their number.

    Parameters
    ----------
    singular_values : array (n,)
        Non-negative.
    variant : {"sigma", "sigma_squared"}
        "sigma" weighs σ / Σσ (Roy & Vetterli 2007; RankMe, Garrido et al. 2023, arXiv 2210.02885,
        without its additive 1e-7); "sigma_squared" weighs σ² / Σσ².

    Raises
    ------
    InputError
        On a negative, non-finite or all-zero spectrum, or another variant.

    Examples
    --------
    >>> round(effective_rank([2.0, 1.0]), 6)
    1.889882
    """
    sigma = as_floats(singular_values)
    if variant not in ("sigma", "sigma_squared"):
        raise InputError(f"variant {variant!r}; expected 'sigma' or 'sigma_squared'")
    # The sign is tested before squaring hides it.
    weights = probabilities(sigma)
    return float(np.exp(matrix_entropy(weights if variant == "sigma" else weights**2)))


def participation_ratio(eigenvalues: ArrayLike) -> float:
    """(Σ λ)² / Σ λ² of covariance eigenvalues, between 1 and their number.

    Raises
    ------
    InputError
        On a negative, non-finite or all-zero spectrum.

    Examples
    --------
    >>> participation_ratio([1.0, 1.0, 0.0])
    2.0
    """
    return float(1.0 / np.sum(probabilities(eigenvalues) ** 2))


def lidar(
    class_means: NDArray[np.float64], within: NDArray[np.float64], *, ridge: float = 1e-4
) -> float:
    """Effective rank of Σ_w^{-1/2} Σ_b Σ_w^{-1/2}, classes weighted equally.

    Its non-zero eigenvalues are those of the K × K matrix Mᵀ (Σ_w + ridge·I)⁻¹ M of the centred
    class means, through a Cholesky factor of Σ_w (Thilak et al. 2023, arXiv 2312.04000, eq. 4).

    Parameters
    ----------
    class_means : float64 (n_classes, n_features)
    within : float64 (n_features, n_features)
        Within-class covariance Σ_w, the plain mean of the classes' covariances.
    ridge : float
        Variance added to the diagonal of Σ_w, squared feature units (the paper's δ).

    Raises
    ------
    InputError
        When Σ_w + ridge·I is not positive definite, or all means coincide.
    """
    centred = class_means - class_means.mean(axis=0)
    if not centred.any():
        raise InputError("all class means coincide; LiDAR needs classes that differ")
    regularised = within + ridge * np.eye(len(within))
    try:
        factor, _ = cho_factor(regularised, lower=True)
    except np.linalg.LinAlgError as error:
        raise InputError(
            f"the within-class covariance with ridge {ridge} is singular; raise the ridge"
        ) from error
    whitened = solve_triangular(factor, centred.T, lower=True)
    return effective_rank(singular_values(whitened), variant="sigma_squared")
