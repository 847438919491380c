"""Classes that no point connects: what T knows for free from beta = 1 on."""

import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.channel.components import homes
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate, information
from ibcollapse.bottleneck.pricing.ascent import Maxima
from ibcollapse.bottleneck.results.solution import CONVERGED
from ibcollapse.bottleneck.results.transition import PhaseTransition
from ibcollapse.bottleneck.solver.column_generation import SolvedState
from ibcollapse.bottleneck.transitions.onset import rough_onset


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
    proven = gap, "exhaustive", maxima, 0.0, 1, CONVERGED
    return SolvedState(channel, 1.0, mixture, evaluation, *proven)


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
    home = homes(channel, groups)
    onset = math.inf
    for group in range(groups.max() + 1):
        inside = home == group
        weights = channel.p_x[inside]
        rows = channel.log_p_y_given_x[np.ix_(inside, groups == group)]
        onset = min(onset, rough_onset(Channel(weights / weights.sum(), rows)))
    return onset
