"""Linear identifiability: maps between networks, similarity indices and their nulls."""

from ibcollapse.alignment.consensus import Consensus, align_many
from ibcollapse.alignment.options import AlignmentOptions
from ibcollapse.alignment.pair import Alignment, align
from ibcollapse.alignment.proxy import PairBottleneck
from ibcollapse.alignment.similarity import Index, SpaceSimilarity
from ibcollapse.alignment.spaces import Span

__all__ = [
    "Alignment",
    "AlignmentOptions",
    "Consensus",
    "Index",
    "PairBottleneck",
    "SpaceSimilarity",
    "Span",
    "align",
    "align_many",
]
