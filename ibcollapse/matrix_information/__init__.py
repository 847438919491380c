"""Matrix information: entropies of Grams, mutual information and entropy ratios, ranks."""

from ibcollapse.matrix_information.entropy import matrix_entropy
from ibcollapse.matrix_information.information import MatrixInformation, information_of_rows
from ibcollapse.matrix_information.measure import Against, effective_ranks, matrix_information
from ibcollapse.matrix_information.ranks import (
    EffectiveRanks,
    effective_rank,
    lidar,
    participation_ratio,
)

__all__ = [
    "Against",
    "EffectiveRanks",
    "MatrixInformation",
    "effective_rank",
    "effective_ranks",
    "information_of_rows",
    "lidar",
    "matrix_entropy",
    "matrix_information",
    "participation_ratio",
]
