"""The optimum at one beta by column generation: optimise the support, price, add columns."""

from ibcollapse.bottleneck.solver.certify import Certification, certify
from ibcollapse.bottleneck.solver.local import solve_local
from ibcollapse.bottleneck.solver.solve import solve

__all__ = ["Certification", "certify", "solve", "solve_local"]
