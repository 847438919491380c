"""Linear identifiability: maps between networks, similarity indices and their nulls."""

from ibcollapse.alignment.consensus import Consensus, align_many
from ibcollapse.alignment.pair import Alignment, align
from ibcollapse.alignment.proxy import PairBottleneck
from ibcollapse.alignment.similarity import Index, SpaceSimilarity

__all__ = [
    "Alignment",
    "Consensus",
    "Index",
    "PairBottleneck",
    "SpaceSimilarity",
    "align",
    "align_many",
]
