"""The information bottleneck: channel, certified solver, curve, transitions, and its variants."""

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.joint_tables import read_joint
from ibcollapse.bottleneck.continuation.hysteresis import Hysteresis, trace_hysteresis
from ibcollapse.bottleneck.deterministic.solve import DeterministicSolution, solve_deterministic
from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import null_floor
from ibcollapse.bottleneck.gaussian_ib.curve import GaussianIBCurve, GaussianTransition
from ibcollapse.bottleneck.gaussian_ib.gaussian_ib import GaussianIB
from ibcollapse.bottleneck.gaussian_ib.meta_gaussian import normal_scores
from ibcollapse.bottleneck.gaussian_ib.modes import GaussianModes
from ibcollapse.bottleneck.gaussian_ib.normality import NormalityTest, henze_zirkler
from ibcollapse.bottleneck.gaussian_ib.renyi import RenyiGaussianPoint, solve_renyi
from ibcollapse.bottleneck.results.curve import IBCurve
from ibcollapse.bottleneck.results.hull import CurvePoint
from ibcollapse.bottleneck.results.separation_tree import SeparationTree, grow_separation_tree
from ibcollapse.bottleneck.results.solution import IBSolution
from ibcollapse.bottleneck.results.transition import PhaseTransition, Transitions
from ibcollapse.bottleneck.solver.certification import Certification, certify
from ibcollapse.bottleneck.solver.column_generation import solve
from ibcollapse.bottleneck.solver.local import solve_local
from ibcollapse.bottleneck.targets.convex_lagrangian import ConvexSolution, solve_convex
from ibcollapse.bottleneck.targets.rate import solve_rate, solve_relevance
from ibcollapse.bottleneck.tracing.trace import find_transitions, trace_curve
from ibcollapse.bottleneck.tracing.tracer import CurveInterrupted
from ibcollapse.bottleneck.transitions.onset import Onset, find_onset, onset_beta, onset_beta_local
from ibcollapse.bottleneck.uncertainty.bootstrap import CurveBootstrap, bootstrap_curve

__all__ = [
    "Certification",
    "Channel",
    "ConvexSolution",
    "CurveBootstrap",
    "CurveInterrupted",
    "CurvePoint",
    "DeterministicSolution",
    "GaussianIB",
    "GaussianIBCurve",
    "GaussianModes",
    "GaussianTransition",
    "Hysteresis",
    "IBCurve",
    "IBSolution",
    "NormalityTest",
    "Onset",
    "PhaseTransition",
    "RenyiGaussianPoint",
    "SeparationTree",
    "Transitions",
    "bootstrap_curve",
    "certify",
    "find_onset",
    "find_transitions",
    "grow_separation_tree",
    "henze_zirkler",
    "normal_scores",
    "null_floor",
    "onset_beta",
    "onset_beta_local",
    "read_joint",
    "solve",
    "solve_convex",
    "solve_deterministic",
    "solve_local",
    "solve_rate",
    "solve_relevance",
    "solve_renyi",
    "trace_curve",
    "trace_hysteresis",
]
