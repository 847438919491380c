"""The information-bottleneck curve: solutions along beta and the transitions between them."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.solution import IBSolution
from ibcollapse.bottleneck.transition import PhaseTransition
from ibcollapse.serialize import register, save

if TYPE_CHECKING:
    import pandas as pd


@register("bottleneck/IBCurve")
@dataclasses.dataclass(frozen=True)
class IBCurve:
    """Certified points of the information curve I(T;Y) against I(X;T), in nats.

    Attributes
    ----------
    solutions : tuple of IBSolution
        By increasing beta. A first-order transition appears as two solutions at the same beta,
        the ends of the straight segment.
    transitions : tuple of PhaseTransition
        By increasing beta.
    i_xy, h_y : float
        I(X;Y) of the channel and entropy of the labels, nats.
    class_names : tuple of str
        Names of the columns of the decoders.
    status : str
        "converged", or a sentence that says where and why the curve ends early.
    """

    solutions: tuple[IBSolution, ...]
    transitions: tuple[PhaseTransition, ...]
    i_xy: float
    h_y: float
    class_names: tuple[str, ...]
    status: str

    @property
    def beta(self) -> NDArray[np.float64]:
        """Trade-offs, shape (n_solutions,), increasing."""
        return self._column("beta")

    @property
    def i_xt(self) -> NDArray[np.float64]:
        """I(X;T) in nats, shape (n_solutions,)."""
        return self._column("i_xt")

    @property
    def i_ty(self) -> NDArray[np.float64]:
        """I(T;Y) in nats, shape (n_solutions,)."""
        return self._column("i_ty")

    @property
    def gap(self) -> NDArray[np.float64]:
        """Optimality gaps in nats, shape (n_solutions,)."""
        return self._column("gap")

    @property
    def n_clusters(self) -> NDArray[np.int64]:
        """Distinct clusters, shape (n_solutions,)."""
        return np.array([s.n_clusters for s in self.solutions], dtype=np.int64)

    def _column(self, name: str) -> NDArray[np.float64]:
        return np.array([getattr(s, name) for s in self.solutions], dtype=np.float64)

    def to_pandas(self) -> "pd.DataFrame":
        """One row a solution: beta, i_xt, i_ty (nats), gap, clusters, converged."""
        import pandas as pd

        columns = {
            name: self._column(name) for name in ("beta", "i_xt", "i_ty", "lagrangian", "gap")
        }
        converged = [s.converged for s in self.solutions]
        return pd.DataFrame({**columns, "clusters": self.n_clusters, "converged": converged})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)
