"""Groups of points with equal or near-equal posteriors, and their averages."""

import heapq
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.deadline import check, is_over
from ibcollapse.linear_algebra import symmetric_eigenpairs

# A group is split by two-means in the Kullback-Leibler divergence; a few rounds settle it.
_TWO_MEANS_ROUNDS = 4


def all_rows_differ(log_rows: NDArray[np.float64]) -> bool:
    """Whether no two rows are surely equal: False where they may be, and a sort has to tell.

    Equal rows have equal sums with any weights. Added column by column, each by itself, such sums
    are the same bits for the same row.
    """
    # Any finite value does for −inf: it is the same in equal rows.
    finite = np.maximum(log_rows, -1e6)
    keys = finite[:, 0].copy()
    for y, weight in enumerate(np.random.default_rng(0).uniform(1, 2, log_rows.shape[1] - 1), 1):
        keys += weight * finite[:, y]
    keys.sort()
    return bool((keys[1:] != keys[:-1]).all())


def group_equal_rows(log_rows: NDArray[np.float64]) -> NDArray[np.int64]:
    """Group index of every row, int64 (n_x,): equal rows share one, in lexicographic order."""
    order = np.lexsort(log_rows.T[::-1])
    ordered = log_rows[order]
    is_new = np.empty(len(order), dtype=np.int64)
    is_new[0] = 0
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    groups = np.empty_like(is_new)
    groups[order] = np.cumsum(is_new)
    return groups


def average_rows(
    p_x: NDArray[np.float64], log_rows: NDArray[np.float64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (n_groups,) and log mean posteriors (n_groups, n_classes) of the groups.

    Means are taken relative to each group's largest entry per class, so that probabilities below
    the smallest double survive as logarithms.
    """
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    weights = np.add.reduceat(p_x[order], starts)
    ordered = log_rows[order]
    peak = np.maximum.reduceat(ordered, starts, axis=0)
    peak = np.where(np.isneginf(peak), 0.0, peak)
    spread = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    relative = np.exp(ordered - peak[spread]) * p_x[order][:, None]
    with np.errstate(divide="ignore"):
        log_means = np.log(np.add.reduceat(relative, starts, axis=0)) + peak
    log_means -= np.log(weights)[:, None]
    return weights, log_means


def group_near_rows(
    p_x: NDArray[np.float64],
    rows: NDArray[np.float64],
    negative_entropy: NDArray[np.float64],
    max_loss: float,
    max_rows: int | None,
    until: float = math.inf,
) -> NDArray[np.int64]:
    """Group index of every row, int64 (n_x,), with a total loss of at most `max_loss` nats.

    A tree grown best-first: the group with the largest loss Σ p(x) KL(row ‖ mean row) is split in
    two along its principal axis, refined by two-means in the same divergence (Banerjee et al.
    2005, Bregman hard clustering; doi 10.5555/1046920.1194902). It stops when the losses add up to
    at most `max_loss`, at `max_rows` groups, or soon after the moment `until`.
    """
    everyone = np.arange(len(p_x))
    groups = np.zeros(len(p_x), dtype=np.int64)
    first = _loss(p_x, rows, negative_entropy)
    heap = [(-first, 0, everyone)]
    total, n_groups = first, 1
    limit = len(p_x) if max_rows is None else min(max_rows, len(p_x))
    while heap and n_groups < limit and total > max_loss and not is_over(until):
        check()
        negative_loss, index, members = heapq.heappop(heap)
        side = _split(p_x[members], rows[members], until)
        if side is None:
            continue
        total += negative_loss
        halves = ((index, members[~side]), (n_groups, members[side]))
        groups[members[side]] = n_groups
        n_groups += 1
        for number, part in halves:
            loss = _loss(p_x[part], rows[part], negative_entropy[part])
            total += loss
            if len(part) > 1 and loss > 0:
                heapq.heappush(heap, (-loss, number, part))
    return groups


def _loss(
    p_x: NDArray[np.float64], rows: NDArray[np.float64], negative_entropy: NDArray[np.float64]
) -> float:
    """Σ p(x) KL(row ‖ mean row), nats."""
    weight = p_x.sum()
    mean = (p_x @ rows) / weight
    positive = mean[mean > 0]
    return max(0.0, float(p_x @ negative_entropy - weight * (positive @ np.log(positive))))


def _split(
    p_x: NDArray[np.float64], rows: NDArray[np.float64], until: float = math.inf
) -> NDArray[np.bool_] | None:
    """Which of the rows go to the second half; None when they cannot be told apart."""
    mean = (p_x @ rows) / p_x.sum()
    alive = mean > 0
    # chi-square scaling: to second order KL(row ‖ mean) is half the squared length in it.
    scaled = (rows[:, alive] - mean[alive]) / np.sqrt(mean[alive])
    side: NDArray[np.bool_] = _along_principal_axis(p_x, scaled) > 0
    for _ in range(_TWO_MEANS_ROUNDS):
        if side.all() or not side.any() or is_over(until):
            break
        means = [(p_x[part] @ rows[part]) / p_x[part].sum() for part in (~side, side)]
        with np.errstate(divide="ignore"):
            left, right = (np.maximum(np.log(m), -1e30) for m in means)
        moved = rows @ (right - left) > 0
        if (moved == side).all():
            break
        side = moved
    return None if side.all() or not side.any() else side


def _along_principal_axis(
    p_x: NDArray[np.float64], rows: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The rows' coordinates (n,) along the leading axis of Σ p(x) row rowᵀ, up to a factor."""
    root = np.sqrt(p_x)[:, None]
    weighted = rows * root
    if len(rows) >= rows.shape[1]:
        _, axes = symmetric_eigenpairs(weighted.T @ weighted)
        along: NDArray[np.float64] = rows @ axes[:, -1]
        return along
    # Of few rows the inner products tell the same axis.
    _, axes = symmetric_eigenpairs(weighted @ weighted.T)
    return rows @ (axes[:, -1] @ weighted)
