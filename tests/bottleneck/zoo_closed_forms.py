"""What is known of members of the zoo without an information-bottleneck solver. Nats."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from bottleneck import ground_truths
from scipy.special import entr


@dataclasses.dataclass(frozen=True)
class ClosedForm:
    """Known values of a channel; None where nothing is known.

    Attributes
    ----------
    onset, onset_local : float or None
        Beta of the first transition, and where the trivial representation loses stability.
    lagrangian : callable or None
        L at a beta, nats.
    transitions : tuple of (beta, order), or None
        Every transition of the curve.
    digits : float
        Relative accuracy of the two onsets.
    turns : bool
        Classes can be turned into one another in a ring. Then optimal atoms may turn, too: which
        of them carry weight, and how many, is no property of the channel.
    """

    onset: float | None = None
    onset_local: float | None = None
    lagrangian: Callable[[float], float] | None = None
    transitions: tuple[tuple[float, int], ...] | None = None
    digits: float = 1e-8
    turns: bool = False


def second_correlation(joint: np.ndarray) -> float:
    """Maximal correlation of X and Y: the second singular value of p(x,y)/√(p(x) p(y))."""
    p_x, p_y = joint.sum(axis=1), joint.sum(axis=0)
    return float(np.linalg.svd(joint / np.sqrt(np.outer(p_x, p_y)), compute_uv=False)[1])


def symmetric(n_classes: int, mixing: float) -> ClosedForm:
    """W = mixing · I + (1 − mixing)/K (theory §2): one transition, a jump from three classes on."""
    onset, _ = ground_truths.symmetric_onset(n_classes, mixing)

    def lagrangian(beta: float) -> float:
        i_xt, i_ty = ground_truths.symmetric_point(n_classes, mixing, beta)
        return min(0.0, i_xt - beta * i_ty)

    order = 2 if n_classes == 2 else 1
    return ClosedForm(onset, mixing**-2, lagrangian, ((onset, order),))


def circulant(base: np.ndarray) -> tuple[np.ndarray, ClosedForm]:
    """Joint whose rows are the rotations of `base`; its local onset is by Fourier's transform."""
    k = len(base)
    rows = np.stack([np.roll(base, shift) for shift in range(k)])
    correlation = np.abs(np.fft.fft(base))[1:].max()
    return rows / k, ClosedForm(onset_local=float(correlation**-2), turns=True)


def erasure(p_x: np.ndarray, erased: float) -> tuple[np.ndarray, ClosedForm]:
    """I(T;Y) = (1 − e) I(X;T) for every T: everything is kept from 1/(1 − e) on."""
    onset, entropy = 1 / (1 - erased), float(entr(p_x).sum())

    def lagrangian(beta: float) -> float:
        return min(0.0, 1 - beta * (1 - erased)) * entropy

    return ground_truths.erasure(len(p_x), erased, p_x), ClosedForm(
        onset, onset, lagrangian, ((onset, 1),)
    )


def deterministic(weights: np.ndarray, labels: np.ndarray) -> ClosedForm:
    """Y = f(X): I(T;Y) ≤ min(I(X;T), H(Y)), so everything is kept from beta = 1 on."""
    entropy = float(entr(np.bincount(labels, weights)).sum())

    def lagrangian(beta: float) -> float:
        return min(0.0, 1 - beta) * entropy

    return ClosedForm(1.0, 1.0, lagrangian, ((1.0, 1),))


def independent() -> ClosedForm:
    """I(X;Y) = 0: nothing is ever worth keeping."""
    return ClosedForm(math.inf, math.inf, lambda beta: 0.0, ())


def binary_input(prior: float, rows: np.ndarray) -> tuple[np.ndarray, ClosedForm]:
    """Two points, `prior` the first one's weight: L is a convex envelope in one variable.

    With q = p(first|t), I(X;T) − beta I(T;Y) is E[g(q)] − g(prior) for
    g(q) = beta H(Y|q) − H(q), so L = (convex envelope of g)(prior) − g(prior)
    (Witsenhausen and Wyner 1975).
    """
    p_x = np.array([prior, 1 - prior])
    joint = rows * p_x[:, None]

    def lagrangian(beta: float) -> float:
        return _envelope_gain(prior, rows, beta)

    local = second_correlation(joint) ** -2
    return joint, ClosedForm(onset_local=float(local), lagrangian=lagrangian)


def _envelope_gain(prior: float, rows: np.ndarray, beta: float) -> float:
    """The least of E[g(q)] − g(prior) over two values of q, on grids that close in on them."""

    # Differences are formed as divergences, which keep their digits where they are small:
    # E[g(q)] − g(prior) = E[KL(q ‖ prior) − beta KL(qW ‖ prior W)].
    def cost(q: np.ndarray) -> np.ndarray:
        p = np.stack([q, 1 - q], axis=-1)
        return _divergence(p, np.array([prior, 1 - prior])) - beta * _divergence(
            p @ rows, np.array([prior, 1 - prior]) @ rows
        )

    low, high = np.array([0.0, prior]), np.array([prior, 1.0])
    best = 0.0
    # Both ends next to `prior` and next to the corners may be tiny: the first grid is geometric.
    steps = np.concatenate([[0.0], np.geomspace(1e-12, 1.0, 400)])
    left = np.unique(np.concatenate([prior * steps, prior - prior * steps]))
    right = np.unique(np.concatenate([prior + (1 - prior) * steps, 1 - (1 - prior) * steps]))
    for _ in range(10):
        left = np.unique(np.clip(left, low[0], high[0]))
        right = np.unique(np.clip(right, low[1], high[1]))
        a, b = left[:, None], right[None, :]
        width = np.where(b > a, b - a, 1.0)
        share = np.where(b > a, (b - prior) / width, 1.0)
        totals = share * cost(left)[:, None] + (1 - share) * cost(right)[None, :]
        i, j = np.unravel_index(np.argmin(totals), totals.shape)
        best = min(best, float(totals[i, j]))
        left = np.linspace(left[max(i - 1, 0)], left[min(i + 1, len(left) - 1)], 61)
        right = np.linspace(right[max(j - 1, 0)], right[min(j + 1, len(right) - 1)], 61)
    return best


def _divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """KL(p ‖ q) of each row, nats, as a sum of terms that are never negative."""
    ratio = np.where(q > 0, p / np.where(q > 0, q, 1.0), 1.0)
    # q (r log r − r + 1) keeps its digits where r is next to one.
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(ratio > 0, ratio * np.log(ratio) - (ratio - 1), 1.0)
    near = np.abs(ratio - 1) < 1e-4
    d = ratio - 1
    series = d**2 / 2 - d**3 / 6 + d**4 / 12
    return (q * np.where(near, series, terms)).sum(axis=-1)
