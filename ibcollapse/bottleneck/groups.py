"""Classes that no point connects: what T knows for free from beta = 1 on."""

import dataclasses
import math

import numpy as np
import scipy.sparse.csgraph
from numpy.typing import NDArray

from ibcollapse.bottleneck.certificate import Maxima
from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.mixture import Mixture, evaluate, information
from ibcollapse.bottleneck.onset import rough_onset
from ibcollapse.bottleneck.solution import CONVERGED
from ibcollapse.bottleneck.solver import SolvedState
from ibcollapse.bottleneck.transition import PhaseTransition

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
    home = _homes(channel, groups)
    for y in np.flatnonzero(~np.isin(groups, home)):
        groups[y] = home[np.argmax(channel.p_x * w[:, y])]
    _, numbered = np.unique(groups, return_inverse=True)
    renumbered: NDArray[np.int64] = numbered.astype(np.int64)
    return renumbered


def _homes(channel: Channel, groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Group of each point's likeliest class, int64 (n_x,)."""
    home: NDArray[np.int64] = groups[np.argmax(channel.log_p_y_given_x, axis=1)]
    return home


def cut_leaks(channel: Channel, groups: NDArray[np.int64]) -> Channel:
    """The channel in which each point has the classes of one group only, its likeliest.

    Itself where there is one group.
    """
    if groups.max() == 0:
        return channel
    home = _homes(channel, groups)
    log_rows = np.where(home[:, None] == groups, channel.log_p_y_given_x, -np.inf)
    log_rows -= np.log(np.exp(log_rows).sum(axis=1, keepdims=True))
    return dataclasses.replace(channel, log_p_y_given_x=log_rows)


def state_of_groups(channel: Channel, groups: NDArray[np.int64]) -> SolvedState:
    """The representation at beta = 1 that tells the groups apart and nothing else.

    At beta = 1 every representation with I(X;T) = I(T;Y) is optimal; this one stays so above.
    """
    members = np.equal.outer(np.arange(groups.max() + 1), groups)
    weights = members @ channel.p_y
    mixture = Mixture.from_probabilities(weights, members * channel.p_y / weights[:, None])
    evaluation = evaluate(channel, mixture, 1.0)
    maxima = Maxima(mixture.log_r, np.zeros(len(weights)))
    # Data processing puts every Lagrangian at beta = 1 at zero or above.
    gap = max(0.0, evaluation.free_energy)
    return SolvedState(1.0, mixture, evaluation, gap, "exhaustive", maxima, 0.0, 1, CONVERGED)


def parting_of_groups(
    channel: Channel, groups: NDArray[np.int64], state: SolvedState
) -> PhaseTransition:
    """The jump at beta = 1 from the trivial representation to the groups."""
    i_xt, i_ty = information(channel, state.evaluation.joint, state.evaluation.p_t_given_x)
    names = np.array(channel.class_names, dtype=object)
    n_groups = int(groups.max()) + 1
    return PhaseTransition(
        beta=1.0,
        beta_local=1.0,
        order=1,
        mechanism="jump",
        jump_i_xt=i_xt,
        jump_i_ty=i_ty,
        clusters_before=1,
        clusters_after=n_groups,
        multiplicity=n_groups - 1,
        separates=tuple(tuple(names[groups == g]) for g in range(n_groups)),
        certified=True,
    )


def onset_beyond_one(channel: Channel, groups: NDArray[np.int64]) -> float:
    """A beta a little above the first transition past beta = 1; infinite where there is none.

    What tells the groups apart is known by then, and each group is a channel of its own.
    """
    if groups.max() == 0:
        # No copy: what was prepared for the channel serves.
        return rough_onset(channel)
    home = _homes(channel, groups)
    onset = math.inf
    for group in range(groups.max() + 1):
        inside = home == group
        weights = channel.p_x[inside]
        rows = channel.log_p_y_given_x[np.ix_(inside, groups == group)]
        onset = min(onset, rough_onset(Channel(weights / weights.sum(), rows)))
    return onset
