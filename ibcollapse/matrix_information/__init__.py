"""Matrix information: entropies of Grams, mutual information and entropy ratios, ranks.

`ibcollapse.matrix_information` is both this room and, called, its function of the same name.
"""

import sys
import types
from typing import Any

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


class _CallableRoom(types.ModuleType):
    # The import system binds the room to the name in `ibcollapse` that the function has there.
    def __call__(self, *args: Any, **kwargs: Any) -> MatrixInformation:
        return matrix_information(*args, **kwargs)


sys.modules[__name__].__class__ = _CallableRoom
