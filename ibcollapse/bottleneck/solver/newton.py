"""Second-order descent of the free energy in the decoders and weights together.

Variables are the weights q_t themselves, F + Σ q − 1 being minimal where they sum to one, and the
decoder logits l_t, r_t = softmax(l_t), scaled by 1/√q_t and √(beta q_t r_t(y)): in that metric the
Blahut–Arimoto step is steepest descent with step one, and the scaled Hessian in the decoders is
the identity minus what the encoder does not know yet. Its smallest eigenvalues go to zero at a
critical beta: that is the critical slowing down of Blahut–Arimoto, which a Newton step does not
feel. F is convex in q but not in log q, where a small weight could only grow exponentially slowly.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.deadline import OutOfTimeError, check, is_over, kept
from ibcollapse.bottleneck.kernels.decoders import ABSENT, LOG_ZERO, log_of_image
from ibcollapse.bottleneck.objective.hessian import Curvature, curvature
from ibcollapse.bottleneck.objective.metric import scaled, scales, unscaled
from ibcollapse.bottleneck.objective.mixture import (
    UNIT,
    Evaluation,
    Mixture,
    blahut_arimoto_step,
    evaluate,
    gain,
)
from ibcollapse.errors import NumericalError

Array = NDArray[np.float64]

# Relative rounding of the sum F over X.
_ROUNDING = 4e-16
# Below this beta − 1 what F gains by a step is a small part of its rounding, long before its end.
_NEXT_TO_ONE = 1e-3
# Betas up to this add nothing to it.
_WEAK = 100.0
# Predicted gains below this multiple of the rounding are not looked for in F.
_HIDDEN = 100.0
_LAST_DAMPING = 1e-13
# Below this squared gradient, nats, a direction without curvature may be one of very little.
_STATIONARY_ENOUGH = 1e-15
# One of less than this may take all posteriors to shrink, if a step leaves this share of it.
_POOR = 0.1
# Less makes no difference to steps that are computed to three digits.
_INEXACT_DAMPING = 1e-9
_FIRST_DAMPING = 1e-3
_MOST_DAMPING = 1e8
# Steps longer than this in log-space leave the region where the quadratic model means anything.
_LONGEST_STEP = 4.0
# In one step a weight keeps at least this share of itself; dying weights are solved for exactly.
MOST_SHRINKAGE = 0.05
# So many steps that F does not show may each shrink the squared gradient by less than a digit.
_MOST_SLOW = 5
_LOG_ABSENT = math.log(ABSENT)
# Entries that F does not see, and by how many e-folds they may be off their image.
_LOG_UNSEEN, _FAR_OFF = math.log(1e-12), 0.5
# A step by an old Hessian has to shrink the squared gradient by this much to earn another one.
_DIGIT = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent ended: the state, its sweep, its residual and the sweeps it took.

    `hessian` is that of a state within a digit's convergence of the end, where there is one.
    """

    mixture: Mixture
    evaluation: Evaluation
    residual: float
    n_sweeps: int
    hessian: Curvature | None = None


def descend(
    channel: Channel,
    mixture: Mixture,
    beta: float,
    *,
    tol: float = 1e-26,
    max_sweeps: int = 200,
    nearby: Curvature | None = None,
    until: float = math.inf,
) -> Descent:
    """Levenberg–Marquardt–Newton descent of F from `mixture`; F never increases.

    `nearby` is the Hessian of a state close by, where there is one. Stops when the squared scaled
    gradient is at most `tol` (nats), when rounding hides any further progress, after
    `max_sweeps` evaluations, or after the moment `until`: then the last state that was evaluated
    is the end, and where there is none `OutOfTimeError` is raised.

    Raises
    ------
    NumericalError
        When F or its gradient is not finite at `mixture`.
    """
    latest: list[tuple[_Point, int]] = []
    try:
        with kept(until):
            return _descend(channel, mixture, beta, tol, max_sweeps, nearby, latest)
    except OutOfTimeError:
        if not (latest and is_over(until)):
            raise
    here, n_sweeps = latest[0]
    return Descent(here.mixture, here.evaluation, here.residual, n_sweeps)


def _descend(
    channel: Channel,
    mixture: Mixture,
    beta: float,
    tol: float,
    max_sweeps: int,
    nearby: Curvature | None,
    latest: "list[tuple[_Point, int]]",
) -> Descent:
    """What `descend` says; `latest` always holds where it stands, and after how many sweeps."""
    here = _point(channel, mixture, beta)
    if not here.is_finite:
        raise NumericalError(
            f"the free energy of a state of {mixture.n_t} clusters at beta = {beta:.9g} is not "
            "finite"
        )
    # Damping of the order of F's distance to its minimum keeps Newton's quadratic convergence.
    damping, n_sweeps = min(_FIRST_DAMPING, here.residual), 1
    latest[:] = [(here, n_sweeps)]
    hessian = nearby if nearby is not None and nearby.serves(mixture) else None
    newest = nearby
    fresh = cornered = exact = False
    n_slow = 0
    while n_sweeps < max_sweeps and here.residual > tol:
        if damping > _MOST_DAMPING:
            mapped = _plain_step(channel, here, beta)
            n_sweeps += 1
            if mapped is None:
                break
            here, hessian, damping = mapped, None, _FIRST_DAMPING
            latest[:] = [(here, n_sweeps)]
            continue
        check()
        if hessian is None:
            hessian = curvature(channel, here.mixture, here.evaluation, beta, newest, exact=exact)
            newest, fresh = hessian, True
        newton = hessian.descend(-here.gradient, damping)
        if newton is None or not np.isfinite(newton).all():
            mapped = _image_step(channel, here, beta)
            if mapped is not None:
                here, hessian, n_sweeps = mapped, None, n_sweeps + 1
                latest[:] = [(here, n_sweeps)]
                continue
            if not exact and not hessian.is_exact and here.residual <= _STATIONARY_ENOUGH:
                # What the products leave out may be all the curvature that there is.
                hessian, exact = None, True
            else:
                damping = max(10 * damping, 1e-6)
            continue
        trial, step = _moved(here.mixture, newton, beta)
        there = _point(channel, trial, beta)
        n_sweeps += 1
        if not there.is_finite:
            damping = max(10 * damping, 1e-6)
            continue
        if (
            not exact
            and not hessian.is_exact
            and here.residual <= _STATIONARY_ENOUGH
            and there.residual > _POOR * here.residual
        ):
            # What the products leave out decides along a direction of next to no curvature.
            hessian, exact, damping = None, True, _LAST_DAMPING
            continue
        model = -float(here.gradient @ step + 0.5 * step @ hessian.apply(step))
        gained = float(channel.p_x @ (there.evaluation.log_z - here.evaluation.log_z))
        rounding = _rounding(channel, here.evaluation, beta)
        if abs(model) <= _HIDDEN * rounding and beta < 1.0 + _NEXT_TO_ONE:
            posteriors = here.evaluation.p_t_given_x
            gained, rounding = gain(channel, here.mixture, posteriors, there.mixture, beta)
            # The gradient is no better known, and with it what a step should gain.
            rounding = max(rounding, UNIT * float(np.linalg.norm(step)))
        digits = there.residual <= _DIGIT * here.residual
        if gained >= 0.1 * model > 0 and gained > rounding:
            damping = max(damping / 10, _LAST_DAMPING) if gained > 0.5 * model else damping
        elif abs(model) > _HIDDEN * rounding:
            damping = max(10 * damping, 1e-6) if fresh else damping
            hessian = hessian if fresh else None
            continue
        elif there.residual > 0.5 * here.residual or gained < -rounding * (
            _HIDDEN if digits else 1.0
        ):
            # F cannot tell the two states apart any more: the gradient decides, or ends it.
            least = _INEXACT_DAMPING if hessian.is_cheap else _LAST_DAMPING
            if fresh and (cornered or damping <= least):
                break
            damping, cornered, hessian = _LAST_DAMPING, fresh, hessian if fresh else None
            continue
        if abs(model) <= _HIDDEN * rounding and not digits:
            n_slow += 1
            if n_slow > _MOST_SLOW:
                here = there
                break
        # A Hessian that still gives a digit a step is as good as a new one, if that has its price.
        useful = digits and not hessian.is_cheap
        here, fresh, cornered = there, False, False
        latest[:] = [(here, n_sweeps)]
        hessian = hessian if useful else None
    if hessian is None and newest is not None and newest.is_cheap:
        hessian = curvature(channel, here.mixture, here.evaluation, beta, newest)
    return Descent(here.mixture, here.evaluation, here.residual, n_sweeps, hessian)


def as_it_is(channel: Channel, mixture: Mixture, beta: float) -> Descent:
    """The descent that takes no step from `mixture`."""
    here = _point(channel, mixture, beta)
    return Descent(here.mixture, here.evaluation, here.residual, 1)


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

    @property
    def is_finite(self) -> bool:
        """Whether F and its gradient are numbers; a sum over either is if each of its terms is."""
        return math.isfinite(self.evaluation.free_energy) and math.isfinite(self.residual)


def _point(channel: Channel, mixture: Mixture, beta: float) -> _Point:
    evaluation = evaluate(channel, mixture, beta)
    imaged = _with_images(mixture, evaluation)
    if imaged is not mixture:
        mixture, evaluation = imaged, evaluate(channel, imaged, beta)
    return _Point(mixture, evaluation, _scaled_gradient(mixture, evaluation, beta))


def _with_images(mixture: Mixture, evaluation: Evaluation) -> Mixture:
    """The mixture with the Blahut–Arimoto image in place of what is next to absent from an atom.

    Maximising over some entries alone never raises F. So an entry comes back at once where rows
    want it, and is exactly zero, out of reach of Newton's steps, where none does.
    """
    tiny = (mixture.log_r < _LOG_ABSENT) & (mixture.log_r > LOG_ZERO)
    tiny &= (evaluation.p_t > 0)[:, None]
    if not tiny.any():
        return mixture
    return _with_entries(mixture, tiny, _log_images(evaluation))


def _log_images(evaluation: Evaluation) -> Array:
    """Log decoders (n_t, n_classes) of the Blahut–Arimoto image; atoms of no weight have none."""
    p_t = np.where(evaluation.p_t > 0, evaluation.p_t, 1.0)
    return log_of_image(evaluation.joint / p_t[:, None])


def _with_entries(mixture: Mixture, which: NDArray[np.bool_], log_r: Array) -> Mixture:
    """The mixture with `log_r` in some entries, its decoders normalised."""
    entries = np.where(which, log_r, mixture.log_r)
    return Mixture(entries - log_sum(entries)[:, None], mixture.log_q)


def _plain_step(channel: Channel, here: _Point, beta: float) -> _Point | None:
    """One Blahut–Arimoto step, which always descends; None when rounding hides what it gains.

    A decoder's entry far below what the encoder says has so large a negative curvature that no
    damping makes the Hessian positive; this step sets it right.
    """
    there = _point(channel, blahut_arimoto_step(here.evaluation), beta)
    gained = float(channel.p_x @ (there.evaluation.log_z - here.evaluation.log_z))
    return there if gained > _rounding(channel, here.evaluation, beta) else None


def _image_step(channel: Channel, here: _Point, beta: float) -> _Point | None:
    """The state with the Blahut–Arimoto image of entries next to zero that are off; None without.

    F does not see them, but their negative curvature hides that of all others. As in
    `_with_images`, the step never raises F.
    """
    mixture, evaluation = here.mixture, here.evaluation
    images = _log_images(evaluation)
    off = (mixture.log_r < _LOG_UNSEEN) & (np.abs(images - mixture.log_r) > _FAR_OFF)
    off &= (evaluation.p_t > 0)[:, None]
    if not off.any():
        return None
    return _point(channel, _with_entries(mixture, off, images), beta)


def _rounding(channel: Channel, evaluation: Evaluation, beta: float) -> float:
    """What rounding may change F by, nats: each log Z by its own digits and by those of Z ≈ 1."""
    own = float(channel.p_x @ np.abs(evaluation.log_z))
    # Weights and decoders sum to one within a rounding; beta multiplies that of the decoders.
    sums = UNIT * max(beta - _WEAK, 0.5)
    return _ROUNDING * (own + float(np.linalg.norm(channel.p_x))) + sums


def _scaled_gradient(mixture: Mixture, evaluation: Evaluation, beta: float) -> Array:
    """Gradient of F in variables scaled by the square root of the metric, (n_t (1 + K),)."""
    root_q, scale = scales(mixture, beta)
    p_t = evaluation.p_t
    gap = beta * (p_t[:, None] * mixture.r - evaluation.joint)
    return scaled(mixture.q - p_t, gap, root_q, scale)


def _moved(mixture: Mixture, step: Array, beta: float) -> tuple[Mixture, Array]:
    """The state after a scaled step and the step as taken.

    Entries of nearly absent classes want to move furthest and matter least, so each is cut by
    itself.
    """
    root_q, scale = scales(mixture, beta)
    growth, logits = unscaled(step, root_q, scale)
    np.maximum(growth, MOST_SHRINKAGE - 1.0, out=growth)
    np.clip(logits, -_LONGEST_STEP, _LONGEST_STEP, out=logits)
    taken = np.concatenate([(growth * root_q)[:, None], logits * scale], axis=1).ravel()
    return moved_masses(mixture, growth, logits), taken


def moved_masses(mixture: Mixture, growth: Array, logits: Array) -> Mixture:
    """The state after relative changes of the weights (> −1) and changes of the logits.

    The masses q_t r_t(y) move linearly: weight then passes from one atom to another along a
    straight line at constant Σ_t q_t r_t = p_y, which in the logits would be a curved valley. What
    would turn negative shrinks exponentially instead.
    """
    change = logits - np.sum(mixture.r * logits, axis=1, keepdims=True)
    change /= 1.0 + growth[:, None]
    shrunk = np.maximum(np.log(0.5) + 2.0 * (np.minimum(change, -0.5) + 0.5), -2 * _LONGEST_STEP)
    log_r = mixture.log_r + np.where(change < -0.5, shrunk, np.log1p(np.maximum(change, -0.5)))
    log_q = mixture.log_q + np.log1p(growth)
    return Mixture(log_r - log_sum(log_r)[:, None], log_q - log_sum(log_q))


def inverse_curvature(hessian: Curvature, vector: Array) -> Array:
    """H⁻¹ times the vector at a stationary state, with the least damping that rounding asks for."""
    damping = _LAST_DAMPING
    while True:
        solution = hessian.solve(vector, damping)
        if solution is not None:
            return solution
        damping *= 10


def log_sum(logits: Array) -> Array:
    """log Σ exp over the last axis."""
    peak = logits.max(axis=-1)
    total: Array = peak + np.log(np.exp(logits - peak[..., None]).sum(axis=-1))
    return total
