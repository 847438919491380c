"""The information bottleneck: channel, certified solver, curve, transitions, and its variants."""

from ibcollapse.bottleneck.bootstrap import CurveBootstrap, bootstrap_curve
from ibcollapse.bottleneck.canonical_spectrum import null_floor
from ibcollapse.bottleneck.certification import Certification, certify
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.convex_lagrangian import ConvexSolution, solve_convex
from ibcollapse.bottleneck.curve import IBCurve
from ibcollapse.bottleneck.deterministic import DeterministicSolution, solve_deterministic
from ibcollapse.bottleneck.gaussian_curve import GaussianIBCurve, GaussianTransition
from ibcollapse.bottleneck.gaussian_ib import GaussianIB
from ibcollapse.bottleneck.gaussian_modes import GaussianModes
from ibcollapse.bottleneck.hull import CurvePoint
from ibcollapse.bottleneck.hysteresis import Hysteresis, trace_hysteresis
from ibcollapse.bottleneck.joint_tables import read_joint
from ibcollapse.bottleneck.local_solver import solve_local
from ibcollapse.bottleneck.meta_gaussian import normal_scores
from ibcollapse.bottleneck.normality import NormalityTest, henze_zirkler
from ibcollapse.bottleneck.onset import Onset, find_onset, onset_beta, onset_beta_local
from ibcollapse.bottleneck.renyi_gaussian import RenyiGaussianPoint, solve_renyi
from ibcollapse.bottleneck.separation_tree import SeparationTree, grow_separation_tree
from ibcollapse.bottleneck.solution import IBSolution
from ibcollapse.bottleneck.solver import solve
from ibcollapse.bottleneck.target_rate import solve_rate, solve_relevance
from ibcollapse.bottleneck.tracer import CurveInterrupted
from ibcollapse.bottleneck.tracing import find_transitions, trace_curve
from ibcollapse.bottleneck.transition import PhaseTransition, Transitions

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
