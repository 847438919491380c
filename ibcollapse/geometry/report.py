"""The collapse geometry of stored features, as one object."""

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ibcollapse.features import Features, open_features
from ibcollapse.features.source import Classifier, FeatureSource
from ibcollapse.frames import make_dataset, make_frame, scalars_of
from ibcollapse.geometry import collapse
from ibcollapse.geometry.class_statistics import (
    BetweenSpace,
    ClassMeans,
    GeometryWeighting,
    WithinClass,
    between_space,
    class_means,
    within_class,
)
from ibcollapse.geometry.outputs import network_output, require_fit
from ibcollapse.geometry.references import gram_distance, orthogonal_frame, simplex_etf
from ibcollapse.geometry.simplex_fit import SimplexFit, fit_simplex
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register, save

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@register("geometry/GeometryReport")
@dataclasses.dataclass(frozen=True)
class GeometryReport:
    """Neural-collapse geometry of one layer of one network.

    "Centred" means: about the global mean under `weighting`. Pairwise figures weigh classes
    equally under any weighting.

    Attributes
    ----------
    nc1 : float
        tr(Σ_W Σ_B⁺)/K (Papyan, Han, Donoho 2020), the pseudo-inverse of rank `rank_between`.
    nc1_trace_ratio : float
        tr Σ_W / tr Σ_B.
    cdnv : float
        Class-distance normalised variance, mean over pairs (Galanti, György, Hutter 2022);
        infinite where two means coincide.
    equinorm_cv : float
        Coefficient of variation (population) of the centred means' lengths.
    equiangular_deviation : float
        Mean |cos + 1/(K − 1)| over pairs of centred means.
    etf_distance : float
        `gram_distance` of `gram` to the simplex ETF.
    orthogonal_distance : float
        `gram_distance` of `origin_gram` to an orthogonal frame.
    simplex_fit : SimplexFit
        Best-fit simplex ETF with the deviation of each class.
    nc3 : float
        ‖W/‖W‖ − M/‖M‖‖²_F of classifier rows and centred means; NaN without a classifier.
    nc4_disagreement : float
        Share of samples (under `weighting`) whose nearest class mean is not the network's output
        (`output`), bias included; NaN without one.
    nearest_mean_accuracy, classifier_accuracy : float
        Shares of samples (under `weighting`) given their own class by the nearest class mean of
        these same samples and by the network's output.
    mean_similarity : float
        Graf et al. 2021: mean 1 − angle/π over pairs of centred class means.
    own_mean_similarity : float
        The same between each sample and its class mean (1 when classes are points).
    uniformity : float
        Mean log inverse distance of unit centred means (hyperspherical uniformity), nats.
    rank_between : int
        Rank of Σ_B at `rank_tolerance`; at most min(K − 1, n_features).
    rank_tolerance : float
        Standard deviation along an axis of Σ_B, relative to the largest, that counts as zero.
    gram, origin_gram : float64 (n_classes, n_classes)
        Inner products of the class means, centred and about the origin, squared feature units.
    class_variance : float64 (n_classes,)
        Mean squared distance of each class's samples from their mean, squared feature units.
    counts : int64 (n_classes,)
        Samples of each class.
    class_names, absent_classes : tuple of str
        Classes that the figures are about, and declared classes without a sample.
    weighting : str
        "class", "sample" or "mixed": how Σ_W, Σ_B and the global mean weigh unequal classes.
        Shares and means over samples weigh them as Σ_W does.
    n_samples, n_features : int
    source : str
        Which features were taken.
    fingerprint : str
        SHA-256 of their file or arrays.
    output : str
        Whose output: "classifier", else "stored logits", else why there is none ("": not stored).
    rank_classifier : int
        Rank of the classifier's rows less their mean, at most K − 1; 0 without a classifier.
    """

    nc1: float
    nc1_trace_ratio: float
    cdnv: float
    equinorm_cv: float
    equiangular_deviation: float
    etf_distance: float
    orthogonal_distance: float
    simplex_fit: SimplexFit
    nc3: float
    nc4_disagreement: float
    nearest_mean_accuracy: float
    classifier_accuracy: float
    mean_similarity: float
    own_mean_similarity: float
    uniformity: float
    rank_between: int
    rank_tolerance: float
    gram: NDArray[np.float64]
    origin_gram: NDArray[np.float64]
    class_variance: NDArray[np.float64]
    counts: NDArray[np.int64]
    class_names: tuple[str, ...]
    absent_classes: tuple[str, ...]
    weighting: str
    n_samples: int
    n_features: int
    source: str
    fingerprint: str
    output: str = ""
    rank_classifier: int = 0

    def __post_init__(self) -> None:
        for array in (self.gram, self.origin_gram, self.class_variance, self.counts):
            array.setflags(write=False)

    def to_pandas(self) -> "pd.DataFrame":
        """One row a class: class_name, count, variance, simplex_deviation."""
        return make_frame(
            {
                "class_name": list(self.class_names),
                "count": self.counts,
                "variance": self.class_variance,
                "simplex_deviation": self.simplex_fit.class_deviation,
            }
        )

    def to_xarray(self) -> "xr.Dataset":
        """Dataset of Grams and class figures over `class_name` and `other`; the rest as attrs."""
        of_pairs = {name: getattr(self, name) for name in ("gram", "origin_gram")}
        frame = {"count": self.counts, "variance": self.class_variance}
        frame["simplex_deviation"] = self.simplex_fit.class_deviation
        names = list(self.class_names)
        return make_dataset(
            {
                **{name: (["class_name", "other"], gram) for name, gram in of_pairs.items()},
                **{name: (["class_name"], values) for name, values in frame.items()},
            },
            {"class_name": (["class_name"], names), "other": (["other"], names)},
            scalars_of(self),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write to `path` (.h5 or .json), atomically; `ibcollapse.load_result` reads it back."""
        return save(self, path)


def collapse_geometry(
    features: Features,
    *,
    weighting: GeometryWeighting = "class",
    classifier: Classifier | None = None,
    rank_tolerance: float | None = None,
    progress: Progress = SILENT,
) -> GeometryReport:
    """`GeometryReport` of labelled features, from two reads of them.

    Parameters
    ----------
    features : path, FeatureSource or (features, labels)
        Labelled features; classes without a sample are left out and named.
    weighting : {"class", "sample", "mixed"}
        Whether Σ_W, Σ_B and the global mean give every class, or every sample, the same weight; or,
        as studies of long-tailed data print them ("mixed"), Σ_W = Σ_c n_c Σ_c/n and the global mean
        Σ_c n_c μ_c/n every sample, but Σ_B = Σ_c (μ_c − μ)(μ_c − μ)ᵀ/K every class. Σ_W + Σ_B is
        then no covariance of anything, and few samples of a class far off hardly enter Σ_W.
    classifier : Classifier, optional
        Used for NC3 and NC4; default: the one stored with the features. NC4 falls back on stored
        logits, and `output` says so.
    rank_tolerance : float, optional
        Relative standard deviation of the means below which an axis of Σ_B is rounding. Default:
        max(K, n_features) times the machine epsilon of the features' precision.
    progress : Progress
        Advanced by the samples of each chunk.

    Raises
    ------
    InputError
        On fewer than two classes with samples, class means that all coincide, or a classifier of
        another shape.

    Examples
    --------
    >>> import numpy as np
    >>> report = collapse_geometry((np.eye(3).repeat(2, axis=0), [0, 0, 1, 1, 2, 2]))
    >>> report.nc1, report.rank_between
    (0.0, 2)
    """
    source = open_features(features)
    classifier = source.classifier if classifier is None else classifier
    require_fit(classifier, source)
    output, kind = network_output(source, classifier)
    means = class_means(source, weighting, progress)
    space = between_space(means, rank_tolerance)
    within = within_class(source, means, space, output, progress)
    return _report(source, means, space, within, classifier, kind)


def _report(
    source: FeatureSource,
    means: ClassMeans,
    space: BetweenSpace,
    within: WithinClass,
    classifier: Classifier | None,
    output: str,
) -> GeometryReport:
    centred, n_classes = means.centred, len(means.counts)
    average = means.mean_over_samples
    gram, origin_gram = centred @ centred.T, means.means @ means.means.T
    absent = np.setdiff1d(np.arange(len(source.class_names)), means.present)
    nc3, rank_classifier = float("nan"), 0
    if classifier is not None:
        rows = classifier.weight[means.present]
        nc3 = collapse.self_duality(rows, centred)
        rank_classifier = int(np.linalg.matrix_rank(rows - rows.mean(axis=0)))
    return GeometryReport(
        nc1=average(within.whitened) / n_classes,
        nc1_trace_ratio=average(within.variance) / float(means.between_weights @ np.diag(gram)),
        cdnv=collapse.class_distance_variance(means.means, within.variance),
        equinorm_cv=collapse.norm_variation(centred),
        equiangular_deviation=collapse.equiangular_deviation(centred),
        etf_distance=gram_distance(gram, simplex_etf(n_classes)),
        orthogonal_distance=gram_distance(origin_gram, orthogonal_frame(n_classes)),
        simplex_fit=fit_simplex(means.means),
        nc3=nc3,
        nc4_disagreement=1.0 - average(within.agreements),
        nearest_mean_accuracy=average(within.nearest_hits),
        classifier_accuracy=average(within.classifier_hits),
        mean_similarity=collapse.angular_similarity(centred),
        own_mean_similarity=1.0 - average(within.angle) / np.pi,
        uniformity=collapse.log_inverse_distance(centred),
        rank_between=space.rank,
        rank_tolerance=space.tolerance,
        gram=gram,
        origin_gram=origin_gram,
        class_variance=within.variance,
        counts=means.counts,
        class_names=tuple(source.class_names[code] for code in means.present),
        absent_classes=tuple(source.class_names[code] for code in absent),
        weighting=means.weighting,
        n_samples=source.n_samples,
        n_features=source.n_features,
        source=source.description,
        fingerprint=source.fingerprint,
        output=output,
        rank_classifier=rank_classifier,
    )
