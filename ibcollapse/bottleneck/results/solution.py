"""What an information-bottleneck solver returns at one beta."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.storage.serialize import register

CONVERGED = "converged"


@register("bottleneck/IBSolution")
@dataclasses.dataclass(frozen=True)
class IBSolution:
    """A representation T of X at one trade-off beta, in nats.

    Attributes
    ----------
    beta : float
        Trade-off of the Lagrangian i_xt − beta · i_ty.
    i_xt, i_ty : float
        I(X;T) and I(T;Y), nats.
    lagrangian : float
        i_xt − beta · i_ty, nats; never positive at an optimum.
    gap : float
        Certified distance in nats of `lagrangian` from the global minimum, log max Φ
        (theory §1), as far as `gap_search` is exhaustive; NaN where it was not computed.
    gap_search : str
        How max Φ was searched: "exhaustive" (rigorous), "multistart" (a lower bound of the true
        gap), "unfinished" (the time was up, or beta beyond 1e12: `gap` is the bound lagrangian +
        (beta − 1) I(X;Y) that data processing proves, far above the true gap mostly), or "none".
    p_t : float64 (n_t,)
        Cluster weights, decreasing.
    p_y_given_t : float64 (n_t, n_classes)
        Decoders; rows sum to one.
    status : str
        "converged", or a sentence that says what was not reached and which argument to change.
    n_iterations : int
        Evaluations of the Blahut–Arimoto map (sweeps over X).
    residual : float
        Weighted fixed-point residual at the end, in nats.
    """

    beta: float
    i_xt: float
    i_ty: float
    lagrangian: float
    gap: float
    gap_search: str
    p_t: NDArray[np.float64]
    p_y_given_t: NDArray[np.float64]
    status: str
    n_iterations: int
    residual: float

    def __post_init__(self) -> None:
        for array in (self.p_t, self.p_y_given_t):
            array.setflags(write=False)

    @property
    def n_clusters(self) -> int:
        """Number of distinct clusters with positive weight."""
        return len(self.p_t)

    @property
    def effective_clusters(self) -> float:
        """exp H(T): the number of equally likely clusters with the same entropy."""
        weights = self.p_t[self.p_t > 0]
        return float(np.exp(-np.sum(weights * np.log(weights))))

    @property
    def converged(self) -> bool:
        """Whether the gap is below the tolerance that was asked for."""
        return self.status == CONVERGED
