"""How far apart equal critical betas look in a finite sample."""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from ibcollapse.linear_algebra import singular_values

FloatArray = NDArray[np.float64]


def relative_spread(excess: FloatArray) -> float:
    """Standard deviation of beta_i − 1 over their mean; 0 for one degenerate transition.

    NaN without modes or where the mean is zero or infinite.
    """
    if excess.size == 0 or not np.isfinite(excess).all() or excess.mean() <= 0:
        return float("nan")
    return float(excess.std() / excess.mean())


def spread_of_equal_modes(
    counts: NDArray[np.int64],
    n_features: int,
    excess: float,
    *,
    n_draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """Relative spreads that samples of this size show when all beta_i − 1 equal `excess`.

    Gaussian classes with one covariance and, in units in which it is I, means whose weighted
    between-class covariance has K − 1 equal eigenvalues 1/excess: for balanced classes, a simplex
    ETF. The sampled within-class covariance is Wishart (Bartlett's decomposition), that of the
    means normal, so a draw costs one triangular solve whatever the number of samples.

    Parameters
    ----------
    counts : int64 (n_classes,)
        Samples of each class, all positive.
    n_features : int
        Dimension d.
    excess : float
        The common beta − 1, positive.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    float64 (n_draws,)
        Empty where equal modes cannot be drawn: K − 1 > d, or d above the degrees of freedom.
    """
    n, n_classes = int(counts.sum()), len(counts)
    freedom = n - n_classes
    if n_classes - 1 > n_features or n_features >= freedom or not 0 < excess < np.inf:
        return np.zeros(0)
    root = np.sqrt(counts / n)
    # Orthonormal complement of √p: Σ_c p_c m_c = 0 and Σ_c p_c m_c m_cᵀ = I / excess.
    axes = np.linalg.qr(np.column_stack([root, np.eye(n_classes)]))[0][:, 1:n_classes]
    means = np.zeros((n_classes, n_features))
    means[:, : n_classes - 1] = axes / root[:, None] / np.sqrt(excess)
    return np.array(
        [_one_spread(means, counts, freedom, rng) for _ in range(n_draws)], dtype=np.float64
    )


def _one_spread(
    means: FloatArray, counts: NDArray[np.int64], freedom: int, rng: np.random.Generator
) -> float:
    n_classes, d = means.shape
    n = int(counts.sum())
    factor = np.tril(rng.standard_normal((d, d)), -1)
    factor[np.diag_indices(d)] = np.sqrt(rng.chisquare(freedom - np.arange(d)))
    sampled = means + rng.standard_normal((n_classes, d)) / np.sqrt(counts)[:, None]
    centred = np.sqrt(counts / n)[:, None] * (sampled - counts @ sampled / n)
    white = solve_triangular(factor / np.sqrt(n), centred.T, lower=True)
    snr = singular_values(white)[: n_classes - 1] ** 2
    return relative_spread(1 / snr)
