"""How a stationary state moves with beta while its atoms stay the same.

Differentiating the stationarity conditions g(z, beta) = 0 gives the tangent dz/dbeta =
−H⁻¹ ∂g/∂beta (the implicit-function equation of Agmon 2023, arXiv 2306.09790, in Newton's
coordinates), and with it the slope of the curve.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.hessian import Curvature, curvature
from ibcollapse.bottleneck.objective.metric import scaled, scales, unscaled
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture, exponents
from ibcollapse.bottleneck.solver.newton import inverse_curvature

Array = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Tangent:
    """Derivatives along beta: of the logits and log weights, of I(T;Y), and of log Z(x)."""

    log_r: Array
    log_q: Array
    i_ty: float
    log_z: Array


def tangent(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    beta: float,
    hessian: Curvature | None = None,
) -> Tangent:
    """Tangent of the branch at a stationary state; `hessian` may be that of a state close by."""
    pi, w, p_x = evaluation.p_t_given_x, channel.p_y_given_x, channel.p_x
    # Counted from the trivial representation's distortion, whose share of F is constant.
    distortion = -exponents(channel, mixture.log_r, beta) / beta
    mean = np.einsum("xt,xt->x", pi, distortion)
    excess = pi * (mean[:, None] - distortion)
    joint = (excess * p_x[:, None]).T @ w
    p_t = joint.sum(axis=1)
    root_q, scale = scales(mixture, beta)
    gap = evaluation.p_t[:, None] * mixture.r - evaluation.joint
    gap += beta * (p_t[:, None] * mixture.r - joint)
    forcing = scaled(-p_t, gap, root_q, scale)
    hessian = hessian or curvature(channel, mixture, evaluation, beta)
    step = -inverse_curvature(hessian, forcing)
    log_q, logits = unscaled(step, root_q, scale)
    log_q = log_q - mixture.q @ log_q
    logits = logits - np.sum(mixture.r * logits, axis=1, keepdims=True)
    variance = -float(p_x @ np.einsum("xt,xt->x", excess, distortion))
    moving = np.einsum("xt,xt->x", pi, log_q + beta * (w @ logits.T))
    return Tangent(logits, log_q, variance - float(forcing @ step), moving - mean)
