"""Channels with curves in closed form, and a few that have none, for the tests of this room."""

import numpy as np
from scipy.optimize import brentq

from ibcollapse.bottleneck.channel.channel import Channel

LOG2 = np.log(2)


def binary_entropy(q):
    return -q * np.log(q) - (1 - q) * np.log1p(-q)


def binary_symmetric(delta=0.1):
    half = 0.5 * delta
    return Channel.from_joint([[0.5 - half, half], [half, 0.5 - half]])


def binary_symmetric_point(i_xt, delta=0.1):
    """(I(T;Y), beta) at the rate `i_xt`, nats (Mrs Gerber's lemma)."""
    q = brentq(lambda q: LOG2 - binary_entropy(q) - i_xt, 1e-14, 0.5, xtol=1e-15)
    mixed = q * (1 - delta) + (1 - q) * delta
    rise = (1 - 2 * delta) * np.log((1 - mixed) / mixed)
    return LOG2 - binary_entropy(mixed), np.log((1 - q) / q) / rise


def symmetric(n_classes, mixing):
    """W = mixing · I + (1 − mixing)/K, uniform p(x)."""
    rows = mixing * np.eye(n_classes) + (1 - mixing) / n_classes
    return Channel(np.full(n_classes, 1 / n_classes), np.log(rows))


def deterministic(p_y):
    with np.errstate(divide="ignore"):
        return Channel(np.asarray(p_y), np.log(np.eye(len(p_y))))


def wu_fischer():
    """The 3×3 table of Wu, Fischer, Chuang and Tegmark (2019), uniform p(x)."""
    columns = np.array([[0.7, 0.3, 0.075], [0.15, 0.5, 0.025], [0.15, 0.2, 0.9]])
    return Channel.from_joint(columns.T / 3)


def two_pairs(n_points=60, seed=0):
    """Posteriors of four Gaussian classes in two close pairs, a and b, c and d."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n_points)
    means = np.array([[0.0, 0.0], [1.2, 0.0], [6.0, 0.0], [6.0, 1.2]])
    points = means[labels] + 0.8 * rng.normal(size=(n_points, 2))
    logits = -((points[:, None] - means) ** 2).sum(axis=2) / (2 * 0.64)
    logits -= np.logaddexp.reduce(logits, axis=1)[:, None]
    return Channel(np.full(n_points, 1 / n_points), logits, class_names=tuple("abcd"))
