"""Channels whose information bottleneck is known in closed form, each as a plain function."""

import math

import numpy as np
import scipy.optimize
from scipy.special import entr

WU_FISCHER = np.array([[0.70, 0.30, 0.075], [0.15, 0.50, 0.025], [0.15, 0.20, 0.900]]).T / 3
"""Joint p(x, y) of the table of Wu, Fischer, Chuang and Tegmark (2019)."""


def eight_by_five():
    """The 8 × 5 joint at whose beta = 3 plain restarts stop in a local optimum."""
    return np.random.default_rng(1).dirichlet(np.full(40, 0.5)).reshape(8, 5)


def binary_entropy(p):
    """h(p) in nats."""
    return float(entr(p) + entr(1 - p))


def binary_symmetric(delta):
    """Joint of the binary symmetric channel with uniform input, (2, 2)."""
    return np.array([[1 - delta, delta], [delta, 1 - delta]]) / 2


def binary_symmetric_point(delta, beta):
    """(I(X;T), I(T;Y)) in nats by Mrs Gerber's lemma; (0, 0) up to beta = (1 − 2 delta)^−2."""
    if beta <= (1 - 2 * delta) ** -2:
        return 0.0, 0.0

    def through(q):
        return q * (1 - delta) + (1 - q) * delta

    def stationarity(q):
        return math.log((1 - q) / q) - beta * (1 - 2 * delta) * math.log(
            (1 - through(q)) / through(q)
        )

    q = scipy.optimize.brentq(stationarity, 1e-300, 0.5 - 1e-7, xtol=1e-16, rtol=1e-15)
    return math.log(2) - binary_entropy(q), math.log(2) - binary_entropy(through(q))


def symmetric(n_classes, a):
    """Joint of W = a I + (1 − a)/K with uniform input, (K, K)."""
    return (a * np.eye(n_classes) + (1 - a) / n_classes) / n_classes


def symmetric_plane(n_classes, a, z):
    """(A(z), B(z)) in nats: the informations when every class's atom leans towards it by z."""

    def information(s):
        rest = (1 - s) * math.log(n_classes - 1) if n_classes > 2 else 0.0
        return math.log(n_classes) - binary_entropy(s) - rest

    s = (1 + (n_classes - 1) * z) / n_classes
    return information(s), information(a * s + (1 - a) / n_classes)


def _minimise(function):
    """Global minimiser on (0, 1): the best cell of a grid, then Brent inside it."""
    grid = np.linspace(1e-4, 1 - 1e-9, 4001)
    best = int(np.argmin([function(z) for z in grid]))
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    return scipy.optimize.minimize_scalar(
        function, bounds=(low, high), method="bounded", options={"xatol": 1e-12}
    ).x


def symmetric_onset(n_classes, a):
    """Global onset beta and (I(X;T), I(T;Y)) at the end of the straight segment, nats.

    For K = 2 there is no segment and both informations are zero.
    """
    if n_classes == 2:
        return a**-2, (0.0, 0.0)

    def ratio(z):
        i_xt, i_ty = symmetric_plane(n_classes, a, z)
        return i_xt / i_ty

    z = _minimise(ratio)
    return ratio(z), symmetric_plane(n_classes, a, z)


def symmetric_point(n_classes, a, beta):
    """(I(X;T), I(T;Y)) in nats on the concave envelope of (A, B); (0, 0) below the onset."""
    if beta <= symmetric_onset(n_classes, a)[0]:
        return 0.0, 0.0

    def lagrangian(z):
        i_xt, i_ty = symmetric_plane(n_classes, a, z)
        return i_xt - beta * i_ty

    return symmetric_plane(n_classes, a, _minimise(lagrangian))


def erasure(n_classes, erased, p_x=None):
    """Joint of the erasure channel, (K, K + 1): Y = X, or "erased" with probability `erased`."""
    p_x = np.full(n_classes, 1 / n_classes) if p_x is None else np.asarray(p_x)
    kept = (1 - erased) * np.eye(n_classes)
    return np.hstack([kept, np.full((n_classes, 1), erased)]) * p_x[:, None]


def random_joint(n_x, n_classes, seed, concentration=0.5):
    """A joint table with Dirichlet entries, (n_x, n_classes)."""
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(n_x * n_classes, concentration)).reshape(n_x, n_classes)


def class_odds(n_classes, a_class, lead, seed):
    """Odds of classes, a row a point: normal logits, that of its own class higher by `lead`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n_classes * a_class, n_classes))
    logits[np.arange(len(logits)), np.repeat(np.arange(n_classes), a_class)] += lead
    return np.exp(logits)


def overlapping_classes(n_classes=20, a_class=20, scale=1.0):
    """A joint table of soft classes, of whose rows far more than classes can have a cluster."""
    rows = class_odds(n_classes, a_class, 3.0, 3) ** scale
    return rows / rows.sum(axis=1, keepdims=True) / len(rows)
