"""Many atoms at once, roughly: how a state far below its number of atoms comes near the optimum.

Where rows are soft and beta is large the optimum has about as many atoms as there are groups of
like rows, and a round of the solver, which ends in a stationary point and its hills, adds few of
them. So as long as there are violators a few maps uphill from rows, these become atoms, some
hundred a round: the convex problem in the weights throws out those that are not needed, as
nonparametric maximum likelihood on a grid does (Koenker and Mizera 2014, doi
10.1080/01621459.2013.869224), and extrapolated Blahut–Arimoto sweeps move the others.
"""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.decoders import floored_log
from ibcollapse.bottleneck.objective.distances import apart
from ibcollapse.bottleneck.objective.mixture import Mixture, evaluate
from ibcollapse.bottleneck.objective.potential import log_potential, potential_weights
from ibcollapse.bottleneck.pricing.screening import drawn_rows, row_decoders
from ibcollapse.bottleneck.solver.support import enlarged, swept

Array = NDArray[np.float64]

# Rows whose Φ is looked at in a round, those that may become atoms, and the maps they take before.
_MOST_ROWS = 4096
_MOST_NEW = 512
_MAPS = 3
# A row is a violator from this log Φ on, nats.
_WANTED = 1e-2
# With fewer of them than this share of the atoms the solver's own rounds are as good.
_FEW = 0.01
_ROUNDS = 12
# The gap (nats) that weights leave, and what sweeps leave as a share of the last one.
_ROUGHLY = 1e-3
_MOST_MAPS = 100


def grown(
    channel: Channel,
    mixture: Mixture,
    beta: float,
    gap: float,
    rng: np.random.Generator,
) -> tuple[Mixture, int]:
    """A mixture of lower free energy that hardly any hill above a row violates, and its maps.

    `gap` (nats) is that of the mixture, as far as it is known.
    """
    n_maps = 0
    for _ in range(_ROUNDS):
        still = (_ROUGHLY * gap) ** 2
        mixture, n = swept(channel, mixture.joint, beta, tol=still, max_maps=_MOST_MAPS)
        n_maps += n
        wanted, gap = _wanted(channel, mixture, beta, rng)
        if len(wanted) <= _FEW * mixture.n_t:
            break
        mixture = enlarged(channel, mixture, wanted, beta, tol=_ROUGHLY)
    return mixture, n_maps


def _wanted(
    channel: Channel, mixture: Mixture, beta: float, rng: np.random.Generator
) -> tuple[Array, float]:
    """Violators a few maps uphill from rows, log decoders (n, n_classes), and the largest log Φ."""
    log_v = potential_weights(channel, evaluate(channel, mixture, beta).log_z)
    log_r = row_decoders(channel, drawn_rows(channel, _MOST_ROWS, rng))
    for _ in range(_MAPS):
        _, means = log_potential(channel, log_v, log_r, beta)
        log_r = floored_log(means)
    log_phi, _ = log_potential(channel, log_v, log_r, beta)
    highest = np.argsort(-log_phi, kind="stable")
    highest = highest[log_phi[highest] > _WANTED]
    found = apart(log_r[highest], beta)[:_MOST_NEW]
    return found, float(log_phi.max())
