"""The main job as one function: stored features → fit → channel → curve → transitions."""

from ibcollapse.analysis.reliability import Reliability
from ibcollapse.analysis.results import Analysis, AnalysisInterrupted, ChannelSummary
from ibcollapse.analysis.running import DEFAULT_LOSS, DEFAULT_MAX_ROWS, curve

__all__ = [
    "DEFAULT_LOSS",
    "DEFAULT_MAX_ROWS",
    "Analysis",
    "AnalysisInterrupted",
    "ChannelSummary",
    "Reliability",
    "curve",
]
