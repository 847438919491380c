"""How far a solution is from the global optimum.

For any state with partition function Z(x) and every decoder r on the class simplex let

    Φ(r) = Σ_x p(x) exp(−beta [KL(p(y|x) ‖ r) − KL(p(y|x) ‖ p_y)]) / Z(x).

The free energy is convex in the mixing measure and Φ − 1 is minus its directional derivative
towards an atom at r, so the state is globally optimal iff max Φ ≤ 1, and its Lagrangian exceeds the
optimum by at most log max Φ (the gradient bound of nonparametric maximum likelihood, Lindsay 1983,
doi 10.1214/aos/1176346059, in the rate-distortion form of the bottleneck).
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.kernels.ascent import MANY_CLASSES, Effort, climb_all
from ibcollapse.bottleneck.kernels.decoders import closeness, floored_log
from ibcollapse.bottleneck.kernels.hills import SAME_BASIN
from ibcollapse.bottleneck.kernels.side_by_side import THREADS
from ibcollapse.bottleneck.kernels.small_ascent import climb_together, is_small
from ibcollapse.bottleneck.kernels.sparse_moments import sparse_second_moments
from ibcollapse.bottleneck.mixture import Mixture, exponents, is_crowded, potential_offset
from ibcollapse.bottleneck.screening import drawn_rows, lifted, promising_rows, row_decoders
from ibcollapse.bottleneck.sparse_rows import sparse_rows
from ibcollapse.bottleneck.stability import Splits
from ibcollapse.errors import NumericalError

Array = NDArray[np.float64]

_CORNER_SHRINKAGE = 0.02
_MAX_ROW_STARTS = 64
_RANDOM_ROWS = 16
_MAPS_FIRST = 4
# Between an atom and so many of its nearest ones, as far as so many midpoints in all, Φ is climbed.
_NEAREST_ATOMS = 8
_MOST_MIDPOINTS = 1024
# Rows that start an ascent where hills hide, of few classes and of many, and as many pairs of a
# such row and any other as one search can pay.
_MOST_ROWS_CLIMBED = 1024, 8192
_MOST_PAIRS = 40_000_000
# Perturbed atoms go this fraction of the way to the boundary of the simplex.
_SPLIT_FRACTION = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class Maxima:
    """Local maxima of log Φ, highest first: `log_r` (n, n_classes), `log_phi` (n,)."""

    log_r: Array
    log_phi: Array


def potential_weights(channel: Channel, log_z: Array) -> Array:
    """log(p(x)/Z(x)), the weights under which Φ is a sum, shape (n_x,)."""
    weights: Array = np.log(channel.p_x) - log_z
    return weights


def log_potential(channel: Channel, log_v: Array, log_r: Array, beta: float) -> tuple[Array, Array]:
    """log Φ (n,) of decoders and the means Σ_x w_x p(y|x) (n, n_classes) of Φ's terms w."""
    log_phi, terms = _normalised_terms(channel, log_v, log_r, beta)
    return log_phi, terms.T @ channel.p_y_given_x


def _normalised_terms(
    channel: Channel, log_v: Array, log_r: Array, beta: float
) -> tuple[Array, Array]:
    """log Φ (n,) and the terms of Φ as shares w (n_x, n)."""
    scores = exponents(channel, log_r, beta)
    scores += log_v[:, None]
    peak = scores.max(axis=0)
    scores -= peak
    np.exp(scores, out=scores)
    totals = scores.sum(axis=0)
    scores /= totals
    return np.log(totals) + peak, scores


def starting_decoders(
    channel: Channel,
    mixture: Mixture,
    splits: Splits,
    log_v: Array,
    beta: float,
    rng: np.random.Generator,
) -> Array:
    """Where the search for violators starts: log decoders (n, n_classes).

    p(y), the whole way back of a jump, class means, simplex corners (with few classes only: the
    means of many lie beside them), rows of the channel (all of them up to 64, else the highest of
    Φ's peaks among them and a few at random), the atoms' midpoints with p(y), and the atoms pushed
    both ways along their least stable direction.
    """
    p_y = channel.p_y
    alive = p_y > 0
    w = channel.p_y_given_x
    corners = (1 - _CORNER_SHRINKAGE) * np.eye(channel.n_classes)[alive] + _CORNER_SHRINKAGE * p_y
    if channel.n_classes >= MANY_CLASSES:
        corners = corners[:0]
    means = channel.class_joint[alive] / p_y[alive, None]
    rows = w
    if channel.n_x > _MAX_ROW_STARTS:
        offset = potential_offset(channel, log_v, beta)
        peaks = np.exp(promising_rows(channel, offset, beta, _MAX_ROW_STARTS))
        drawn = rng.choice(channel.n_x, _RANDOM_ROWS, replace=False, p=channel.p_x)
        rows = np.concatenate([peaks, w[drawn]])
    halfway = 0.5 * (mixture.r + p_y)
    pushed = splits.pushed(_SPLIT_FRACTION)
    return floored_log(np.concatenate([p_y[None], corners, means, rows, halfway, pushed]))


def hiding_places(channel: Channel, mixture: Mixture, rng: np.random.Generator) -> Array:
    """Log decoders (n, n_classes) where hills hide from all other starts.

    The atoms' midpoints and, among more atoms than classes can explain, all rows (drawn ones where
    they are thousands); nowhere when many classes have a cluster each at most. A table of 500 x 20
    in the tests has a state of 420 atoms that every other start passed, short of a violator of
    7e-4 nats.
    """
    are_many = channel.n_classes >= MANY_CLASSES
    if not is_crowded(channel, mixture.n_t):
        return mixture.log_r[:0] if are_many else midpoints(mixture)
    most = min(_MOST_ROWS_CLIMBED[are_many], _MOST_PAIRS // channel.n_x)
    rows = row_decoders(channel, drawn_rows(channel, most, rng))
    return np.concatenate([midpoints(mixture), rows])


def midpoints(mixture: Mixture) -> Array:
    """Log decoders (n, n_classes) halfway between each atom and those nearest to it.

    On tables without structure hills lie between atoms and on no row's way up: of 96 states of 100
    to 800 rows that every other start had passed, these found all eleven that still had a violator,
    of 1e-3 to 6e-2 nats (`python -m benchmarks.certificates` counts what is left).
    """
    n_t = mixture.n_t
    n_nearest = min(n_t - 1, _NEAREST_ATOMS, max(2, _MOST_MIDPOINTS // n_t))
    root = np.sqrt(mixture.r)
    affinity = root @ root.T
    np.fill_diagonal(affinity, -1.0)
    nearest = np.argsort(-affinity, axis=1, kind="stable")[:, :n_nearest]
    pairs = np.column_stack([np.repeat(np.arange(n_t), n_nearest), nearest.ravel()])
    first, second = np.unique(np.sort(pairs, axis=1), axis=0).T
    return floored_log(0.5 * (mixture.r[first] + mixture.r[second]))


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
    (`ibcollapse.bottleneck.kernels.ascent`); `hints`, expected near maxima, take them at once. A
    start rests when log Φ can gain at most `tol` nats. Starts are lifted off the faces of the
    simplex, hints are not (`ibcollapse.bottleneck.faces`). Unless the channel is small, a hint that
    reaches more than `enough` nats ends the ascent, and starts may be a function that is called
    when none does.
    """
    offset = potential_offset(channel, log_v, beta)

    def inside() -> Array:
        return lifted(channel, starts() if callable(starts) else starts)

    if is_small(channel.packed):
        effort = Effort(tol, _MAPS_FIRST, max_steps, THREADS)
        log_r, log_phi = climb_together(channel.packed, offset, inside(), beta, effort, hints=hints)
    else:
        second = _rough_second_moments(channel, log_v, beta)
        effort = Effort(tol, _MAPS_FIRST, max_steps, THREADS, enough, second)
        log_r, log_phi = climb_all(channel.packed, offset, inside, beta, effort, hints=hints)
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
    rows = sparse_rows(channel)
    if rows is None or channel.n_classes < MANY_CLASSES:
        return None

    def rough(log_r: Array, log_phi: Array) -> Array:
        scores = exponents(channel, log_r, beta)
        scores += log_v[:, None]
        scores -= np.where(np.isfinite(log_phi), log_phi, np.inf)
        return sparse_second_moments(rows, np.exp(scores, out=scores), channel.n_classes)

    return rough


def hellinger_squared(log_a: Array, log_b: Array) -> Array:
    """1 − Σ_y √(a b) of matching rows, shape (n,)."""
    difference = np.exp(0.5 * log_a) - np.exp(0.5 * log_b)
    total: Array = 0.5 * np.sum(difference**2, axis=-1)
    return total


def from_nearest(log_r: Array, others: Array) -> Array:
    """Squared Hellinger distance of each log decoder from the nearest of the others, (n,)."""
    roots = np.exp(0.5 * others)
    nearest = [0.5 * np.sum((np.exp(0.5 * r) - roots) ** 2, axis=-1).min() for r in log_r]
    return np.array(nearest)


def apart(log_r: Array, beta: float) -> Array:
    """The decoders (n, n_classes) without those in the basin of an earlier one."""
    least = SAME_BASIN * closeness(beta)
    kept: Array = log_r[np.sort(distinct(log_r, np.zeros(len(log_r)), least))]
    return kept


def distinct(log_r: Array, log_phi: Array, least: float) -> NDArray[np.intp]:
    """Indices, by decreasing Φ, of rows further than `least` from every better row."""
    order = np.argsort(-log_phi, kind="stable")
    root = np.exp(0.5 * log_r[order])
    # Affinity Σ √(a b) loses half the digits near one, which `least` ≥ 1e-12 can spare.
    close = 1.0 - root @ root.T <= least
    kept: list[int] = []
    taken = np.zeros(len(order), dtype=bool)
    for i in range(len(order)):
        if not taken[i]:
            kept.append(i)
            taken |= close[i]
    return order[kept]
