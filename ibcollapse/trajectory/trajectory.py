"""All measures along the checkpoints of a training run, as one result."""

import dataclasses
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.coincidence import PairProxy, overlap
from ibcollapse.provenance import Provenance
from ibcollapse.serialize import register, save
from ibcollapse.trajectory.checkpoint import Checkpoint
from ibcollapse.trajectory.statement import BOTTLENECKS, Bottleneck, Statement, included, state

if TYPE_CHECKING:
    import pandas as pd


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
        rows = [_row(checkpoint, self.beta) for checkpoint in self.checkpoints]
        names = list(rows[0]) if rows else []
        return {name: [row[name] for row in rows] for name in names}

    def to_pandas(self) -> "pd.DataFrame":
        """`columns` as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.columns())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)


def _row(checkpoint: Checkpoint, beta: float) -> dict[str, Any]:
    report = checkpoint.coincidence
    discrete, labels, geometry = report.discrete, report.labels, report.geometry
    onset = discrete.onset
    optimum = discrete.at(beta)
    row: dict[str, Any] = {
        "epoch": checkpoint.epoch,
        "accuracy": checkpoint.accuracy,
        "i_xy_held_out": discrete.i_xy_held_out,
        "own_i_xt": discrete.own_i_xt,
        "own_i_ty": discrete.own_i_ty,
        "own_i_ty_optimal": discrete.own_i_ty_optimal,
        "optimum_i_xt": optimum[0],
        "optimum_i_ty": optimum[1],
        "onset": math.nan if onset is None else onset.beta,
        "onset_order": math.nan if onset is None else onset.order,
        "onset_mechanism": "" if onset is None else onset.mechanism,
        "beta_all": discrete.beta_all,
        "transitions": len(discrete.transitions),
        "onset_gap": report.onset_gap,
    }
    for name in BOTTLENECKS:
        counts = included(checkpoint, name, beta)
        key = name.lower().replace("-", "_")
        row[f"{key}_included"] = math.nan if counts is None else counts[0]
    measured = labels is not None
    row |= {
        "labels_resolved": int(labels.resolved.sum()) if measured else math.nan,
        "labels_beta_first": float(labels.critical_betas[0]) if measured else math.nan,
        "labels_beta_last": float(labels.critical_betas[-1]) if measured else math.nan,
        "excess": labels.excess if measured else math.nan,
        "excess_bound": labels.bound if measured else math.nan,
        "spread": labels.spread if measured else math.nan,
        "spread_limit": labels.spread_limit if measured else math.nan,
        "labels_overlap": overlap(labels.angles) if measured else math.nan,
        "modes_needed": report.accuracy.modes_needed()[0] if report.accuracy else math.nan,
    }
    row |= _pair_columns("pair", report.pair) | _pair_columns("meta", report.meta_gaussian)
    whole, identified = report.whole, report.identified
    row |= {
        "cca_whole": whole.cca_mean_rho.held_out if whole else math.nan,
        "cca_identified": identified.cca_mean_rho.held_out if identified else math.nan,
        "r2_identified": identified.r2_a_to_b.held_out if identified else math.nan,
        "procrustes_identified": identified.procrustes_cosine.held_out if identified else math.nan,
        "cka": whole.cka_debiased.value if whole else math.nan,
        "nc1": geometry.nc1,
        "equinorm_cv": geometry.equinorm_cv,
        "equiangular_deviation": geometry.equiangular_deviation,
        "etf_distance": geometry.etf_distance,
        "etf_consensus": report.consensus.etf_distance if report.consensus else math.nan,
        "mir": checkpoint.information.mir,
        "hdr": checkpoint.information.hdr,
    }
    pair = checkpoint.pair_information
    row |= {"pair_mir": pair.mir if pair else math.nan, "pair_hdr": pair.hdr if pair else math.nan}
    return row


def _pair_columns(name: str, proxy: PairProxy | None) -> dict[str, Any]:
    """Columns of one proxy, NaN without it."""
    keys = ("resolved", "beta_first", "beta_last", "beta_next", "overlap", "direction_overlap")
    if proxy is None:
        return {f"{name}_{key}": math.nan for key in keys}
    betas, n = proxy.critical_betas, proxy.n_span
    values = (
        proxy.n_resolved,
        float(betas[0]),
        float(betas[n - 1]),
        # The first mode beyond the classes: a gap after beta_last is what sets K − 1 apart.
        float(betas[n]) if len(betas) > n else math.nan,
        overlap(proxy.angles_a),
        overlap(proxy.direction_angles_a),
    )
    return {f"{name}_{key}": value for key, value in zip(keys, values, strict=True)}
