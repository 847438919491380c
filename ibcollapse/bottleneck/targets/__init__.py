"""Solutions of given I(X;T) or I(T;Y), on and between the points of a curve."""

from ibcollapse.bottleneck.targets.convex_lagrangian import ConvexSolution, solve_convex
from ibcollapse.bottleneck.targets.rate import solve_rate, solve_relevance

__all__ = ["ConvexSolution", "solve_convex", "solve_rate", "solve_relevance"]
