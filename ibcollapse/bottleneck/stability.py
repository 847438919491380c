"""Local stability of the atoms of a solution: the criterion for splitting.

Atom t is locally stable while beta λ₂(C_t) < 1, with

    C_t[y, y'] = Σ_x p(x|t) p(y|x) p(y'|x) / p(y'|t)

whose leading eigenvalue is 1 (Gedeon, Parker and Dimitrov 2012, doi 10.3390/e14030456; for the
trivial solution 1/λ₂ is the inverse squared maximal correlation of X and Y).
"""

import dataclasses

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.bottleneck.kernels.ascent import MANY_CLASSES
from ibcollapse.bottleneck.kernels.side_by_side import THREADS
from ibcollapse.bottleneck.kernels.sparse_moments import sparse_second_moments
from ibcollapse.bottleneck.kernels.start_moments import moments_of_starts
from ibcollapse.bottleneck.mixture import (
    Evaluation,
    Mixture,
    evaluate,
    potential_offset,
    trivial_mixture,
)
from ibcollapse.bottleneck.sparse_rows import sparse_rows

Array = NDArray[np.float64]

_SAME_EIGENVALUE = 1e-6
# A class of which an atom holds no more than this is absent from it. A stationary state is known to
# 1e-26 nats, which leaves such an entry anywhere on its way to zero; β p(y|x) > 1 of the rows that
# still have it would be taken for an instability, while Φ falls in that direction.
_ABSENT = 1e-20
# So many atoms are looked at where only the least stable matter.
_LEAST_STABLE = 8


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """Per atom: its mean decoder, the growth rate beta λ₂, its multiplicity and its direction.

    `means` and `directions` are (n_t, n_classes), `growth` float64 and `multiplicity` int64 (n_t,).
    A direction is a tangent of the simplex (sums to zero) of unit length in the χ² metric.
    """

    means: Array
    growth: Array
    multiplicity: NDArray[np.int64]
    directions: Array

    def pushed(self, fraction: float) -> Array:
        """The atoms moved both ways along their directions, (2 n_t, n_classes) probabilities.

        They go `fraction` of the way to where an entry would be zero.
        """
        r, direction = self.means, self.directions
        ratio = np.divide(r, np.abs(direction), out=np.full_like(r, np.inf), where=direction != 0)
        reach = np.min(ratio, axis=1, keepdims=True)
        shift = np.where(np.isfinite(reach), reach * fraction, 0.0) * direction
        moved: Array = np.maximum(np.concatenate([r + shift, r - shift]), 0.0)
        return moved


def split_directions(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    beta: float,
    atoms: NDArray[np.intp] | None = None,
) -> Splits:
    """Growth rates and directions of all atoms; an atom is unstable where growth > 1.

    Where `atoms` are given the others are left out: they have growth zero and no direction.
    """
    n_t, n_classes = mixture.log_r.shape
    atoms = np.arange(n_t) if atoms is None else atoms
    means = np.zeros((n_t, n_classes))
    growth = np.zeros(n_t)
    multiplicity = np.ones(n_t, dtype=np.int64)
    directions = np.zeros((n_t, n_classes))
    # p(x|t) are the shares of Φ's terms at the atom.
    offset = potential_offset(channel, np.log(channel.p_x) - evaluation.log_z, beta)
    met = moments_of_starts(
        channel.packed, offset, mixture.log_r[atoms], beta, second=True, n_threads=THREADS
    )
    for t, mean, second in zip(atoms, met.mean, met.second, strict=True):
        alive = mean > _ABSENT
        if not alive.any():
            continue
        root = np.sqrt(mean[alive])
        spread = second - np.outer(mean, mean)
        # The kernel sums the lower triangle only, which is all that eigh reads.
        scaled = spread[np.ix_(alive, alive)] / np.outer(root, root)
        values, vectors = _leading(scaled)
        means[t] = mean
        growth[t] = beta * values[-1]
        near = values > values[-1] - _SAME_EIGENVALUE * max(values[-1], 1e-300)
        multiplicity[t] = int(np.count_nonzero(near))
        directions[t, alive] = root * vectors[:, -1]
    return Splits(means, growth, multiplicity, directions)


def least_stable(channel: Channel, mixture: Mixture, evaluation: Evaluation) -> NDArray[np.intp]:
    """The atoms with the largest growth rates: all of them, unless they are many.

    Where most posteriors are next to nothing the atoms are ranked without those.
    """
    rows = sparse_rows(channel)
    if rows is None or mixture.n_t <= _LEAST_STABLE:
        return np.arange(mixture.n_t)
    p_xt = evaluation.p_t_given_x * channel.p_x[:, None]
    mean = evaluation.joint / evaluation.p_t[:, None]
    spread = sparse_second_moments(rows, p_xt, channel.n_classes)
    spread /= evaluation.p_t[:, None, None]
    spread -= mean[:, :, None] * mean[:, None, :]
    inverse = np.divide(1.0, np.sqrt(mean), out=np.zeros_like(mean), where=mean > _ABSENT)
    spread *= inverse[:, :, None] * inverse[:, None, :]
    growth = np.array([_leading(scaled)[0][-1] for scaled in spread])
    return np.argsort(-growth)[:_LEAST_STABLE]


def _leading(matrix: Array) -> tuple[Array, Array]:
    """The largest eigenvalue, last, with those that may equal it, and their vectors.

    `matrix` is symmetric, its lower triangle given.
    """
    last = len(matrix) - 1
    # Of few, all eigenvectors are had as fast as two.
    if last + 1 >= MANY_CLASSES:
        values, vectors = scipy.linalg.eigh(
            matrix, subset_by_index=[last - 1, last], check_finite=False
        )
        if values[0] <= values[1] - _SAME_EIGENVALUE * abs(values[1]):
            return values, vectors
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors


def onset_beta_local(channel: Channel) -> float:
    """Beta at which the trivial representation loses local stability; inf when I(X;Y) = 0."""
    trivial = trivial_mixture(channel)
    growth = split_directions(channel, trivial, evaluate(channel, trivial, 1.0), 1.0).growth
    return float(1.0 / growth[0]) if growth[0] > 0 else float("inf")
