"""Coincidence of phase transitions and class geometry, measured on one network or on a pair."""

from ibcollapse.coincidence.angles import overlap, principal_angles
from ibcollapse.coincidence.degeneracy import relative_spread, spread_of_equal_modes
from ibcollapse.coincidence.discrete_transitions import DiscreteTransitions
from ibcollapse.coincidence.label_bottleneck import LabelBottleneck
from ibcollapse.coincidence.mode_accuracy import ModeAccuracy
from ibcollapse.coincidence.options import CoincidenceOptions
from ibcollapse.coincidence.pair_proxy import PairProxy
from ibcollapse.coincidence.report import CoincidenceReport, measure_coincidence

__all__ = [
    "CoincidenceOptions",
    "CoincidenceReport",
    "DiscreteTransitions",
    "LabelBottleneck",
    "ModeAccuracy",
    "PairProxy",
    "measure_coincidence",
    "overlap",
    "principal_angles",
    "relative_spread",
    "spread_of_equal_modes",
]
