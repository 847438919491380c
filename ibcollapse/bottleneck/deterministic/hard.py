"""Hard clusterings of X that no merge and no single move improves.

A partition is the label of each point; its state is the joint mass m_ty = Σ_{x in t} p(x) p(y|x).
With phi(u) = u log u the objective H(T) − beta I(T;Y) is a sum over clusters,

    F = beta Σ_y phi(p(y)) + Σ_t c(m_t),   c(m) = (beta − 1) phi(Σ_y m_y) − beta Σ_y phi(m_y),

so that merging two clusters or moving one point changes two terms only.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ibcollapse.bottleneck.kernels.compilation import kernel

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]

# Improvements below this are rounding of the objective's terms, which are of order beta.
_RELATIVE_ROUNDING = 1e-13


def cluster_cost(mass: FloatArray, beta: float) -> FloatArray:
    """c(m) in nats of joint masses (..., n_classes)."""
    total = mass.sum(axis=-1)
    return np.asarray((beta - 1) * xlogy(total, total) - beta * xlogy(mass, mass).sum(axis=-1))


def cluster_mass(joint: FloatArray, labels: Labels, n_clusters: int) -> FloatArray:
    """Joint masses p(t, y), (n_clusters, n_classes)."""
    mass = np.zeros((n_clusters, joint.shape[1]))
    np.add.at(mass, labels, joint)
    return mass


def compact(labels: Labels) -> Labels:
    """The same partition with labels 0 … n_t − 1."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def cluster_scores(table: FloatArray, mass: FloatArray, beta: float) -> FloatArray:
    """log p(t) − beta KL(W_x ‖ r_t) − beta H(W_x), (n_x, n_t), for rows W_x of `table`.

    `mass` (n_t, n_classes) holds p(t, y), p(t) > 0. The entropy is the same for every cluster.
    """
    p_t = mass.sum(axis=1)
    decoders = mass / p_t[:, None]
    # Finite stand-in for log 0, so that 0 · log 0 stays 0 in the matrix product.
    log_decoders = np.log(decoders, out=np.full(decoders.shape, -1e200), where=decoders > 0)
    return np.asarray(np.log(p_t) + beta * (table @ log_decoders.T))


def assign_points(table: FloatArray, mass: FloatArray, beta: float) -> Labels:
    """Cluster of the highest score of each row of `table`, (n_x,)."""
    return np.asarray(np.argmax(cluster_scores(table, mass, beta), axis=1), dtype=np.int64)


def settle(
    p_x: FloatArray,
    table: FloatArray,
    labels: Labels,
    beta: float,
    max_clusters: int,
    max_sweeps: int,
) -> tuple[Labels, int, bool]:
    """Partition reached from `labels`, number of sweeps, and whether it is stable.

    Stable means that no merge of two clusters and no move of one point, into a cluster or (below
    `max_clusters`) into one of its own, lowers the objective. All points are reassigned at once
    while that changes anything, then one by one, and only a settled partition is merged: merging
    the first labels was measured to end higher.
    """
    threshold = _RELATIVE_ROUNDING * (1 + beta)
    joint = p_x[:, None] * table
    labels = compact(labels)
    sweeps, moved = 0, -1
    while moved != 0 and sweeps < max_sweeps:
        mass = cluster_mass(joint, labels, int(labels.max()) + 1)
        assigned = compact(assign_points(table, mass, beta))
        moved = int(np.sum(assigned != labels))
        labels = assigned
        sweeps += 1
    while sweeps < max_sweeps:
        mass = cluster_mass(joint, labels, max_clusters)
        counts = np.bincount(labels, minlength=max_clusters)
        # An integer beta would compile the loop a second time.
        moved = move_points(joint, labels, mass, counts, float(beta), threshold)
        labels = compact(labels)
        sweeps += 1
        if moved == 0:
            labels, merged = merge_clusters(joint, labels, beta, threshold)
            if merged == 0:
                return labels, sweeps, True
    return labels, sweeps, False


def merge_clusters(
    joint: FloatArray, labels: Labels, beta: float, threshold: float
) -> tuple[Labels, int]:
    """Partition after merging, best pair first, while a merge lowers F by more than `threshold`."""
    mass = cluster_mass(joint, labels, int(labels.max()) + 1)
    cost = cluster_cost(mass, beta)
    gain = np.full((len(mass), len(mass)), np.inf)
    for t in range(len(mass)):
        gain[t, t + 1 :] = cluster_cost(mass[t] + mass[t + 1 :], beta) - cost[t] - cost[t + 1 :]
    owner = np.arange(len(mass))
    merged = 0
    while gain.size:
        a, b = np.unravel_index(np.argmin(gain), gain.shape)
        if gain[a, b] >= -threshold:
            break
        mass[a] += mass[b]
        cost[a] = cluster_cost(mass[a], beta)
        owner[owner == b] = a
        gain[b, :] = gain[:, b] = np.inf
        change = cluster_cost(mass + mass[a], beta) - cost - cost[a]
        alive = np.unique(owner)
        gain[alive[alive < a], a] = change[alive[alive < a]]
        gain[a, alive[alive > a]] = change[alive[alive > a]]
        merged += 1
    return compact(owner[labels]), merged


@kernel
def move_points(
    joint: FloatArray,
    labels: Labels,
    mass: FloatArray,
    counts: Labels,
    beta: float,
    threshold: float,
) -> int:
    """Number of points moved in one pass, each to the cluster that lowers F most.

    Changes `labels` (n_x,), `mass` (capacity, n_classes) and `counts` (capacity,). Rows of `mass`
    without points are clusters that a point may open.
    """
    capacity = len(mass)
    cost = np.zeros(capacity)
    nothing = np.zeros(joint.shape[1])
    for t in range(capacity):
        cost[t] = _cost_with(mass[t], nothing, 0.0, beta)
    moved = 0
    for x in range(len(joint)):
        here = labels[x]
        remaining = 0.0
        if counts[here] > 1:
            remaining = _cost_with(mass[here], joint[x], -1.0, beta)
        best = cost[here] - threshold
        target = here
        # One empty cluster stands for all; a point alone in its own gains nothing from another.
        tried_empty = counts[here] == 1
        for t in range(capacity):
            if t == here or (counts[t] == 0 and tried_empty):
                continue
            tried_empty = tried_empty or counts[t] == 0
            cost_here_and_there = remaining + _cost_with(mass[t], joint[x], 1.0, beta) - cost[t]
            if cost_here_and_there < best:
                best = cost_here_and_there
                target = t
        if target != here:
            counts[here] -= 1
            counts[target] += 1
            for y in range(joint.shape[1]):
                left = max(mass[here, y] - joint[x, y], 0.0)
                mass[here, y] = left if counts[here] > 0 else 0.0
                mass[target, y] += joint[x, y]
            cost[here] = remaining
            cost[target] = _cost_with(mass[target], nothing, 0.0, beta)
            labels[x] = target
            moved += 1
    return moved


@kernel
def _cost_with(mass: FloatArray, point: FloatArray, sign: float, beta: float) -> float:
    """c(mass + sign · point) in nats; rounding below zero counts as no mass."""
    total = 0.0
    inner = 0.0
    for y in range(len(mass)):
        value = mass[y] + sign * point[y]
        if value > 0:
            total += value
            inner += value * np.log(value)
    if total <= 0:
        return 0.0
    return float((beta - 1) * total * np.log(total) - beta * inner)
