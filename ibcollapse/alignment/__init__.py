"""Linear identifiability: maps between networks, similarity indices and their nulls."""

from ibcollapse.alignment.pair import Alignment, align
from ibcollapse.alignment.proxy import PairBottleneck
from ibcollapse.alignment.similarity import Index, SpaceSimilarity

__all__ = ["Alignment", "Index", "PairBottleneck", "SpaceSimilarity", "align"]
