"""Matrix information of stored features: against their classes, or against another network."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.array_backend import is_array
from ibcollapse.errors import InputError
from ibcollapse.features import Features, FeatureSource, open_features
from ibcollapse.features.pairing import pair_sources
from ibcollapse.gaussian import ClassMoments, within_covariance
from ibcollapse.linear_algebra import symmetric_eigenvalues
from ibcollapse.matrix_information.information import MatrixInformation, information_of_rows
from ibcollapse.matrix_information.ranks import EffectiveRanks, effective_rank, lidar
from ibcollapse.matrix_information.ranks import participation_ratio as participation
from ibcollapse.matrix_information.rows import Rows, RowStream, stream_rows, unit_rows
from ibcollapse.progress import SILENT, Progress

Against = Literal["classifier", "class means"]
_BLOCK_ROWS = 4096


def matrix_information(
    a: Features | ArrayLike,
    b: Features | ArrayLike | None = None,
    *,
    against: Against | None = None,
    centred: bool = False,
    alpha: float = 1.0,
    batch_size: int | None = None,
    n_permutations: int = 20,
    seed: int = 0,
    progress: Progress = SILENT,
) -> MatrixInformation:
    """`MatrixInformation` of features with their classes' rows, or with other features.

    Parameters
    ----------
    a : path, FeatureSource, (features, labels), or array (n_samples, n_features)
        Features. Those of a path or a source are read several times and not held in memory: at
        most 8192 samples at once are, or batches up to 256 MiB.
    b : the same, optional
        Features of the same samples (matched on ids, else by order). Not given: each sample's
        classifier row or class mean.
    against : {"classifier", "class means"}, optional
        What a sample's class stands for when `b` is not given; default: the stored classifier's
        rows where there is one, else the class means.
    centred : bool
        Subtract the samples' mean before the rows are scaled to length one.
    alpha : float
        Order of the entropy; 1 is von Neumann's, others are Rényi's.
    batch_size : int, optional
        Average over random disjoint batches of this size (published figures do); default: all
        samples at once, exact, through the smaller side of the Grams.
    n_permutations : int
        Permutations of b behind the null: 0, or at least 2.
    seed : int
        Of the batches and the permutations.
    progress : Progress
        Advanced per batch and permutation.

    Raises
    ------
    InputError
        On samples that do not match, a row without direction, an option out of range, no stored
        classifier when one is asked for, or an eigenproblem too large for one machine.

    Examples
    --------
    >>> simplex = np.eye(3) - 1 / 3
    >>> round(matrix_information(simplex, simplex, n_permutations=0).mir, 6)
    0.5

    References
    ----------
    Song et al. (2024), Unveiling the dynamics of information interplay in supervised learning,
    arXiv 2406.03999.
    """
    if b is not None and against is not None:
        raise InputError("give either b or against, not both")
    rows_a: Rows
    rows_b: Rows
    if b is None:
        rows_a, rows_b, against_name = _against_classes(_labelled(a), against, centred)
    else:
        rows_a, rows_b = _same_samples(a, b, centred)
        against_name = "second representation"
    return information_of_rows(
        rows_a,
        rows_b,
        alpha=alpha,
        batch_size=batch_size,
        n_permutations=n_permutations,
        seed=seed,
        centred=centred,
        against=against_name,
        progress=progress,
    )


def effective_ranks(
    features: Features, *, ridge: float = 1e-4, progress: Progress = SILENT
) -> EffectiveRanks:
    """`EffectiveRanks` of labelled features from one streamed pass.

    Every sample weighs the same in RankMe and the participation ratio, every class in LiDAR, whose
    surrogate tasks are drawn alike (Thilak et al. 2023).

    Parameters
    ----------
    features : path, FeatureSource or (features, labels)
    ridge : float
        LiDAR's δ, the variance added to Σ_w; squared feature units (1e-4 in the paper).
    progress : Progress
        Advanced by the samples of each chunk.

    Raises
    ------
    InputError
        When all features are zero or constant, or the class means coincide.
    """
    source = open_features(features)
    moments = ClassMoments(len(source.class_names), source.n_features)
    labelled = np.bincount(source.labels, minlength=len(source.class_names))
    # LiDAR's Σ_w weighs classes alike; with as many samples in each that is the plain one.
    by_class = moments
    if len(np.unique(labelled[labelled > 0])) > 1:
        reciprocal = np.divide(1.0, labelled, out=np.zeros(len(labelled)), where=labelled > 0)
        by_class = ClassMoments(
            len(source.class_names), source.n_features, class_weights=reciprocal
        )
    progress.start("effective ranks", source.n_samples)
    for x, y in source.chunks():
        moments.update(x, y)
        if by_class is not moments:
            by_class.update(x, y)
        progress.advance(len(y))
    progress.finish()
    counts, n_samples = moments.counts, source.n_samples
    present = counts > 0
    shares, means = counts[present] / n_samples, moments.means[present]
    mean = shares @ means
    within = moments.scatter / n_samples
    covariance = within + ((means - mean).T * shares) @ (means - mean)
    if not covariance.any():
        raise InputError("all samples have the same features, which span no directions to count")
    sigma = np.sqrt(_eigenvalues(covariance + np.outer(mean, mean)))
    return EffectiveRanks(
        rankme=effective_rank(sigma),
        rankme_squared=effective_rank(sigma, variant="sigma_squared"),
        participation_ratio=participation(_eigenvalues(covariance)),
        lidar=lidar(means, within_covariance(by_class, "class"), ridge=ridge),
        lidar_ridge=ridge,
        n_samples=n_samples,
        n_features=source.n_features,
        n_classes=len(means),
    )


def _eigenvalues(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values = symmetric_eigenvalues(covariance)
    # Rounding of zero eigenvalues would enter RankMe through its square root, as 1e-8 each.
    return np.where(values > len(values) * np.finfo(np.float64).eps * values[-1], values, 0.0)


def _labelled(features: Any) -> FeatureSource:
    if _is_bare_array(features):
        raise InputError(
            "an array without labels has no classes to compare with; pass (features, labels), or "
            "a second representation as b"
        )
    return open_features(features)


def _is_bare_array(features: Any) -> bool:
    """Whether `features` is one array of features, and not a path, a pair or a source."""
    return not isinstance(features, (str, tuple)) and is_array(features)


def _same_samples(a: Any, b: Any, centred: bool) -> tuple[Rows, Rows]:
    if _is_bare_array(a) != _is_bare_array(b):
        raise InputError("a and b must both be arrays, or both be labelled features")
    if _is_bare_array(a):
        return unit_rows(a, centred=centred), unit_rows(b, centred=centred)
    paired = pair_sources([open_features(a), open_features(b)])
    rows = [
        _streamed(source, *_scan(source), centred, order)
        for source, order in zip(paired.sources, paired.orders, strict=True)
    ]
    return rows[0], rows[1]


def _against_classes(
    source: FeatureSource, against: Against | None, centred: bool
) -> tuple[Rows, Rows, str]:
    if against not in (None, "classifier", "class means"):
        raise InputError(f"against {against!r}; expected 'classifier' or 'class means'")
    if against == "classifier" and source.classifier is None:
        raise InputError(f"no classifier is stored for these features ({source.description})")
    moments, scale = _scan(source)
    present, codes = np.unique(source.labels, return_inverse=True)
    samples = _streamed(source, moments, scale, centred, None)
    if source.classifier is not None and against != "class means":
        rows = source.classifier.weight[present]
        return samples, unit_rows(rows, centred=centred, codes=codes), "classifier rows"
    means = moments.means[present]
    return samples, unit_rows(means, centred=centred, codes=codes), "class means"


def _scan(source: FeatureSource) -> tuple[ClassMoments, float]:
    """Class means, and the largest absolute value of the features, from one read."""
    moments = ClassMoments(len(source.class_names), source.n_features, scatter="diagonal")
    scale = 0.0
    for x, y in source.chunks(_BLOCK_ROWS):
        moments.update(x, y)
        scale = max(scale, float(np.abs(x).max(initial=0.0)))
    return moments, scale


def _streamed(
    source: FeatureSource,
    moments: ClassMoments,
    scale: float,
    centred: bool,
    order: NDArray[np.int64] | None,
) -> RowStream:
    present = moments.counts > 0
    mean = moments.counts[present] @ moments.means[present] / moments.n_samples
    return stream_rows(
        lambda: (x for x, _ in source.chunks(_BLOCK_ROWS)),
        mean,
        scale=scale,
        n_samples=source.n_samples,
        centred=centred,
        order=order,
    )
