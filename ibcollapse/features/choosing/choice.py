"""What was asked for, and what was chosen to answer it."""

import dataclasses

from ibcollapse.features.source import FeatureContents
from ibcollapse.features.stores.store import StoredArray


@dataclasses.dataclass(frozen=True)
class Request:
    """Options of `open_features`; None leaves the choice to the file."""

    layer: str | None = None
    epoch: int | None = None
    split: str | None = None
    features_key: str | None = None
    labels_key: str | None = None
    group: str | None = None
    pool: str | None = None
    transpose: bool | None = None
    drop_nonfinite: bool = False


@dataclasses.dataclass(frozen=True)
class Choice:
    """Arrays that make one feature matrix and its labels.

    Attributes
    ----------
    features, labels : tuple of StoredArray
        In row order; more than one where the file is cut into shards.
    transposed : bool
        Samples are the columns of the stored features.
    n_rows : int
        Samples stored, without padding.
    reason : str
        A sentence: what was taken, and why.
    contents : FeatureContents
        What else could have been taken.
    class_names : tuple of str or None
        Classes that the file declares.
    layer, epoch, split
        What was taken, where the file divides so.
    ids_key, logits_key, weight_key, bias_key : str or None
        Further arrays of the same samples and network.
    """

    features: tuple[StoredArray, ...]
    labels: tuple[StoredArray, ...]
    transposed: bool
    n_rows: int
    reason: str
    contents: FeatureContents
    class_names: tuple[str, ...] | None = None
    layer: str | None = None
    epoch: int | None = None
    split: str | None = None
    ids_key: str | None = None
    logits_key: str | None = None
    weight_key: str | None = None
    bias_key: str | None = None
