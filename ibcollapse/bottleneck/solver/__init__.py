"""The optimum at one beta by column generation: optimise the support, price, add columns."""

from ibcollapse.bottleneck.solver.certification import Certification, certify
from ibcollapse.bottleneck.solver.column_generation import solve
from ibcollapse.bottleneck.solver.local import solve_local

__all__ = ["Certification", "certify", "solve", "solve_local"]
