"""Cross-entropy with unconstrained features and weight decay, solved with a certificate.

With ½γ(‖W‖² + ‖H‖²) on the classifier and all n feature vectors, collapsed classes and
Z = Wᵀ H_means diag(√n_c) (n_classes × n_classes, column c scaled by √n_c), the problem is convex:

    min_Z Σ_c (n_c/n) CE_c(Z_c/√n_c) + γ ‖Z‖_*.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from ibcollapse.landscape.trust_region import minimise
from ibcollapse.linear_algebra import singular_parts, singular_values

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class RidgeSolution:
    """Minimiser of the convex problem.

    Attributes
    ----------
    scaled_logits : float64 (n_classes, n_classes)
        Z; column c holds the logits of class c times √n_c.
    objective : float
        Mean cross-entropy plus penalty, nats.
    gap : float
        Duality gap of `objective`, nats.
    n_iterations : int
        Hessian products.
    """

    scaled_logits: Array
    objective: float
    gap: float
    n_iterations: int


class _FactoredCrossEntropy:
    """The objective as a function of stacked factors (A; B), Z = A Bᵀ, in Euclidean space."""

    def __init__(self, counts: Array, ridge: float) -> None:
        self.root = np.sqrt(counts)
        self.weight = counts / counts.sum()
        self.ridge = ridge

    def value(self, point: Array) -> float:
        a, b = np.split(point, 2)
        return self.cross_entropy(a @ b.T) + self.ridge / 2 * float(np.sum(point**2))

    def cross_entropy(self, scaled_logits: Array) -> float:
        logits = scaled_logits / self.root
        return float(self.weight @ (logsumexp(logits, axis=0) - np.diag(logits)))

    def posterior(self, scaled_logits: Array) -> Array:
        """p(k | class c) in column c."""
        return np.asarray(softmax(scaled_logits / self.root, axis=0))

    def by_logits(self, posterior: Array) -> Array:
        """∂ cross-entropy / ∂ Z."""
        return np.asarray((posterior - np.eye(len(posterior))) * self.weight / self.root)

    def gradient(self, point: Array) -> Array:
        a, b = np.split(point, 2)
        slope = self.by_logits(self.posterior(a @ b.T))
        return np.vstack([slope @ b, slope.T @ a]) + self.ridge * point

    def hessian(self, point: Array) -> Callable[[Array], Array]:
        a, b = np.split(point, 2)
        posterior = self.posterior(a @ b.T)
        slope = self.by_logits(posterior)

        def product(direction: Array) -> Array:
            da, db = np.split(direction, 2)
            moved = (da @ b.T + a @ db.T) * (self.weight / self.root**2)
            change = posterior * (moved - np.sum(posterior * moved, axis=0))
            turned = np.vstack([change @ b + slope @ db, change.T @ a + slope.T @ da])
            return np.asarray(turned + self.ridge * direction)

        return product

    def retract(self, point: Array, step: Array) -> Array:
        return np.asarray(point + step)

    def bound(self, scaled_logits: Array) -> float:
        """Lower bound of the objective from the posteriors at `scaled_logits`.

        Shrinking the slope to operator norm ≤ γ mixes each posterior with its one-hot label,
        q = (1 − θ) e + θ p, and the dual value is the mean entropy of the q.
        """
        posterior = self.posterior(scaled_logits)
        norm = float(np.linalg.norm(self.by_logits(posterior), 2))
        theta = min(1.0, self.ridge / norm) if norm > 0 else 1.0
        mixed = (1 - theta) * np.eye(len(posterior)) + theta * posterior
        logs = np.log(mixed, out=np.zeros_like(mixed), where=mixed > 0)
        return -float(self.weight @ np.sum(mixed * logs, axis=0))


def slope_at_zero(counts: NDArray[np.int64]) -> float:
    """Operator norm of ∂ cross-entropy / ∂ Z at Z = 0: the γ from which on Z = 0 is optimal."""
    simplex = np.eye(len(counts)) - 1 / len(counts)
    return float(np.linalg.norm(simplex * np.sqrt(counts), 2) / counts.sum())


def solve_ridge(
    counts: NDArray[np.int64], ridge: float, *, tol: float, rng: np.random.Generator
) -> RidgeSolution:
    """Global minimum by a trust region on square factors, which have no spurious minima.

    Stops when gap ≤ tol · objective. The bound is Fenchel duality: ‖·‖_* is dual to the operator
    norm, and the conjugate of the cross-entropy is a negative entropy.
    """
    problem = _FactoredCrossEntropy(counts.astype(np.float64), ridge)

    def gap(scaled_logits: Array) -> tuple[float, float]:
        nuclear = float(singular_values(scaled_logits).sum())
        objective = problem.cross_entropy(scaled_logits) + ridge * nuclear
        return objective, objective - problem.bound(scaled_logits)

    def accept(point: Array) -> bool:
        objective, excess = gap(_product(point))
        return excess <= tol * objective

    if slope_at_zero(counts) <= ridge:
        zero = np.zeros((len(counts), len(counts)))
        return RidgeSolution(zero, problem.cross_entropy(zero), 0.0, 0)
    end = minimise(problem, _start(problem, rng), accept=accept)
    objective, excess = gap(_product(end.point))
    return RidgeSolution(_product(end.point), objective, max(excess, 0.0), end.n_iterations)


def _product(point: Array) -> Array:
    a, b = np.split(point, 2)
    return np.asarray(a @ b.T)


def _start(problem: _FactoredCrossEntropy, rng: np.random.Generator) -> Array:
    """Balanced factors of the simplex-encoded labels, with noise that opens every direction."""
    n_classes = len(problem.root)
    left, values, right = singular_parts(
        (np.eye(n_classes) - 1 / n_classes) * problem.root, whole=True
    )
    point = np.vstack([left * np.sqrt(values), right.T * np.sqrt(values)])
    return np.asarray(point + 1e-3 * rng.normal(size=point.shape))
