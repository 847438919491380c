"""The deterministic information bottleneck and its soft generalisation."""

import dataclasses
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.joint_tables import ChannelLike, as_channel
from ibcollapse.bottleneck.deterministic.hard import Labels, assign_points
from ibcollapse.bottleneck.deterministic.search import Clustering, PartitionProblem, descend, starts
from ibcollapse.bottleneck.results.solution import CONVERGED
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]

# More clusters than this only where they are asked for: moves cost n_x · clusters · n_classes.
_DEFAULT_CLUSTERS = 128
# Largest error of a sum of probabilities that is put down to rounding (float32 posteriors).
_NORMALISATION = 1e-5
# Starts agree when their objectives do to this, nats.
_AGREEMENT = 1e-9


class ConditionalTable(Protocol):
    """What a channel has to offer: p(x) and log p(y|x)."""

    @property
    def p_x(self) -> FloatArray:
        """Weights (n_x,), summing to one."""

    @property
    def log_p_y_given_x(self) -> FloatArray:
        """Log-posteriors (n_x, n_classes) in nats; rows of probabilities sum to one."""


@register("bottleneck/DeterministicSolution")
@dataclasses.dataclass(frozen=True)
class DeterministicSolution:
    """A local minimum of H(T) − alpha H(T|X) − beta I(T;Y), in nats.

    Attributes
    ----------
    beta, alpha : float
        Trade-off, and weight of H(T|X): 0 is the deterministic bottleneck, 1 the original one.
    objective : float
        H(T) − alpha H(T|X) − beta I(T;Y), nats; never positive.
    h_t, i_xt, i_ty : float
        H(T), I(X;T) (equal to H(T) for hard clusters) and I(T;Y), nats.
    p_t : float64 (n_t,)
        Cluster weights, decreasing.
    p_y_given_t : float64 (n_t, n_classes)
        Decoders; rows sum to one.
    assignments : int64 (n_x,) or None
        Cluster of each point where alpha = 0, else None.
    status : str
        "converged", or a sentence that says what was not reached and which argument to change.
    n_iterations : int
        Sweeps over X of all starts together.
    residual : float
        Σ_x p(x) Σ_t |Δ p(t|x)| / 2 of the last sweep of the best start; 0 for hard clusters that no
        merge and no single move improves.
    n_starts, n_agreeing : int
        Starts tried, and those that reached `objective` to 1e-9 nats.
    """

    beta: float
    alpha: float
    objective: float
    h_t: float
    i_xt: float
    i_ty: float
    p_t: FloatArray
    p_y_given_t: FloatArray
    assignments: Labels | None
    status: str
    n_iterations: int
    residual: float
    n_starts: int
    n_agreeing: int

    def __post_init__(self) -> None:
        for array in (self.p_t, self.p_y_given_t, self.assignments):
            if array is not None:
                array.setflags(write=False)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return len(self.p_t)

    @property
    def converged(self) -> bool:
        """Whether the best start ended at a stable clustering; it may still be a local one."""
        return self.status == CONVERGED


def solve_deterministic(
    channel: ConditionalTable | ChannelLike,
    beta: float,
    *,
    alpha: float = 0.0,
    max_clusters: int | None = None,
    restarts: int = 10,
    seed: int = 0,
    tol: float = 1e-9,
    max_sweeps: int = 10_000,
) -> DeterministicSolution:
    """Clustering T of X that minimises H(T) − alpha H(T|X) − beta I(T;Y), from several starts.

    At alpha = 0 the problem is a search over partitions: the result is stable under merges of two
    clusters and under moves of single points, but no certificate of the global minimum is known.
    For 0 < alpha ≤ 1 fixed-point sweeps alternate with merges. Either way it is a local minimum,
    the best of `restarts` starts; `n_agreeing` says how many of them found it. At alpha = 1 `solve`
    gives the certified optimum of the same objective.

    Parameters
    ----------
    channel : Channel, array or path
        p(x) and p(y|x), or a joint table p(x, y), whose rows of zeros are no points; or anything
        with `p_x` (n_x,) and `log_p_y_given_x` (n_x, n_classes).
    beta : float
        Finite trade-off ≥ 0; at beta ≤ 1 the single cluster is optimal.
    alpha : float
        0 ≤ alpha ≤ 1.
    max_clusters : int, optional
        Largest number of clusters; by default n_x, or 128 where there are more points.
    restarts : int
        Starts: one cluster; every point its own (64 random seeds where n_x > 64); then random
        seeds, after the deterministic clustering where alpha > 0.
    seed : int
        Seed of the random starts.
    tol : float
        Sweeps with alpha > 0 stop when Σ_x p(x) Σ_t |Δ p(t|x)| / 2 ≤ tol.
    max_sweeps : int
        Sweeps over X per start.

    Raises
    ------
    InputError
        On an argument outside its range or a channel that is no channel.

    Notes
    -----
    Strouse, Schwab 2017, The deterministic information bottleneck, Neural Computation 29:1611,
    doi:10.1162/NECO_a_00961.

    Examples
    --------
    >>> import types
    >>> table = np.array([[0.9, 0.1], [0.85, 0.15], [0.1, 0.9], [0.2, 0.8]])
    >>> channel = types.SimpleNamespace(p_x=np.full(4, 0.25), log_p_y_given_x=np.log(table))
    >>> solution = solve_deterministic(channel, 5.0)
    >>> solution.assignments.tolist(), round(solution.h_t, 4), round(solution.i_ty, 4)
    ([0, 0, 1, 1], 0.6931, 0.2931)
    """
    p_x, table = _checked(channel)
    _check_options(beta, alpha, max_clusters, restarts, tol, max_sweeps)
    heavy = p_x > 0
    n_x = int(np.sum(heavy))
    capacity = min(n_x, _DEFAULT_CLUSTERS if max_clusters is None else max_clusters)
    problem = PartitionProblem(p_x[heavy], table[heavy], beta, alpha, capacity, tol, max_sweeps)
    rng = np.random.default_rng(seed)
    ends = [descend(problem, labels) for labels in starts(problem, restarts, rng)]
    best = min(ends, key=lambda end: end.objective)
    order = np.argsort(-best.mass.sum(axis=1), kind="stable")
    mass = best.mass[order]
    p_t = mass.sum(axis=1)
    decoders = mass / p_t[:, None]
    assignments = None
    if best.labels is not None:
        # The rule of the fixed point also places points of no weight.
        assignments = assign_points(table, mass, beta)
        assignments[heavy] = np.argsort(order)[best.labels]
    return DeterministicSolution(
        beta=float(beta),
        alpha=float(alpha),
        objective=best.objective,
        h_t=best.h_t,
        i_xt=best.i_xt,
        i_ty=best.i_ty,
        p_t=p_t,
        p_y_given_t=decoders,
        assignments=assignments,
        status=_status(best, problem, capped=max_clusters is None and capacity < n_x),
        n_iterations=sum(end.sweeps for end in ends),
        residual=best.residual,
        n_starts=len(ends),
        n_agreeing=sum(end.objective <= best.objective + _AGREEMENT for end in ends),
    )


def _status(best: Clustering, problem: PartitionProblem, *, capped: bool) -> str:
    if not best.residual <= problem.tol:
        return (
            f"not stable after {best.sweeps} sweeps (residual {best.residual:.2g}); "
            "raise max_sweeps"
        )
    if capped and len(best.mass) == problem.capacity:
        return f"all {problem.capacity} clusters of the default are in use; set max_clusters"
    return CONVERGED


def _checked(channel: ConditionalTable | ChannelLike) -> tuple[FloatArray, FloatArray]:
    """p(x) (n_x,) and p(y|x) (n_x, n_classes) of a channel whose rows are distributions."""
    if not (hasattr(channel, "p_x") and hasattr(channel, "log_p_y_given_x")):
        channel = as_channel(channel)
    p_x = np.asarray(channel.p_x, dtype=np.float64)
    log_rows = np.asarray(channel.log_p_y_given_x, dtype=np.float64)
    if log_rows.ndim != 2 or log_rows.size == 0 or p_x.shape != log_rows.shape[:1]:
        raise InputError(
            f"p_x has shape {p_x.shape}, log_p_y_given_x {log_rows.shape}; expected (n_x,) and "
            "(n_x, n_classes)"
        )
    if not (np.all(p_x >= 0) and abs(p_x.sum() - 1) <= _NORMALISATION):
        raise InputError(f"p_x sums to {p_x.sum():.9g}, expected weights ≥ 0 that sum to one")
    table = np.exp(np.where(np.isnan(log_rows), np.inf, log_rows))
    worst = float(np.max(np.abs(table.sum(axis=1) - 1)))
    if worst > _NORMALISATION:
        raise InputError(
            f"a row of exp(log_p_y_given_x) misses one by {worst:.3g}; normalise the rows"
        )
    return p_x / p_x.sum(), table / table.sum(axis=1, keepdims=True)


def _check_options(
    beta: float,
    alpha: float,
    max_clusters: int | None,
    restarts: int,
    tol: float,
    max_sweeps: int,
) -> None:
    if not (0 <= beta < np.inf):
        raise InputError(f"beta is {beta}, expected a finite number ≥ 0")
    if not (0 <= alpha <= 1):
        raise InputError(
            f"alpha is {alpha}, expected 0 (deterministic) to 1 (the usual bottleneck)"
        )
    if restarts < 1 or max_sweeps < 1 or not tol > 0:
        raise InputError(
            f"restarts = {restarts}, max_sweeps = {max_sweeps}, tol = {tol}; all must be positive"
        )
    if max_clusters is not None and max_clusters < 1:
        raise InputError(f"max_clusters is {max_clusters}, expected at least 1")
