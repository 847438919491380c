"""All measures along the checkpoints of a training run, as one result."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.frames import make_dataset, make_frame
from ibcollapse.provenance import Provenance
from ibcollapse.storage.serialize import register, save
from ibcollapse.trajectory.checkpoint import Checkpoint
from ibcollapse.trajectory.rows import row_of
from ibcollapse.trajectory.statement import BOTTLENECKS, Bottleneck, Statement, state

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@register("trajectory/Trajectory")
@dataclasses.dataclass(frozen=True)
class Trajectory:
    """Measures of one network, or of a pair, along their stored checkpoints.

    Attributes
    ----------
    checkpoints : tuple of Checkpoint
        By increasing epoch; those that were finished, when a run was interrupted.
    beta : float
        Trade-off at which transitions count as included.
    tolerance : float
        Distance to the last accuracy that counts as flat.
    n_epochs : int
        Checkpoints that were asked for.
    notes : tuple of str
        Checkpoints that one of the two networks lacks, and the like.
    provenance : Provenance
        Files, options and versions; a later run goes on with this result only where they agree.
    """

    checkpoints: tuple[Checkpoint, ...]
    beta: float
    tolerance: float
    n_epochs: int
    notes: tuple[str, ...]
    provenance: Provenance

    @property
    def epochs(self) -> NDArray[np.int64]:
        """Epochs of the checkpoints, int64 (n_checkpoints,), increasing."""
        return np.array([c.epoch for c in self.checkpoints], dtype=np.int64)

    @property
    def finished(self) -> bool:
        """Whether every checkpoint that was asked for has been measured."""
        return len(self.checkpoints) == self.n_epochs

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statement for every bottleneck that was measured, at `beta` and `tolerance`."""
        made = [self.state(name) for name in BOTTLENECKS]
        return tuple(statement for statement in made if statement is not None)

    def state(
        self, bottleneck: Bottleneck, *, beta: float | None = None, tolerance: float | None = None
    ) -> Statement | None:
        """The statement for one bottleneck, at another `beta` or `tolerance` where given."""
        return state(
            self.checkpoints,
            bottleneck,
            beta=self.beta if beta is None else beta,
            tolerance=self.tolerance if tolerance is None else tolerance,
        )

    def columns(self) -> dict[str, list[Any]]:
        """One tidy column a measure, an entry a checkpoint; information in nats."""
        rows = [row_of(checkpoint, self.beta) for checkpoint in self.checkpoints]
        names = list(rows[0]) if rows else []
        return {name: [row[name] for row in rows] for name in names}

    def to_pandas(self) -> "pd.DataFrame":
        """`columns` as a data frame."""
        return make_frame(self.columns())

    def to_xarray(self) -> "xr.Dataset":
        """`columns` as a dataset along `epoch`."""
        columns = self.columns()
        epochs = columns.pop("epoch", [])
        return make_dataset(
            {name: (["epoch"], column) for name, column in columns.items()},
            {"epoch": (["epoch"], epochs)},
            {"units": "nats", "beta": self.beta, "tolerance": self.tolerance},
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)
