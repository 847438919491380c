"""Classes that no point connects, and channels without noise."""

import dataclasses

import numpy as np
import scipy.sparse.csgraph
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel


def is_deterministic(channel: Channel) -> bool:
    """Whether every p(y|x) is exactly one-hot: Y = f(X)."""
    return bool((channel.p_y_given_x.max(axis=1) == 1.0).all())


# Couplings of two classes, relative to their size, that count as none. Cutting one changes no
# Lagrangian by more than about beta times its size times its logarithm, beta · 3e-10 nats; kept, it
# would put a transition at beta − 1 of this size, where betas have no digits left.
_NO_COUPLING = 1e-11


def class_groups(channel: Channel) -> NDArray[np.int64]:
    """Group of each class, int64 (n_classes,): y and y' share one when some x can have both.

    The groups are the connected components of Σ_x p(x) p(y|x) p(y'|x) (the common part of X and Y
    of Gács and Körner 1973); a class of probability zero joins the first group, and one that is no
    point's likeliest group that of the point that has most of it.
    """
    w = channel.p_y_given_x
    size = np.sqrt(np.outer(channel.p_y, channel.p_y))
    coupled = channel.class_joint > _NO_COUPLING * size
    _, groups = scipy.sparse.csgraph.connected_components(coupled, directed=False)
    groups = groups.astype(np.int64)
    groups[channel.p_y == 0] = groups[channel.p_y > 0][0]
    home = homes(channel, groups)
    for y in np.flatnonzero(~np.isin(groups, home)):
        groups[y] = home[np.argmax(channel.p_x * w[:, y])]
    _, numbered = np.unique(groups, return_inverse=True)
    renumbered: NDArray[np.int64] = numbered.astype(np.int64)
    return renumbered


def homes(channel: Channel, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group of each point's likeliest class, int64 (n_x,)."""
    home: NDArray[np.int64] = groups[np.argmax(channel.log_p_y_given_x, axis=1)]
    return home


def cut_leaks(channel: Channel, groups: NDArray[np.int64]) -> Channel:
    """The channel in which each point has the classes of one group only, its likeliest.

    Itself where there is one group.
    """
    if groups.max() == 0:
        return channel
    home = homes(channel, groups)
    log_rows = np.where(home[:, None] == groups, channel.log_p_y_given_x, -np.inf)
    log_rows -= np.log(np.exp(log_rows).sum(axis=1, keepdims=True))
    return dataclasses.replace(channel, log_p_y_given_x=log_rows)
