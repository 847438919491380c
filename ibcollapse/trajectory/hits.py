"""Which samples a checkpoint gets right: what pairs the accuracies of two checkpoints."""

import dataclasses
import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ibcollapse.features import FeatureSource
from ibcollapse.gaussian import ClassMoments
from ibcollapse.storage.serialize import register

# Stored accuracies come from features before they were rounded to the file's precision, which
# moves a sample in a thousand at most. Predictions further off are those of something else.
_ROUNDING = 1e-3


@register("trajectory/Hits")
@dataclasses.dataclass(frozen=True)
class Hits:
    """Whether each sample was given its own class.

    Attributes
    ----------
    packed : uint8 (⌈n_samples/8⌉,)
        One bit a sample, by increasing id where ids are stored, else in stored order.
    n_samples : int
    samples : str
        SHA-256 of the labels, and ids, in that order: equal where two checkpoints are paired.
    predicted_by : str
        "stored logits" or "nearest class mean of train", and the layer where it is another one.
    """

    packed: NDArray[np.uint8]
    n_samples: int
    samples: str
    predicted_by: str

    def __post_init__(self) -> None:
        self.packed.setflags(write=False)

    @property
    def right(self) -> NDArray[np.bool_]:
        """One truth value a sample, bool (n_samples,)."""
        return np.unpackbits(self.packed, count=self.n_samples).astype(np.bool_)

    @property
    def accuracy(self) -> float:
        """Share of the samples that are right."""
        return float(self.right.mean())


def predictions(source: FeatureSource) -> Iterator[Hits]:
    """`Hits` of every way that the features of `source` offer, the network's own logits first."""
    logits = source.logits
    if logits is not None and logits.ndim == 2 and logits.shape[1] == len(source.class_names):
        yield _hits(source, np.argmax(logits, axis=1) == source.labels, "stored logits")
    if source.split not in (None, "train") and "train" in source.contents.splits:
        right = _nearest_mean_hits(source, _class_means(source.select(split="train")))
        yield _hits(source, right, "nearest class mean of train")


def hits_behind(source: FeatureSource, accuracy: float) -> Hits | None:
    """The predictions that have this accuracy of the network, up to the rounding of the file.

    A stored accuracy is one number for all layers, and of the last one where it is of class means:
    layers are tried from the last to the first.
    """
    n_samples = source.n_samples
    slack = max(1.0, _ROUNDING * n_samples) + 0.5  # samples, compared as counts
    for layer in reversed(source.contents.layers or (None,)):
        other = layer not in (None, source.layer)
        for hits in predictions(source.select(layer=layer) if other else source):
            if abs(hits.accuracy - accuracy) * n_samples < slack:
                named = f"{hits.predicted_by}, layer {layer}" if other else hits.predicted_by
                return dataclasses.replace(hits, predicted_by=named)
    return None


def _hits(source: FeatureSource, right: NDArray[np.bool_], predicted_by: str) -> Hits:
    digest, labels = hashlib.sha256(), source.labels
    if source.ids is not None:
        ids = np.asarray(source.ids)
        order = np.argsort(ids, kind="stable")
        right, labels = right[order], labels[order]
        digest.update("\n".join(map(str, ids[order].tolist())).encode())
    digest.update(labels.tobytes())
    return Hits(np.packbits(right), len(right), digest.hexdigest(), predicted_by)


def _class_means(source: FeatureSource) -> NDArray[np.float64]:
    moments = ClassMoments(len(source.class_names), source.n_features, scatter="diagonal")
    for x, y in source.chunks():
        moments.update(x, y)
    return moments.means


def _nearest_mean_hits(source: FeatureSource, means: NDArray[np.float64]) -> NDArray[np.bool_]:
    known = np.flatnonzero(~np.isnan(means).any(axis=1))
    centre = means[known].mean(axis=0)
    centred = means[known] - centre
    right = []
    for x, y in source.chunks():
        scores = 2 * (x - centre) @ centred.T - np.sum(centred**2, axis=1)
        right.append(known[np.argmax(scores, axis=1)] == y)
    return np.concatenate(right)
