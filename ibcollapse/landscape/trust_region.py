"""Riemannian trust region: a minimum of a smooth function on a manifold of matrices."""

import dataclasses
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ACCEPT_FROM = 0.1
_SHRINK_BELOW = 0.25
_GROW_ABOVE = 0.75
_SMALLEST_RADIUS = 1e-15


class ManifoldProblem(Protocol):
    """A smooth function on a manifold embedded in a space of matrices."""

    def value(self, point: Array) -> float:
        """Value at `point`."""

    def gradient(self, point: Array) -> Array:
        """Riemannian gradient at `point`, same shape."""

    def hessian(self, point: Array) -> Callable[[Array], Array]:
        """Riemannian Hessian at `point`, as the map tangent direction → product."""

    def retract(self, point: Array, step: Array) -> Array:
        """Point of the manifold near `point + step`."""


@dataclasses.dataclass(frozen=True)
class TrustRegionResult:
    """Where the trust region stopped.

    Attributes
    ----------
    point : float64 (n, d)
        The last point.
    value, gradient_norm : float
        Value and Frobenius norm of the Riemannian gradient there.
    n_iterations : int
        Hessian products, the unit of work.
    accepted : bool
        Whether the caller's own test was passed.
    """

    point: Array
    value: float
    gradient_norm: float
    n_iterations: int
    accepted: bool


def minimise(
    problem: ManifoldProblem,
    start: Array,
    *,
    accept: Callable[[Array], bool],
    max_steps: int = 200,
    max_products: int = 20_000,
) -> TrustRegionResult:
    """Local minimum of `problem` by trust region.

    Steihaug–Toint truncated conjugate gradients inside a trust region; superlinear near a
    minimum: the residual asked of a step falls with the root of |gradient| / |gradient at start|,
    so that the path does not depend on the unit of the values. Ends when `accept(point)` holds,
    when the step can no longer change the point in float64, or after `max_steps` trials or
    `max_products` Hessian products.

    Source: Absil, Baker, Gallivan 2007, doi:10.1007/s10208-005-0179-9.
    """
    point, value = start, problem.value(start)
    largest = float(np.linalg.norm(start))
    radius, products = largest / 8, 0
    first_norm = 0.0
    for trial in range(max_steps + 1):
        gradient = problem.gradient(point)
        norm = float(np.linalg.norm(gradient))
        first_norm = first_norm or norm
        accepted = accept(point)
        spent = trial == max_steps or products >= max_products
        if accepted or spent or norm == 0.0 or radius < _SMALLEST_RADIUS:
            break
        # Measured against the start, not against 1: a function in small units would be solved to
        # rounding at every step, along directions in which its Hessian vanishes.
        forcing = min(0.1, float(np.sqrt(norm / first_norm)))
        step, at_edge, promised, used = _truncated_cg(
            problem.hessian(point), gradient, radius, forcing=forcing
        )
        products += used
        candidate = problem.retract(point, step)
        reached = problem.value(candidate)
        # Near the minimum both differences drown in rounding; the slack lets Newton's last
        # steps through (Conn, Gould, Toint 2000, §17.4.2).
        slack = 1e3 * np.finfo(float).eps * max(1.0, abs(value))
        ratio = (value - reached + slack) / (promised + slack)
        if ratio < _SHRINK_BELOW:
            radius /= 4
        elif ratio > _GROW_ABOVE and at_edge:
            radius = min(2 * radius, largest)
        if ratio > _ACCEPT_FROM:
            point, value = candidate, reached
    return TrustRegionResult(point, value, norm, products, accepted)


def _truncated_cg(
    hessian: Callable[[Array], Array], gradient: Array, radius: float, *, forcing: float
) -> tuple[Array, bool, float, int]:
    """Step, whether it ends at the edge, the decrease the model promises, Hessian products.

    Inside the region it stops when |residual| ≤ forcing · |gradient|.
    """
    step, hessian_step = np.zeros_like(gradient), np.zeros_like(gradient)
    residual, direction = gradient, -gradient
    square = float(np.vdot(residual, residual))
    target = forcing**2 * square
    at_edge, n_products = False, 0
    while not at_edge and n_products < gradient.size:
        along = hessian(direction)
        n_products += 1
        bend = float(np.vdot(direction, along))
        length = square / bend if bend > 0 else np.inf
        to_edge = _to_edge(step, direction, radius)
        at_edge = length >= to_edge
        length = min(length, to_edge)
        step, hessian_step = step + length * direction, hessian_step + length * along
        residual = residual + length * along
        last_square, square = square, float(np.vdot(residual, residual))
        if square <= target:
            break
        direction = (square / last_square) * direction - residual
    promised = -float(np.vdot(gradient, step) + 0.5 * np.vdot(step, hessian_step))
    return step, at_edge, promised, n_products


def _to_edge(step: Array, direction: Array, radius: float) -> float:
    """Positive root t of |step + t direction|² = radius²."""
    overlap = float(np.vdot(step, direction))
    room = max(radius**2 - float(np.vdot(step, step)), 0.0)
    square = float(np.vdot(direction, direction))
    return room / (overlap + np.sqrt(overlap**2 + square * room)) if room else 0.0
