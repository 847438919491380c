"""Soft clusterings of X for the generalised bottleneck, 0 < alpha ≤ 1.

H(T) − alpha H(T|X) − beta I(T;Y) is the minimum over p(t) and r_t = p(y|t) of

    Σ_x p(x) Σ_t p(t|x) [alpha log p(t|x) − log p(t) + beta KL(W_x ‖ r_t)] − beta I(X;Y),

so that setting p(t|x) ∝ exp((log p(t) − beta KL(W_x ‖ r_t)) / alpha), p(t) and r_t in turn never
raises it (Strouse, Schwab 2017, doi:10.1162/NECO_a_00961).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax, xlogy

from ibcollapse.bottleneck.deterministic.hard import cluster_cost, cluster_scores

FloatArray = NDArray[np.float64]

# Two clusters are one when merging them costs less than this, nats.
_MERGE_LOSS = 1e-12


def settle_soft(
    p_x: FloatArray,
    p_y_given_x: FloatArray,
    encoder: FloatArray,
    beta: float,
    alpha: float,
    tol: float,
    max_sweeps: int,
) -> tuple[FloatArray, int, float]:
    """Encoder (n_x, n_t) that sweeps and merges leave unchanged, sweeps used, last residual.

    The residual of a sweep is Σ_x p(x) Σ_t |Δ p(t|x)| / 2; sweeps stop when it is at most `tol`.
    Then the pair of clusters whose merging lowers the objective most is merged, and so on.
    """
    joint = p_x[:, None] * p_y_given_x
    residual, sweeps = np.inf, 0
    while sweeps < max_sweeps:
        scores = cluster_scores(p_y_given_x, encoder.T @ joint, beta)
        updated = np.asarray(softmax(scores / alpha, axis=1))
        residual = 0.5 * float(p_x @ np.abs(updated - encoder).sum(axis=1))
        sweeps += 1
        encoder = updated[:, p_x @ updated > 0]
        if residual <= tol:
            merged = _merge_best_pair(joint, p_x, encoder, beta, alpha)
            if merged.shape[1] == encoder.shape[1]:
                break
            encoder, residual = merged, np.inf
    return encoder, sweeps, residual


def _merge_best_pair(
    joint: FloatArray, p_x: FloatArray, encoder: FloatArray, beta: float, alpha: float
) -> FloatArray:
    """The encoder after the best merge, unchanged where each would raise the objective."""
    mass = encoder.T @ joint
    cost = cluster_cost(mass, beta) + alpha * (p_x @ xlogy(encoder, encoder))
    best, pair = _MERGE_LOSS, (0, 0)
    for t in range(len(mass) - 1):
        both = encoder[:, t, None] + encoder[:, t + 1 :]
        merged = cluster_cost(mass[t] + mass[t + 1 :], beta) + alpha * (p_x @ xlogy(both, both))
        change = merged - cost[t] - cost[t + 1 :]
        if change.min() < best:
            best, pair = float(change.min()), (t, t + 1 + int(np.argmin(change)))
    if pair == (0, 0):
        return encoder
    together = np.delete(encoder, pair[1], axis=1)
    together[:, pair[0]] += encoder[:, pair[1]]
    return together
