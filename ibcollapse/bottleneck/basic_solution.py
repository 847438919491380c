"""No more atoms than points: a mixture pruned without any change of Z (Carathéodory).

Z(x) = Σ_t q_t e(x, t) is all that F and Φ know of a mixture. More atoms than points have linearly
dependent columns e(·, t); weight moved along such a dependence leaves Z as it is until the first
atom has none left. Along a dependence among atoms with Φ = 1, as an optimum's are, the weights' sum
stays too: Σ_t v_t = Σ_t v_t Φ(r_t) = Σ_x p(x)/Z(x) Σ_t v_t e(x, t) = 0.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import Mixture, exponents
from ibcollapse.linear_algebra import singular_parts

Array = NDArray[np.float64]

# What an elimination may change Z by, relative to itself: far below any gap that is told.
_SAME_Z = 1e-12


def basic_solution(channel: Channel, mixture: Mixture, beta: float) -> Mixture:
    """The mixture with at most n_x atoms and the same Z(x); itself where it has no more.

    Atoms go one by one, each along the dependence of the n_x + 1 lightest that are left, which
    takes one singular vector. One that rounding does not show as a dependence keeps its atoms.
    """
    if mixture.n_t <= channel.n_x:
        return mixture
    log_e = exponents(channel, mixture.log_r, beta)
    shares = np.exp(log_e - log_e.max(axis=1, keepdims=True))
    q = _eliminated(shares / (shares @ mixture.q)[:, None], mixture.q)
    kept = q > 0
    return Mixture(mixture.log_r[kept], np.log(q[kept] / q[kept].sum()))


def _eliminated(shares: Array, weights: Array) -> Array:
    """Weights w (n,), at most n_x of them positive, with the same product `shares` (n_x, n) @ w."""
    q = weights.copy()
    n_x = len(shares)
    while np.count_nonzero(q) > n_x:
        lightest = np.argsort(np.where(q > 0, q, np.inf), kind="stable")[: n_x + 1]
        # In shares of each atom's own weight, a dependence says by how much of itself it moves.
        along = singular_parts(shares[:, lightest] * q[lightest], whole=True)[2][-1]
        along /= along[np.argmax(np.abs(along))]
        moved = np.maximum(q[lightest] * (1.0 - along), 0.0)
        moved[np.argmax(along)] = 0.0
        if np.abs(shares[:, lightest] @ (moved - q[lightest])).max() > _SAME_Z:
            return q
        q[lightest] = moved
    return q
