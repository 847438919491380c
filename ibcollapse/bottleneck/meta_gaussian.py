"""Normal scores for the meta-Gaussian bottleneck, and how far scores are from jointly Gaussian.

Mutual information is minus the entropy of the copula, so the Gaussian bottleneck of the normal
scores is that of any data with a Gaussian copula, whatever the marginals (Rey, Roth 2012,
"Meta-Gaussian information bottleneck", NIPS 25).
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from ibcollapse.bottleneck.canonical_spectrum import factor_covariance
from ibcollapse.serialize import register

FloatArray = NDArray[np.float64]


def normal_scores(samples: FloatArray) -> FloatArray:
    """Normal scores of each column: Phi⁻¹(rank / (n + 1)), standardised to mean 0, variance 1.

    Parameters
    ----------
    samples : float64 (n_samples, n_features)
        Finite. Ties get their average rank; a constant column gives zeros.

    Returns
    -------
    float64 (n_samples, n_features)
        Unchanged by any increasing map of a column.

    Examples
    --------
    >>> import numpy as np
    >>> column = np.array([[1.0], [5.0], [7.0], [900.0]])
    >>> normal_scores(column).ravel().round(3).tolist()
    [-1.351, -0.407, 0.407, 1.351]
    """
    ranks = rankdata(samples, method="average", axis=0)
    scores = ndtri(ranks / (len(samples) + 1))
    scores -= scores.mean(axis=0)
    deviation = np.sqrt(np.mean(scores**2, axis=0))
    constant = np.ptp(samples, axis=0) == 0
    return np.asarray(np.where(constant, 0.0, scores / np.where(constant, 1.0, deviation)))


@register("bottleneck/NormalityTest")
@dataclasses.dataclass(frozen=True)
class NormalityTest:
    """Mardia's multivariate kurtosis against its value for Gaussian data.

    Attributes
    ----------
    kurtosis, expected : float
        Mean fourth power of the Mahalanobis distance, and what Gaussian data would give.
    z, p_value : float
        Standardised difference and its two-sided p-value.
    n_samples, dimension : int
        Rows, and independent columns, that were tested.
    """

    kurtosis: float
    expected: float
    z: float
    p_value: float
    n_samples: int
    dimension: int


def mardia_kurtosis(samples: FloatArray, *, rank_tol: float = 1e-12) -> NormalityTest | None:
    """Mardia's kurtosis test of joint normality; None when there are too few rows to test.

    b = mean_i (x_iᵀ S⁻¹ x_i)² is compared with its exact Gaussian mean d(d+2)(n−1)/(n+1) and
    variance 8d(d+2)(n−3)(n−d−1)(n−d+1) / ((n+1)²(n+3)(n+5)), with a normal limit. Tight clusters
    give a kurtosis below the Gaussian one, heavy joint tails one above. On normal scores, whose
    marginals are Gaussian by construction, the test is conservative.

    Source: Mardia, Biometrika 57 (1970) 519, doi:10.1093/biomet/57.3.519; moments in Sankhya B 36
    (1974) 115.

    Parameters
    ----------
    samples : float64 (n_samples, n_features)
        Linearly dependent columns, to the relative tolerance `rank_tol`, are left out.
    """
    n = len(samples)
    centred = samples - samples.mean(axis=0)
    factor = factor_covariance(centred.T @ centred / n, rank_tol, "covariance")
    d = factor.rank
    if d == 0 or n <= d + 1 or n <= 3:
        return None
    white = factor.whiten(centred[:, factor.features].T)
    kurtosis = float(np.mean(np.sum(white**2, axis=0) ** 2))
    expected = d * (d + 2) * (n - 1) / (n + 1)
    variance = 8 * d * (d + 2) * (n - 3) * (n - d - 1) * (n - d + 1)
    z = (kurtosis - expected) / math.sqrt(variance / ((n + 1) ** 2 * (n + 3) * (n + 5)))
    return NormalityTest(kurtosis, expected, z, float(2 * ndtr(-abs(z))), n, d)
