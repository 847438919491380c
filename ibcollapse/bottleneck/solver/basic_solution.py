"""No more atoms than points: a mixture pruned without any change of Z (Carathéodory).

Z(x) = Σ_t q_t e(x, t) is all that F and Φ know of a mixture. More atoms than points have linearly
dependent columns e(·, t); weight moved along such a dependence leaves Z as it is until the first
atom has none left. Along a dependence among atoms with Φ = 1, as an optimum's are, the weights' sum
stays too: Σ_t v_t = Σ_t v_t Φ(r_t) = Σ_x p(x)/Z(x) Σ_t v_t e(x, t) = 0.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, exponents
from ibcollapse.linear_algebra import singular_parts

Array = NDArray[np.float64]

# Rows that agree to so many decimals give the same Z and the same dependences.
_DECIMALS = 13
# What an elimination may change Z by, relative to itself: far below any gap that is told.
_SAME_Z = 1e-12


def distinct_rows(channel: Channel) -> int:
    """How many rows of p(y|x) there are that differ by more than rounding, counted once."""

    def count() -> int:
        return len(np.unique(np.round(channel.p_y_given_x, _DECIMALS), axis=0))

    return channel.prepared.once(distinct_rows, count)


def basic_solution(channel: Channel, mixture: Mixture, beta: float) -> Mixture:
    """The mixture with no more atoms than distinct rows and the same Z(x); itself where it has not.

    Atoms go one by one, each along the dependence of the lightest that are left, one more than
    there are rows, which takes one singular vector. One that rounding does not show as a dependence
    keeps its atoms.
    """
    # Rows are not counted where there are no more atoms than classes.
    if mixture.n_t <= min(channel.n_x, channel.n_classes):
        return mixture
    n_rows = distinct_rows(channel)
    if mixture.n_t <= n_rows:
        return mixture
    log_e = exponents(channel, mixture.log_r, beta)
    shares = np.exp(log_e - log_e.max(axis=1, keepdims=True))
    q = _eliminated(shares / (shares @ mixture.q)[:, None], mixture.q, n_rows)
    kept = q > 0
    return Mixture(mixture.log_r[kept], np.log(q[kept] / q[kept].sum()))


def _eliminated(shares: Array, weights: Array, most: int) -> Array:
    """Weights w (n,), at most `most` of them positive, with the same `shares` (n_x, n) @ w."""
    q = weights.copy()
    while np.count_nonzero(q) > most:
        lightest = np.argsort(np.where(q > 0, q, np.inf), kind="stable")[: most + 1]
        # In shares of each atom's own weight, a dependence says by how much of itself it moves.
        along = singular_parts(shares[:, lightest] * q[lightest], whole=True)[2][-1]
        along /= along[np.argmax(np.abs(along))]
        moved = np.maximum(q[lightest] * (1.0 - along), 0.0)
        moved[np.argmax(along)] = 0.0
        if not np.abs(shares[:, lightest] @ (moved - q[lightest])).max() <= _SAME_Z:
            return q
        q[lightest] = moved
    return q
