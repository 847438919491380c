"""Pairing the phase transitions of two curves."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.results.transition import PhaseTransition

# What leaving one transition without a partner costs: a pair may be a factor of four apart.
_UNPAIRED = math.log(2.0)
# Deterministic labels have their transition at beta = 1 exactly.
_LEAST_EXCESS = 1e-12


def match_betas(
    reference: Sequence[PhaseTransition], found: Sequence[PhaseTransition]
) -> NDArray[np.float64]:
    """Beta of the partner of each reference transition, shape (n_reference,); NaN for none.

    The onsets, out of a single cluster, are partners however far apart they are. Otherwise the
    pairing keeps the order of beta, never pairs the death of an atom with anything else, and
    minimises the sum of |log((beta' − 1)/(beta − 1))| over pairs plus log 2 for each transition of
    either curve without a partner: no pair is further apart than a factor of four in beta − 1. (An
    alignment by dynamic programming, as Needleman and Wunsch 1970, doi
    10.1016/0022-2836(70)90057-4.)
    """
    n, m = len(reference), len(found)
    cost = np.zeros((n + 1, m + 1))
    cost[:, 0] = _UNPAIRED * np.arange(n + 1)
    cost[0, :] = _UNPAIRED * np.arange(m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            paired = cost[i - 1, j - 1] + _distance(reference[i - 1], found[j - 1])
            alone = min(cost[i - 1, j], cost[i, j - 1]) + _UNPAIRED
            cost[i, j] = min(paired, alone)
    betas = np.full(n, np.nan)
    i, j = n, m
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + _distance(reference[i - 1], found[j - 1]):
            i, j = i - 1, j - 1
            betas[i] = found[j].beta
        elif cost[i, j] == cost[i - 1, j] + _UNPAIRED:
            i -= 1
        else:
            j -= 1
    return betas


def _distance(one: PhaseTransition, other: PhaseTransition) -> float:
    if (one.mechanism == "death") != (other.mechanism == "death"):
        return math.inf
    if (one.clusters_before == 1) != (other.clusters_before == 1):
        return math.inf
    if one.clusters_before == 1:
        return 0.0
    return abs(math.log(_excess(one) / _excess(other)))


def _excess(transition: PhaseTransition) -> float:
    return max(transition.beta - 1, _LEAST_EXCESS)
