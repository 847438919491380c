"""Do phase transitions coincide with the geometry of the classes? One object for one checkpoint."""

import dataclasses
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from ibcollapse.alignment import Alignment, Consensus, SpaceSimilarity, align, align_many
from ibcollapse.alignment.moments import constant_notes
from ibcollapse.coincidence.discrete_transitions import DiscreteTransitions, discrete_transitions
from ibcollapse.coincidence.label_bottleneck import LabelBottleneck, label_bottleneck
from ibcollapse.coincidence.mode_accuracy import ModeAccuracy, label_mode_accuracy
from ibcollapse.coincidence.options import DEFAULTS, CoincidenceOptions
from ibcollapse.coincidence.pair_proxy import (
    PairProxy,
    gaussian_proxy,
    held_rows,
    meta_gaussian_proxy,
)
from ibcollapse.errors import InputError
from ibcollapse.features import Features, FeatureSource, open_features
from ibcollapse.features.pairing import pair_sources
from ibcollapse.geometry import (
    ConsensusGeometry,
    GeometryReport,
    collapse_geometry,
    consensus_geometry,
)
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register, save


@register("coincidence/CoincidenceReport")
@dataclasses.dataclass(frozen=True)
class CoincidenceReport:
    """The transitions of a network, or of a pair, beside the geometry of its class means.

    Attributes
    ----------
    labels : LabelBottleneck or None
        Gaussian bottleneck of a's features about their labels; None where the classes are
        separated without noise (see `notes`).
    accuracy : ModeAccuracy or None
        Accuracy that its first n modes allow; None where `labels` is, or a fold is separated.
    discrete : DiscreteTransitions
        Exact bottleneck of the class-conditional fit of a.
    geometry : GeometryReport
        Collapse geometry of a.
    pair, meta_gaussian : PairProxy or None
        Gaussian and meta-Gaussian bottleneck of a and b; None without b (or without `copula`).
    whole, identified : SpaceSimilarity or None
        Alignment of a and b, in all dimensions and in the span of the class means.
    consensus : ConsensusGeometry or None
        ETF deviation of the class means of a and b rotated into one space, and of each network.
    notes : tuple of str
        What a reader of the numbers should know.
    options : CoincidenceOptions
    sources, fingerprints : tuple of str
    """

    labels: LabelBottleneck | None
    accuracy: ModeAccuracy | None
    discrete: DiscreteTransitions
    geometry: GeometryReport
    pair: PairProxy | None
    meta_gaussian: PairProxy | None
    whole: SpaceSimilarity | None
    identified: SpaceSimilarity | None
    consensus: ConsensusGeometry | None
    notes: tuple[str, ...]
    options: CoincidenceOptions
    sources: tuple[str, ...]
    fingerprints: tuple[str, ...]

    @property
    def onset_gap(self) -> float:
        """First critical beta of the Gaussian bottleneck about the labels less the exact onset.

        NaN where either is missing. Positive: the exact optimum moves first.
        """
        onset = self.discrete.onset
        if self.labels is None or onset is None:
            return math.nan
        return float(self.labels.critical_betas[0]) - onset.beta

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)


def measure_coincidence(
    a: Features,
    b: Features | None = None,
    *,
    options: CoincidenceOptions = DEFAULTS,
    progress: Progress = SILENT,
    **selection: Any,
) -> CoincidenceReport:
    """`CoincidenceReport` of one network's features, or of two networks' of the same samples.

    Sets the claim of Wang and Palmer (2023, arXiv 2305.11957), that the class means of collapsed
    networks coincide with the critical transitions of the bottleneck, against measurements: the
    span and the multiplicity of the modes, Σ (beta_i − 1) ≤ tr(Σ_W Σ_B⁺), and the transitions of
    the exact bottleneck of the same fit.

    Parameters
    ----------
    a, b : path, FeatureSource or (features, labels)
        The first network decides about labels, curve and accuracy. With b, all features of both
        are held in memory as float64 for the meta-Gaussian bottleneck and the normality test.
    options : CoincidenceOptions
    progress : Progress
        Told about every stage.
    **selection :
        Which features of the files: keyword arguments of `ibcollapse.open_features`.

    Raises
    ------
    InputError, FeatureFileError, FeatureFileNotFoundError
        On features that cannot be used, different samples or labels, or at least as many
        features as samples without `shrinkage`.
    """
    first = open_features(a, **selection)
    second = None if b is None else open_features(b, **selection)
    rng = np.random.default_rng(options.seed)
    labels, accuracy, notes = _label_side(first, options, rng, progress)
    pair = _Pair.of(first, second, options, progress) if second is not None else _Pair()
    discrete = discrete_transitions(
        first,
        folds=options.folds,
        seed=options.seed,
        n_resamples=options.n_resamples,
        confidence=options.confidence,
        progress=progress,
        fraction=options.fraction,
        max_rows=options.max_rows,
        max_clusters=options.max_clusters or len(first.class_names) + 2,
        n_points=options.n_points,
    )
    sources = (first,) if second is None else (first, second)
    return CoincidenceReport(
        labels=labels,
        accuracy=accuracy,
        discrete=discrete,
        geometry=collapse_geometry(first, progress=progress),
        pair=pair.gaussian,
        meta_gaussian=pair.meta_gaussian,
        whole=pair.alignment.whole if pair.alignment else None,
        identified=pair.alignment.identified if pair.alignment else None,
        consensus=consensus_geometry(pair.consensus) if pair.consensus else None,
        notes=tuple(dict.fromkeys((*notes, *(pair.alignment.notes if pair.alignment else ())))),
        options=options,
        sources=tuple(source.description for source in sources),
        fingerprints=tuple(source.fingerprint for source in sources),
    )


def _label_side(
    source: FeatureSource,
    options: CoincidenceOptions,
    rng: np.random.Generator,
    progress: Progress,
) -> tuple[LabelBottleneck | None, ModeAccuracy | None, tuple[str, ...]]:
    try:
        labels = label_bottleneck(
            source,
            shrinkage=options.shrinkage,
            n_bootstrap=options.n_bootstrap,
            confidence=options.confidence,
            rng=rng,
            progress=progress,
        )
    except InputError as error:
        return None, None, (f"no Gaussian bottleneck about the labels: {error}",)
    notes = constant_notes((labels.constant,))
    try:
        accuracy = label_mode_accuracy(
            source,
            folds=options.folds,
            shrinkage=options.shrinkage,
            rng=rng,
            progress=progress,
        )
    except InputError as error:
        return labels, None, (*notes, f"no accuracy by modes: {error}")
    return labels, accuracy, notes


@dataclasses.dataclass(frozen=True)
class _Pair:
    """What needs both networks; all None without the second."""

    gaussian: PairProxy | None = None
    meta_gaussian: PairProxy | None = None
    alignment: Alignment | None = None
    consensus: Consensus | None = None

    @classmethod
    def of(
        cls,
        first: FeatureSource,
        second: FeatureSource,
        options: CoincidenceOptions,
        progress: Progress,
    ) -> "_Pair":
        regularised: dict[str, Any] = {"ridge": options.shrinkage, "shrinkage": options.shrinkage}
        settings: dict[str, Any] = {
            **regularised,
            "n_bootstrap": options.n_bootstrap,
            "confidence": options.confidence,
        }
        alignment = align(
            first,
            second,
            n_permutations=options.n_permutations,
            seed=options.seed,
            progress=progress,
            **settings,
        )
        consensus = align_many([first, second], progress=progress, **regularised)
        rows, labels = held_rows(pair_sources([first, second])), first.labels
        # Ranks of a constant's rounding would be as wide as those of any feature.
        for x, constant in zip(rows, (alignment.constant_a, alignment.constant_b), strict=True):
            x[:, list(constant)] = 0.0
        gaussian = gaussian_proxy(rows, labels, alignment, options.seed)
        meta = None
        if options.copula:
            meta = meta_gaussian_proxy(
                rows, labels, seed=options.seed, progress=progress, **settings
            )
        return cls(gaussian, meta, alignment, consensus)
