"""The statement that the claim comes down to: transitions included, then accuracy flat."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ibcollapse.coincidence import DiscreteTransitions
from ibcollapse.errors import InputError
from ibcollapse.storage.serialize import register
from ibcollapse.trajectory.checkpoint import Checkpoint
from ibcollapse.trajectory.plateau import accuracy_plateau, sustained_from

Bottleneck = Literal["labels", "pair", "meta-Gaussian", "discrete"]
BOTTLENECKS: tuple[Bottleneck, ...] = ("labels", "pair", "meta-Gaussian", "discrete")
_DRAWS = 2000


@register("trajectory/Statement")
@dataclasses.dataclass(frozen=True)
class Statement:
    """All K − 1 transitions included at one epoch, accuracy flat from another one on.

    A transition is included at a checkpoint where it opens at or below the trade-off `beta` (and,
    for a Gaussian mode, lies above the null floor); in the exact bottleneck all are where the
    optimum at `beta` has as many clusters as classes. Epochs are those of checkpoints, the first
    from which on the thing stays true; infinite where it is not true at the last.

    Attributes
    ----------
    bottleneck : str
        "labels", "pair", "meta-Gaussian" or "discrete": whose transitions.
    beta, tolerance : float
    n_transitions : int
        K − 1.
    epoch_included, included_low, included_high : float
        Interval from the intervals of the critical betas (of the exact bottleneck: of the beta
        at which it has K clusters); NaN where a checkpoint has none.
    epoch_plateau, plateau_low, plateau_high : float
        Accuracy within `tolerance` of its last value, with the interval that `plateau_noise` gives.
    at_plateau : int
        Transitions included at the checkpoint where accuracy becomes flat.
    missing_epochs : tuple of int
        Checkpoints without this bottleneck, left out.
    plateau_noise : str
        "paired predictions" where every checkpoint keeps which samples it got right, else
        "independent binomials", whose interval is too wide.
    """

    bottleneck: str
    beta: float
    tolerance: float
    n_transitions: int
    epoch_included: float
    included_low: float
    included_high: float
    epoch_plateau: float
    plateau_low: float
    plateau_high: float
    at_plateau: int
    missing_epochs: tuple[int, ...]
    plateau_noise: str = "independent binomials"

    @property
    def sufficient(self) -> bool:
        """Whether accuracy is flat no later than all transitions are included."""
        return math.isfinite(self.epoch_included) and self.epoch_plateau <= self.epoch_included

    @property
    def coincides(self) -> bool:
        """Whether both happen at one checkpoint, as far as the intervals can tell."""
        if not math.isfinite(self.epoch_included):
            return False
        low, high = self.included_low, self.included_high
        if math.isnan(low):
            low = high = self.epoch_included
        # Resamples reach K clusters at another beta on average: their interval can miss the epoch.
        low, high = min(low, self.epoch_included), max(high, self.epoch_included)
        return low <= self.plateau_high and self.plateau_low <= high

    @property
    def text(self) -> str:
        """The statement in one sentence."""
        included = (
            f"all {self.n_transitions} transitions at or below beta = {self.beta:g} "
            + (
                f"from epoch {self.epoch_included:g}"
                if math.isfinite(self.epoch_included)
                else "at no checkpoint that lasts to the end"
            )
            + _interval(self.included_low, self.included_high)
        )
        plateau = (
            f"accuracy within {self.tolerance:.3g} of its last value from epoch "
            f"{self.epoch_plateau:g}{_interval(self.plateau_low, self.plateau_high)}, with "
            f"{self.at_plateau} included"
        )
        if not math.isfinite(self.epoch_included):
            verdict = "the transitions are never all included"
        elif self.coincides:
            verdict = "the two coincide"
        elif self.sufficient:
            verdict = "accuracy is flat before all are included"
        else:
            verdict = "accuracy still changes after all are included"
        return f"{self.bottleneck}: {included}; {plateau}: {verdict}"


def _interval(low: float, high: float) -> str:
    if math.isnan(low):
        return ""
    edges = ["never" if math.isinf(x) else f"{x:g}" for x in (low, high)]
    return f" [{edges[0]}, {edges[1]}]"


def state(
    checkpoints: Sequence[Checkpoint],
    bottleneck: Bottleneck,
    *,
    beta: float,
    tolerance: float = 0.01,
    seed: int = 0,
) -> Statement | None:
    """`Statement` about checkpoints in the order of their epochs; None where none has it.

    Raises
    ------
    InputError
        On another bottleneck, or a beta or tolerance out of range.
    """
    if bottleneck not in BOTTLENECKS:
        raise InputError(f"bottleneck {bottleneck!r}; expected one of {', '.join(BOTTLENECKS)}")
    if not beta > 1 or not 0 <= tolerance < 1:
        raise InputError(
            f"beta = {beta}, tolerance = {tolerance}; expected beta above 1 and a share below 1"
        )
    found = [(c, included(c, bottleneck, beta)) for c in checkpoints]
    kept = [(c, counts) for c, counts in found if counts is not None]
    if not kept:
        return None
    epochs = [c.epoch for c, _ in kept]
    needed = np.array([c.coincidence.discrete.n_classes - 1 for c, _ in kept])
    number = np.array([counts for _, counts in kept], dtype=np.float64)
    confidence = kept[0][0].coincidence.options.confidence
    plateau = accuracy_plateau(
        epochs,
        [c.accuracy for c, _ in kept],
        [c.n_samples for c, _ in kept],
        right=_paired([c for c, _ in kept]),
        tolerance=tolerance,
        confidence=confidence,
        n_draws=_DRAWS,
        rng=np.random.default_rng(seed),
    )
    reached = [_first_epoch(epochs, number[:, j], needed) for j in range(3)]
    return Statement(
        bottleneck=bottleneck,
        beta=beta,
        tolerance=tolerance,
        n_transitions=int(needed[-1]),
        epoch_included=reached[0],
        included_low=reached[1],
        included_high=reached[2],
        epoch_plateau=plateau.epoch,
        plateau_low=plateau.low,
        plateau_high=plateau.high,
        at_plateau=int(number[epochs.index(int(plateau.epoch)), 0]),
        missing_epochs=tuple(c.epoch for c, counts in found if counts is None),
        plateau_noise=plateau.noise,
    )


def _paired(checkpoints: Sequence[Checkpoint]) -> NDArray[np.bool_] | None:
    """Which samples each checkpoint got right; None unless all know it of the same samples."""
    hits = [c.hits for c in checkpoints if c.hits is not None]
    if len(hits) < len(checkpoints) or len({(h.samples, h.predicted_by) for h in hits}) > 1:
        return None
    return np.stack([h.right for h in hits])


def _first_epoch(
    epochs: list[int], number: NDArray[np.float64], needed: NDArray[np.int64]
) -> float:
    if np.isnan(number).any():
        return math.nan
    return sustained_from(epochs, number >= needed)


def included(
    checkpoint: Checkpoint, bottleneck: Bottleneck, beta: float
) -> tuple[float, float, float] | None:
    """Transitions at or below `beta`: of the betas, of their low and of their high ends.

    NaN for ends that are not known; None where the checkpoint has no such bottleneck.
    """
    report = checkpoint.coincidence
    if bottleneck == "discrete":
        return _included_exactly(report.discrete, beta)
    proxies = {
        "labels": report.labels,
        "pair": report.pair,
        "meta-Gaussian": report.meta_gaussian,
    }
    proxy = proxies[bottleneck]
    if proxy is None:
        return None
    modes = slice(0, report.discrete.n_classes - 1)
    # Critical betas increase, so the low end of an interval includes more of them.
    ends = (proxy.critical_betas, proxy.beta_low, proxy.beta_high)
    counts = [_count(values[modes], proxy.resolved[modes], beta) for values in ends]
    return counts[0], counts[1], counts[2]


def _included_exactly(discrete: DiscreteTransitions, beta: float) -> tuple[float, float, float]:
    clusters = discrete.clusters[discrete.beta <= beta]
    needed = discrete.n_classes - 1
    count = min(int(clusters.max(initial=1)) - 1, needed)
    # Only the last of them has an interval: its ends decide about all or all but one.
    ends = [
        math.nan if math.isnan(end) else float(needed if end <= beta else min(count, needed - 1))
        for end in (discrete.beta_all_low, discrete.beta_all_high)
    ]
    return float(count), ends[0], ends[1]


def _count(betas: NDArray[np.float64], resolved: NDArray[np.bool_], beta: float) -> float:
    if np.isnan(betas).any():
        return math.nan
    return float(np.sum(resolved & (betas <= beta)))
