"""Neural-collapse figures as functions of K × d class means; every class weighs the same here."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError


def class_distance_variance(means: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """CDNV, (v_i + v_j) / (2‖m_i − m_j‖²) averaged over pairs (Galanti, György, Hutter 2022).

    Infinite when two classes with spread share their mean, NaN when two without spread do.

    Parameters
    ----------
    means : float64 (n_classes, n_features)
    variance : float64 (n_classes,)
        Mean squared distance of each class's samples from their mean.
    """
    spread = variance[:, None] + variance
    pairs = np.triu_indices(len(means), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean((spread / (2 * squared_distances(means)))[pairs]))


def squared_distances(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """‖p_i − p_j‖² from differences, exactly 0 for equal points, float64 (n, n)."""
    # ‖p‖² + ‖q‖² − 2 p·q would turn equal points into a difference of large numbers.
    return np.stack([np.sum((points - point) ** 2, axis=1) for point in points])


def norm_variation(centred: NDArray[np.float64]) -> float:
    """Coefficient of variation (population) of the lengths of the rows; 0 at equal lengths."""
    norms = np.linalg.norm(centred, axis=1)
    return float(norms.std() / norms.mean())


def cosines(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosines between the rows, float64 (n, n); NaN for a row of length zero."""
    norms = np.linalg.norm(rows, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = rows / norms[:, None]
    return np.asarray(np.clip(unit @ unit.T, -1.0, 1.0), dtype=np.float64)


def equiangular_deviation(centred: NDArray[np.float64]) -> float:
    """Mean |cos + 1/(K − 1)| over pairs of centred means (Papyan, Han, Donoho 2020)."""
    n_classes = len(centred)
    pairs = cosines(centred)[np.triu_indices(n_classes, 1)]
    return float(np.mean(np.abs(pairs + 1 / (n_classes - 1))))


def angular_similarity(centred: NDArray[np.float64]) -> float:
    """Mean of 1 − arccos(cos)/π over pairs of rows (Graf et al. 2021); 0.46456 at K = 10's ETF."""
    pairs = cosines(centred)[np.triu_indices(len(centred), 1)]
    return float(np.mean(1 - np.arccos(pairs) / np.pi))


def log_inverse_distance(centred: NDArray[np.float64]) -> float:
    """Mean log 1/‖u_i − u_j‖ over pairs of unit centred means (Liu et al. 2023), nats.

    Smallest when the directions are spread uniformly, −½ log(2K/(K − 1)) at the simplex ETF;
    infinite when two directions coincide.
    """
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    distances = squared_distances(unit)[np.triu_indices(len(unit), 1)]
    with np.errstate(divide="ignore"):
        return float(np.mean(-0.5 * np.log(distances)))


def self_duality(weight: NDArray[np.float64], centred: NDArray[np.float64]) -> float:
    """NC3, ‖W/‖W‖_F − M/‖M‖_F‖²_F of classifier rows and centred means (Papyan et al. 2020).

    0 where each row points along its class's mean, 2 where they are orthogonal, 4 where opposite.

    Parameters
    ----------
    weight, centred : float64 (n_classes, n_features)

    Raises
    ------
    InputError
        When the classifier is zero.
    """
    norm = np.linalg.norm(weight)
    if not norm > 0:
        raise InputError("the classifier's weights are all zero; leave the classifier out")
    return float(np.sum((weight / norm - centred / np.linalg.norm(centred)) ** 2))
