"""From what the user has to a `FeatureSource`."""

import dataclasses
import os
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features.choosing.choice import Choice, Request
from ibcollapse.features.choosing.native import choose_native, is_native
from ibcollapse.features.choosing.selection import choose
from ibcollapse.features.labels import ClassLabels, decode_labels
from ibcollapse.features.source import FeatureSource
from ibcollapse.features.stored_source import StoredSource
from ibcollapse.features.stores.formats import open_store
from ibcollapse.features.stores.memory import pair_store
from ibcollapse.features.stores.store import Store, one_line
from ibcollapse.features.text import as_text

Features: TypeAlias = str | os.PathLike[str] | FeatureSource | tuple[Any, Any]


def open_features(
    features: Features,
    *,
    layer: str | None = None,
    epoch: int | None = None,
    split: str | None = None,
    features_key: str | None = None,
    labels_key: str | None = None,
    group: str | None = None,
    pool: str | None = None,
    transpose: bool | None = None,
    drop_nonfinite: bool = False,
) -> FeatureSource:
    """Labelled features of a file, of a pair of arrays, or of a source that is one already.

    Only headers and labels are read here; features are read block by block by
    `FeatureSource.chunks`, so that a file larger than memory works.

    Parameters
    ----------
    features : path, (features, labels) or FeatureSource
        A file (.h5, .hdf5, .mat v7.3, .h5ad, .npz, .npy, .pt, .safetensors), or a pair of arrays,
        tensors, memory maps or h5py datasets.
    layer, epoch, split : optional
        Which features of a file that holds several. A native file has defaults: its attributes,
        and the last epoch.
    features_key, labels_key : str, optional
        Arrays inside the file, by their path.
    group : str, optional
        Look only below this group.
    pool : {"mean", "first", "last", "mean-nchw", "mean-nhwc", "flatten"}, optional
        How features of three or four axes become one vector a sample.
    transpose : bool, optional
        Whether samples are the columns of the stored features; None lets the labels' length say.
    drop_nonfinite : bool
        Leave out samples with NaN or infinite features (one more read of the file) instead of
        refusing the file when they are met.

    Returns
    -------
    FeatureSource
        `description` says what was taken and why.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    FeatureFileError
        When the file is damaged or unsafe, offers several readings, lacks labels, or holds fewer
        than two classes or fewer than two samples of a class.
    InputError
        On an argument that cannot be read as features.
    MissingExtraError
        For .pt and .safetensors files without the extra that reads them.

    Examples
    --------
    >>> import numpy as np
    >>> source = open_features((np.eye(4), ["cat", "dog", "cat", "dog"]))
    >>> source.class_names, source.labels.tolist()
    (('cat', 'dog'), [0, 1, 0, 1])
    """
    request = Request(
        layer, epoch, split, features_key, labels_key, group, pool, transpose, drop_nonfinite
    )
    if _is_source(features):
        return _reselect(features, request)
    if isinstance(features, (str, os.PathLike)):
        return source_of(open_store(features), request)
    given = dataclasses.replace(request, transpose=bool(request.transpose))
    return source_of(pair_store(features), given)


def source_of(store: Store, request: Request) -> FeatureSource:
    """Source for `request`, with at least two samples in each of at least two classes."""
    source = uncounted_source(store, request)
    counts = np.bincount(source.labels, minlength=len(source.class_names))
    _check_counts(f"{store.name}: {source.description}", source.class_names, counts)
    return source


def uncounted_source(store: Store, request: Request) -> StoredSource:
    """Source for `request`, whatever its classes hold."""
    choice = choice_for(store, request)
    for array in (*choice.features, *choice.labels):
        if array.problem:
            raise FeatureFileError(f"{store.name}: {one_line(array.key)}: {array.problem}")
        if 0 in array.shape or not array.shape:
            raise FeatureFileError(f"{store.name}: {one_line(array.key)} is empty ({array.form})")
    for array in choice.features:
        if not array.is_real:
            raise FeatureFileError(
                f"{store.name}: {one_line(array.key)}: features are {array.form}, expected numbers"
            )
    return StoredSource(store, choice, request, _labels(store, choice), source_of)


def choice_for(store: Store, request: Request) -> Choice:
    """The arrays that answer `request`, by the rule of the store's layout."""
    by_key = request.features_key or request.labels_key or request.group
    return (
        choose_native(store, request) if is_native(store) and not by_key else choose(store, request)
    )


def _labels(store: Store, choice: Choice) -> ClassLabels:
    where = f"{store.name}: {', '.join(one_line(array.key) for array in choice.labels)}"
    if choice.labels[0].is_categorical:
        key = choice.labels[0].key
        found = decode_labels(store.read(f"{key}/codes"), n=choice.n_rows, where=where)
        categories = store.read(f"{key}/categories")
        if categories.ndim != 1:
            raise FeatureFileError(
                f"{where}: categories of shape {categories.shape}, expected a list"
            )
        if found.values is None or (found.values.size and found.values[-1] >= len(categories)):
            raise FeatureFileError(f"{where}: codes outside its {len(categories)} categories")
        names = tuple(str(name) for name in as_text(categories, where)[found.values].tolist())
        return dataclasses.replace(found, names=names, values=None)
    parts = [np.atleast_1d(store.read(array.key)) for array in choice.labels]
    raw = (
        parts[0]
        if len(parts) == 1
        else np.concatenate([part.reshape(len(part), -1) for part in parts])
    )
    if raw.ndim == 2 and raw.shape[0] == 1:
        raw = raw.T
    if len(raw) > choice.n_rows:
        raw = raw[: choice.n_rows]
    return decode_labels(raw, n=choice.n_rows, where=where, class_names=choice.class_names)


def _check_counts(where: str, names: tuple[str, ...], counts: NDArray[np.int64]) -> None:
    absent = [name for name, count in zip(names, counts, strict=True) if count == 0]
    single = [name for name, count in zip(names, counts, strict=True) if count == 1]
    if len(names) < 2:
        found = f"only the class {one_line(names[0])}" if names else "no labelled sample"
        raise FeatureFileError(
            f"{where} Found {found}; at least two classes are needed (a label of -1 means "
            "unlabelled)"
        )
    for group, have in ((absent, "no sample"), (single, "only one sample")):
        if group:
            listed = ", ".join(one_line(name) for name in group[:5])
            raise FeatureFileError(
                f"{where} {len(group)} of {len(names)} classes ({listed}) have {have}; each needs "
                "two or more: take another split, or leave these classes out of the file"
            )


def _is_source(features: object) -> TypeGuard[FeatureSource]:
    # Not isinstance: on a protocol it would compute every property, the fingerprint included.
    return callable(getattr(features, "chunks", None)) and hasattr(features, "labels")


def _reselect(source: FeatureSource, request: Request) -> FeatureSource:
    other = dataclasses.replace(request, layer=None, epoch=None, split=None)
    if other != Request():
        raise InputError(
            "a FeatureSource is opened already; give these options when opening the file"
        )
    if request == Request():
        return source
    return source.select(layer=request.layer, epoch=request.epoch, split=request.split)
