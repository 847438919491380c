"""How far a stored network is from the lower bounds of its loss, read block by block."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features import Classifier, Features, FeatureSource, open_features
from ibcollapse.gaussian.moments import class_sums
from ibcollapse.landscape.bound_distance import (
    BoundDistance,
    batch_distance,
    classifier_losses,
    cross_entropy_beside_bound,
    drawn_multisets,
    unit_rows,
)
from ibcollapse.landscape.bounds import supcon_terms
from ibcollapse.landscape.counts import validated_positive
from ibcollapse.progress import SILENT, Progress
from ibcollapse.storage.serialize import register

Array = NDArray[np.float64]


@register("landscape/NetworkBounds")
@dataclasses.dataclass(frozen=True)
class NetworkBounds:
    """The losses of a stored network beside the smallest that any features could have.

    Attributes
    ----------
    supcon : BoundDistance
        Supervised contrastive, of batches of `batch_size` samples at `temperature`.
    cross_entropy : BoundDistance or None
        Of the classifier stored with the layer, at the norms that it and the features have; None
        without a classifier.
    temperature : float
    batch_size : int
    note : str
        Why there is no cross-entropy; else "".
    """

    supcon: BoundDistance
    cross_entropy: BoundDistance | None
    temperature: float
    batch_size: int
    note: str = ""


def network_bounds(
    features: Features,
    *,
    temperature: float = 0.1,
    batch_size: int = 256,
    n_batches: int = 200,
    seed: int = 0,
    progress: Progress = SILENT,
) -> NetworkBounds:
    """Distance of a layer's features from the bounds of its losses (Graf et al. 2021).

    The contrastive loss is averaged over batches drawn as in `supcon_distance`, each compared
    with its own part of the bound, so that it does not lie below the bound by chance; only their
    rows are kept in memory. The cross-entropy is that of the stored classifier.

    Parameters
    ----------
    features : path, FeatureSource or (features, labels)
        Of any length.
    temperature : float
        τ of the contrastive loss.
    batch_size : int
        Samples in a batch, at least 2; no more than there are samples are taken.
    n_batches : int
        Drawn batches, at least 2.
    seed : int
        Of the draws.
    progress : Progress
        Told about the pass over the features.

    Raises
    ------
    InputError
        On options out of range, or features of norm zero in a drawn batch.

    References
    ----------
    Graf, Hofer, Niethammer, Kwitt (2021), arXiv:2102.08817.
    """
    source = open_features(features)
    tau = validated_positive(temperature, "temperature")
    if n_batches < 2 or batch_size < 2:
        raise InputError(
            f"n_batches is {n_batches} and batch_size {batch_size}, expected at least 2 of each"
        )
    size = min(batch_size, source.n_samples)
    counts = np.bincount(source.labels, minlength=len(source.class_names))
    terms = supcon_terms(counts, size, temperature=tau)
    rng = np.random.default_rng(seed)
    batches = list(drawn_multisets(source.n_samples, size, n_batches, rng))
    drawn = np.unique(np.concatenate(batches))
    rows, means, loss, square = _read(source, drawn, progress)
    places = [np.searchsorted(drawn, batch) for batch in batches]
    supcon = batch_distance(unit_rows(rows), source.labels[drawn], places, terms, means)
    if source.classifier is None:
        note = "no classifier is stored with this layer, so there is no cross-entropy to compare"
        return NetworkBounds(supcon, None, tau, size, note)
    w, b = _classifier(source.classifier)
    return NetworkBounds(supcon, cross_entropy_beside_bound(loss, square, counts, w, b), tau, size)


def _classifier(classifier: Classifier) -> tuple[Array, Array]:
    bias = classifier.bias
    return classifier.weight, np.zeros(len(classifier.weight)) if bias is None else bias


def _read(
    source: FeatureSource, wanted: NDArray[np.int64], progress: Progress
) -> tuple[Array, Array, float, float]:
    """Rows `wanted` (increasing numbers), and of all: class means of the unit rows (n_classes, d),
    mean cross-entropy and mean square norm, in one pass.
    """
    rows = np.empty((len(wanted), source.n_features))
    n_classes = len(source.class_names)
    sums = np.zeros((n_classes, source.n_features))
    classifier = None if source.classifier is None else _classifier(source.classifier)
    start, loss, square = 0, 0.0, 0.0
    progress.start("loss bounds", total=source.n_samples)
    for block, codes in source.chunks():
        x = block.astype(np.float64)
        first, last = np.searchsorted(wanted, [start, start + len(x)])
        rows[first:last] = x[wanted[first:last] - start]
        square += float(np.vdot(x, x))
        norms = np.linalg.norm(x, axis=1, keepdims=True)
        # A sample at the origin has no direction to add.
        sums += class_sums(x / np.where(norms > 0, norms, 1.0), codes, n_classes)
        if classifier is not None:
            loss += float(classifier_losses(x, codes, *classifier).sum())
        start += len(x)
        progress.advance(len(x))
    progress.finish()
    counts = np.bincount(source.labels, minlength=n_classes)
    return rows, sums / counts[:, None], loss / start, square / start
