"""Several networks in one space: pairwise similarity and a consensus of the class means."""

import dataclasses
import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment.fits import FloatArray, Regulariser
from ibcollapse.alignment.indices import NAMES, factors, fit_pair
from ibcollapse.alignment.moments import JointMoments, constant_notes, stream_moments
from ibcollapse.alignment.spaces import centred_axes
from ibcollapse.errors import InputError
from ibcollapse.features import Features, open_features
from ibcollapse.features.pairing import pair_sources
from ibcollapse.linear_algebra import singular_parts, symmetric_eigenvalues
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register, save

CONVERGED = "converged"


@register("alignment/Consensus")
@dataclasses.dataclass(frozen=True)
class Consensus:
    """Networks rotated into one space, in the span of each one's centred class means.

    Rotation and one scale a network keep its angles. A consensus by canonical correlations would
    not do to compare class means with a simplex: whitening turns any collapsed means into one.

    Attributes
    ----------
    pairwise : dict of str to float64 (n_networks, n_networks)
        Each figure of `SpaceSimilarity` on all samples, row as a and column as b.
    class_means : float64 (n_classes, n_dimensions)
        Mean over networks of their rotated, scaled class means, about the global mean.
    network_means : float64 (n_networks, n_classes, n_dimensions)
        The rotated, scaled class means of each network.
    deviation : float64 (n_networks,)
        ‖network means − class_means‖_F / ‖class_means‖_F.
    agreement : float64 (n_dimensions,)
        Eigenvalues of generalised canonical correlations (MAXVAR, Kettenring 1971) over the number
        of networks: 1 where all share a direction up to linear maps, 1/n_networks where none do.
    status : str
        "converged", or a sentence that says what was not reached and which argument to change.
    n_iterations : int
        Sweeps of generalised Procrustes analysis.
    residual : float
        Relative gain of the objective in the last sweep.
    class_names : tuple of str
    matched_by : str
        "ids" or "order".
    n_samples : int
    sources, fingerprints : tuple of str
    constant : tuple of tuple of int
        Features of each network that are constant up to the rounding of their stored type; nothing
        here is about them.
    """

    pairwise: dict[str, NDArray[np.float64]]
    class_means: NDArray[np.float64]
    network_means: NDArray[np.float64]
    deviation: NDArray[np.float64]
    agreement: NDArray[np.float64]
    status: str
    n_iterations: int
    residual: float
    class_names: tuple[str, ...]
    matched_by: str
    n_samples: int
    sources: tuple[str, ...]
    fingerprints: tuple[str, ...]
    constant: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        arrays = (self.class_means, self.network_means, self.deviation, self.agreement)
        for array in (*arrays, *self.pairwise.values()):
            array.setflags(write=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, a sentence a network."""
        return constant_notes(self.constant)

    @property
    def gram(self) -> NDArray[np.float64]:
        """Inner products of `class_means`, float64 (n_classes, n_classes)."""
        return np.asarray(self.class_means @ self.class_means.T, dtype=np.float64)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)


def align_many(
    networks: Sequence[Features],
    *,
    ridge: float = 0.0,
    shrinkage: float = 0.0,
    alpha: float = 1.0,
    rank_tolerance: float = 1e-10,
    tol: float = 1e-13,
    max_iterations: int = 500,
    progress: Progress = SILENT,
) -> Consensus:
    """`Consensus` of two or more networks' features of the same samples, from one pass.

    Generalised Procrustes analysis (Gower 1975, doi:10.1007/BF02291478) maximises
    Σ_{i≠j} tr(Q_iᵀ S_ij Q_j) over orthonormal Q_i, with each network's features in the span of its
    centred class means and scaled to total variance one. A sweep replaces each Q_i by the polar
    factor of Σ_{j≠i} S_ij Q_j; it stops when it gains at most `tol` times the objective. Only
    covariances are needed, not the samples.

    Parameters
    ----------
    networks : sequence of path, FeatureSource or (features, labels)
        At least two; matched on ids where all store them, else by order.
    ridge, shrinkage, alpha, rank_tolerance : float
        As in `align`, for the pairwise figures.
    tol : float
        Relative gain of the objective at which the sweeps stop.
    max_iterations : int
        Sweeps at most.
    progress : Progress
        Advanced by the samples of each block.

    Raises
    ------
    InputError
        On fewer than two networks, different samples or labels, class means that coincide, or at
        least as many features as samples without `ridge` and `shrinkage`.
    """
    if len(networks) < 2:
        raise InputError(f"{len(networks)} network; a consensus needs at least 2")
    paired = pair_sources([open_features(features) for features in networks])
    widest = max(source.n_features for source in paired.sources)
    if widest >= paired.n_samples and (ridge == 0 or shrinkage == 0):
        raise InputError(
            f"{widest} features and {paired.n_samples} samples: without regularisation every pair "
            "aligns perfectly; take more samples, or set both ridge and shrinkage"
        )
    nobody = np.zeros(paired.n_samples, dtype=np.bool_)
    streamed = stream_moments(paired, nobody, nobody, progress)
    spans = [centred_axes(means) for means in streamed.class_means]
    covariances, scales = _scaled_covariances(streamed.train, spans)
    rotations, n_iterations, residual = _procrustes(covariances, tol, max_iterations)
    # About the mean of the class means: every class weighs the same.
    means = [
        (m - m.mean(axis=0)) @ span / scale @ rotation
        for m, span, scale, rotation in zip(
            streamed.class_means, spans, scales, rotations, strict=True
        )
    ]
    network_means = np.stack(means)
    centre = network_means.mean(axis=0)
    misfit = np.linalg.norm(network_means - centre, axis=(1, 2))
    present = np.unique(paired.labels)
    return Consensus(
        pairwise=_pairwise(streamed.train, Regulariser(ridge, shrinkage, rank_tolerance), alpha),
        class_means=centre,
        network_means=network_means,
        deviation=misfit / np.linalg.norm(centre),
        agreement=_agreement(covariances),
        status=CONVERGED if residual <= tol else f"gain {residual:.1e}: raise max_iterations",
        n_iterations=n_iterations,
        residual=residual,
        class_names=tuple(paired.sources[0].class_names[code] for code in present),
        matched_by=paired.matched_by,
        n_samples=paired.n_samples,
        sources=tuple(source.description for source in paired.sources),
        fingerprints=tuple(source.fingerprint for source in paired.sources),
        constant=streamed.constant,
    )


Blocks = list[list[FloatArray]]


def _scaled_covariances(
    moments: JointMoments, spans: list[FloatArray]
) -> tuple[Blocks, list[float]]:
    """S_ij between networks in their spans, each of total variance one, and the scales."""
    n = len(spans)
    blocks = [[spans[i].T @ moments.pair(i, j).s_ab @ spans[j] for j in range(n)] for i in range(n)]
    scales = [float(np.sqrt(np.trace(blocks[i][i]))) for i in range(n)]
    scaled = [[blocks[i][j] / (scales[i] * scales[j]) for j in range(n)] for i in range(n)]
    return scaled, scales


def _procrustes(
    covariances: Blocks, tol: float, max_iterations: int
) -> tuple[list[FloatArray], int, float]:
    """Orthonormal maps of all networks into one space, sweeps taken, last relative gain."""
    n = len(covariances)
    widths = [len(row[i]) for i, row in enumerate(covariances)]
    # The widest network spans the common space; the others start rotated onto it.
    widest = int(np.argmax(widths))
    rotations = [
        np.eye(widths[i]) if i == widest else _polar(covariances[i][widest]) for i in range(n)
    ]
    objective, gain = _common_variance(covariances, rotations), np.inf
    for sweep in range(1, max_iterations + 1):
        for i in range(n):
            others = [covariances[i][j] @ rotations[j] for j in range(n) if j != i]
            rotations[i] = _polar(np.sum(others, axis=0))
        before, objective = objective, _common_variance(covariances, rotations)
        gain = (objective - before) / objective
        if gain <= tol:
            return rotations, sweep, gain
    return rotations, max_iterations, gain


def _common_variance(covariances: Blocks, rotations: list[FloatArray]) -> float:
    """Σ_{i≠j} tr(Q_iᵀ S_ij Q_j), which no sweep lowers."""
    pairs = itertools.permutations(range(len(rotations)), 2)
    return float(sum(np.sum(rotations[i] * (covariances[i][j] @ rotations[j])) for i, j in pairs))


def _polar(matrix: FloatArray) -> FloatArray:
    """Orthonormal rows (or columns) nearest to `matrix` in direction."""
    left, _, right = singular_parts(matrix)
    return np.asarray(left @ right, dtype=np.float64)


def _agreement(covariances: Blocks) -> FloatArray:
    """Leading eigenvalues of the block matrix of whitened covariances over their number."""
    roots = [np.linalg.cholesky(row[i]) for i, row in enumerate(covariances)]
    whitened = [
        [np.linalg.solve(a, np.linalg.solve(b, s.T).T) for s, b in zip(row, roots, strict=True)]
        for row, a in zip(covariances, roots, strict=True)
    ]
    width = max(len(root) for root in roots)
    values = symmetric_eigenvalues(np.block(whitened))[::-1] / len(roots)
    return np.asarray(values[:width].copy(), dtype=np.float64)


def _pairwise(
    moments: JointMoments, regulariser: Regulariser, alpha: float
) -> dict[str, NDArray[np.float64]]:
    n = len(moments.widths)
    table = {name: np.empty((n, n)) for name in NAMES}
    for i in range(n):
        for j in range(n):
            pair = moments.pair(i, j)
            scores = fit_pair(pair, factors(pair, regulariser), alpha).score(pair)
            for name, value in scores.items():
                table[name][i, j] = value
    return table
