"""What the network said of each sample: its classifier's choice, or that of its stored logits."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import InputError
from ibcollapse.features.source import Classifier, FeatureSource

CLASSIFIER, LOGITS = "classifier", "stored logits"


@dataclasses.dataclass(frozen=True)
class Block:
    """Samples of one block: rows `rows` of the source, x = `means`[`y`] + `residual`.

    `residual` (m, d) and `means` (n_classes, d) are in the precision of the features.
    """

    rows: slice
    residual: NDArray[np.floating[Any]]
    means: NDArray[np.floating[Any]]
    y: NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class LinearOutput:
    """Output of a linear classifier that reads the features themselves."""

    classifier: Classifier

    def codes(self, block: Block) -> NDArray[np.int64]:
        """Code of the class with the largest logit W x + b, int64 (m,)."""
        weight = self.classifier.weight
        of_means = block.means.astype(np.float64) @ weight.T
        # The means apart from the rest: a common offset of the features is not rounded.
        along = block.residual @ weight.T.astype(block.residual.dtype)
        logits = along.astype(np.float64) + of_means[block.y]
        if self.classifier.bias is not None:
            logits += self.classifier.bias
        return np.asarray(np.argmax(logits, axis=1), dtype=np.int64)


@dataclasses.dataclass(frozen=True)
class StoredOutput:
    """Output that was stored with the samples; `chosen` int64 (n_samples,) are class codes."""

    chosen: NDArray[np.int64]

    def codes(self, block: Block) -> NDArray[np.int64]:
        """Code of the stored choice, int64 (m,)."""
        return self.chosen[block.rows]


Output = LinearOutput | StoredOutput


def network_output(
    source: FeatureSource, classifier: Classifier | None
) -> tuple[Output | None, str]:
    """Output of the network behind the features, and what it is: "classifier", "stored logits".

    A classifier reads one layer only; logits are the network's last word on a sample, whichever
    layer the features are from. None and a reason ("" without either) where there is no output.
    """
    if classifier is not None:
        return LinearOutput(classifier), CLASSIFIER
    logits = source.logits
    if logits is None:
        return None, ""
    n_classes = len(source.class_names)
    if logits.ndim != 2 or logits.shape[1] != n_classes:
        shape = "×".join(map(str, logits.shape))
        return None, f"the stored logits ({shape}) are not of the {n_classes} classes"
    # Infinite ones have an order, which is all that is asked for.
    if np.isnan(logits).any():
        return None, "the stored logits hold NaN"
    return StoredOutput(np.argmax(logits, axis=1)), LOGITS


def require_fit(classifier: Classifier | None, source: FeatureSource) -> None:
    """Refuse a classifier of other features or classes.

    Raises
    ------
    InputError
        When its weight has not one row a class and one column a feature.
    """
    expected = (len(source.class_names), source.n_features)
    if classifier is not None and classifier.weight.shape != expected:
        raise InputError(
            f"the classifier's weight has shape {classifier.weight.shape}, the features need "
            f"{expected} (classes, features); take the layer that the classifier reads"
        )
