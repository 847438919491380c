"""A preconditioner of the free energy's Hessian: exact within atoms, coarse between them.

The Hessian of `ibcollapse.bottleneck.curvature` is H = B + G. B is block-diagonal: within an atom
the softmax's curvature minus Σ_x p(x) π_t φ_t φ_tᵀ. G = Σ_x p(x) ψ ψᵀ, ψ = Σ_t π_t φ_t, couples the
atoms. Where classes hardly overlap, ψ is nearly the same at all points of a class: G has n_classes
eigenvalues near one and next to nothing else, while B, of the order of beta − 1, decides all other
directions, which is what makes conjugate gradients slow. So B is kept whole, and in G the points
of a group of like posteriors are replaced by their mean:

    P = B + U Uᵀ ≤ H,    U of one column √p(group) E[ψ | group] for each group.

With B = L Lᵀ and W = L⁻¹ U, P⁻¹ = L⁻ᵀ (I + W Wᵀ)⁻¹ L⁻¹, where of W Wᵀ only what is not small
beside the identity is kept. Each atom that is stable has B ≥ 0 within it; where one is not, the
eigenvalues of its block count by their size.
"""

import math
import weakref

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.hessian_matrix import centred, derivative_scales, softmax_curvature
from ibcollapse.bottleneck.kernels.cholesky import invert_root
from ibcollapse.bottleneck.kernels.side_by_side import side_by_side
from ibcollapse.bottleneck.kernels.sparse_moments import group_moments, sparse_second_moments
from ibcollapse.bottleneck.mixture import Evaluation, Mixture
from ibcollapse.bottleneck.reduction import group_near_rows
from ibcollapse.bottleneck.sparse_rows import all_rows, sparse_rows
from ibcollapse.bottleneck.stability import atom_moments

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# Groups of points: at least so many a class, and so many an atom, to tell the weights apart.
_GROUPS_A_CLASS = 1
_GROUPS_AN_ATOM = 1.0
# The least damping: weight alone has no curvature within an atom.
_LEAST = 1e-6
# Directions in which W Wᵀ is smaller than this are left out.
_STIFF = 0.3
_PARTS = 2


class Preconditioner:
    """The matrix P at a state."""

    def __init__(
        self,
        channel: Channel,
        mixture: Mixture,
        evaluation: Evaluation,
        beta: float,
    ) -> None:
        n_t, n_classes = mixture.log_r.shape
        sparse = sparse_rows(channel)
        groups = row_groups(channel, n_t)
        p_xt = evaluation.p_t_given_x * channel.p_x[:, None]
        inverse_q, inverse = derivative_scales(mixture, beta)
        scale = np.concatenate([inverse_q[:, None], inverse], axis=1)
        coarse = group_moments(sparse or all_rows(channel), p_xt, groups, n_classes)
        first = coarse.sum(axis=0)
        coarse[:, :, 1:] -= coarse[:, :, :1] * mixture.r
        coarse *= scale
        coarse /= np.sqrt(np.bincount(groups, weights=channel.p_x))[:, None, None]
        if sparse is not None:
            second = sparse_second_moments(sparse, p_xt, n_classes)
        else:
            second = _second_moments(channel, mixture, evaluation, beta)
        blocks = centred(second, first[:, 1:], first[:, 0], mixture.r, mixture.r)
        blocks *= -(scale[:, :, None] * scale[:, None, :])
        blocks += softmax_curvature(mixture, evaluation)
        self._blocks, self._coarse = blocks, coarse
        self._factored: Factored | None = None

    def damped(self, damping: float) -> "Factored":
        """P + damping I, or with the next power of ten: what was factored last may do again."""
        level = 10.0 ** math.ceil(math.log10(max(damping, _LEAST)))
        factored = self._factored
        if factored is None or factored.damping != level:
            # Another thread may replace the one that is kept at any time.
            factored = self._factored = Factored(self._blocks, self._coarse, level)
        return factored


class Factored:
    """P + damping I as L (I + W Wᵀ) Lᵀ.

    Of W, what is stiff is kept: orthonormal directions Y with their share d of (I + W Wᵀ)⁻¹ =
    I − Yᵀ d Y. The inverses of L are kept in single precision, as reading them is what a solve
    costs; in Y that would drown the stiff directions in the rounding of the others.
    """

    def __init__(self, blocks: Array, coarse: Array, damping: float) -> None:
        self.damping = damping
        n_t, size, _ = blocks.shape
        self._roots = np.empty((n_t, size, size), dtype=np.float32)
        inner = np.empty_like(coarse)

        def factor(part: int) -> None:
            for t in range(part, n_t, _PARTS):
                root = _inverse_root(blocks[t], damping)
                self._roots[t] = root
                inner[:, t] = coarse[:, t] @ root.T

        side_by_side(factor, range(_PARTS))
        columns = inner.reshape(len(coarse), n_t * size)
        stiffness, vectors = np.linalg.eigh(columns @ columns.T)
        stiff = stiffness > _STIFF
        self._stiff = vectors[:, stiff].T @ columns / np.sqrt(stiffness[stiff])[:, None]
        self._shares = stiffness[stiff] / (1.0 + stiffness[stiff])

    def solve(self, vector: Array) -> Array:
        """(P + damping I)⁻¹ times a flat scaled vector."""
        n_t, size, _ = self._roots.shape
        # Single precision has no room for vectors of any length, only for shares of it.
        length = float(np.abs(vector).max()) or 1.0
        short = (vector / length).astype(np.float32)
        inner = np.matmul(self._roots, short.reshape(n_t, size, 1)).ravel().astype(np.float64)
        inner -= (self._shares * (self._stiff @ inner)) @ self._stiff
        outer = np.matmul(inner.astype(np.float32).reshape(n_t, 1, size), self._roots)
        flat: Array = length * outer.ravel().astype(np.float64)
        return flat


def _second_moments(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> Array:
    """Σ_x p(x, t) p(y|x) p(z|x) over all posteriors, (n_t, n_classes, n_classes)."""
    lower = np.tril(atom_moments(channel, mixture.log_r, evaluation, beta).second)
    moments = lower + np.tril(lower, -1).transpose(0, 2, 1)
    whole: Array = moments * evaluation.p_t[:, None, None]
    return whole


def _inverse_root(block: Array, damping: float) -> Array:
    """A matrix R with Rᵀ R = (block + damping I)⁻¹, these eigenvalues taken by size."""
    damped, root = block.copy(), np.empty_like(block)
    damped.flat[:: len(block) + 1] += damping
    if not invert_root(damped, root):
        eigenvalues, vectors = np.linalg.eigh(block)
        root = (vectors / np.sqrt(np.maximum(np.abs(eigenvalues + damping), damping))).T
    return root


_groups_of_channels: weakref.WeakKeyDictionary[Channel, dict[int, Integers]] = (
    weakref.WeakKeyDictionary()
)


def row_groups(channel: Channel, n_t: int) -> Integers:
    """The group of each row, int64 (n_x,), fine enough for `n_t` atoms; found once."""
    n_groups = _GROUPS_A_CLASS * channel.n_classes
    while n_groups < _GROUPS_AN_ATOM * n_t:
        n_groups *= 2
    known = _groups_of_channels.setdefault(channel, {})
    if n_groups not in known:
        known[n_groups] = group_near_rows(
            channel.p_x, channel.p_y_given_x, channel.negative_entropy, 0.0, n_groups
        )
    return known[n_groups]
