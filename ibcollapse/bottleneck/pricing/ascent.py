"""Ascents of log Φ from many starts to its local maxima."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.ascent import MANY_CLASSES, Effort, climb_all
from ibcollapse.bottleneck.kernels.decoders import closeness
from ibcollapse.bottleneck.kernels.hills import SAME_BASIN
from ibcollapse.bottleneck.kernels.side_by_side import THREADS
from ibcollapse.bottleneck.kernels.small_ascent import climb_together, is_small
from ibcollapse.bottleneck.kernels.sparse_moments import sparse_second_moments
from ibcollapse.bottleneck.objective.distances import distinct
from ibcollapse.bottleneck.objective.mixture import exponents, potential_offset
from ibcollapse.bottleneck.pricing.screening import lifted
from ibcollapse.errors import NumericalError

Array = NDArray[np.float64]

_MAPS_FIRST = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Maxima:
    """Local maxima of log Φ, highest first: `log_r` (n, n_classes), `log_phi` (n,)."""

    log_r: Array
    log_phi: Array


def climb(
    channel: Channel,
    log_v: Array,
    starts: Array | Callable[[], Array],
    beta: float,
    *,
    hints: Array | None = None,
    enough: float = math.inf,
    tol: float = 1e-14,
    max_steps: int = 80,
) -> Maxima:
    """Local maxima of log Φ reached from `starts` and `hints`, duplicates removed.

    A few rounds of the map r ← Σ_x w_x p(y|x), w_x ∝ p(x) exp(−beta d(x, r))/Z(x), which
    maximises a lower bound of log Φ, lead into damped Newton steps
    (`kernels.ascent`); `hints`, expected near maxima, take them at once. A
    start rests when log Φ can gain at most `tol` nats. Starts are lifted off the faces of the
    simplex, hints are not (`pricing.faces`). Unless the channel is small, a hint that
    reaches more than `enough` nats ends the ascent, and starts may be a function that is called
    when none does.
    """
    offset = potential_offset(channel, log_v, beta)

    def inside() -> Array:
        return lifted(channel, starts() if callable(starts) else starts)

    if is_small(channel.prepared.packed):
        effort = Effort(tol, _MAPS_FIRST, max_steps, THREADS)
        log_r, log_phi = climb_together(
            channel.prepared.packed, offset, inside(), beta, effort, hints=hints
        )
    else:
        second = _rough_second_moments(channel, log_v, beta)
        effort = Effort(tol, _MAPS_FIRST, max_steps, THREADS, enough, second)
        log_r, log_phi = climb_all(
            channel.prepared.packed, offset, inside, beta, effort, hints=hints
        )
    if np.isnan(log_phi).any():
        raise NumericalError(
            f"log Φ at beta = {beta:.9g} is not a number at {np.isnan(log_phi).sum()} of "
            f"{len(log_phi)} decoders"
        )
    keep = distinct(log_r, log_phi, SAME_BASIN * closeness(beta))
    return Maxima(log_r[keep], log_phi[keep])


def _rough_second_moments(
    channel: Channel, log_v: Array, beta: float
) -> Callable[[Array, Array], Array] | None:
    """Second moments of Φ's terms from the posteriors that matter, where most do not."""
    rows = channel.prepared.sparse_rows
    if rows is None or channel.n_classes < MANY_CLASSES:
        return None

    def rough(log_r: Array, log_phi: Array) -> Array:
        scores = exponents(channel, log_r, beta)
        scores += log_v[:, None]
        scores -= np.where(np.isfinite(log_phi), log_phi, np.inf)
        return sparse_second_moments(rows, np.exp(scores, out=scores), channel.n_classes)

    return rough
