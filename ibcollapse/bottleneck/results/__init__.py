"""What is handed over: solutions, transitions, curves, their envelope; no solver is known here."""

from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.hull import CurvePoint
from ibcollapse.bottleneck.results.separation_tree import SeparationTree, grow_separation_tree
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition, Transitions

__all__ = [
    "CurvePoint",
    "IBCurve",
    "IBSolution",
    "PhaseTransition",
    "SeparationTree",
    "Transitions",
    "grow_separation_tree",
]
