"""Starts of the search for a clustering of X, and where each of them ends."""

import dataclasses
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ibcollapse.bottleneck.deterministic.hard import Labels, cluster_mass, compact, settle
from ibcollapse.bottleneck.deterministic.soft import settle_soft

FloatArray = NDArray[np.float64]

# Starts with more clusters than this cost more than they find.
_START_CLUSTERS = 64


@dataclasses.dataclass(frozen=True)
class PartitionProblem:
    """H(T) − alpha H(T|X) − beta I(T;Y) over clusterings of n_x points of positive weight.

    `capacity` is the largest number of clusters, `tol` and `max_sweeps` stop a start.
    """

    p_x: FloatArray
    p_y_given_x: FloatArray
    beta: float
    alpha: float
    capacity: int
    tol: float
    max_sweeps: int

    @property
    def joint(self) -> FloatArray:
        """p(x, y), (n_x, n_classes)."""
        return self.p_x[:, None] * self.p_y_given_x


@dataclasses.dataclass(frozen=True)
class Clustering:
    """Where a start ended: joint masses p(t, y), and objective, H(T), I(X;T), I(T;Y) in nats."""

    mass: FloatArray
    labels: Labels | None
    objective: float
    h_t: float
    i_xt: float
    i_ty: float
    sweeps: int
    residual: float


def starts(problem: PartitionProblem, restarts: int, rng: np.random.Generator) -> Iterator[Labels]:
    """First labels (n_x,) of each start: one cluster, the finest, its hard optimum, random seeds.

    Seeds are points drawn by weight, their number drawn uniformly; every point joins the seed whose
    p(y|x) is nearest in Hellinger distance, which unlike KL is finite for one-hot rows.
    """
    n_x = len(problem.p_x)
    most = min(n_x, problem.capacity, _START_CLUSTERS)
    finest = np.arange(n_x) if most == n_x else _around_seeds(problem, most, rng)
    yield from [np.zeros(n_x, dtype=np.int64), finest][:restarts]
    if problem.alpha > 0 and restarts > 2:
        # From here no soft start ends above the deterministic clustering of the same beta.
        yield _settled(problem, finest)[0]
    for _ in range(3 if problem.alpha > 0 else 2, restarts):
        yield _around_seeds(problem, int(rng.integers(1, most + 1)), rng)


def _around_seeds(problem: PartitionProblem, n_seeds: int, rng: np.random.Generator) -> Labels:
    roots = np.sqrt(problem.p_y_given_x)
    seeds = rng.choice(len(roots), size=n_seeds, replace=False, p=problem.p_x)
    return compact(np.argmax(roots @ roots[seeds].T, axis=1))


def descend(problem: PartitionProblem, labels: Labels) -> Clustering:
    """Stable clustering reached from `labels`: by moves and merges at alpha = 0, else by sweeps."""
    joint = problem.joint
    if problem.alpha == 0:
        labels, sweeps, stable = _settled(problem, labels)
        mass = cluster_mass(joint, labels, int(labels.max()) + 1)
        return _evaluated(problem, mass, 0.0, labels, sweeps, 0.0 if stable else np.inf)
    encoder, sweeps, residual = settle_soft(
        problem.p_x,
        problem.p_y_given_x,
        np.eye(int(labels.max()) + 1)[labels],
        problem.beta,
        problem.alpha,
        problem.tol,
        problem.max_sweeps,
    )
    h_t_given_x = -float(problem.p_x @ xlogy(encoder, encoder).sum(axis=1))
    return _evaluated(problem, encoder.T @ joint, h_t_given_x, None, sweeps, residual)


def _settled(problem: PartitionProblem, labels: Labels) -> tuple[Labels, int, bool]:
    return settle(
        problem.p_x,
        problem.p_y_given_x,
        labels,
        problem.beta,
        problem.capacity,
        problem.max_sweeps,
    )


def _evaluated(
    problem: PartitionProblem,
    mass: FloatArray,
    h_t_given_x: float,
    labels: Labels | None,
    sweeps: int,
    residual: float,
) -> Clustering:
    p_t, p_y = mass.sum(axis=1), mass.sum(axis=0)
    h_t = -float(xlogy(p_t, p_t).sum())
    i_ty = float(xlogy(mass, mass).sum() - xlogy(p_y, p_y).sum()) + h_t
    objective = h_t - problem.alpha * h_t_given_x - problem.beta * i_ty
    # I(X;T) and I(T;Y) of one cluster are zero up to rounding, which must not show as negative.
    i_xt = max(h_t - h_t_given_x, 0.0)
    return Clustering(mass, labels, objective, h_t, i_xt, max(i_ty, 0.0), sweeps, residual)
