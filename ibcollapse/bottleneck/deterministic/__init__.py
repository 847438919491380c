"""The deterministic bottleneck: H(T) − beta I(T;Y) over hard partitions."""

from ibcollapse.bottleneck.deterministic.solve import DeterministicSolution, solve_deterministic

__all__ = ["DeterministicSolution", "solve_deterministic"]
