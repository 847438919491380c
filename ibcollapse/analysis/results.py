"""What the main job finds, with where it came from."""

import dataclasses
import os
from pathlib import Path

from ibcollapse.analysis.reliability import Reliability
from ibcollapse.bottleneck import (
    CurveBootstrap,
    GaussianIB,
    Hysteresis,
    IBCurve,
    PhaseTransition,
    SeparationTree,
    grow_separation_tree,
)
from ibcollapse.gaussian import GaussianFit
from ibcollapse.provenance import Provenance
from ibcollapse.storage.serialize import register, save


@register("analysis/ChannelSummary")
@dataclasses.dataclass(frozen=True)
class ChannelSummary:
    """The channel that was solved.

    Attributes
    ----------
    n : int
        Points before reduction.
    n_reduced : int
        Points that were solved.
    information_lost : float
        I(X;Y) that the reduction gave up, nats; bounds the error of the curve.
    i_xy, h_y : float
        I(X;Y) before reduction and H(Y), nats.
    """

    n: int
    n_reduced: int
    information_lost: float
    i_xy: float
    h_y: float


@register("analysis/Analysis")
@dataclasses.dataclass(frozen=True)
class Analysis:
    """Everything that `curve` found, with where it came from.

    Attributes
    ----------
    curve : IBCurve
        Certified solutions and transitions of the reduced channel.
    channel : ChannelSummary
        What was solved and what its reduction lost.
    fit : GaussianFit or None
        The class-conditional fit behind the channel; None for a joint table.
    gaussian : GaussianIB or None
        Closed-form Gaussian bottleneck of the same fit about one-hot labels; None for a table, or
        where the classes are perfectly separated (see `notes`).
    notes : tuple of str
        What a reader of the numbers should know.
    provenance : Provenance
        Input, options, seed and versions.
    reliability : Reliability or None
        Calibration of the held-out posteriors behind the channel; None without a fit.
    hysteresis : tuple of Hysteresis
        Annealing up and down through every transition that it tells apart, where asked for.
    bootstrap : CurveBootstrap or None
        Intervals from resampling the points, where asked for.
    """

    curve: IBCurve
    channel: ChannelSummary
    fit: GaussianFit | None
    gaussian: GaussianIB | None
    notes: tuple[str, ...]
    provenance: Provenance
    reliability: Reliability | None = None
    hysteresis: tuple[Hysteresis, ...] = ()
    bootstrap: CurveBootstrap | None = None

    @property
    def tree(self) -> SeparationTree:
        """Which classes stay together until which beta."""
        return grow_separation_tree(self.curve)

    @property
    def transitions(self) -> tuple[PhaseTransition, ...]:
        """The phase transitions of the curve, by increasing beta."""
        return self.curve.transitions

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)


class AnalysisInterrupted(KeyboardInterrupt):
    """Ctrl-C while the curve was traced or examined; `analysis` holds what was finished."""

    def __init__(self, analysis: Analysis) -> None:
        super().__init__(f"interrupted after {len(analysis.curve.solutions)} points")
        self.analysis = analysis
