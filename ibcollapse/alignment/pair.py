"""Alignment of two networks' features: one streamed pass, one result."""

import dataclasses
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment.fits import Canonical, FloatArray, Regulariser
from ibcollapse.alignment.moments import PairMoments, StreamedMoments, stream_moments
from ibcollapse.alignment.proxy import PairBottleneck, pair_bottleneck
from ibcollapse.alignment.similarity import SpaceMoments, SpaceSimilarity, measure_similarity
from ibcollapse.errors import InputError
from ibcollapse.features import Features, open_features
from ibcollapse.features.pairing import PairedSources, pair_sources
from ibcollapse.progress import SILENT, Progress
from ibcollapse.serialize import register, save

# Relative singular value below which an axis of the class means is rounding of float32 features.
_MEAN_TOLERANCE = 1e-6
_MAX_PROXY_MODES = 32


@register("alignment/Alignment")
@dataclasses.dataclass(frozen=True)
class Alignment:
    """How two networks' features of the same samples are related.

    Attributes
    ----------
    whole : SpaceSimilarity
        All features.
    identified : SpaceSimilarity
        The span of the centred class means of each network: all that linear identifiability of a
        classifier speaks about (Roeder, Metz, Kingma 2021).
    complement : SpaceSimilarity or None
        The orthogonal complement of that span; None where it is empty or constant.
    bottleneck : PairBottleneck
        Critical betas of the Gaussian bottleneck between the networks.
    identified_rank_a, identified_rank_b : int
        Dimensions of the identified spaces.
    matched_by : str
        "ids", or "order" where a source stores none.
    n_samples, n_held_out : int
    null_samples : int
        Samples in the permutation null: all, or a random part of bounded size.
    n_permutations : int
    ridge, shrinkage, alpha : float
        Regularisation and partial whitening that were asked for.
    sources, fingerprints : tuple of str
        Which features were taken, and the SHA-256 of their files or arrays.
    """

    whole: SpaceSimilarity
    identified: SpaceSimilarity
    complement: SpaceSimilarity | None
    bottleneck: PairBottleneck
    identified_rank_a: int
    identified_rank_b: int
    matched_by: str
    n_samples: int
    n_held_out: int
    null_samples: int
    n_permutations: int
    ridge: float
    shrinkage: float
    alpha: float
    sources: tuple[str, ...]
    fingerprints: tuple[str, ...]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)


def align(
    a: Features,
    b: Features,
    *,
    ridge: float = 0.0,
    shrinkage: float = 0.0,
    alpha: float = 1.0,
    held_out: float = 0.2,
    n_permutations: int = 20,
    null_samples: int | None = None,
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    rank_tolerance: float = 1e-10,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Alignment:
    """`Alignment` of two networks from one pass over their features (two with a bootstrap).

    Parameters
    ----------
    a, b : path, FeatureSource or (features, labels)
        Features of the same samples, matched on ids where both store them, else by order.
    ridge : float
        Share of the mean variance added to the diagonal when regressing.
    shrinkage : float
        Weight in [0, 1] of mean variance · I in the covariances of the canonical correlations.
    alpha : float
        Partial whitening of the shape distance: 1 none, 0 full.
    held_out : float
        Share of samples in [0, 1) that the held-out values are measured on; 0 for none.
    n_permutations : int
        Row permutations of the null: 0, or at least 2.
    null_samples : int, optional
        Samples the null permutes; default: all up to max(2048, 4·(d_a + d_b)), at random.
    n_bootstrap : int
        Bootstrap samples behind the intervals of the critical betas; 0 for none.
    confidence : float
        Coverage of those intervals, in (0, 1).
    rank_tolerance : float
        Unexplained share of its variance below which a feature is dropped as redundant.
    seed : int
        Of the held-out choice, the permutations and the bootstrap.
    progress : Progress
        Advanced by the samples of each block.

    Raises
    ------
    InputError
        On different samples or labels, an option out of range, a network whose features are all
        constant, or at least as many features as samples without `ridge` and `shrinkage`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(60, 3)), np.arange(60) % 2
    >>> alignment = align((x, y), (x @ rng.normal(size=(3, 3)), y), n_bootstrap=0)
    >>> round(alignment.whole.cca_mean_rho.value, 6), alignment.matched_by
    (1.0, 'order')
    """
    _check_options(ridge, shrinkage, alpha, held_out, n_permutations, n_bootstrap, confidence)
    paired = pair_sources([open_features(a), open_features(b)])
    rng = np.random.default_rng(seed)
    tested = choose(rng, paired.n_samples, round(held_out * paired.n_samples))
    _require_samples(paired, tested, ridge, shrinkage)
    size = _null_size(paired, null_samples) if n_permutations else 0
    streamed = stream_moments(paired, tested, choose(rng, paired.n_samples, size), progress)
    permutations = [rng.permutation(size) for _ in range(n_permutations)]
    spaces, ranks = _spaces(streamed)
    regulariser = Regulariser(ridge, shrinkage, rank_tolerance)
    progress.start("similarity and null", len(spaces))
    measured: list[tuple[SpaceSimilarity, Canonical]] = []
    for space in spaces:
        measured.append(measure_similarity(space, regulariser, alpha, permutations))
        progress.advance()
    progress.finish()
    (whole, canonical), (identified, _) = measured[:2]
    bottleneck = pair_bottleneck(
        paired,
        whole,
        canonical,
        (spaces[0].total.s_aa, spaces[0].total.s_bb),
        n_modes=min(len(whole.rho), max(whole.n_above_floor, *ranks), _MAX_PROXY_MODES),
        n_bootstrap=n_bootstrap,
        confidence=confidence,
        rng=rng,
        progress=progress,
    )
    return Alignment(
        whole=whole,
        identified=identified,
        complement=measured[2][0] if len(measured) > 2 else None,
        bottleneck=bottleneck,
        identified_rank_a=ranks[0],
        identified_rank_b=ranks[1],
        matched_by=paired.matched_by,
        n_samples=paired.n_samples,
        n_held_out=int(tested.sum()),
        null_samples=size,
        n_permutations=n_permutations,
        ridge=ridge,
        shrinkage=shrinkage,
        alpha=alpha,
        sources=tuple(source.description for source in paired.sources),
        fingerprints=tuple(source.fingerprint for source in paired.sources),
    )


def choose(rng: np.random.Generator, n_samples: int, size: int) -> NDArray[np.bool_]:
    """Mask of `size` of `n_samples` samples, drawn without replacement."""
    mask = np.zeros(n_samples, dtype=np.bool_)
    mask[rng.permutation(n_samples)[:size]] = True
    return mask


def mean_axes(means: FloatArray) -> FloatArray:
    """Orthonormal axes of the span of the centred class means, float64 (d, rank)."""
    _, sigma, axes = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    keep = sigma > max(
        _MEAN_TOLERANCE * sigma[0], np.finfo(np.float32).eps * np.abs(means).max() / 8
    )
    if not keep.any():
        raise InputError("the class means of a network coincide; there is no identified space")
    return np.asarray(axes[keep].T, dtype=np.float64)


def _spaces(streamed: StreamedMoments) -> tuple[list[SpaceMoments], tuple[int, int]]:
    """The whole space, the identified spaces and, if anything varies there, their complements."""
    total, train, test = streamed.total, streamed.train, streamed.test
    whole = SpaceMoments(
        total.pair(0, 1),
        train.pair(0, 1),
        None if test is None else test.pair(0, 1),
        (streamed.rows[0], streamed.rows[1]),
    )
    inside = [mean_axes(means) for means in streamed.class_means]
    outside = [np.linalg.qr(axes, mode="complete")[0][:, axes.shape[1] :] for axes in inside]
    spaces = [whole, whole.project(*inside)]
    complement = whole.project(*outside)
    if _varies(complement.total, whole.total):
        spaces.append(complement)
    return spaces, (inside[0].shape[1], inside[1].shape[1])


def _varies(part: PairMoments, whole: PairMoments) -> bool:
    """Whether both networks have variance there beyond the rounding of the projection."""
    shares = (
        np.trace(part.s_aa) / np.trace(whole.s_aa),
        np.trace(part.s_bb) / np.trace(whole.s_bb),
    )
    return bool(min(shares) > 1e-12)


def _null_size(paired: PairedSources, asked: int | None) -> int:
    widths = sum(source.n_features for source in paired.sources)
    size = max(2048, 4 * widths) if asked is None else asked
    if size < 4:
        raise InputError(f"null_samples = {size}; a permutation null needs at least 4")
    return min(size, paired.n_samples)


def _require_samples(
    paired: PairedSources, tested: NDArray[np.bool_], ridge: float, shrinkage: float
) -> None:
    n_test, n_train = int(tested.sum()), int((~tested).sum())
    if n_train < 4 or 0 < n_test < 4:
        raise InputError(
            f"{n_train} samples to fit and {n_test} held out; each part needs at least 4: "
            "change held_out or take more samples"
        )
    widest = max(source.n_features for source in paired.sources)
    if widest >= n_train and (ridge == 0 or shrinkage == 0):
        raise InputError(
            f"{widest} features and {n_train} samples to fit: without regularisation every pair, "
            "noise included, aligns perfectly; take more samples or fewer features, or set both "
            "ridge and shrinkage (0.1 to start with)"
        )


def _check_options(
    ridge: float,
    shrinkage: float,
    alpha: float,
    held_out: float,
    n_permutations: int,
    n_bootstrap: int,
    confidence: float,
) -> None:
    checks = (
        (ridge >= 0 and np.isfinite(ridge), f"ridge = {ridge}; expected a share ≥ 0"),
        (0 <= shrinkage <= 1, f"shrinkage = {shrinkage}; expected 0 to 1"),
        (0 <= alpha <= 1, f"alpha = {alpha}; expected 0 (whitened) to 1 (as they are)"),
        (0 <= held_out < 1, f"held_out = {held_out}; expected a share of samples in [0, 1)"),
        (
            n_permutations == 0 or n_permutations >= 2,
            f"n_permutations = {n_permutations}; expected 0 (no null) or at least 2",
        ),
        (n_bootstrap >= 0, f"n_bootstrap = {n_bootstrap}; expected 0 or more"),
        (0 < confidence < 1, f"confidence = {confidence}; expected between 0 and 1"),
    )
    for holds, message in checks:
        if not holds:
            raise InputError(message)
