"""Fewer clusters than the optimum has: merge the pairs that cost the least."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate

Array = NDArray[np.float64]


def shrink(channel: Channel, mixture: Mixture, beta: float, n_clusters: int) -> Mixture:
    """The mixture merged down to `n_clusters` atoms.

    Pairs merge greedily by the I(T;Y) they lose, p(s, t) JS(r_s, r_t), the agglomerative criterion
    of Slonim and Tishby (1999, NeurIPS 12); the caller refines the result.
    """
    p_ty = evaluate(channel, mixture, beta).joint
    rows = [p_ty[t] for t in range(len(p_ty))]
    cost = _pair_costs(np.array(rows))
    while len(rows) > n_clusters:
        s, t = sorted(int(i) for i in np.unravel_index(np.argmin(cost), cost.shape))
        merged = rows[s] + rows.pop(t)
        rows[s] = merged
        cost = np.delete(np.delete(cost, t, axis=0), t, axis=1)
        fresh = _costs_with(merged, np.array(rows))
        fresh[s] = np.inf
        cost[s, :] = cost[:, s] = fresh
    return Mixture.from_joint(np.array(rows))


def _pair_costs(rows: Array) -> Array:
    cost = np.stack([_costs_with(row, rows) for row in rows])
    np.fill_diagonal(cost, np.inf)
    return cost


def _costs_with(row: Array, rows: Array) -> Array:
    """I(T;Y) lost by merging `row` of p(t, y) with each of `rows`, nats."""
    cost: Array = _negative_entropy(row) + _negative_entropy(rows) - _negative_entropy(rows + row)
    return cost


def _negative_entropy(rows: Array) -> Array:
    """Σ_y p(t, y) log p(y|t), (n,)."""
    total = rows.sum(axis=-1, keepdims=True)
    terms = np.zeros_like(rows)
    ratio = np.divide(rows, total, out=np.ones_like(rows), where=rows > 0)
    np.log(ratio, out=terms, where=rows > 0)
    value: Array = np.sum(rows * terms, axis=-1)
    return value
