"""Where the search for violators starts: rows, corners, means, midpoints, pushed atoms."""

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.kernels.ascent import MANY_CLASSES
from ibcollapse.bottleneck.kernels.decoders import floored_log
from ibcollapse.bottleneck.objective.mixture import Mixture, is_crowded, potential_offset
from ibcollapse.bottleneck.objective.stability import Splits
from ibcollapse.bottleneck.pricing.screening import drawn_rows, promising_rows, row_decoders

Array = NDArray[np.float64]

_CORNER_SHRINKAGE = 0.02
_MAX_ROW_STARTS = 64
_RANDOM_ROWS = 16
# Between an atom and so many of its nearest ones, as far as so many midpoints in all, Φ is climbed.
_NEAREST_ATOMS = 8
_MOST_MIDPOINTS = 1024
# Rows that start an ascent where hills hide, of few classes and of many, and as many pairs of a
# such row and any other as one search can pay.
_MOST_ROWS_CLIMBED = 1024, 8192
_MOST_PAIRS = 40_000_000
# Perturbed atoms go this fraction of the way to the boundary of the simplex.
_SPLIT_FRACTION = 0.1


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
