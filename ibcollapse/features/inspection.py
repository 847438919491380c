"""What is in a feature file, what would be used of it, and what looks wrong."""

import dataclasses
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.choosing.choice import Request
from ibcollapse.features.choosing.native import is_native
from ibcollapse.features.layout import PROVENANCE_PREFIX
from ibcollapse.features.nonfinite import has_nonfinite, rows_text
from ibcollapse.features.opening import uncounted_source
from ibcollapse.features.precision import repeated_groups, row_signatures
from ibcollapse.features.source import FeatureContents
from ibcollapse.features.stored_source import StoredSource
from ibcollapse.features.stores.formats import open_store
from ibcollapse.features.stores.memory import pair_store
from ibcollapse.features.stores.store import StoredArray, one_line
from ibcollapse.progress import SILENT, Progress

# A largest class of twice the smallest moves the optimal class geometry visibly away from the
# simplex (theory of imbalance); below that the classes are called balanced here.
_UNBALANCED_FROM = 2.0
_LISTED_ROWS = 10


@dataclasses.dataclass(frozen=True)
class ChosenFeatures:
    """The features that an analysis with the same options would take, looked at once.

    Attributes
    ----------
    description : str
    layer, epoch, split
        What was taken, None where the file does not divide.
    n_stored, n_samples, n_features : int
        Rows in the file (without padding), rows used, and their dimension.
    class_names : tuple of str
    class_counts : int64 (n_classes,)
    has_classifier, has_ids, has_logits : bool
    n_nonfinite : int
        Rows with NaN or infinite features.
    first_nonfinite : int64 (n,)
        The first few of them, counted from the first row of the file.
    n_constant : int
        Features that never change.
    n_zero_at_end : int
        Rows of zeros at the end of the file, which may be padding.
    n_repeated : int or None
        Rows that equal an earlier one; None when not counted.
    """

    description: str
    layer: str | None
    epoch: int | None
    split: str | None
    n_stored: int
    n_samples: int
    n_features: int
    class_names: tuple[str, ...]
    class_counts: NDArray[np.int64]
    has_classifier: bool
    has_ids: bool
    has_logits: bool
    n_nonfinite: int
    first_nonfinite: NDArray[np.int64]
    n_constant: int
    n_zero_at_end: int
    n_repeated: int | None


@dataclasses.dataclass(frozen=True)
class FeatureInspection:
    """What `inspect_features` found.

    Attributes
    ----------
    path : str
    layout : str
        "native version 1", or "found by names and shapes".
    provenance : dict of str to str
        What the writer noted about the features' origin.
    arrays : tuple of StoredArray
    contents : FeatureContents
        Layers, epochs and splits to choose from.
    chosen : ChosenFeatures or None
        None when the file and the options do not settle what to use.
    refusal : str
        Why not, with the options that would; empty when they do.
    warnings : tuple of str
        What looks wrong in the chosen features.
    """

    path: str
    layout: str
    provenance: dict[str, str]
    arrays: tuple[StoredArray, ...]
    contents: FeatureContents
    chosen: ChosenFeatures | None
    refusal: str
    warnings: tuple[str, ...]


def inspect_features(
    path: str | os.PathLike[str] | tuple[Any, Any],
    *,
    count_repeated: bool = False,
    progress: Progress = SILENT,
    **selection: Any,
) -> FeatureInspection:
    """Contents of a feature file and a first look at the features that would be used.

    Reads headers, labels, and the chosen features once, in blocks.

    Parameters
    ----------
    path : path or (features, labels)
        A file, or a pair of arrays or tensors.
    count_repeated : bool
        Count rows that equal an earlier one (8 bytes of memory a row).
    progress : Progress
        Advanced by the rows read.
    **selection
        The keyword arguments of `open_features`.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    FeatureFileError
        When it cannot be opened. A file that opens but leaves the choice open is no error here:
        `refusal` says what is missing.
    """
    if isinstance(path, (str, os.PathLike)):
        store, name = open_store(path), str(path)
    else:
        store = pair_store(path)
        name = store.name
    request = Request(**selection)
    chosen, refusal, contents = None, "", FeatureContents()
    warnings: tuple[str, ...] = ()
    try:
        source = uncounted_source(store, request)
        contents = source.contents
        chosen = _look_at(source, count_repeated=count_repeated, progress=progress)
        warnings = tuple(_warnings(chosen, request))
    except FeatureFileError as error:
        refusal = str(error)
    return FeatureInspection(
        name,
        "native version 1" if is_native(store) else "found by names and shapes",
        {
            name.removeprefix(PROVENANCE_PREFIX): str(value)
            for name, value in store.attrs.items()
            if name.startswith(PROVENANCE_PREFIX)
        },
        store.arrays,
        contents,
        chosen,
        refusal,
        warnings,
    )


def _look_at(source: StoredSource, *, count_repeated: bool, progress: Progress) -> ChosenFeatures:
    low = np.full(source.n_features, np.inf)
    high = np.full(source.n_features, -np.inf)
    bad: list[NDArray[np.int64]] = []
    hashes: list[NDArray[np.int64]] = []
    stored = zeros = 0
    progress.start("reading features", source.n_stored)
    for x in source.stored_blocks():
        if has_nonfinite(x):
            bad.append(stored + np.flatnonzero(~np.isfinite(x).all(axis=1)))
        with np.errstate(invalid="ignore"):  # A signalling NaN, which a damaged file may hold.
            np.fmin(low, np.fmin.reduce(x, axis=0), out=low)
            np.fmax(high, np.fmax.reduce(x, axis=0), out=high)
            filled = np.flatnonzero(x.any(axis=1))
        zeros = len(x) - 1 - int(filled[-1]) if filled.size else zeros + len(x)
        if count_repeated:
            hashes.append(row_signatures(x))
        stored += len(x)
        progress.advance(len(x))
    progress.finish()
    counts = np.bincount(source.labels, minlength=len(source.class_names))
    nonfinite = np.concatenate(bad) if bad else np.empty(0, dtype=np.int64)
    return ChosenFeatures(
        description=source.description,
        layer=source.layer,
        epoch=source.epoch,
        split=source.split,
        n_stored=source.n_stored,
        n_samples=source.n_samples,
        n_features=source.n_features,
        class_names=source.class_names,
        class_counts=counts,
        has_classifier=source.classifier is not None,
        has_ids=source.ids is not None,
        has_logits=source.logits is not None,
        n_nonfinite=len(nonfinite),
        first_nonfinite=nonfinite[:_LISTED_ROWS],
        n_constant=int(np.count_nonzero(low == high)),
        n_zero_at_end=zeros,
        n_repeated=repeated_groups(np.concatenate(hashes))[1] if hashes else None,
    )


def _warnings(chosen: ChosenFeatures, request: Request) -> Iterable[str]:
    yield from _class_warnings(chosen)
    if chosen.n_nonfinite:
        rows = rows_text(chosen.first_nonfinite)
        way_on = "left out" if request.drop_nonfinite else "leave them out with --drop-nonfinite"
        yield (
            f"NaN or infinite features in {chosen.n_nonfinite} of {chosen.n_stored} samples "
            f"({rows}): {way_on}"
        )
    if chosen.n_zero_at_end > 1:
        yield (
            f"the last {chosen.n_zero_at_end} rows are all zero, which looks like padding: "
            "store the number of samples before them as 'count', or cut them"
        )
    if chosen.n_constant:
        yield (
            f"features that never change: {chosen.n_constant} of {chosen.n_features}; they carry "
            "no information and make covariances singular"
        )
    if chosen.n_repeated:
        yield (
            f"samples that repeat an earlier one: {chosen.n_repeated} of {chosen.n_stored}; "
            "held-out figures will flatter"
        )


def _class_warnings(chosen: ChosenFeatures) -> Iterable[str]:
    counts = chosen.class_counts
    if len(counts) < 2:
        yield f"classes: {len(counts)}, at least two are needed"
        return
    few = [one_line(chosen.class_names[i]) for i in np.flatnonzero(counts < 2)]
    if few:
        yield (
            f"classes with fewer than two samples: {len(few)} of {len(counts)} "
            f"({', '.join(few[:5])}); an analysis refuses them"
        )
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] >= _UNBALANCED_FROM * counts[least]:
        yield (
            f"unbalanced classes: {counts[least]} of {one_line(chosen.class_names[least])}, "
            f"{counts[most]} of {one_line(chosen.class_names[most])}; mind the weighting of classes"
        )
    if chosen.n_features >= counts[least]:
        yield (
            f"{chosen.n_features} features for {counts[least]} of the smallest class: its own "
            " covariance is singular, so use a tied or shrunk one"
        )
