"""The supervised-contrastive loss of collapsed classes, by groups of equal count.

With groups a of size m_a, count n_a and class-mean vectors of mean v_a, every exponent is an entry
of an affine map of q = V Vᵀ: across groups cos = q_ab, inside a group
cos = (m_a q_aa − 1)/(m_a − 1). The part of the mean loss that geometry can change is

    excess = Σ_a p_a log(1 + Σ_b ω_ab exp((cos_ab − 1)/τ)),   p_a = m_a n_a / n,
    ω_ab = m_b n_b/(n_a − 1) for a ≠ b,   ω_aa = (m_a − 1) n_a/(n_a − 1),

and the loss is Σ_a p_a log(n_a − 1) + excess. Everything is evaluated from logarithms: at small τ
the excess underflows long before its logarithm does.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from ibcollapse.landscape.counts import CountGroups

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Derivatives:
    """Excess and its derivatives with respect to the cosines, in units of exp(`log_unit`).

    Attributes
    ----------
    log_excess : float
        Logarithm of the excess in nats (no unit taken out).
    scaled : float64 (n_groups, n_groups)
        ∂ excess / ∂ cos_ab, one-sided (row a's own term), divided by exp(log_unit).
    share : float64 (n_groups, n_groups)
        Softmax weight of group b in row a's partition sum, own-class term included in the sum.
    """

    log_excess: float
    scaled: Array
    share: Array


class CollapsedSupCon:
    """Excess loss as a function of the cosines between groups of classes."""

    def __init__(self, groups: CountGroups, temperature: float) -> None:
        self.groups = groups
        self.temperature = temperature
        size, count = groups.size, groups.count
        omega = np.tile(size * count, (len(size), 1))
        np.fill_diagonal(omega, (size - 1) * count)
        with np.errstate(divide="ignore"):
            self._log_omega = np.log(omega / (count[:, None] - 1))
        self._alone = size == 1
        # d cos_ab / d q_ab: 1 across groups, m/(m − 1) inside, and no such entry for m = 1.
        self.stretch = np.ones_like(omega)
        np.fill_diagonal(self.stretch, np.where(self._alone, 0.0, size / np.maximum(size - 1, 1)))

    @property
    def floor(self) -> float:
        """Σ_a p_a log(n_a − 1): the part of the mean loss that no geometry changes, nats."""
        return float(np.sum(self.groups.weight * np.log(self.groups.count - 1)))

    def cosines(self, mean_gram: Array) -> Array:
        """Cosines between classes, (n_groups, n_groups), of the Gram q of the group means."""
        size = self.groups.size
        inside = (size * np.diag(mean_gram) - 1) / np.maximum(size - 1, 1)
        cosines = mean_gram.copy()
        np.fill_diagonal(cosines, np.where(self._alone, 1.0, inside))
        return cosines

    def derivatives(self, cosines: Array, log_unit: float) -> Derivatives:
        """Value and first derivatives at `cosines`."""
        log_terms = self._log_omega + (cosines - 1) / self.temperature
        log_sum = logsumexp(log_terms, axis=1)
        log_one_plus = np.logaddexp(0.0, log_sum)
        # log1p(e^L) = e^L to rounding below e^-37, where logaddexp has returned 0.
        log_row = np.where(log_sum < -37, log_sum, np.log(np.maximum(log_one_plus, 1e-300)))
        log_excess = logsumexp(log_row, b=self.groups.weight)
        log_share = log_terms - log_one_plus[:, None]
        scaled = np.exp(log_share - log_unit) * self.groups.weight[:, None] / self.temperature
        return Derivatives(float(log_excess), scaled, np.exp(log_share))

    def curvature(self, at: Derivatives) -> Callable[[Array], Array]:
        """Second derivative at a point: direction in cosines → change of `scaled`."""

        def product(direction: Array) -> Array:
            drift = np.sum(at.share * direction, axis=1, keepdims=True)
            return np.asarray(at.scaled * (direction - drift) / self.temperature)

        return product
