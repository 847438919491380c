"""The search for violators of optimality, and what it proves."""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.objective.distances import apart
from ibcollapse.bottleneck.objective.mixture import UNIT, Evaluation, Mixture
from ibcollapse.bottleneck.objective.potential import potential_weights
from ibcollapse.bottleneck.objective.stability import rough_splits
from ibcollapse.bottleneck.pricing import branch_and_bound
from ibcollapse.bottleneck.pricing.ascent import Maxima, climb
from ibcollapse.bottleneck.pricing.faces import off_faces
from ibcollapse.bottleneck.pricing.starts import hiding_places, starting_decoders

Array = NDArray[np.float64]


# No search can tell a smaller gap (nats) from rounding.
_FINEST_AIM = 1e-14
# Less than this (nats) above a maximum on a face is no other maximum, but rounding.
_UNSEEN = 1e-13
HIDDEN = 4.0
"""Roundings of log Φ that an aim is above, at least."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What every solve of one run shares.

    A solve goes on until its gap is at most `target` (default: `tol`) or rounding stops it; a gap
    of at most `tol` counts as converged. After the moment `until` a solve hands over what it has
    (`ibcollapse.bottleneck.deadline`).
    """

    tol: float = 1e-9
    max_clusters: int | None = None
    rigorous: bool = True
    max_sweeps: int = 4000
    target: float | None = None
    until: float = dataclasses.field(default=math.inf, repr=False)

    @property
    def aim(self) -> float:
        """The gap in nats at which a solve rests."""
        return self.tol if self.target is None else min(self.tol, self.target)

    def aim_at(self, beta: float) -> float:
        """The aim at a beta: near one, where Lagrangians are of the order of beta − 1, finer.

        Where rounding hides more than that, at the huge betas of weak channels, no finer than it.
        """
        aim = min(self.aim, max(_FINEST_AIM, self.tol * (beta - 1.0)))
        return max(aim, min(self.tol, HIDDEN * UNIT * beta))


@dataclasses.dataclass(frozen=True, eq=False)
class Search:
    """What a search for violators found: maxima of Φ, the gap (nats) and how it was searched.

    The gap of a partial search is only the first violator that was met, that of an unfinished one
    what data processing bounds it by. A search that met a violator and is not `is_thorough` has not
    looked where higher ones are known to hide.
    """

    maxima: Maxima
    gap: float
    how: str
    is_partial: bool = False
    is_thorough: bool = True

    @classmethod
    def unfinished(
        cls, channel: Channel, evaluation: Evaluation, beta: float, options: Options
    ) -> "Search":
        """The verdict where nothing was searched: I(T;Y) ≤ min(I(X;T), I(X;Y)), and rounding.

        Rigorous, but far above the true gap mostly: "exhaustive" only where it is good enough.
        """
        processed = evaluation.free_energy + (beta - 1.0) * channel.i_xy
        gap = max(processed, 0.0) + HIDDEN * UNIT * beta if math.isfinite(processed) else math.inf
        nothing = Maxima(np.empty((0, channel.n_classes)), np.empty(0))
        return cls(nothing, gap, "exhaustive" if gap <= options.tol else "unfinished")


def search(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    beta: float,
    options: Options,
    rng: np.random.Generator,
    hints: Array | None = None,
    enough: float = math.inf,
    near_hints: bool = False,
    suspect: float | None = None,
) -> Search:
    """Maxima of Φ and the gap; the rigorous bound only when the ascents find no violator.

    The verdict is "exhaustive" only where branch and bound came to its end. Unless the channel is
    small, a violator near a hint or an atom, of more than `enough` nats, ends the search: it
    `is_partial`. With `near_hints` there are no other starts: the hints are all maxima of a
    potential next to this one. Where no violator exceeds `suspect` nats (by default, the aim) it
    goes on to where hills are known to hide.
    """
    suspect = options.aim_at(beta) if suspect is None else suspect
    log_v = potential_weights(channel, evaluation.log_z)
    begun: list[Array] = []

    def starts() -> Array:
        splits = rough_splits(channel, mixture, evaluation, beta)
        begun.append(starting_decoders(channel, mixture, splits, log_v, beta, rng))
        return begun[0]

    known = mixture.log_r if hints is None else np.concatenate([mixture.log_r, hints])
    known = apart(known, beta)
    if near_hints:
        maxima = climb(channel, log_v, mixture.log_r[:0], beta, hints=known)
        return Search(maxima, max(0.0, float(maxima.log_phi[0])), "multistart")
    maxima = climb(channel, log_v, starts, beta, hints=known, enough=enough)
    if not begun:
        found = float(maxima.log_phi[0])
        return Search(maxima, found, "multistart", is_partial=True, is_thorough=False)
    is_rigorous = options.rigorous and channel.n_classes <= branch_and_bound.MAX_CLASSES
    is_thorough = bool(maxima.log_phi[0] <= suspect)
    if is_thorough and mixture.n_t > 1 and not is_rigorous:
        hidden = hiding_places(channel, mixture, rng)
        if len(hidden):
            maxima = climb(channel, log_v, hidden, beta, hints=maxima.log_r)
    if maxima.log_phi[0] <= suspect:
        inside = off_faces(channel, log_v, maxima.log_r, beta, _UNSEEN)
        if len(inside):
            known = np.concatenate([maxima.log_r, inside])
            maxima = climb(channel, log_v, inside[:0], beta, hints=known)
    # The trivial representation has F = 0, so a state is at least its own F above the optimum: all
    # that can be said of decoders that exclude a row altogether.
    gap, how = max(0.0, evaluation.free_energy, float(maxima.log_phi[0])), "multistart"
    # I(T;Y) ≤ min(I(X;T), I(X;Y)) puts every Lagrangian above (1 − beta) I(X;Y); near beta = 1 that
    # is sharper than any search of a potential that is flat there.
    processed = evaluation.free_energy + (beta - 1.0) * channel.i_xy
    if gap <= options.tol and processed <= options.aim_at(beta):
        return Search(maxima, max(gap, processed), "exhaustive")
    if is_rigorous and gap <= options.aim:
        bound, where, tight = branch_and_bound.bound_log_potential(
            channel, log_v, beta, lower=gap, tol=0.5 * options.tol
        )
        if tight and bound <= options.tol:
            return Search(maxima, max(0.0, bound), "exhaustive")
        # A better decoder was met, or the cells ran out near a face of the simplex.
        again = np.log(np.maximum(where, 1e-300))[None]
        maxima = climb(channel, log_v, np.concatenate([*begun, again]), beta, hints=known)
        gap = max(0.0, float(maxima.log_phi[0]))
    return Search(maxima, gap, how, is_thorough=is_thorough)
