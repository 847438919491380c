"""Second-order descent of the free energy in the decoders and weights together.

Variables are the weights q_t themselves, F + Σ q − 1 being minimal where they sum to one, and the
decoder logits l_t, r_t = softmax(l_t), scaled by 1/√q_t and √(beta q_t r_t(y)): in that metric the
Blahut–Arimoto step is steepest descent with step one, and the scaled Hessian in the decoders is
the identity minus what the encoder does not know yet. Its smallest eigenvalues go to zero at a
critical beta: that is the critical slowing down of Blahut–Arimoto, which a Newton step does not
feel. F is convex in q but not in log q, where a small weight could only grow exponentially slowly.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import Evaluation, Mixture, blahut_arimoto_step, evaluate

Array = NDArray[np.float64]

# Relative rounding of the sum F over X.
_ROUNDING = 4e-16
# Predicted gains below this multiple of the rounding are not looked for in F.
_HIDDEN = 100.0
_LAST_DAMPING = 1e-13
_FIRST_DAMPING = 1e-3
_MOST_DAMPING = 1e8
# Steps longer than this in log-space leave the region where the quadratic model means anything.
_LONGEST_STEP = 4.0
# In one step a weight keeps at least this share of itself; dying weights are solved for exactly.
_MOST_SHRINKAGE = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent ended: the state, its sweep, its residual and the sweeps it took."""

    mixture: Mixture
    evaluation: Evaluation
    residual: float
    n_sweeps: int


def descend(
    channel: Channel,
    mixture: Mixture,
    beta: float,
    *,
    tol: float = 1e-26,
    max_sweeps: int = 200,
) -> Descent:
    """Levenberg–Marquardt–Newton descent of F from `mixture`; F never increases.

    Stops when the squared scaled gradient is at most `tol` (nats), when rounding hides any further
    progress, or after `max_sweeps` evaluations.
    """
    here = _point(channel, mixture, beta)
    damping, n_sweeps = _FIRST_DAMPING, 1
    while n_sweeps < max_sweeps and here.residual > tol:
        hessian = _scaled_hessian(channel, here.mixture, here.evaluation, beta)
        reached = None
        while reached is None and n_sweeps < max_sweeps and damping <= _MOST_DAMPING:
            solve = _factor(hessian, damping)
            if solve is None:
                damping = max(10 * damping, 1e-6)
                continue
            trial, step = _moved(here.mixture, -solve(here.gradient), beta)
            there = _point(channel, trial, beta)
            n_sweeps += 1
            model = -float(here.gradient @ step + 0.5 * step @ (hessian @ step))
            gained = float(channel.p_x @ (there.evaluation.log_z - here.evaluation.log_z))
            rounding = _ROUNDING * float(channel.p_x @ np.abs(here.evaluation.log_z))
            if gained >= 0.1 * model > 0 and gained > rounding:
                damping = max(damping / 10, _LAST_DAMPING) if gained > 0.5 * model else damping
                reached = there
            elif abs(model) <= _HIDDEN * rounding:
                # F cannot tell the two states apart any more: the gradient decides, or ends it.
                if there.residual > 0.5 * here.residual or gained < -rounding:
                    return Descent(here.mixture, here.evaluation, here.residual, n_sweeps)
                reached = there
            else:
                damping = max(10 * damping, 1e-6)
        if reached is None and n_sweeps < max_sweeps:
            reached, damping = _plain_step(channel, here, beta), _FIRST_DAMPING
            n_sweeps += 1
        if reached is None:
            break
        here = reached
    return Descent(here.mixture, here.evaluation, here.residual, n_sweeps)


@dataclasses.dataclass(frozen=True, eq=False)
class _Point:
    """A state with its sweep and its scaled gradient."""

    mixture: Mixture
    evaluation: Evaluation
    gradient: Array

    @property
    def residual(self) -> float:
        """Squared length of the gradient, nats: twice what a unit Newton step could gain."""
        return float(self.gradient @ self.gradient)


def _plain_step(channel: Channel, here: _Point, beta: float) -> _Point | None:
    """One Blahut–Arimoto step, which always descends; None when rounding hides what it gains.

    A decoder's entry far below what the encoder says has so large a negative curvature that no
    damping makes the Hessian positive; this step sets it right.
    """
    there = _point(channel, blahut_arimoto_step(here.evaluation), beta)
    gained = float(channel.p_x @ (there.evaluation.log_z - here.evaluation.log_z))
    rounding = _ROUNDING * float(channel.p_x @ np.abs(here.evaluation.log_z))
    return there if gained > rounding else None


def _point(channel: Channel, mixture: Mixture, beta: float) -> _Point:
    evaluation = evaluate(channel, mixture, beta)
    return _Point(mixture, evaluation, _scaled_gradient(mixture, evaluation, beta))


def scales(mixture: Mixture, beta: float) -> tuple[Array, Array]:
    """Square roots of the metric: (n_t,) for the weights, (n_t, n_classes) for the decoders."""
    root_q = np.exp(0.5 * mixture.log_q)
    root_r = np.exp(0.5 * mixture.log_r)
    return root_q, np.sqrt(beta) * root_q[:, None] * root_r


def _scaled_gradient(mixture: Mixture, evaluation: Evaluation, beta: float) -> Array:
    """Gradient of F in variables scaled by the square root of the metric, (n_t (1 + K),)."""
    root_q, scale = scales(mixture, beta)
    p_t = evaluation.p_t
    gap = beta * (p_t[:, None] * mixture.r - evaluation.joint)
    return scaled(mixture.q - p_t, gap, root_q, scale)


def _scaled_hessian(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> Array:
    """Hessian of F in the scaled variables, with the gauge directions lifted to one."""
    n_t, n_classes = mixture.log_r.shape
    size = 1 + n_classes
    root_q, scale = scales(mixture, beta)
    features = np.empty((channel.n_x, n_t, size))
    inverse_q = np.divide(1.0, root_q, out=np.zeros_like(root_q), where=root_q > 0)
    inverse = np.divide(beta, scale, out=np.zeros_like(scale), where=scale > 0)
    w = channel.p_y_given_x
    features[:, :, 0] = inverse_q
    np.subtract(w[:, None, :], mixture.r[None], out=features[:, :, 1:])
    features[:, :, 1:] *= inverse
    pi = evaluation.p_t_given_x
    hessian = np.zeros((n_t * size, n_t * size))
    blocks = hessian.reshape(n_t, size, n_t, size)
    weighted = features * pi[:, :, None]
    for t in range(n_t):
        blocks[t, :, t, :] = -(weighted[:, t] * channel.p_x[:, None]).T @ features[:, t]
    weighted = weighted.reshape(channel.n_x, -1)
    weighted *= np.sqrt(channel.p_x)[:, None]
    hessian += weighted.T @ weighted
    _add_curvature(blocks, mixture, evaluation)
    return hessian


def _add_curvature(blocks: Array, mixture: Mixture, evaluation: Evaluation) -> None:
    """Add the softmaxes' own curvature; the gauge directions, flat in F, get curvature one.

    The weights' own second derivatives, which the blocks of single atoms took away, come back.
    """
    n_t, size = blocks.shape[:2]
    root_r = np.exp(0.5 * mixture.log_r)
    ratio = np.divide(evaluation.p_t, mixture.q, out=np.ones(n_t), where=mixture.q > 0)
    diagonal = np.arange(size - 1) + 1
    for t in range(n_t):
        blocks[t, 0, t, 0] += ratio[t]
        blocks[t, diagonal, t, diagonal] += ratio[t]
        blocks[t, 1:, t, 1:] += (1.0 - ratio[t]) * np.outer(root_r[t], root_r[t])


def _factor(hessian: Array, damping: float) -> Callable[[Array], Array] | None:
    """Application of (H + damping I)⁻¹, or None when that matrix is not positive definite."""
    damped = hessian.copy()
    damped.flat[:: len(damped) + 1] += damping
    try:
        factor = scipy.linalg.cho_factor(damped, lower=True, overwrite_a=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    return lambda vector: scipy.linalg.cho_solve(factor, vector, check_finite=False)


def _moved(mixture: Mixture, step: Array, beta: float) -> tuple[Mixture, Array]:
    """The state after a scaled step and the step as taken.

    The masses q_t r_t(y) move linearly: weight then passes from one atom to another along a
    straight line at constant Σ_t q_t r_t = p_y, which in the logits would be a curved valley. What
    would turn negative shrinks exponentially instead. Entries of nearly absent classes want to
    move furthest and matter least, so each is cut by itself.
    """
    root_q, scale = scales(mixture, beta)
    growth, logits = unscaled(step, root_q, scale)
    np.maximum(growth, _MOST_SHRINKAGE - 1.0, out=growth)
    np.clip(logits, -_LONGEST_STEP, _LONGEST_STEP, out=logits)
    taken = np.concatenate([(growth * root_q)[:, None], logits * scale], axis=1).ravel()
    change = logits - np.sum(mixture.r * logits, axis=1, keepdims=True)
    change /= 1.0 + growth[:, None]
    shrunk = np.maximum(np.log(0.5) + 2.0 * (np.minimum(change, -0.5) + 0.5), -2 * _LONGEST_STEP)
    log_r = mixture.log_r + np.where(change < -0.5, shrunk, np.log1p(np.maximum(change, -0.5)))
    log_q = mixture.log_q + np.log1p(growth)
    return Mixture(log_r - log_sum(log_r)[:, None], log_q - log_sum(log_q)), taken


def scaled(weights: Array, decoders: Array, root_q: Array, scale: Array) -> Array:
    """A gradient in the scaled variables, flat; entries of decoders that are zero do not move."""
    first = np.divide(weights, root_q, out=np.zeros_like(weights), where=root_q > 0)
    rest = np.divide(decoders, scale, out=np.zeros_like(decoders), where=scale > 0)
    return np.concatenate([first[:, None], rest], axis=1).ravel()


def unscaled(step: Array, root_q: Array, scale: Array) -> tuple[Array, Array]:
    """Relative changes of the weights and changes of the logits that a flat scaled step means."""
    parts = step.reshape(len(root_q), -1)
    log_q = np.divide(parts[:, 0], root_q, out=np.zeros_like(root_q), where=root_q > 0)
    logits = np.divide(parts[:, 1:], scale, out=np.zeros_like(scale), where=scale > 0)
    return log_q, logits


def scaled_hessian_solver(
    channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float
) -> Callable[[Array], Array]:
    """Function that applies the inverse of the scaled Hessian at a stationary state."""
    hessian = _scaled_hessian(channel, mixture, evaluation, beta)
    damping = _LAST_DAMPING
    while True:
        solution = _factor(hessian, damping)
        if solution is not None:
            return solution
        damping *= 10


def log_sum(logits: Array) -> Array:
    """log Σ exp over the last axis."""
    peak = logits.max(axis=-1)
    total: Array = peak + np.log(np.exp(logits - peak[..., None]).sum(axis=-1))
    return total
