"""Where a solve at one beta starts: from a cluster a class, if that is any better than nothing."""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate, trivial_mixture
from ibcollapse.bottleneck.solver.support import swept

# Sweeps end when this much (nats) is left to gain: Newton's steps do the rest at once.
_STILL = 1e-12
_MOST_MAPS = 80
# Weight, relative to the classes', of one more cluster at p(y).
_UNDECIDED = 1.0
# A Lagrangian (nats) above this is no gain that could not be rounding.
_NO_GAIN = -1e-12


def first_guess(channel: Channel, beta: float, until: float = math.inf) -> tuple[Mixture, int]:
    """A cluster a class and one at p(y), swept until still, and the maps that it took.

    Trivial where that is no worse. Sweeps end soon after the moment `until`.
    Clusters start at the class means Σ_x p(x|y) p(y'|x), which
    already overlap as the classes do. Far from a transition this is mostly the optimum, and a
    certificate is all that is left to do.
    """
    trivial = trivial_mixture(channel)
    if beta <= 1.0:
        return trivial, 0
    start = class_clusters(channel)
    guess, n_maps = swept(channel, start, beta, tol=_STILL, max_maps=_MOST_MAPS, until=until)
    gains = evaluate(channel, guess, beta).free_energy < _NO_GAIN
    return (guess if gains and np.isfinite(guess.log_r).all() else trivial), n_maps


def class_clusters(channel: Channel) -> NDArray[np.float64]:
    """p(t, y) of a cluster a class at its mean posterior, and one at p(y) between them.

    float64 (n_t, n_classes), no cluster for a class without weight.
    """
    joint = channel.class_joint
    if channel.n_classes > 2:
        # Nothing but the classes cannot hold what is between all of them.
        joint = np.concatenate([joint, _UNDECIDED * channel.p_y[None]]) / (1.0 + _UNDECIDED)
    classes: NDArray[np.float64] = joint[joint.sum(axis=1) > 0]
    return classes
