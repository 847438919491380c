"""Everything that is measured at one checkpoint."""

import dataclasses
import math
from typing import Any

from ibcollapse.coincidence import CoincidenceOptions, CoincidenceReport, measure_coincidence
from ibcollapse.features import FeatureSource
from ibcollapse.matrix_information import MatrixInformation, matrix_information
from ibcollapse.progress import Progress
from ibcollapse.storage.serialize import register
from ibcollapse.trajectory.hits import Hits, hits_behind, predictions

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
        The name of the stored number; else "stored logits"; else "nearest class mean of train",
        the means of the training split on the samples at hand; or "cross-fitted Gaussians" where
        there is no such split.
    n_samples : int
        Samples at hand.
    coincidence : CoincidenceReport
    information : MatrixInformation
        Features of a against their classifier rows or class means.
    pair_information : MatrixInformation or None
        Features of a against those of b.
    metrics : dict of str to float
        Numbers stored with a's epoch.
    hits : Hits or None
        The predictions behind `accuracy`; None where the file does not hold them.
    """

    epoch: int
    accuracy: float
    accuracy_source: str
    n_samples: int
    coincidence: CoincidenceReport
    information: MatrixInformation
    pair_information: MatrixInformation | None
    metrics: dict[str, float]
    hits: Hits | None = None


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
    accuracy, accuracy_source, hits = _accuracy(a, metrics, report)
    return Checkpoint(
        epoch=epoch,
        accuracy=accuracy,
        accuracy_source=accuracy_source,
        n_samples=a.n_samples,
        coincidence=report,
        information=matrix_information(a, **settings),
        pair_information=None if b is None else matrix_information(a, b, **settings),
        metrics=metrics,
        hits=hits,
    )


def _accuracy(
    source: FeatureSource, metrics: dict[str, float], report: CoincidenceReport
) -> tuple[float, str, Hits | None]:
    for name in (f"{source.split}_accuracy", "accuracy"):
        if math.isfinite(metrics.get(name, math.nan)):
            return metrics[name], f"stored {name}", hits_behind(source, metrics[name])
    # A network's logits are a better answer than what its class means would say.
    hits = next(predictions(source), None)
    if hits is not None:
        return hits.accuracy, hits.predicted_by, hits
    return report.discrete.held_out_accuracy, "cross-fitted Gaussians", None
