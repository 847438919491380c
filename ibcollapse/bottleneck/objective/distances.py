"""Distances of decoders: squared Hellinger distances, and which decoders count as one."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.kernels.hills import SAME_BASIN

Array = NDArray[np.float64]


def hellinger_squared(log_a: Array, log_b: Array) -> Array:
    """1 − Σ_y √(a b) of matching rows, shape (n,)."""
    difference = np.exp(0.5 * log_a) - np.exp(0.5 * log_b)
    total: Array = 0.5 * np.sum(difference**2, axis=-1)
    return total


def from_nearest(log_r: Array, others: Array) -> Array:
    """Squared Hellinger distance of each log decoder from the nearest of the others, (n,)."""
    roots = np.exp(0.5 * others)
    nearest = [0.5 * np.sum((np.exp(0.5 * r) - roots) ** 2, axis=-1).min() for r in log_r]
    return np.array(nearest)


def apart(log_r: Array, beta: float) -> Array:
    """The decoders (n, n_classes) without those in the basin of an earlier one."""
    least = SAME_BASIN * closeness(beta)
    kept: Array = log_r[np.sort(distinct(log_r, np.zeros(len(log_r)), least))]
    return kept


def distinct(log_r: Array, log_phi: Array, least: float) -> NDArray[np.intp]:
    """Indices, by decreasing Φ, of rows further than `least` from every better row."""
    order = np.argsort(-log_phi, kind="stable")
    root = np.exp(0.5 * log_r[order])
    # Affinity Σ √(a b) loses half the digits near one, which `least` ≥ 1e-12 can spare.
    close = 1.0 - root @ root.T <= least
    kept: list[int] = []
    taken = np.zeros(len(order), dtype=bool)
    for i in range(len(order)):
        if not taken[i]:
            kept.append(i)
            taken |= close[i]
    return order[kept]
