"""Local stability of the atoms of a solution: the criterion for splitting.

Atom t is locally stable while beta λ₂(C_t) < 1, with

    C_t[y, y'] = Σ_x p(x|t) p(y|x) p(y'|x) / p(y'|t)

whose leading eigenvalue is 1 (Gedeon, Parker and Dimitrov 2012, doi 10.3390/e14030456; for the
trivial solution 1/λ₂ is the inverse squared maximal correlation of X and Y).
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.bottleneck.channel.channel import Channel
from ibcollapse.bottleneck.deadline import check
from ibcollapse.bottleneck.kernels.ascent import MANY_CLASSES
from ibcollapse.bottleneck.kernels.side_by_side import PARTS, THREADS, side_by_side
from ibcollapse.bottleneck.kernels.sparse_moments import sparse_second_moments
from ibcollapse.bottleneck.kernels.sparse_products import SparseRows
from ibcollapse.bottleneck.kernels.start_moments import StartMoments, moments_of_starts, offsets_of
from ibcollapse.bottleneck.objective.mixture import Evaluation, Mixture, potential_offset
from ibcollapse.linear_algebra import (
    largest_eigenpairs,
    symmetric_eigenpairs,
    symmetric_eigenvalues,
)

Array = NDArray[np.float64]

_SAME_EIGENVALUE = 1e-6
# A class of which an atom holds no more than this is absent from it. A stationary state is known to
# 1e-26 nats, which leaves such an entry anywhere on its way to zero; β p(y|x) ≥ 1 of the rows that
# still have it would be taken for an instability, while Φ falls in that direction. What it adds to
# F is less than rounding.
_ABSENT = 1e-14
# So many atoms are looked at where only the least stable matter.
_LEAST_STABLE = 4
# Over this share of beta − 1 they are the same.
_NEXT_TO = 1e-2


@dataclasses.dataclass(frozen=True, eq=False)
class Splits:
    """Per atom: its mean decoder, the growth rate beta λ₂, its multiplicity and its direction.

    `means` and `directions` are (n_t, n_classes), `growth` float64 and `multiplicity` int64 (n_t,).
    A direction is a tangent of the simplex (sums to zero) of unit length in the χ² metric. Only
    `atoms` were looked at, at `beta`: the others have growth zero and no direction.
    """

    beta: float
    atoms: NDArray[np.intp]
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

    Where `atoms` are given the others are left out.
    """
    atoms = np.arange(mixture.n_t) if atoms is None else atoms
    met = atom_moments(channel, mixture.log_r[atoms], evaluation, beta)
    return _splits_of(met.mean, met.second, beta, atoms, mixture.n_t)


def atom_moments(
    channel: Channel, log_r: Array, evaluation: Evaluation, beta: float
) -> StartMoments:
    """Moments of p(y|x) under p(x|t) of atoms at log decoders (n, n_classes)."""
    # p(x|t) are the shares of Φ's terms at the atom.
    offset = potential_offset(channel, np.log(channel.p_x) - evaluation.log_z, beta)
    offsets = offsets_of(channel.prepared.packed, offset, beta)
    return moments_of_starts(
        channel.prepared.packed, offsets, log_r, beta, second=True, n_threads=THREADS
    )


def rough_splits(channel: Channel, mixture: Mixture, evaluation: Evaluation, beta: float) -> Splits:
    """As `split_directions`, without the posteriors that are next to nothing where most are.

    Among many classes multiplicities are not counted: they are zero.
    """
    rows = channel.prepared.sparse_rows
    if rows is None:
        return split_directions(channel, mixture, evaluation, beta)
    means, second = _rough_moments(rows, channel, evaluation)
    return _splits_of(means, second, beta, np.arange(mixture.n_t), mixture.n_t, counted=False)


def leading_splits(
    channel: Channel,
    mixture: Mixture,
    evaluation: Evaluation,
    beta: float,
    near: Splits | None = None,
) -> Splits:
    """`split_directions` of the least stable atoms: of all, unless they are many.

    `near` are those of the same branch at another beta: close by, the same atoms will do.
    """
    if near is not None and abs(beta - near.beta) <= _NEXT_TO * (beta - 1):
        atoms = near.atoms
    else:
        atoms = _least_stable(channel, mixture, evaluation)
    return split_directions(channel, mixture, evaluation, beta, atoms)


def _least_stable(channel: Channel, mixture: Mixture, evaluation: Evaluation) -> NDArray[np.intp]:
    rows = channel.prepared.sparse_rows
    if rows is None or mixture.n_t <= _LEAST_STABLE:
        return np.arange(mixture.n_t)
    spreads = _scaled_spreads(*_rough_moments(rows, channel, evaluation))
    growth = np.empty(mixture.n_t)

    def fill(part: int) -> None:
        growth[part::PARTS] = symmetric_eigenvalues(spreads[part::PARTS])[:, -1]

    side_by_side(fill, range(PARTS))
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


def _scaled_spreads(means: Array, seconds: Array) -> Array:
    """Lower triangles of (E[w wᵀ] − m mᵀ)/√(m mᵀ), (n, K, K); zero for absent classes."""
    root = np.where(means > _ABSENT, np.sqrt(means), np.inf)
    scaled: Array = seconds - means[:, :, None] * means[:, None, :]
    scaled /= root[:, :, None] * root[:, None, :]
    return scaled


def _splits_of(
    met_means: Array,
    seconds: Array,
    beta: float,
    atoms: NDArray[np.intp],
    n_t: int,
    *,
    counted: bool = True,
) -> Splits:
    """Splits of `atoms`, from their means (n, n_classes) and second moments' lower triangles."""
    means = np.zeros((n_t, met_means.shape[1]))
    growth = np.zeros(n_t)
    multiplicity = np.ones(n_t, dtype=np.int64)
    directions = np.zeros_like(means)
    scaled = _scaled_spreads(met_means, seconds)
    for t, mean, matrix in zip(atoms, met_means, scaled, strict=True):
        check()
        alive = mean > _ABSENT
        if not alive.any():
            continue
        value, multiplicity[t], vector = _leading(matrix[np.ix_(alive, alive)], counted)
        means[t] = mean
        growth[t] = beta * value
        directions[t, alive] = np.sqrt(mean[alive]) * vector
    return Splits(beta, atoms, means, growth, multiplicity, directions)


def leading_direction(spread: Array) -> tuple[Array, NDArray[np.int64], Array]:
    """λ₂ (1,), its multiplicity (1,) and direction (K,) of a symmetric (E[w wᵀ] − m mᵀ)/√(m mᵀ)."""
    value, multiplicity, vector = _leading(spread)
    return np.array([value]), np.array([multiplicity]), vector


def _leading(matrix: Array, counted: bool = True) -> tuple[float, int, Array]:
    """The largest eigenvalue, how many are the same, and a vector.

    `matrix` is symmetric, its lower triangle given. Of a large one it may be zero that are the
    same, where they are not `counted`.
    """
    # Of few, all eigenvectors are had as fast as two.
    if len(matrix) < MANY_CLASSES:
        values, vectors = symmetric_eigenpairs(matrix)
    elif not counted:
        values, vectors = largest_eigenpairs(matrix, 1)
        return float(values[0]), 0, vectors[:, 0]
    else:
        values, vectors = largest_eigenpairs(matrix, 2)
        if values[0] > values[1] - _SAME_EIGENVALUE * abs(values[1]):
            values = symmetric_eigenvalues(matrix)
    near = values > values[-1] - _SAME_EIGENVALUE * max(values[-1], 1e-300)
    return float(values[-1]), int(np.count_nonzero(near)), vectors[:, -1]
