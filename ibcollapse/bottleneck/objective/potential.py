"""How far a solution is from the global optimum.

For any state with partition function Z(x) and every decoder r on the class simplex let

    Φ(r) = Σ_x p(x) exp(−beta [KL(p(y|x) ‖ r) − KL(p(y|x) ‖ p_y)]) / Z(x).

The free energy is convex in the mixing measure and Φ − 1 is minus its directional derivative
towards an atom at r, so the state is globally optimal iff max Φ ≤ 1, and its Lagrangian exceeds the
optimum by at most log max Φ (the gradient bound of nonparametric maximum likelihood, Lindsay 1983,
doi 10.1214/aos/1176346059, in the rate-distortion form of the bottleneck).
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import exponents

Array = NDArray[np.float64]


def potential_weights(channel: Channel, log_z: Array) -> Array:
    """log(p(x)/Z(x)), the weights under which Φ is a sum, shape (n_x,)."""
    weights: Array = np.log(channel.p_x) - log_z
    return weights


def log_potential(channel: Channel, log_v: Array, log_r: Array, beta: float) -> tuple[Array, Array]:
    """log Φ (n,) of decoders and the means Σ_x w_x p(y|x) (n, n_classes) of Φ's terms w."""
    log_phi, terms = _normalised_terms(channel, log_v, log_r, beta)
    return log_phi, terms.T @ channel.p_y_given_x


def _normalised_terms(
    channel: Channel, log_v: Array, log_r: Array, beta: float
) -> tuple[Array, Array]:
    """log Φ (n,) and the terms of Φ as shares w (n_x, n)."""
    scores = exponents(channel, log_r, beta)
    scores += log_v[:, None]
    peak = scores.max(axis=0)
    scores -= peak
    np.exp(scores, out=scores)
    totals = scores.sum(axis=0)
    scores /= totals
    return np.log(totals) + peak, scores
