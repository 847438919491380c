"""What a branch does just beyond the birth of an atom, to second order in the atom's weight."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.hessian import curvature
from ibcollapse.bottleneck.objective.metric import scaled, scales, unscaled
from ibcollapse.bottleneck.objective.mixture import Mixture, exponents
from ibcollapse.bottleneck.solver.newton import Descent, inverse_curvature, moved_masses

Array = NDArray[np.float64]

# Where less than this share of F_εε is left, c is solved for in so many more rounds.
_CANCELLED = 1e-4
_MORE_DIGITS = 2
# In a first guess the other weights change by at most this share.
_MOST_GROWTH = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Birth:
    """The birth of one atom, with the response of the others to its weight.

    With weight ε for the new atom and the branch's other variables z relaxed, F changes by
    −ε log Φ + ε² c / 2, Φ that of the new decoder and c = F_εε − F_εz F_zz⁻¹ F_zε: then
    ε = log Φ / c, and F falls by (log Φ)² / (2 c). Beyond an event log Φ is its slope there times
    the distance in beta.

    `log_r` is the new decoder (n_classes,), `bend` is c; `growth` (n_t,) and `logits` (n_t,
    n_classes) are the relative changes of the weights and the changes of the logits per ε.
    """

    log_r: Array
    bend: float
    growth: Array
    logits: Array

    @classmethod
    def at(cls, channel: Channel, branch: Descent, beta: float, log_r: Array) -> "Birth":
        """The birth at the decoder `log_r` (n_classes,) in a stationary state."""
        evaluation, mixture, p_x = branch.evaluation, branch.mixture, channel.p_x
        hessian = branch.hessian or curvature(channel, mixture, evaluation, beta)
        exponent = exponents(channel, log_r[None], beta)[:, 0]
        ratio = np.exp(exponent - evaluation.log_z)
        shared = evaluation.p_t_given_x * (p_x * ratio)[:, None]
        joint = shared.T @ channel.p_y_given_x
        p_t = joint.sum(axis=1)
        root_q, scale = scales(mixture, beta)
        gap = beta * (joint - p_t[:, None] * mixture.r)
        mixed = scaled(p_t, gap, root_q, scale)
        own = float(p_x @ ratio**2)
        response = -inverse_curvature(hessian, mixed)
        bend = own + float(mixed @ response)
        if bend < _CANCELLED * own:
            # Next to nothing is left of F_εε: all posteriors and all digits count.
            hessian = curvature(channel, mixture, evaluation, beta, hessian, exact=True)
            for _ in range(_MORE_DIGITS):
                missing = mixed + hessian.apply(response)
                response -= inverse_curvature(hessian, missing)
            bend = own + float(mixed @ response)
        growth, logits = unscaled(response, root_q, scale)
        return cls(log_r, bend, growth, logits)

    def potential_of_gain(self, gain: float) -> float:
        """log Φ where F has fallen by `gain` nats; zero where c is not positive, as at a jump."""
        return math.sqrt(2.0 * gain * max(0.0, self.bend))

    def guess(self, branch: Mixture, log_phi: float) -> Mixture | None:
        """The state with the new atom, from the branch with that log Φ; None where c says none."""
        if self.bend <= 0:
            return None
        weight = log_phi / self.bend
        held = weight * min(1.0, _MOST_GROWTH / max(weight * np.abs(self.growth).max(), 1e-300))
        held = min(held, _MOST_GROWTH)
        others = moved_masses(branch, held * self.growth, held * self.logits)
        return Mixture(
            np.concatenate([others.log_r, self.log_r[None]]),
            np.append(others.log_q + math.log1p(-held), math.log(held)),
        )
