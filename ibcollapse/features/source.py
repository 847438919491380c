"""What every analysis reads: samples in blocks, their classes, and where they came from."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class Classifier:
    """The linear classifier that read these features during training.

    Attributes
    ----------
    weight : float64 (n_classes, n_features)
        One row a class, in the order of the source's `class_names`.
    bias : float64 (n_classes,) or None
    """

    weight: NDArray[np.float64]
    bias: NDArray[np.float64] | None

    def __post_init__(self) -> None:
        self.weight.setflags(write=False)
        if self.bias is not None:
            self.bias.setflags(write=False)


@dataclasses.dataclass(frozen=True)
class FeatureContents:
    """What else the same file offers, for sweeps; empty tuples where the file does not divide.

    Attributes
    ----------
    layers, splits : tuple of str
    epochs : tuple of int
        Increasing.
    metrics : dict of epoch to dict of name to float
        Numbers stored with each epoch (loss, test_accuracy, ...).
    """

    layers: tuple[str, ...] = ()
    epochs: tuple[int, ...] = ()
    splits: tuple[str, ...] = ()
    metrics: dict[int, dict[str, float]] = dataclasses.field(default_factory=dict)


class FeatureSource(Protocol):
    """Labelled features of one layer, epoch and split, read in blocks in a stable row order."""

    @property
    def n_samples(self) -> int:
        """Number of samples that `chunks` yields."""

    @property
    def n_features(self) -> int:
        """Dimension of a sample."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; a label is an index into them."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class of each sample, shape (n_samples,), read-only, in the order of `chunks`."""

    def chunks(
        self, rows: int | None = None
    ) -> Iterator[tuple[NDArray[np.floating[Any]], NDArray[np.int64]]]:
        """Yield (x, y) block by block, the samples in the same order on every call.

        x is float32 or float64 of shape (m, n_features), C-contiguous, finite and read-only, and
        valid until the next block is asked for (its memory is used again: copy what is kept).
        y is int64 of shape (m,): the k-th sample yielded has the label `labels[k]`. `rows` bounds
        m; None takes blocks of about 32 MiB.

        Raises
        ------
        FeatureFileError
            When the features hold NaN or infinite values, or the file is damaged.
        """

    @property
    def classifier(self) -> Classifier | None:
        """Classifier stored for this layer and epoch."""

    @property
    def ids(self) -> NDArray[Any] | None:
        """Unique names of the samples, shape (n_samples,), integers or strings."""

    @property
    def logits(self) -> NDArray[np.float64] | None:
        """Stored outputs of the network, shape (n_samples, n_outputs)."""

    @property
    def contents(self) -> FeatureContents:
        """Layers, epochs and splits that `select` can go to."""

    @property
    def layer(self) -> str | None:
        """Layer that was taken."""

    @property
    def epoch(self) -> int | None:
        """Epoch that was taken."""

    @property
    def split(self) -> str | None:
        """Split that was taken."""

    @property
    def description(self) -> str:
        """One or two sentences: which datasets were taken, why, and what was dropped."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the file's bytes, or of the arrays."""

    def select(
        self, *, layer: str | None = None, epoch: int | None = None, split: str | None = None
    ) -> "FeatureSource":
        """Return the same file at another layer, epoch or split; None keeps the present one."""
