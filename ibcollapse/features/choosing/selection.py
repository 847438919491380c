"""Choosing features and labels in a file of any layout, or refusing when two readings remain.

The rule: names first (`path_names`), then agreement of lengths with the labels. Whatever the
names leave open must be settled by the caller's options; nothing is settled by order.
"""

import dataclasses
from collections.abc import Sequence

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.choosing.ambiguity import (
    no_features,
    no_labels,
    several_features,
    several_labels,
)
from ibcollapse.features.choosing.candidates import (
    Candidate,
    apart,
    asked_for,
    check_shards,
    feature_candidates,
    label_candidates,
)
from ibcollapse.features.choosing.choice import Choice, Request
from ibcollapse.features.choosing.orientation import is_transposed, stored_samples
from ibcollapse.features.choosing.path_names import read_name
from ibcollapse.features.source import FeatureContents
from ibcollapse.features.stores.store import Store, StoredArray, one_line


@dataclasses.dataclass(frozen=True)
class _Pair:
    features: Candidate
    labels: Candidate
    transposed: bool


def choose(store: Store, request: Request) -> Choice:
    """The one pair of features and labels that `request` and the names in the file allow.

    Raises
    ------
    FeatureFileError
        When there is none, or more than one: the message lists them with the options that choose.
    """
    offered = feature_candidates(store, request)
    if not asked_for(offered, request):
        offered = [single for candidate in offered for single in apart(candidate)]
    features = asked_for(offered, request)
    if not features:
        raise no_features(store, _wanted(request))
    _refuse_unreadable(store, features)
    labels = label_candidates(store, request)
    pairs = [pair for candidate in features for pair in _pairs(store, request, candidate, labels)]
    if not pairs:
        raise no_labels(store, features, labels)
    chosen = list({pair.features.key: pair.features for pair in pairs}.values())
    if len(chosen) > 1:
        raise several_features(store, chosen)
    if len(pairs) > 1:
        raise several_labels(store, chosen[0], [pair.labels for pair in pairs])
    return _choice(store, pairs[0], _contents(offered))


def _pairs(
    store: Store, request: Request, features: Candidate, labels: Sequence[Candidate]
) -> list[_Pair]:
    """Labels that fit `features`: by name and length, the most specific names first."""
    reading = features.reading
    near = [label for label in labels if label.reading.agrees_with(reading)]
    far = [label for label in labels if not label.reading.contradicts(reading)]
    for group in (near, far) if request.labels_key is None else (labels,):
        fitting = [
            _Pair(features, label, transposed)
            for label in group
            if (transposed := _orientation(store, request, features, label)) is not None
        ]
        if fitting:
            best = max(pair.labels.reading.specificity for pair in fitting)
            return [pair for pair in fitting if pair.labels.reading.specificity == best]
    if len(features.arrays) > 1:
        singles = asked_for(apart(features), request)
        return [pair for single in singles for pair in _pairs(store, request, single, labels)]
    return []


def _orientation(
    store: Store, request: Request, features: Candidate, labels: Candidate
) -> bool | None:
    if features.arrays == labels.arrays:
        return None
    return is_transposed(
        features.arrays,
        labels.arrays,
        transpose=request.transpose,
        is_matlab=store.is_matlab,
        name=store.name,
    )


def _choice(store: Store, pair: _Pair, contents: FeatureContents) -> Choice:
    features, reading = pair.features, pair.features.reading
    check_shards(features, store.name)
    check_shards(pair.labels, store.name)
    stored = stored_samples(features.arrays, transposed=pair.transposed)
    n_rows, padding = _without_padding(store, features, stored)
    ids_key = _ids_key(store, features, n_rows)
    named = f"; sample ids from {one_line(ids_key)}" if ids_key else ""
    turned = f"; {stored} labels for {features.arrays[0].shape}, so samples are its columns"
    return Choice(
        features=features.arrays,
        labels=pair.labels.arrays,
        transposed=pair.transposed,
        n_rows=n_rows,
        reason=(
            f"features from {features.title}, labels from {pair.labels.title}, the only reading "
            f"that names and lengths allow{turned if pair.transposed else ''}{padding}{named}"
        ),
        contents=contents,
        layer=reading.layer,
        epoch=reading.epoch,
        split=reading.split,
        ids_key=ids_key,
    )


def _ids_key(store: Store, features: Candidate, n_rows: int) -> str | None:
    """The one vector of a name a sample that lies nearest to the features; None without one."""
    near = [
        (reading.specificity, array.key)
        for array in store.arrays
        if (reading := read_name(array.key)).role == "ids"
        and reading.agrees_with(features.reading)
        and not array.problem
        and array.shape == (n_rows,)
    ]
    best = [key for specificity, key in near if specificity == max(near)[0]]
    return best[0] if len(best) == 1 else None


def _without_padding(store: Store, features: Candidate, stored: int) -> tuple[int, str]:
    """Rows before the zero padding that a scalar `count` beside the features declares."""
    counts = [array for array in store.arrays if _is_count(array)]
    near = [array for array in counts if read_name(array.key).agrees_with(features.reading)]
    if not near:
        return stored, ""
    count = max(near, key=lambda array: read_name(array.key).specificity)
    value = int(store.read(count.key).reshape(-1)[0])
    if value > stored or value < 1 or len(features.arrays) > 1:
        raise FeatureFileError(
            f"{store.name}: {one_line(count.key)} declares {value} samples, {features.title} holds "
            f"{stored}; mend or remove {one_line(count.key)}"
        )
    if value == stored:
        return stored, ""
    padding = f"{stored - value} rows of padding are cut"
    return value, f"; {one_line(count.key)} says {value} samples, so {padding}"


def _is_count(array: StoredArray) -> bool:
    is_scalar = array.shape in ((), (1,), (1, 1))
    return (
        is_scalar
        and not array.problem
        and array.dtype.kind in "iu"
        and read_name(array.key).role == "count"
    )


def _contents(candidates: Sequence[Candidate]) -> FeatureContents:
    readings = [candidate.reading for candidate in candidates]
    return FeatureContents(
        tuple(sorted({reading.layer for reading in readings if reading.layer is not None})),
        tuple(sorted({reading.epoch for reading in readings if reading.epoch is not None})),
        tuple(sorted({reading.split for reading in readings if reading.split is not None})),
    )


def _refuse_unreadable(store: Store, features: Sequence[Candidate]) -> None:
    for candidate in features:
        for array in candidate.arrays:
            if array.problem:
                raise FeatureFileError(f"{store.name}: {one_line(array.key)}: {array.problem}")


def _wanted(request: Request) -> str:
    asked = {
        "layer": request.layer,
        "epoch": request.epoch,
        "split": request.split,
        "group": request.group,
    }
    listed = ", ".join(f"{name} {one_line(str(v))}" for name, v in asked.items() if v is not None)
    return f" at {listed}" if listed else ""
