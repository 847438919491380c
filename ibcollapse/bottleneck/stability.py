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
from ibcollapse.bottleneck.kernels.sparse_products import SparseRows
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
NEXT_TO = 1e-3
"""Over this share of beta − 1 the least stable atoms are the same."""


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
    atoms = np.arange(mixture.n_t) if atoms is None else atoms
    # p(x|t) are the shares of Φ's terms at the atom.
    offset = potential_offset(channel, np.log(channel.p_x) - evaluation.log_z, beta)
    met = moments_of_starts(
        channel.packed, offset, mixture.log_r[atoms], beta, second=True, n_threads=THREADS
    )
    return _splits_of(met.mean, met.second, beta, atoms, mixture.n_t)


def rough_splits(channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float) -> Splits:
    """As `split_directions`, without the posteriors that are next to nothing where most are."""
    rows = sparse_rows(channel)
    if rows is None:
        return split_directions(channel, mixture, evaluation, beta)
    means, second = _rough_moments(rows, channel, evaluation)
    return _splits_of(means, second, beta, np.arange(mixture.n_t), mixture.n_t)


def least_stable(channel: Channel, mixture: Mixture, evaluation: Evaluation) -> NDArray[np.intp]:
    """The atoms with the largest growth rates: all of them, unless they are many."""
    rows = sparse_rows(channel)
    if rows is None or mixture.n_t <= _LEAST_STABLE:
        return np.arange(mixture.n_t)
    means, second = _rough_moments(rows, channel, evaluation)
    second -= means[:, :, None] * means[:, None, :]
    scale = np.divide(1.0, np.sqrt(means), out=np.zeros_like(means), where=means > _ABSENT)
    second *= scale[:, :, None] * scale[:, None, :]
    growth = np.linalg.eigvalsh(second)[:, -1]
    return np.argsort(-growth)[:_LEAST_STABLE]


def _rough_moments(
    rows: SparseRows, channel: Channel, evaluation: Evaluation
) -> tuple[Array, Array]:
    """Means (n_t, n_classes) of the posteriors of each atom, and their second moments."""
    p_t = evaluation.p_t
    p_xt = evaluation.p_t_given_x * channel.p_x[:, None]
    second = sparse_second_moments(rows, p_xt, channel.n_classes)
    second /= p_t[:, None, None]
    return evaluation.joint / p_t[:, None], second


def _splits_of(
    met_means: Array, seconds: Array, beta: float, atoms: NDArray[np.intp], n_t: int
) -> Splits:
    """Splits of `atoms`, from their means (n, n_classes) and second moments' lower triangles."""
    means = np.zeros((n_t, met_means.shape[1]))
    growth = np.zeros(n_t)
    multiplicity = np.ones(n_t, dtype=np.int64)
    directions = np.zeros_like(means)
    for t, mean, second in zip(atoms, met_means, seconds, strict=True):
        alive = mean > _ABSENT
        if not alive.any():
            continue
        root = np.sqrt(mean[alive])
        spread = second - np.outer(mean, mean)
        scaled = spread[np.ix_(alive, alive)] / np.outer(root, root)
        values, vectors = _leading(scaled)
        means[t] = mean
        growth[t] = beta * values[-1]
        near = values > values[-1] - _SAME_EIGENVALUE * max(values[-1], 1e-300)
        multiplicity[t] = int(np.count_nonzero(near))
        directions[t, alive] = root * vectors[:, -1]
    return Splits(means, growth, multiplicity, directions)


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
