"""The Hessian of `objective.hessian` as a matrix, summed over X in one of two ways.

Over its own entries: the outer products of the n_t (1 + K) features of each point. Or over pairs:
as p(y|x) sums to one, Σ_x p(x) π_s π_t w wᵀ tells all of the block of two atoms, and products of
the pairs of atoms with the pairs of classes are half the work, once there are several points a
class to pair.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.blas import dsyrk

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, side_by_side, stretches
from ibcollapse.bottleneck.objective.metric import scales
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture

Array = NDArray[np.float64]

# Doubles of one block of the sums over X: half a second-level cache.
_BLOCK_DOUBLES = 65_536
# Pairs are formed from this many points on, and where classes are at most this many an atom.
_MANY_POINTS = 256
_FEW_CLASSES = 2


def hessian_matrix(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> Array:
    """The Hessian in the scaled variables, (n_t (1 + K), n_t (1 + K)), gauge directions lifted."""
    n_t, n_classes = mixture.log_r.shape
    size = 1 + n_classes
    are_paired = channel.n_x >= _MANY_POINTS and n_classes <= _FEW_CLASSES * n_t
    sums = _sums_of_pairs if are_paired else _sums_of_features
    blocks = sums(channel, mixture, evaluation, beta).reshape(n_t, size, n_t, size)
    atoms = np.arange(n_t)
    blocks[atoms, :, atoms, :] += _softmax_curvature(mixture, evaluation)
    return blocks.reshape(n_t * size, n_t * size)


def derivative_scales(mixture: Mixture, beta: float) -> tuple[Array, Array]:
    """1/√q (n_t,) and beta over the decoders' scales (n_t, n_classes), zero where those are."""
    root_q, scale = scales(mixture, beta)
    inverse_q = np.divide(1.0, root_q, out=np.zeros_like(root_q), where=root_q > 0)
    inverse = np.divide(beta, scale, out=np.zeros_like(scale), where=scale > 0)
    return inverse_q, inverse


def weight_ratio(mixture: Mixture, evaluation: Evaluation) -> Array:
    """p(t) of the encoder over the weights q, (n_t,)."""
    return np.divide(evaluation.p_t, mixture.q, out=np.ones(mixture.n_t), where=mixture.q > 0)


def _sums_of_features(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> Array:
    n_t, n_classes = mixture.log_r.shape
    size = 1 + n_classes
    inverse_q, inverse = derivative_scales(mixture, beta)
    hessian = np.zeros((n_t * size, n_t * size), order="F")
    diagonal = np.zeros((n_t, size, size))
    root_p = np.sqrt(channel.p_x)
    step = max(64, _BLOCK_DOUBLES // (n_t * size))
    for first in range(0, channel.n_x, step):
        rows = slice(first, first + step)
        w, pi = channel.p_y_given_x[rows], evaluation.p_t_given_x[rows]
        features = np.empty((n_t, len(w), size))
        features[:, :, 0] = inverse_q[:, None]
        np.subtract(w, mixture.r[:, None, :], out=features[:, :, 1:])
        features[:, :, 1:] *= inverse[:, None, :]
        root_pi = np.sqrt(pi.T)[:, :, None]
        features *= root_pi * root_p[rows, None]
        diagonal += features.transpose(0, 2, 1) @ features
        features *= root_pi
        flat = features.transpose(1, 0, 2).reshape(len(w), n_t * size)
        hessian = dsyrk(1.0, flat.T, beta=1.0, c=hessian, overwrite_c=True)
    hessian = np.triu(hessian) + np.triu(hessian, 1).T
    blocks = hessian.reshape(n_t, size, n_t, size)
    atoms = np.arange(n_t)
    blocks[atoms, :, atoms, :] -= diagonal
    return hessian


def _sums_of_pairs(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> Array:
    n_t, size = mixture.n_t, 1 + channel.n_classes
    inverse_q, inverse = derivative_scales(mixture, beta)
    scale = np.concatenate([inverse_q[:, None], inverse], axis=1)
    both, alone = _pair_moments(channel, evaluation.p_t_given_x)
    first, second = np.triu_indices(n_t)
    blocks = np.empty((n_t, size, n_t, size))
    coupled = _centred_pairs(both, mixture.r[first], mixture.r[second])
    # One after the other: the product of two scales may leave the range of doubles.
    coupled *= scale[first, :, None]
    coupled *= scale[second, None, :]
    blocks[second, :, first, :] = coupled.transpose(0, 2, 1)
    blocks[first, :, second, :] = coupled
    own = _centred_pairs(alone, mixture.r, mixture.r)
    atoms = np.arange(n_t)
    own *= scale[:, :, None]
    own *= scale[:, None, :]
    blocks[atoms, :, atoms, :] -= own
    return blocks


def _pair_moments(channel: Channel, p_t_given_x: Array) -> tuple[Array, Array]:
    """Σ_x p(x) π_s π_t w wᵀ of each pair s ≤ t of atoms, and Σ_x p(x) π_t w wᵀ of each atom.

    Shapes (n_t (n_t + 1) / 2, K, K) and (n_t, K, K).
    """
    n_t, n_classes = p_t_given_x.shape[1], channel.n_classes
    first, second = np.triu_indices(n_t)
    y, z = np.triu_indices(n_classes)
    parts = np.zeros((PARTS, len(first) + n_t, len(y)))
    step = max(64, _BLOCK_DOUBLES // (parts.shape[1] + len(y)))
    halves = stretches(channel.n_x)

    def add(part: int) -> None:
        half = halves[part]
        for start in range(half.start, half.stop, step):
            rows = slice(start, min(start + step, half.stop))
            w, pi = channel.p_y_given_x[rows].T, p_t_given_x[rows].T
            shares = np.empty((parts.shape[1], w.shape[1]))
            alone = shares[len(first) :]
            np.multiply(pi, channel.p_x[rows], out=alone)
            np.multiply(alone[first], pi[second], out=shares[: len(first)])
            parts[part] += shares @ (w[y] * w[z]).T

    side_by_side(add, range(PARTS))
    moments = parts.sum(axis=0)
    whole = np.empty((len(moments), n_classes, n_classes))
    whole[:, y, z] = moments
    whole[:, z, y] = moments
    return whole[: len(first)], whole[len(first) :]


def _centred_pairs(moments: Array, left: Array, right: Array) -> Array:
    """Σ (1, w − r) (1, w − r')ᵀ (n, 1 + K, 1 + K) from Σ w wᵀ: every w sums to one."""
    mean = moments.sum(axis=2)
    total = mean.sum(axis=1)
    n_classes = moments.shape[1]
    whole = np.empty((len(moments), 1 + n_classes, 1 + n_classes))
    whole[:, 0, 0] = total
    whole[:, 0, 1:] = mean - right * total[:, None]
    whole[:, 1:, 0] = mean - left * total[:, None]
    inner = whole[:, 1:, 1:]
    inner[:] = moments - left[:, :, None] * mean[:, None, :]
    inner -= whole[:, 1:, :1] * right[:, None, :]
    return whole


def _softmax_curvature(mixture: Mixture, evaluation: Evaluation) -> Array:
    """The softmaxes' own curvature, (n_t, 1 + K, 1 + K); gauge directions, flat in F, get one.

    The weights' own second derivatives, which the moments of single atoms take away, come back.
    """
    n_t, n_classes = mixture.log_r.shape
    root_r = np.exp(0.5 * mixture.log_r)
    ratio = weight_ratio(mixture, evaluation)
    own = np.zeros((n_t, 1 + n_classes, 1 + n_classes))
    own[:, 1:, 1:] = (1.0 - ratio)[:, None, None] * root_r[:, :, None] * root_r[:, None, :]
    diagonal = np.arange(1 + n_classes)
    own[:, diagonal, diagonal] += ratio[:, None]
    return own
