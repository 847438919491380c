"""A preconditioner of the free energy's Hessian: exact within atoms, coarse between them.

The Hessian of `objective.hessian` is H = B + G. B is block-diagonal: within an atom
the softmax's curvature minus Σ_x p(x) π_t φ_t φ_tᵀ. G = Σ_x p(x) ψ ψᵀ, ψ = Σ_t π_t φ_t, couples the
atoms. Where most rows are undecided between atoms and classes hardly overlap, ψ is nearly the same
at all points of a class: G has n_classes eigenvalues near one and next to nothing else, while B, of
the order of beta − 1, decides all other directions, which is what makes conjugate gradients slow.
So B is kept whole, and in G the points of a group of like posteriors are replaced by their mean:

    P = B + U Uᵀ ≤ H,    U of one column √p(group) E[ψ | group] for each group.

With B = L Lᵀ and W = Uᵀ L⁻ᵀ, P⁻¹ = L⁻ᵀ (I − Wᵀ (I + W Wᵀ)⁻¹ W) L⁻¹. Each atom that is stable has
B ≥ 0 within it; where one is not, the eigenvalues of its block count by their size.

Where there are more atoms than classes and most rows know theirs, most of ψ is that of one atom:
P is the diagonal blocks of H, with π_t (1 − π_t) for π_t in B, and nothing else.

A state a step away may have the same B, but not the same U: what a stiff direction turns by, it
adds of its curvature, near one, to directions whose own is of the order of beta − 1.
"""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.reduction import group_near_rows
from ibcollapse.bottleneck.kernels.cholesky import invert_root
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, side_by_side
from ibcollapse.bottleneck.kernels.sparse_moments import group_moments, sparse_second_moments
from ibcollapse.bottleneck.kernels.within_atoms import fill_blocks
from ibcollapse.bottleneck.objective.hessian_matrix import derivative_scales, weight_ratio
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture, is_crowded
from ibcollapse.bottleneck.objective.stability import atom_moments
from ibcollapse.linear_algebra import symmetric_eigenpairs

Array = NDArray[np.float64]
Single = NDArray[np.float32]
Integers = NDArray[np.int64]

# Groups of points: at least so many a class, and so many an atom, to tell the weights apart.
_GROUPS_A_CLASS = 1
_GROUPS_AN_ATOM = 1.0
# The least damping: weight alone has no curvature within an atom.
_LEAST = 1e-6
# U serves as far as the squared scaled length of a step is this share of beta − 1, B as far as
# that of no atom, taken by itself, is more than the second.
_SAME_BETWEEN = 2e-3
_SAME_WITHIN = 1.0
# Rows know their atoms from this Σ_x p(x) Σ_t p(t|x)² on, if atoms are more than classes.
_AGREEMENT = 0.5
# A row that is an atom's up to so little, or so little of an atom's, has no say in its block.
_DECIDED = 1e-4


class Within:
    """B at a state, or, where they are all of P, the diagonal blocks of H; with inverse factors."""

    def __init__(
        self, channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
    ) -> None:
        self._mixture = mixture
        self.is_all = _rows_are_decided(channel, evaluation)
        if self.is_all:
            second, joint = _undecided_moments(channel, evaluation)
        else:
            second, joint = _moments(channel, mixture, evaluation, beta)
        size = 1 + channel.n_classes
        self._blocks = np.empty((mixture.n_t, size, size))
        scale = _scales(mixture, beta)
        ratio = weight_ratio(mixture, evaluation)
        root_r = np.exp(0.5 * mixture.log_r)

        def fill(part: int) -> None:
            fill_blocks(
                second,
                joint,
                mixture.r,
                scale,
                ratio,
                root_r,
                part,
                PARTS,
                self._blocks,
            )

        side_by_side(fill, range(PARTS))
        self._kept: tuple[float, Single] | None = None

    def serves(self, mixture: Mixture, beta: float) -> bool:
        """Whether B of a state is near enough this one."""
        if mixture.log_r.shape != self._mixture.log_r.shape:
            return False
        moved = _decoders_moved(self._mixture, mixture)
        return bool(moved.max() <= _SAME_WITHIN * (beta - 1.0))

    def inverse_roots(self, damping: float) -> Single:
        """L⁻¹ of B + damping I, (n_t, 1 + K, 1 + K).

        In single precision, as reading them is what a solve with P costs.
        """
        kept = self._kept
        if kept is None or kept[0] != damping:
            roots = np.empty(self._blocks.shape, dtype=np.float32)

            def invert(part: int) -> None:
                for t in range(part, len(roots), PARTS):
                    roots[t] = _inverse_root(self._blocks[t], damping)

            side_by_side(invert, range(PARTS))
            # Another thread may replace what is kept at any time.
            kept = self._kept = damping, roots
        return kept[1]


class Preconditioner:
    """The matrix P at a state, its B that of this state or of one close by."""

    def __init__(
        self,
        channel: Channel,
        mixture: Mixture,
        evaluation: Evaluation,
        beta: float,
        within: Within | None = None,
    ) -> None:
        self.within = within or Within(channel, mixture, evaluation, beta)
        self._mixture = mixture
        self._between = None
        if not self.within.is_all:
            self._between = group_moments(
                channel.prepared.sparse_rows or channel.prepared.all_rows,
                evaluation.p_t_given_x,
                channel.p_x,
                row_groups(channel, mixture.n_t),
                mixture.r,
                _scales(mixture, beta),
            )
        self._factored: Factored | None = None

    @classmethod
    def near(
        cls,
        known: "Preconditioner | None",
        channel: Channel,
        mixture: Mixture,
        evaluation: Evaluation,
        beta: float,
    ) -> "Preconditioner":
        """One for a state, with as much of a `known` one as serves there; maybe that itself."""
        if known is None or not known.within.serves(mixture, beta):
            return cls(channel, mixture, evaluation, beta)
        if known.within.is_all or known.serves(mixture, beta):
            return known
        return cls(channel, mixture, evaluation, beta, known.within)

    def serves(self, mixture: Mixture, beta: float) -> bool:
        """Whether U of a state, of as many atoms, is near enough this one."""
        weights = mixture.q * (mixture.log_q - self._mixture.log_q) ** 2
        moved = float(np.sum(weights + mixture.q * _decoders_moved(self._mixture, mixture)))
        return moved <= _SAME_BETWEEN * (beta - 1.0)

    def damped(self, damping: float) -> "Factored":
        """P + damping I, or with the next power of ten: what was factored last may do again."""
        level = 10.0 ** math.ceil(math.log10(max(damping, _LEAST)))
        factored = self._factored
        if factored is None or factored.damping != level:
            roots = self.within.inverse_roots(level)
            factored = self._factored = Factored(roots, self._between, level)
        return factored


class Factored:
    """P + damping I as L (I + Wᵀ W) Lᵀ: its inverse times vectors."""

    def __init__(self, roots: Single, between: Single | None, damping: float) -> None:
        self.damping = damping
        self._roots = roots
        self._columns: Array | None = None
        if between is None:
            return
        n_t, n_groups, size = between.shape
        columns = np.empty((n_groups, n_t, size))

        def multiply(part: int) -> None:
            for t in range(part, n_t, PARTS):
                columns[:, t] = between[t] @ roots[t].T

        side_by_side(multiply, range(PARTS))
        self._columns = columns.reshape(n_groups, n_t * size)
        # Stiff directions cancel in P⁻¹ to the last few digits: here in double precision.
        inner = self._columns @ self._columns.T
        inner.flat[:: n_groups + 1] += 1.0
        self._inner = np.linalg.inv(inner)

    def solve(self, vector: Array) -> Array:
        """(P + damping I)⁻¹ times a flat scaled vector."""
        n_t, size, _ = self._roots.shape
        # Single precision has no room for vectors of any length, only for shares of it.
        length = float(np.abs(vector).max()) or 1.0
        short = (vector / length).astype(np.float32)
        inner = np.matmul(self._roots, short.reshape(n_t, size, 1)).ravel().astype(np.float64)
        if self._columns is not None:
            inner -= (self._inner @ (self._columns @ inner)) @ self._columns
        outer = np.matmul(inner.astype(np.float32).reshape(n_t, 1, size), self._roots)
        flat: Array = length * outer.ravel().astype(np.float64)
        return flat


def _rows_are_decided(channel: Channel, evaluation: Evaluation) -> bool:
    """Whether most rows know their atom, of more atoms than there are classes."""
    p_t_given_x = evaluation.p_t_given_x
    if not is_crowded(channel, p_t_given_x.shape[1]):
        return False
    agreement = float(channel.p_x @ np.einsum("xt,xt->x", p_t_given_x, p_t_given_x))
    return agreement >= _AGREEMENT


def _moments(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> tuple[Array, Array]:
    """Moments of p(y|x) under p(x, t): second (n_t, K, K), lower triangles, and first (n_t, K)."""
    sparse = channel.prepared.sparse_rows
    if sparse is not None:
        p_xt = evaluation.p_t_given_x * channel.p_x[:, None]
        return sparse_second_moments(sparse, p_xt, channel.n_classes), evaluation.joint
    second = atom_moments(channel, mixture.log_r, evaluation, beta).second
    return second * evaluation.p_t[:, None, None], evaluation.joint


def _undecided_moments(channel: Channel, evaluation: Evaluation) -> tuple[Array, Array]:
    """The same under p(x) π_t (1 − π_t)."""
    w, p_x, pi = channel.p_y_given_x, channel.p_x, evaluation.p_t_given_x
    n_t, n_classes = evaluation.joint.shape
    second, first = np.empty((n_t, n_classes, n_classes)), np.empty((n_t, n_classes))

    def fill(part: int) -> None:
        for t in range(part, n_t, PARTS):
            undecided = pi[:, t] * (1.0 - pi[:, t])
            rows = np.flatnonzero(undecided > _DECIDED)
            held = w[rows]
            weighted = held * (p_x[rows] * undecided[rows])[:, None]
            second[t], first[t] = weighted.T @ held, weighted.sum(axis=0)

    side_by_side(fill, range(PARTS))
    return second, first


def _decoders_moved(before: Mixture, now: Mixture) -> Array:
    """Squared length of each decoder's step in the metric of `metric`, over its weight, (n_t,)."""
    moved: Array = np.sum(now.r * (now.log_r - before.log_r) ** 2, axis=1)
    return moved


def _scales(mixture: Mixture, beta: float) -> Array:
    """What derivatives are multiplied by in the scaled variables, (n_t, 1 + K)."""
    inverse_q, inverse = derivative_scales(mixture, beta)
    return np.concatenate([inverse_q[:, None], inverse], axis=1)


def _inverse_root(block: Array, damping: float) -> Array:
    """A matrix R with Rᵀ R = (block + damping I)⁻¹, these eigenvalues taken by size."""
    damped, root = block.copy(), np.empty_like(block)
    damped.flat[:: len(block) + 1] += damping
    if not invert_root(damped, root):
        eigenvalues, vectors = symmetric_eigenpairs(block)
        root = (vectors / np.sqrt(np.maximum(np.abs(eigenvalues + damping), damping))).T
    return root


def row_groups(channel: Channel, n_t: int) -> Integers:
    """The group of each row, int64 (n_x,), fine enough for `n_t` atoms; found once."""
    n_groups = _GROUPS_A_CLASS * channel.n_classes
    while n_groups < _GROUPS_AN_ATOM * n_t:
        n_groups *= 2

    def group() -> Integers:
        rows = channel.p_x, channel.p_y_given_x, channel.negative_entropy
        return group_near_rows(*rows, 0.0, n_groups)

    return channel.prepared.once((row_groups, n_groups), group)
