"""The state just beyond a split: the atom gone, two children on either side of it."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture, exponents
from ibcollapse.bottleneck.objective.stability import Splits
from ibcollapse.bottleneck.solver.newton import log_sum

Array = NDArray[np.float64]

NEAR = 0.01
"""Maxima of Φ within this of an unstable atom (squared Hellinger) are what it splits into."""

# How far apart children are tried, in units of the split direction's length in χ².
_DISTANCES = np.geomspace(1e-3, 1.0, 16)


def parted(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    splits: Splits,
    atom: int,
    beta: float,
    least: float,
) -> Mixture | None:
    """The state with the atom replaced by two of half its weight, as far apart as lowers F most.

    None where that lowers F by less than `least` nats: the split does not show at this beta.
    """
    mean = splits.means[atom]
    tilt = np.divide(splits.directions[atom], mean, out=np.zeros_like(mean), where=mean > 0)
    tilts = np.concatenate([_DISTANCES, -_DISTANCES])[:, None] * tilt
    children = mixture.log_r[atom] + tilts
    children -= log_sum(children)[:, None]
    share = np.exp(
        exponents(channel, np.concatenate([mixture.log_r[atom, None], children]), beta)
        - evaluation.log_z[:, None]
    )
    share *= mixture.q[atom]
    n = len(_DISTANCES)
    change = 0.5 * (share[:, 1 : n + 1] + share[:, n + 1 :]) - share[:, :1]
    # Children that leave a row to no cluster are worth minus infinity.
    with np.errstate(divide="ignore"):
        gains = channel.p_x @ np.log1p(np.maximum(change, -1.0))
    best = int(np.argmax(gains))
    if gains[best] < least:
        return None
    others = np.arange(mixture.n_t) != atom
    log_r = np.concatenate([mixture.log_r[others], children[[best, best + n]]])
    half = np.full(2, mixture.log_q[atom] - np.log(2.0))
    return Mixture(log_r, np.concatenate([mixture.log_q[others], half]))
