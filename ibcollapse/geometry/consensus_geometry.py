"""Collapse geometry of a consensus of networks, beside that of each network in it."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment import Consensus
from ibcollapse.geometry.references import gram_distance, simplex_etf
from ibcollapse.geometry.simplex_fit import SimplexFit, fit_simplex
from ibcollapse.storage.serialize import register


@register("geometry/ConsensusGeometry")
@dataclasses.dataclass(frozen=True)
class ConsensusGeometry:
    """How near the class means of a consensus, and of its networks, are to a simplex ETF.

    Attributes
    ----------
    etf_distance : float
        `gram_distance` of the consensus Gram matrix to the simplex ETF.
    simplex_fit : SimplexFit
        Best-fit simplex of the consensus, with the deviation of each class.
    network_etf_distance : float64 (n_networks,)
        `gram_distance` of each network's own Gram matrix; rotating it into the consensus left it
        unchanged.
    """

    etf_distance: float
    simplex_fit: SimplexFit
    network_etf_distance: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.network_etf_distance.setflags(write=False)


def consensus_geometry(consensus: Consensus) -> ConsensusGeometry:
    """`ConsensusGeometry` of a `Consensus`.

    Networks whose deviations from the simplex are independent have a consensus nearer to it than
    each of them; a consensus as far off as they are deviates for a common reason.

    Raises
    ------
    InputError
        When all class means of the consensus coincide.
    """
    etf = simplex_etf(len(consensus.class_names))
    grams = consensus.network_means @ consensus.network_means.transpose(0, 2, 1)
    return ConsensusGeometry(
        gram_distance(consensus.gram, etf),
        fit_simplex(consensus.class_means),
        np.array([gram_distance(gram, etf) for gram in grams]),
    )
