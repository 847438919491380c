"""Alignment of two networks' features: one streamed pass, one result."""

import dataclasses
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ibcollapse.alignment.moments import constant_notes, stream_moments
from ibcollapse.alignment.options import AlignmentOptions
from ibcollapse.alignment.proxy import PairBottleneck, pair_bottleneck
from ibcollapse.alignment.similarity import SpaceSimilarity, measure_similarity
from ibcollapse.alignment.spaces import Span, split_spaces
from ibcollapse.errors import InputError
from ibcollapse.features import Features, open_features
from ibcollapse.features.pairing import PairedSources, pair_sources
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register, save


@register("alignment/Alignment")
@dataclasses.dataclass(frozen=True)
class Alignment:
    """How two networks' features of the same samples are related.

    Attributes
    ----------
    whole : SpaceSimilarity
        All features.
    identified : SpaceSimilarity
        The features' coordinates along the span of each network's centred class means (or
        classifier rows): all that linear identifiability of a classifier speaks about (Roeder,
        Metz, Kingma 2021, arXiv 2007.00810). Class means stand in for classifier rows where the
        two are dual, which is so under collapse.
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
        Samples in the permutation null: all, or a random part of bounded size; 0 without one.
    options : AlignmentOptions
        What was asked for.
    sources, fingerprints : tuple of str
        Which features were taken, and the SHA-256 of their files or arrays.
    constant_a, constant_b : tuple of int
        Features of each network that are constant up to the rounding of their stored type, such as
        float16 units that flip by one last bit; nothing here is about them.
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
    options: AlignmentOptions
    sources: tuple[str, ...]
    fingerprints: tuple[str, ...]
    constant_a: tuple[int, ...] = ()
    constant_b: tuple[int, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, a sentence a network."""
        return constant_notes((self.constant_a, self.constant_b))

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
    span: Span = "class means",
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
    span : {"class means", "classifier"}
        Whose span is the identified space: that of the centred class means of all samples, or of
        the stored classifier's centred rows.
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
    options = AlignmentOptions(
        ridge=ridge,
        shrinkage=shrinkage,
        alpha=alpha,
        span=span,
        held_out=held_out,
        n_permutations=n_permutations,
        null_samples=null_samples,
        n_bootstrap=n_bootstrap,
        confidence=confidence,
        rank_tolerance=rank_tolerance,
        seed=seed,
    )
    return _align(pair_sources([open_features(a), open_features(b)]), options, progress)


def _align(paired: PairedSources, options: AlignmentOptions, progress: Progress) -> Alignment:
    rng = np.random.default_rng(options.seed)
    n_samples = paired.n_samples
    tested = _choose(rng, n_samples, round(options.held_out * n_samples))
    _require_samples(paired, tested, options)
    null_samples = _null_samples(paired, options)
    streamed = stream_moments(paired, tested, _choose(rng, n_samples, null_samples), progress)
    permutations = [rng.permutation(null_samples) for _ in range(options.n_permutations)]
    spaces = split_spaces(streamed, paired, options.span)
    progress.start("similarity and null", 3 * (1 + len(permutations)))
    whole, canonical = measure_similarity(spaces.whole, options, permutations, progress)
    identified, _ = measure_similarity(spaces.identified, options, permutations, progress)
    complement = None
    if spaces.complement is not None:
        complement, _ = measure_similarity(spaces.complement, options, permutations, progress)
    progress.finish()
    bottleneck = pair_bottleneck(paired, whole, canonical, spaces, options, rng, progress)
    return Alignment(
        whole=whole,
        identified=identified,
        complement=complement,
        bottleneck=bottleneck,
        identified_rank_a=spaces.ranks[0],
        identified_rank_b=spaces.ranks[1],
        matched_by=paired.matched_by,
        n_samples=n_samples,
        n_held_out=int(tested.sum()),
        null_samples=null_samples,
        options=options,
        sources=tuple(source.description for source in paired.sources),
        fingerprints=tuple(source.fingerprint for source in paired.sources),
        constant_a=streamed.constant[0],
        constant_b=streamed.constant[1],
    )


def _choose(rng: np.random.Generator, n_samples: int, size: int) -> NDArray[np.bool_]:
    """Mask of `size` of `n_samples` samples, drawn without replacement."""
    mask = np.zeros(n_samples, dtype=np.bool_)
    mask[rng.permutation(n_samples)[:size]] = True
    return mask


def _null_samples(paired: PairedSources, options: AlignmentOptions) -> int:
    if options.n_permutations == 0:
        return 0
    widths = sum(source.n_features for source in paired.sources)
    size = max(2048, 4 * widths) if options.null_samples is None else options.null_samples
    return min(size, paired.n_samples)


def _require_samples(
    paired: PairedSources, tested: NDArray[np.bool_], options: AlignmentOptions
) -> None:
    n_test, n_train = int(tested.sum()), int((~tested).sum())
    if n_train < 4 or 0 < n_test < 4:
        raise InputError(
            f"{n_train} samples to fit and {n_test} held out; each part needs at least 4: "
            "change held_out or take more samples"
        )
    widest = max(source.n_features for source in paired.sources)
    if widest >= n_train and (options.ridge == 0 or options.shrinkage == 0):
        raise InputError(
            f"{widest} features and {n_train} samples to fit: without regularisation every pair, "
            "noise included, aligns perfectly; take more samples or fewer features, or set both "
            "ridge and shrinkage (0.1 to start with)"
        )
