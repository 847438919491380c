"""Which classes part at a transition."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.distances import hellinger_squared
from ibcollapse.bottleneck.objective.mixture import Mixture
from ibcollapse.bottleneck.solver.support import COINCIDENT

Array = NDArray[np.float64]


def separated_classes(
    channel: Channel, before: Mixture, after: Mixture
) -> tuple[tuple[str, ...], ...]:
    """Groups of classes that one cluster held together in `before` and that part in `after`.

    A class belongs before to the cluster that holds most of it, argmax p(t|y). The atoms of
    `after` that are new compete for the classes of the cluster they came from (the nearest one):
    a class goes to the atom under which it gains most, argmax p(y|new)/p(y|old), and stays with
    the old atom where it loses everywhere. Empty when no cluster's classes part.
    """
    home = np.argmax(before.log_q[:, None] + before.log_r, axis=0)
    distance = np.array([hellinger_squared(r, before.log_r) for r in after.log_r])
    parent = np.argmin(distance, axis=1)
    is_new = distance.min(axis=1) > COINCIDENT
    groups: list[tuple[str, ...]] = []
    for t in range(before.n_t):
        children = np.flatnonzero(is_new & (parent == t))
        held = np.flatnonzero((home == t) & (channel.p_y > 0))
        if len(children) == 0 or len(held) < 2:
            continue
        gain = after.log_r[np.ix_(children, held)] - before.log_r[t, held]
        if len(children) == 1:
            gain = np.concatenate([gain, np.zeros((1, len(held)))])
        choice = np.argmax(gain, axis=0)
        parts = [
            tuple(channel.class_names[y] for y in held[choice == c]) for c in np.unique(choice)
        ]
        if len(parts) > 1:
            groups.extend(sorted(parts))
    return tuple(groups)
