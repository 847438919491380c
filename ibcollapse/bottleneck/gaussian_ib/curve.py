"""The closed-form information curve of Gaussian modes, from their signal-to-noise ratios.

Mode i with s_i = rho_i² / (1 − rho_i²) is active above beta_i = 1 + 1/s_i = 1/rho_i², and then
I(X;T) gains ½ log((beta − 1) s_i) and I(T;Y) gains ½ log((1 − 1/beta)(1 + s_i)): the formulas of
Chechik, Globerson, Tishby, Weiss (2005, JMLR 6:165) with lambda_i = 1 / (1 + s_i).
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.storage.serialize import register

FloatArray = NDArray[np.float64]


@register("bottleneck/GaussianTransition")
@dataclasses.dataclass(frozen=True)
class GaussianTransition:
    """A second-order transition of the Gaussian information bottleneck.

    Attributes
    ----------
    beta : float
        Mean critical beta of the modes that open here.
    multiplicity : int
        Number of modes that open.
    active_before : int
        Modes already open; d²I(T;Y)/dI(X;T)² shrinks by active_before / (active_before +
        multiplicity) here.
    rate : float
        I(X;T) at the transition, nats.
    """

    beta: float
    multiplicity: int
    active_before: int
    rate: float


@register("bottleneck/GaussianIBCurve")
@dataclasses.dataclass(frozen=True)
class GaussianIBCurve:
    """Points of a Gaussian information curve; nats.

    Attributes
    ----------
    beta, i_xt, i_ty : float64 (n_points,)
        Trade-offs and I(X;T), I(T;Y) of the optimum, increasing.
    n_active : int64 (n_points,)
        Modes open at the point.
    i_xy : float
        The Gaussian I(X;Y), which may exceed the entropy of discrete labels.
    """

    beta: FloatArray
    i_xt: FloatArray
    i_ty: FloatArray
    n_active: NDArray[np.int64]
    i_xy: float

    def __post_init__(self) -> None:
        for array in (self.beta, self.i_xt, self.i_ty, self.n_active):
            array.setflags(write=False)


def critical_betas(snr: FloatArray) -> FloatArray:
    """1 + 1/s of each mode; infinite where s = 0."""
    inverse = np.divide(1.0, snr, out=np.full(snr.shape, np.inf), where=snr > 0)
    return np.asarray(1 + inverse)


def information_at(snr: FloatArray, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """I(X;T) and I(T;Y) in nats of the optimum at each beta ≥ 0, both of `beta`'s shape."""
    excess = np.maximum(beta - 1, 0.0)[..., None]
    gain = excess * np.where(snr > 0, snr, np.nan)  # NaN: a mode with s = 0 never opens
    active = gain > 1
    log_gain = np.log(gain, out=np.zeros(gain.shape), where=active)
    # log(1 − 1/beta) = −log1p(1/(beta − 1)) keeps its digits at beta → 1 and is 0 at beta = inf.
    inverse = np.divide(1.0, excess, out=np.zeros(excess.shape), where=excess > 0)
    kept = np.where(active, np.log1p(snr) - np.log1p(inverse), 0.0)
    return 0.5 * log_gain.sum(axis=-1), 0.5 * kept.sum(axis=-1)


def breakpoints(snr: FloatArray) -> FloatArray:
    """I(X;T) in nats at which each mode with s > 0 opens: ½ Σ_{i<n} log(s_i / s_n)."""
    log_snr = np.log(snr[snr > 0])
    before = np.concatenate(([0.0], np.cumsum(log_snr)[:-1])) if log_snr.size else log_snr
    rates = 0.5 * (before - np.arange(log_snr.size) * log_snr)
    # Rounding must not reorder modes of equal s.
    return np.maximum.accumulate(np.maximum(rates, 0.0))


def optimum_at_rate(snr: FloatArray, rate: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Beta and I(T;Y) in nats where the optimum has I(X;T) = `rate` ≥ 0.

    With n open modes of geometric-mean ratio g, beta − 1 = exp(2 rate / n) / g.
    """
    opens = breakpoints(snr)
    if opens.size == 0:
        return np.full(rate.shape, np.inf), np.zeros(rate.shape)
    n_active = np.searchsorted(opens, rate, side="right")
    positive = snr[snr > 0]
    mean_log_snr = (np.cumsum(np.log(positive)) / np.arange(1, positive.size + 1))[n_active - 1]
    log_excess = 2 * rate / n_active - mean_log_snr
    capacity = 0.5 * np.cumsum(np.log1p(positive))[n_active - 1]
    i_ty = capacity - 0.5 * n_active * np.log1p(np.exp(-log_excess))
    with np.errstate(over="ignore"):  # a beta beyond the range of floats is infinite
        beta = 1 + np.exp(log_excess)
    return beta, np.maximum(i_ty, 0.0)


def rate_at_relevance(snr: FloatArray, i_ty: float) -> float:
    """I(X;T) in nats at which I(T;Y) reaches `i_ty` nats, 0 ≤ i_ty < I(X;Y); inverts the above."""
    opens = breakpoints(snr)
    n_active = int(np.searchsorted(optimum_at_rate(snr, opens)[1], i_ty, side="right"))
    active = snr[snr > 0][: max(n_active, 1)]
    missing = 2 * (0.5 * np.sum(np.log1p(active)) - i_ty) / active.size
    return float(0.5 * (np.sum(np.log(active)) - active.size * np.log(np.expm1(missing))))


def group_transitions(snr: FloatArray, rtol: float) -> tuple[GaussianTransition, ...]:
    """Transitions by increasing beta; neighbours whose beta − 1 agree to `rtol` open together."""
    excess = critical_betas(snr[snr > 0]) - 1
    rates = breakpoints(snr)
    gaps = np.flatnonzero(np.diff(excess) > rtol * excess[:-1]) + 1
    groups = np.split(np.arange(excess.size), gaps)
    return tuple(
        GaussianTransition(1 + float(excess[g].mean()), len(g), int(g[0]), float(rates[g].mean()))
        for g in groups
        if len(g)
    )


def curve_at(snr: FloatArray, beta: FloatArray) -> GaussianIBCurve:
    """The curve's points at `beta` (n_points,), increasing."""
    i_xt, i_ty = information_at(snr, beta)
    n_active = np.searchsorted(critical_betas(snr), beta, side="left").astype(np.int64)
    return GaussianIBCurve(beta, i_xt, i_ty, n_active, float(0.5 * np.sum(np.log1p(snr))))


def trace(snr: FloatArray, n_points: int, fraction: float) -> GaussianIBCurve:
    """The curve on `n_points` rates up to I(T;Y) = `fraction` · I(X;Y), and its breakpoints."""
    i_xy = float(0.5 * np.sum(np.log1p(snr)))
    opens = breakpoints(snr)
    end = rate_at_relevance(snr, fraction * i_xy) if opens.size else 0.0
    rates = np.unique(np.concatenate([np.linspace(0.0, end, n_points), opens[opens <= end]]))
    beta, i_ty = optimum_at_rate(snr, rates)
    n_active = np.searchsorted(opens, rates, side="left").astype(np.int64)
    return GaussianIBCurve(beta, rates, i_ty, n_active, i_xy)
