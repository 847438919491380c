"""Everything that is measured at one checkpoint."""

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.coincidence import CoincidenceOptions, CoincidenceReport, measure_coincidence
from ibcollapse.features import FeatureSource
from ibcollapse.gaussian import ClassMoments
from ibcollapse.matrix_information import MatrixInformation, matrix_information
from ibcollapse.progress import Progress
from ibcollapse.serialize import register

# Entropies of Grams are exact up to this many samples, else means over batches of this size: the
# eigenproblem of two networks' joint Gram has as many rows as samples.
BATCH_SIZE = 1000


@register("trajectory/Checkpoint")
@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Measures of one network, or of a pair, after one epoch.

    Attributes
    ----------
    epoch : int
    accuracy : float
        What `accuracy_source` says, of network a.
    accuracy_source : str
        The name of the stored number; or "nearest class mean of train", the means of the training
        split on the samples at hand; or "cross-fitted Gaussians" where there is no such split.
    n_samples : int
        Samples at hand.
    coincidence : CoincidenceReport
    information : MatrixInformation
        Features of a against their classifier rows or class means.
    pair_information : MatrixInformation or None
        Features of a against those of b.
    metrics : dict of str to float
        Numbers stored with a's epoch.
    """

    epoch: int
    accuracy: float
    accuracy_source: str
    n_samples: int
    coincidence: CoincidenceReport
    information: MatrixInformation
    pair_information: MatrixInformation | None
    metrics: dict[str, float]


def measure_checkpoint(
    a: FeatureSource,
    b: FeatureSource | None,
    options: CoincidenceOptions,
    progress: Progress,
) -> Checkpoint:
    """`Checkpoint` of sources that stand at one epoch."""
    report = measure_coincidence(a, b, options=options, progress=progress)
    settings: dict[str, Any] = {
        "batch_size": BATCH_SIZE if a.n_samples > BATCH_SIZE else None,
        "n_permutations": options.n_permutations,
        "seed": options.seed,
        "progress": progress,
    }
    epoch = 0 if a.epoch is None else a.epoch
    metrics = dict(a.contents.metrics.get(epoch, {}))
    accuracy, accuracy_source = _accuracy(a, metrics, report)
    return Checkpoint(
        epoch=epoch,
        accuracy=accuracy,
        accuracy_source=accuracy_source,
        n_samples=a.n_samples,
        coincidence=report,
        information=matrix_information(a, **settings),
        pair_information=None if b is None else matrix_information(a, b, **settings),
        metrics=metrics,
    )


def _accuracy(
    source: FeatureSource, metrics: dict[str, float], report: CoincidenceReport
) -> tuple[float, str]:
    for name in (f"{source.split}_accuracy", "accuracy"):
        if math.isfinite(metrics.get(name, math.nan)):
            return metrics[name], f"stored {name}"
    if source.split not in (None, "train") and "train" in source.contents.splits:
        means = _class_means(source.select(split="train"))
        return _nearest_mean_accuracy(source, means), "nearest class mean of train"
    return report.discrete.held_out_accuracy, "cross-fitted Gaussians"


def _class_means(source: FeatureSource) -> NDArray[np.float64]:
    moments = ClassMoments(len(source.class_names), source.n_features, scatter="diagonal")
    for x, y in source.chunks():
        moments.update(x, y)
    return moments.means


def _nearest_mean_accuracy(source: FeatureSource, means: NDArray[np.float64]) -> float:
    known = np.flatnonzero(~np.isnan(means).any(axis=1))
    centre = means[known].mean(axis=0)
    centred = means[known] - centre
    hits = 0
    for x, y in source.chunks():
        scores = 2 * (x - centre) @ centred.T - np.sum(centred**2, axis=1)
        hits += int(np.sum(known[np.argmax(scores, axis=1)] == y))
    return hits / source.n_samples
