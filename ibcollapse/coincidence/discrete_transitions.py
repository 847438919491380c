"""The exact discrete bottleneck of the class-conditional fit, and where a network lies on it."""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.analysis import curve
from ibcollapse.bottleneck import Channel, IBCurve, PhaseTransition
from ibcollapse.bottleneck.objective.mixture import mutual_information
from ibcollapse.coincidence.resampled_clusters import resampled_interval
from ibcollapse.features import FeatureSource
from ibcollapse.gaussian import cross_fit
from ibcollapse.progress import Progress
from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]


@register("coincidence/DiscreteTransitions")
@dataclasses.dataclass(frozen=True)
class DiscreteTransitions:
    """Certified bottleneck curve of the calibrated channel p(y|x), nats.

    Attributes
    ----------
    beta, i_xt, i_ty : float64 (n_points,)
        The curve, by increasing beta.
    clusters : int64 (n_points,)
    transitions : tuple of PhaseTransition
    i_xy, h_y : float
        I(X;Y) of the channel and entropy of the labels.
    i_xy_held_out, held_out_accuracy : float
        H(Y) less the held-out log-loss, and the accuracy, of the cross-fitted Gaussians.
    information_lost : float
        I(X;Y) given up when the channel was reduced.
    largest_gap : float
        Largest optimality gap of a point.
    own_i_xt, own_i_ty : float
        The network's own place: T is a class drawn from its calibrated posterior p(y|x).
    own_i_ty_optimal : float
        I(T;Y) that the curve (its chords, where it is between points) reaches at `own_i_xt`; NaN
        beyond its end.
    n_classes : int
    temperature : float
        Of the calibration.
    status : str
        Why the curve ends where it does.
    beta_all_low, beta_all_high : float
        Interval of `beta_all` under resampling of the samples, posteriors held fixed; NaN where
        the curve ends before it, or without resamples.
    n_resamples : int
    """

    beta: FloatArray
    i_xt: FloatArray
    i_ty: FloatArray
    clusters: NDArray[np.int64]
    transitions: tuple[PhaseTransition, ...]
    i_xy: float
    h_y: float
    i_xy_held_out: float
    held_out_accuracy: float
    information_lost: float
    largest_gap: float
    own_i_xt: float
    own_i_ty: float
    own_i_ty_optimal: float
    n_classes: int
    temperature: float
    status: str
    beta_all_low: float = math.nan
    beta_all_high: float = math.nan
    n_resamples: int = 0

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @property
    def onset(self) -> PhaseTransition | None:
        """The first transition; None where the features say nothing."""
        return self.transitions[0] if self.transitions else None

    @property
    def beta_all(self) -> float:
        """Smallest beta from which on the optimum has at least as many clusters as classes.

        Infinite where the curve ends before that.
        """
        return _beta_all(self.transitions, self.n_classes)

    def at(self, beta: float) -> tuple[float, float]:
        """(I(X;T), I(T;Y)) of the optimum at `beta`, interpolated; NaN beyond the curve's end."""
        if not self.beta.size or beta > self.beta[-1]:
            return math.nan, math.nan
        return (
            float(np.interp(beta, self.beta, self.i_xt, left=0.0)),
            float(np.interp(beta, self.beta, self.i_ty, left=0.0)),
        )


def discrete_transitions(
    source: FeatureSource,
    *,
    folds: int,
    seed: int,
    n_resamples: int,
    confidence: float,
    progress: Progress,
    **tracing: Any,
) -> DiscreteTransitions:
    """`DiscreteTransitions` of the cross-fitted, calibrated class posteriors of `source`.

    `n_resamples` and `confidence` are of the interval of `beta_all`; `tracing`: options of
    `ibcollapse.curve` for the channel (max_rows, fraction, n_points, ...).
    """
    fitted = cross_fit(source, folds=folds, seed=seed, progress=progress)
    rows = fitted.posterior
    channel = Channel(rows.p_x, rows.log_p_y_given_x, rows.class_names)
    analysis = curve(channel, seed=seed, progress=progress, **tracing)
    found = analysis.curve
    own = _own_place(channel)
    beta_all, low, high = _beta_all(found.transitions, channel.n_classes), math.nan, math.nan
    if n_resamples and math.isfinite(beta_all):
        low, high = resampled_interval(
            channel.reduce(max_rows=analysis.channel.n_reduced),
            beta_all,
            confidence=confidence,
            n_samples=channel.n_x,
            n_draws=n_resamples,
            rng=np.random.default_rng(seed),
            progress=progress,
        )
    return DiscreteTransitions(
        beta=found.beta,
        i_xt=found.i_xt,
        i_ty=found.i_ty,
        clusters=found.n_clusters,
        transitions=found.transitions,
        i_xy=channel.i_xy,
        h_y=channel.h_y,
        i_xy_held_out=rows.i_xy,
        held_out_accuracy=rows.accuracy,
        information_lost=analysis.channel.information_lost,
        largest_gap=float(found.gap.max(initial=0.0)),
        own_i_xt=own[0],
        own_i_ty=own[1],
        own_i_ty_optimal=_optimal(found, own[0]),
        n_classes=channel.n_classes,
        temperature=rows.temperature,
        status=found.status,
        beta_all_low=low,
        beta_all_high=high,
        n_resamples=n_resamples,
    )


def _beta_all(transitions: tuple[PhaseTransition, ...], n_classes: int) -> float:
    enough = [s for s in transitions if s.clusters_after >= n_classes]
    return enough[0].beta if enough else math.inf


def _own_place(channel: Channel) -> tuple[float, float]:
    """(I(X;T), I(T;Y)) of T drawn from p(y|x): p(t, y) = Σ_x p(x) p(t|x) p(y|x)."""
    # p(t) = p(y), so H(T) − H(T|X) is the I(X;Y) of the channel.
    return channel.i_xy, mutual_information(channel.class_joint)


def _optimal(found: IBCurve, rate: float) -> float:
    if not found.i_xt.size or rate > found.i_xt[-1]:
        return math.nan
    return float(np.interp(rate, np.append(0.0, found.i_xt), np.append(0.0, found.i_ty)))
