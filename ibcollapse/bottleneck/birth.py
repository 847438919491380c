"""How soon after its birth a new atom shows in the free energy."""

import math

import numpy as np

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.curvature import curvature
from ibcollapse.bottleneck.events import Event
from ibcollapse.bottleneck.metric import scaled, scales
from ibcollapse.bottleneck.mixture import exponents
from ibcollapse.bottleneck.newton import inverse_curvature


def distance_of_gain(channel: Channel, event: Event, gain: float) -> float:
    """Distance in beta from a birth at which its new atom has lowered F by `gain` nats.

    With weight ε for the new atom and the branch's other variables z relaxed, F changes by
    −ε s (beta − beta₀) + ε² c / 2 to second order, s the slope of log Φ at the new decoder and
    c = F_εε − F_εz F_zz⁻¹ F_zε: it falls by s² (beta − beta₀)² / (2 c). Zero where c is not
    positive, as at a jump; infinite where the slope is zero.
    """
    evaluation, mixture, p_x = event.evaluation, event.mixture, channel.p_x
    exponent = exponents(channel, event.violators[:1], event.beta)[:, 0]
    ratio = np.exp(exponent - evaluation.log_z)
    shared = evaluation.p_t_given_x * (p_x * ratio)[:, None]
    joint = shared.T @ channel.p_y_given_x
    p_t = joint.sum(axis=1)
    mixed = scaled(
        p_t, event.beta * (joint - p_t[:, None] * mixture.r), *scales(mixture, event.beta)
    )
    hessian = curvature(channel, mixture, evaluation, event.beta)
    bent = float(p_x @ ratio**2) - float(mixed @ inverse_curvature(hessian, mixed))
    if event.steepness == 0:
        return math.inf
    return math.sqrt(2.0 * gain * max(0.0, bent)) / abs(event.steepness)
