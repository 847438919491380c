"""Newton's method on the dual of the supervised-contrastive Gram program.

When the optimal Gram M has rank K − 1, the dual matrix g + diag ν is z zᵀ for one positive vector
z with M z = 0, and ∂loss/∂M_cc' = z_c z_c' can be solved for the cosine in closed form. With
ℓ_c = log(n_c − 1 + Σ n_c' exp((M_cc' − 1)/τ)) and y_c = log z_c − log n_c + ½ log(2 τ n),

    M_cc' = 1 + τ (y_c + y_c' − log(exp(−ℓ_c) + exp(−ℓ_c'))),

which leaves 2 unknowns a group of equal counts instead of K(K − 1)/2 cosines, and logarithms only,
so that no temperature underflows.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import root
from scipy.special import expit, logsumexp

from ibcollapse.landscape.counts import CountGroups
from ibcollapse.linear_algebra import symmetric_eigenvalues

Array = NDArray[np.float64]


class _DualEquations:
    """M z = 0 and the definition of ℓ, as 2 equations a group in the unknowns (y, ℓ)."""

    def __init__(self, groups: CountGroups, temperature: float) -> None:
        self.count, self.size = groups.count, groups.size
        self.temperature = temperature
        self.n_groups = len(self.size)
        # Other classes that a class of group a meets in group b.
        self.others = np.tile(self.size, (self.n_groups, 1)) - np.eye(self.n_groups)
        with np.errstate(divide="ignore"):
            self._log_samples = np.log(self.others * self.count)

    def start(self) -> Array:
        """Unknowns at the balanced simplex."""
        exponent = -self.size.sum() / (self.size.sum() - 1) / self.temperature
        met = np.log(self.others @ self.count) + exponent
        log_partition = np.logaddexp(np.log(self.count - 1), met)
        return np.concatenate([(exponent - log_partition) / 2, log_partition])

    def exponents(self, unknowns: Array) -> Array:
        """(cosine − 1)/τ between groups, (n_groups, n_groups)."""
        y, log_partition = np.split(unknowns, 2)
        both = np.logaddexp(-log_partition[:, None], -log_partition)
        return np.asarray(y[:, None] + y - both)

    def residual_and_jacobian(self, unknowns: Array) -> tuple[Array, Array]:
        """Residuals (2 n_groups,) and their Jacobian."""
        y, log_partition = np.split(unknowns, 2)
        exponents = self.exponents(unknowns)
        null = self.count * np.exp(y - y.max())
        null *= self.size.sum() / (self.size @ null)
        gram = self.others * (1 + self.temperature * exponents) + np.eye(self.n_groups)
        orthogonal = gram @ null
        log_terms = self._log_samples + exponents
        log_sum = np.logaddexp(np.log(self.count - 1), logsumexp(log_terms, axis=1))
        share = np.exp(log_terms - log_sum[:, None])
        # ∂ exponent_ab / ∂ ℓ_a: the share of row a's own factor.
        own = expit(log_partition - log_partition[:, None])
        pull = self.temperature * self.others * null
        by_null = gram * null - np.outer(orthogonal, self.size * null / self.size.sum())
        jacobian = np.block(
            [
                [pull + _row_sums(pull) + by_null, pull * own.T + _row_sums(pull * own)],
                [
                    share + _row_sums(share),
                    share * own.T + _row_sums(share * own) - np.eye(self.n_groups),
                ],
            ]
        )
        return np.concatenate([orthogonal, log_sum - log_partition]), jacobian


def _row_sums(matrix: Array) -> Array:
    return np.diag(matrix.sum(axis=1))


def solve_dual(groups: CountGroups, temperature: float) -> tuple[Array, int]:
    """Candidate Gram (n_classes, n_classes), feasible, and evaluations spent.

    Powell's hybrid method from the balanced simplex. The candidate is optimal only where the
    optimum has rank K − 1; the caller's certificate decides. Under extreme imbalance, where
    minority classes merge or line up, the equations have no such solution.
    """
    equations = _DualEquations(groups, temperature)
    # Trial steps far from the solution may overflow; the method then shortens them.
    with np.errstate(over="ignore", invalid="ignore"):
        found = root(
            equations.residual_and_jacobian, equations.start(), jac=True, options={"xtol": 1e-14}
        )
        cosines = 1 + temperature * equations.exponents(found.x)
    if not np.all(np.isfinite(cosines)):
        return np.eye(groups.n_classes), int(found.nfev)
    gram = cosines[np.ix_(groups.of_class, groups.of_class)]
    np.fill_diagonal(gram, 1.0)
    excess = max(0.0, -float(symmetric_eigenvalues(gram)[0]))
    return (gram + excess * np.eye(len(gram))) / (1 + excess), int(found.nfev)
