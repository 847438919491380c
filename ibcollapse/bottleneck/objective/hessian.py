"""The Hessian of the free energy in the scaled variables, as a matrix or as its products.

With φ_t(x) the scaled derivative of the log-density of atom t at x, the Hessian is

    H = Σ_x p(x) [(Σ_t π_t φ_t)(Σ_t π_t φ_t)ᵀ − blockdiag(π_t φ_t φ_tᵀ)] + D,   π_t = p(t|x),

D the softmaxes' own curvature, with the gauge directions, flat in F, lifted to one. Up to a few
hundred variables the matrix is summed and factored; beyond, conjugate gradients need only its
products, two matrix products over X each, and few of them with the preconditioner of
`ibcollapse.bottleneck.objective.preconditioner`.

Where most posteriors are next to nothing, the products leave them out. In this metric an entry
p(y|x) enters as p(y|x)/√r_t(y), and r_t(y) is the mean of p(y|x) over the atom's rows: what is left
out weighs no more than the square root of the largest such entry, whatever the decoders are. Only
steps are computed from the products; the gradient, and so the state they end in, is exact.
"""

from typing import Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, side_by_side, stretches
from ibcollapse.bottleneck.kernels.sparse_products import padded, sums_over_rows
from ibcollapse.bottleneck.objective.hessian_matrix import (
    derivative_scales,
    hessian_matrix,
    weight_ratio,
)
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture
from ibcollapse.bottleneck.objective.preconditioner import Factored, Preconditioner

Array = NDArray[np.float64]

# From this many variables on the products are cheaper than the matrix.
_MOST_VARIABLES = 700
_MOST_BESIDE_SPARSE = 200
# Conjugate gradients stop at this relative residual, in the preconditioner's norm.
_INEXACT = 1e-4
_MOST_PRODUCTS = 200
# With this much damping any direction in which F falls will do.
_MUCH_DAMPING = 1e-2
# A borrowed preconditioner that takes more products than this is given up.
_FEW_PRODUCTS = 40


class Curvature(Protocol):
    """What a second-order method asks of a Hessian.

    One `is_cheap` when it costs least to make; one that `is_exact` leaves no posterior out.
    """

    is_cheap: bool
    is_exact: bool

    def serves(self, mixture: Mixture) -> bool:
        """Whether a state close by should start with this Hessian rather than have its own."""
        ...

    def for_thread(self) -> "Curvature":
        """The same Hessian for another thread: its answers do not depend on what this one asks."""
        ...

    def apply(self, vector: Array) -> Array:
        """H times a flat scaled vector."""
        ...

    def solve(self, vector: Array, damping: float) -> Array | None:
        """(H + damping I)⁻¹ times the vector; None when that matrix is not positive definite."""
        ...

    def descend(self, vector: Array, damping: float) -> Array | None:
        """As `solve`, but where curvature is negative any step along which F falls may do."""
        ...


def curvature(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    beta: float,
    nearby: Curvature | None = None,
    *,
    exact: bool = False,
) -> Curvature:
    """The Hessian at a state, in the form that is cheaper for its size.

    `nearby` is the Hessian of a state close by, whose preconditioner may serve again. An `exact`
    one has products that leave no posterior out.
    """
    most = _MOST_VARIABLES if channel.prepared.sparse_rows is None else _MOST_BESIDE_SPARSE
    if mixture.n_t * (1 + channel.n_classes) <= most:
        return MatrixCurvature(channel, mixture, evaluation, beta)
    return ImplicitCurvature(channel, mixture, evaluation, beta, nearby, exact=exact)


class MatrixCurvature:
    """The Hessian as a matrix, factored once for each damping."""

    is_cheap = False
    is_exact = True

    def __init__(
        self, channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
    ) -> None:
        self.matrix = hessian_matrix(channel, mixture, evaluation, beta)
        self._factor: tuple[float, Array] | None = None

    def serves(self, mixture: Mixture) -> bool:
        """Whether it has the state's variables."""
        return len(self.matrix) == mixture.log_r.size + mixture.n_t

    def for_thread(self) -> Curvature:
        """Itself: whatever factor it keeps, its answers are the same."""
        return self

    def apply(self, vector: Array) -> Array:
        """H times a flat scaled vector."""
        product: Array = self.matrix @ vector
        return product

    def solve(self, vector: Array, damping: float) -> Array | None:
        """(H + damping I)⁻¹ times the vector; None when that matrix is not positive definite."""
        kept = self._factor
        if kept is None or kept[0] != damping:
            damped = self.matrix.copy()
            damped.flat[:: len(damped) + 1] += damping
            try:
                factor = scipy.linalg.cholesky(
                    damped, lower=True, overwrite_a=True, check_finite=False
                )
            except scipy.linalg.LinAlgError:
                return None
            kept = self._factor = damping, factor
        solution: Array = scipy.linalg.cho_solve((kept[1], True), vector, check_finite=False)
        return solution

    def descend(self, vector: Array, damping: float) -> Array | None:
        """As `solve`: more damping is cheap."""
        return self.solve(vector, damping)


class ImplicitCurvature:
    """The Hessian by its products with vectors."""

    is_cheap = True

    def __init__(
        self,
        channel: Channel,
        mixture: Mixture,
        evaluation: Evaluation,
        beta: float,
        nearby: Curvature | None = None,
        *,
        exact: bool = False,
    ) -> None:
        self._state = channel, mixture, evaluation, beta
        self._rows = None if exact else channel.prepared.sparse_rows
        self.is_exact = self._rows is None
        self._w, self._p_x = channel.p_y_given_x, channel.p_x
        self._pi = evaluation.p_t_given_x
        if self._rows is not None:
            self._pi = padded(self._pi)
        self._inverse_q, self._inverse = derivative_scales(mixture, beta)
        self._r, self._root_r = mixture.r, np.exp(0.5 * mixture.log_r)
        self._ratio = weight_ratio(mixture, evaluation)
        self._known = nearby.preconditioner if isinstance(nearby, ImplicitCurvature) else None
        self._served: Preconditioner | None = None

    def serves(self, mixture: Mixture) -> bool:
        """No: a new one costs nothing but its preconditioner, which is borrowed."""
        return False

    def for_thread(self) -> Curvature:
        """One that has this one's preconditioner, to give up by itself."""
        return ImplicitCurvature(*self._state, nearby=self, exact=self.is_exact)

    def apply(self, vector: Array) -> Array:
        """H times a flat scaled vector."""
        parts = vector.reshape(len(self._r), -1)
        slopes = self._inverse * parts[:, 1:]
        constants = self._inverse_q * parts[:, 0] - np.sum(self._r * slopes, axis=1)
        total, moments = self._sums_over_rows(slopes, constants)
        product = self._ratio[:, None] * parts
        product[:, 0] -= self._inverse_q * total
        product[:, 1:] -= self._inverse * (moments - self._r * total[:, None])
        gauge = (1.0 - self._ratio) * np.sum(self._root_r * parts[:, 1:], axis=1)
        product[:, 1:] += gauge[:, None] * self._root_r
        flat: Array = product.ravel()
        return flat

    def _sums_over_rows(self, slopes: Array, constants: Array) -> tuple[Array, Array]:
        """What `kernels.sparse_products` says, (n_t,) and (n_t, n_classes)."""
        if self._rows is not None:
            n_t = len(constants)
            total, moments = sums_over_rows(
                self._rows, self._pi, self._p_x, padded(slopes.T), padded(constants[None])[0]
            )
            return total[:n_t], moments[:, :n_t].T
        totals, moments = np.empty((PARTS, len(constants))), np.empty((PARTS, *slopes.shape))
        parts = stretches(len(self._pi))

        def fill(part: int) -> None:
            rows = parts[part]
            w, pi = self._w[rows], self._pi[rows]
            along = w @ slopes.T
            along += constants
            along -= np.einsum("xt,xt->x", pi, along)[:, None]
            along *= pi
            along *= self._p_x[rows, None]
            totals[part], moments[part] = along.sum(axis=0), along.T @ w

        side_by_side(fill, range(PARTS))
        return totals.sum(axis=0), moments.sum(axis=0)

    def solve(self, vector: Array, damping: float) -> Array | None:
        """(H + damping I)⁻¹ times the vector; None when a direction of no curvature is met."""
        solution, is_whole = self._conjugate_gradients(vector, damping)
        return solution if is_whole else None

    def descend(self, vector: Array, damping: float) -> Array | None:
        """As `solve`, for more damping mostly helps and a failure costs few products.

        If it does not, the solution is cut short before the first direction of no curvature
        (Steihaug 1983); where the vector itself is one it is the vector, the step of the
        Blahut–Arimoto map.
        """
        solution, is_whole = self._conjugate_gradients(vector, damping)
        return solution if is_whole or damping >= _MUCH_DAMPING else None

    def _conjugate_gradients(self, vector: Array, damping: float) -> tuple[Array, bool]:
        """What conjugate gradients reach, and whether it is the solution to their tolerance.

        A preconditioner from another state serves as long as it does well.
        """
        served = self._served or Preconditioner.near(self._known, *self._state)
        self._served = served
        is_borrowed = self._known is not None and served.within is self._known.within
        most = _FEW_PRODUCTS if is_borrowed else _MOST_PRODUCTS
        found = self._iterate(vector, damping, served.damped(damping), most)
        if found[1] or not is_borrowed:
            return found
        self._known, self._served = None, Preconditioner(*self._state)
        return self._iterate(vector, damping, self._served.damped(damping), _MOST_PRODUCTS)

    def _iterate(
        self, vector: Array, damping: float, preconditioner: Factored, most: int
    ) -> tuple[Array, bool]:
        """The same with one preconditioner; `_MOST_PRODUCTS` have to do for any solution."""
        solution, residual = np.zeros_like(vector), vector.copy()
        direction = preconditioner.solve(residual)
        length = float(residual @ direction)
        enough = _INEXACT**2 * length
        for _ in range(most):
            if length <= enough:
                return solution, True
            image = self.apply(direction) + damping * direction
            bent = float(direction @ image)
            if bent <= 0:
                return (solution if solution.any() else vector), False
            step = length / bent
            solution += step * direction
            residual -= step * image
            nearer = preconditioner.solve(residual)
            before, length = length, float(residual @ nearer)
            direction = nearer + (length / before) * direction
        return solution, most == _MOST_PRODUCTS

    @property
    def preconditioner(self) -> Preconditioner | None:
        """The one that served last, where there is one."""
        return self._served or self._known
