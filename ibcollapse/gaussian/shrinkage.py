"""How far a covariance is shrunk towards a multiple of the identity, and how that is chosen.

Everything here works from moments. The shrunk covariance is (1 − α) S + α m I with m = tr S / d;
diagonal covariances are (d,) arrays and the same formulas hold in the space of diagonal matrices.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ibcollapse.gaussian.scatter import Floats
from ibcollapse.linear_algebra import symmetric_eigenpairs

# Candidates of the held-out choice: ten a decade.
INTENSITIES: Floats = np.logspace(-6, 0, 61)


def ledoit_wolf_intensity(covariance: Floats, n_samples: int, sum_fourth: float) -> float:
    """α = min(b², d²)/d² of Ledoit and Wolf, in [0, 1].

    With z_i the centred rows, d² = ‖S − mI‖² and b² = (Σ_i ‖z_i z_iᵀ‖² / n − ‖S‖²)/n, Frobenius.

    Parameters
    ----------
    covariance : float64 (d, d) or (d,)
        S = Σ z_i z_iᵀ / n, or its diagonal.
    n_samples : int
        n.
    sum_fourth : float
        Σ_i ‖z_i‖⁴, or Σ_ij z_ij⁴ for a diagonal.

    References
    ----------
    Ledoit, Wolf (2004), J. Multivariate Analysis 88, doi:10.1016/S0047-259X(03)00096-4.
    """
    squared = float(np.sum(covariance**2))
    distance = squared - len(covariance) * mean_variance(covariance) ** 2
    error = (sum_fourth / n_samples - squared) / n_samples
    # Already a multiple of the identity to rounding: nothing to shrink.
    if distance <= np.finfo(np.float64).eps * squared:
        return 0.0
    return float(np.clip(error / distance, 0.0, 1.0))


def oas_intensity(covariance: Floats, n_samples: int) -> float:
    """α of the oracle approximating shrinkage, in [0, 1], for a full (d, d) covariance S.

    α = (‖S‖²/d² + m²) / ((n + 1)(‖S‖²/d² − m²/d)), the form that scikit-learn's `OAS` computes.

    References
    ----------
    Chen, Wiesel, Eldar, Hero (2010), IEEE Trans. Signal Processing 58,
    doi:10.1109/TSP.2010.2053029.
    """
    d = len(covariance)
    power = float(np.mean(covariance**2))
    mean_squared = mean_variance(covariance) ** 2
    denominator = (n_samples + 1) * (power - mean_squared / d)
    if denominator <= np.finfo(np.float64).eps * power:
        return 1.0
    return min((power + mean_squared) / denominator, 1.0)


def shrunk(covariance: Floats, intensity: float) -> Floats:
    """(1 − α) S + α m I for a (d, d) covariance or the diagonal (d,) of one."""
    target = intensity * mean_variance(covariance)
    result = (1 - intensity) * covariance
    if covariance.ndim == 1:
        return result + target
    result[np.diag_indices_from(result)] += target
    return result


def mean_variance(covariance: Floats) -> float:
    """m = tr S / d."""
    return float(np.mean(covariance if covariance.ndim == 1 else np.diagonal(covariance)))


@dataclasses.dataclass(frozen=True)
class HeldOutSpectrum:
    """A training covariance in its eigenbasis and what held-out rows do there.

    Attributes
    ----------
    values : float64 (d,)
        Eigenvalues of the training covariance, decreasing.
    powers : float64 (d,)
        Sums of squared coordinates of the held-out rows, centred at the training means.
    n_samples : int
        Held-out rows.
    """

    values: Floats
    powers: Floats
    n_samples: int

    def log_likelihood(self, values: Floats) -> Floats:
        """Σ log N(row; 0, values) of the held-out rows in nats, without the 2π; last axis is d."""
        likelihood: Floats = -0.5 * np.sum(
            self.n_samples * np.log(values) + self.powers / values, axis=-1
        )
        return likelihood


def held_out_spectrum(covariance: Floats, held_out: Floats, n_samples: int) -> HeldOutSpectrum:
    """Spectrum of `covariance` with the held-out scatter, both (d, d) or both diagonals (d,)."""
    if covariance.ndim == 1:
        order = np.argsort(covariance)
        values, powers = covariance[order], held_out[order]
    else:
        values, vectors = symmetric_eigenpairs(covariance)
        powers = np.einsum("ij,ij->j", vectors, held_out @ vectors)
    # Eigenvalues that are zero to rounding would make every unshrunk candidate impossible or NaN.
    limits = np.finfo(np.float64)
    floor = max(len(values) * limits.eps * values[-1], limits.tiny)
    return HeldOutSpectrum(np.maximum(values, floor)[::-1], powers[::-1], n_samples)


def held_out_intensity(spectra: Sequence[HeldOutSpectrum]) -> float:
    """α of `INTENSITIES` with the largest held-out Gaussian likelihood over all spectra."""
    total = np.zeros(len(INTENSITIES))
    for spectrum in spectra:
        target = spectrum.values.mean()
        values = np.outer(1 - INTENSITIES, spectrum.values) + (INTENSITIES * target)[:, None]
        total += spectrum.log_likelihood(values)
    return float(INTENSITIES[np.argmax(total)])


def held_out_rank(spectra: Sequence[HeldOutSpectrum]) -> int:
    """Rank in 1…d − 1 of the probabilistic PCA with the largest held-out likelihood.

    Under rank r the r largest eigenvalues are kept and the others replaced by their mean.
    """
    total = np.zeros(len(spectra[0].values) - 1)
    for spectrum in spectra:
        values, powers, n = spectrum.values, spectrum.powers, spectrum.n_samples
        ranks = np.arange(1, len(values))
        rest = np.cumsum(values[::-1])[::-1][1:]
        noise = rest / (len(values) - ranks)
        kept = np.cumsum(n * np.log(values) + powers / values)[:-1]
        remaining = np.cumsum(powers[::-1])[::-1][1:]
        total -= 0.5 * (kept + (len(values) - ranks) * n * np.log(noise) + remaining / noise)
    return int(np.argmax(total)) + 1
