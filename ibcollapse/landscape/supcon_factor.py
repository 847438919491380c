"""Primal solver of the supervised-contrastive Gram program: unit vectors and a trust region.

Slower than the dual equations and valid at every rank of the optimum.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ibcollapse.landscape.counts import CountGroups
from ibcollapse.landscape.supcon_loss import CollapsedSupCon, Derivatives
from ibcollapse.landscape.trust_region import minimise
from ibcollapse.linear_algebra import symmetric_eigenvalues

Array = NDArray[np.float64]


class _GroupFactor:
    """Excess, in units of its value at the start, as a function of rows (v_a, slack_a).

    A group's mean v_a of m > 1 unit vectors lies in the unit ball: |v_a|² + slack_a² = 1.
    A lone class has slack 0, which every tangent step keeps.
    """

    def __init__(self, loss: CollapsedSupCon, log_unit: float) -> None:
        self.loss = loss
        self.log_unit = log_unit

    def value(self, point: Array) -> float:
        return float(np.exp(self._at(point).log_excess - self.log_unit))

    def gradient(self, point: Array) -> Array:
        return _tangent(point, self._euclidean_gradient(point))

    def retract(self, point: Array, step: Array) -> Array:
        return _unit_rows(point + step)

    def hessian(self, point: Array) -> Callable[[Array], Array]:
        vectors, at = point[:, :-1], self._at(point)
        by_mean_gram = self._by_mean_gram(at.scaled)
        curvature = self.loss.curvature(at)
        normal = np.sum(point * self._euclidean_gradient(point), axis=1, keepdims=True)

        def product(direction: Array) -> Array:
            moved = direction[:, :-1]
            cross = moved @ vectors.T
            change = self._by_mean_gram(curvature(self.loss.stretch * (cross + cross.T)))
            euclidean = _with_slack(2 * (change @ vectors + by_mean_gram @ moved))
            return _tangent(point, euclidean - normal * direction)

        return product

    def gap(self, point: Array) -> float:
        """Duality gap of the grouped program, in units of the current excess."""
        vectors = point[:, :-1]
        cosines = self.loss.cosines(vectors @ vectors.T)
        log_excess = self.loss.derivatives(cosines, 0.0).log_excess
        gradient = self._by_mean_gram(self.loss.derivatives(cosines, log_excess).scaled)
        multiplier = -np.sum((gradient @ vectors) * vectors, axis=1)
        of_slack = multiplier[self.loss.groups.size > 1]
        lowest = min(0.0, symmetric_eigenvalues(gradient + np.diag(multiplier))[0], *of_slack)
        return float(-len(point) * lowest)

    def _at(self, point: Array) -> Derivatives:
        vectors = point[:, :-1]
        return self.loss.derivatives(self.loss.cosines(vectors @ vectors.T), self.log_unit)

    def _euclidean_gradient(self, point: Array) -> Array:
        return _with_slack(2 * self._by_mean_gram(self._at(point).scaled) @ point[:, :-1])

    def _by_mean_gram(self, by_cosine: Array) -> Array:
        stretched = self.loss.stretch * by_cosine
        return (stretched + stretched.T) / 2


def _tangent(point: Array, direction: Array) -> Array:
    return np.asarray(direction - np.sum(point * direction, axis=1, keepdims=True) * point)


def _unit_rows(rows: Array) -> Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _with_slack(vectors: Array) -> Array:
    return np.hstack([vectors, np.zeros((len(vectors), 1))])


def solve_factor(
    groups: CountGroups, temperature: float, *, tol: float, rng: np.random.Generator
) -> tuple[Array, int]:
    """Gram (n_classes, n_classes) with gap ≤ tol · excess if reached, and Hessian products spent.

    The factor has as many columns as groups, so that a second-order point is a global minimum:
    its dual matrix vanishes where the factor has full rank and is positive where it has not.
    """
    loss = CollapsedSupCon(groups, temperature)
    start = _random_rows(groups, rng)
    vectors = start[:, :-1]
    log_unit = loss.derivatives(loss.cosines(vectors @ vectors.T), 0.0).log_excess
    problem = _GroupFactor(loss, log_unit)
    # At small τ a trial step can raise the excess beyond the range of floats; it is refused.
    with np.errstate(over="ignore"):
        end = minimise(problem, start, accept=lambda point: problem.gap(point) <= tol)
    vectors = end.point[:, :-1]
    gram = loss.cosines(vectors @ vectors.T)[np.ix_(groups.of_class, groups.of_class)]
    np.fill_diagonal(gram, 1.0)
    return gram, end.n_iterations


def _random_rows(groups: CountGroups, rng: np.random.Generator) -> Array:
    rows = rng.normal(size=(len(groups.size), len(groups.size) + 1))
    rows[groups.size == 1, -1] = 0.0
    return _unit_rows(rows)
