"""Choosing from a file in this library's own layout: its attributes decide."""

import re
from typing import Any

import numpy as np

from ibcollapse.array_backend import as_array
from ibcollapse.errors import FeatureFileError
from ibcollapse.features import layout
from ibcollapse.features.choosing.choice import Choice, Request
from ibcollapse.features.source import FeatureContents
from ibcollapse.features.stores.store import Store, StoredArray, one_line
from ibcollapse.features.text import as_text

_FEATURES = re.compile(rf"{layout.EPOCHS}/(\d{{1,18}})/([^/]+)/{layout.FEATURES}/([^/]+)")
_Found = dict[tuple[int, str, str], StoredArray]


def is_native(store: Store) -> bool:
    """Whether the file says that it is in this library's layout."""
    return str(store.attrs.get("format")) == layout.FORMAT


def choose_native(store: Store, request: Request) -> Choice:
    """Datasets for the layer, epoch and split asked for, or the file's defaults.

    Raises
    ------
    FeatureFileError
        On a newer version, or a layer, epoch or split that is not there.
    """
    version = store.attrs.get("format_version")
    if "class_names" in store.attrs and np.ndim(store.attrs["class_names"]) != 1:
        raise FeatureFileError(f"{store.name}: class_names is no list of names; remove it")
    if not isinstance(version, (int, np.integer)) or version > layout.FORMAT_VERSION:
        raise FeatureFileError(
            f"{store.name}: feature-file version {version}; this library reads up to "
            f"{layout.FORMAT_VERSION}: upgrade ibcollapse"
        )
    found = _stored_features(store)
    if not found:
        raise FeatureFileError(
            f"{store.name}: no features below /{layout.EPOCHS}; write some first"
        )
    split, split_why = _split(store, request, found)
    epoch, epoch_why = _epoch(store, request, {e for e, s, _ in found if s == split})
    layers = sorted(name for e, s, name in found if (e, s) == (epoch, split))
    layer, layer_why = _named(store, "layer", request.layer, layers)
    features = found[epoch, split, layer]
    return _choice(
        store,
        features,
        FeatureContents(
            tuple(layers),
            tuple(sorted({e for e, s, _ in found if s == split})),
            tuple(sorted({s for _, s, _ in found})),
            _metrics(store, {e for e, _, _ in found}),
        ),
        (layer, epoch, split),
        f"layer {one_line(layer)} ({layer_why}) at epoch {epoch} ({epoch_why}), "
        f"split {one_line(split)} ({split_why})",
    )


def _stored_features(store: Store) -> _Found:
    matches = ((_FEATURES.fullmatch(array.key), array) for array in store.arrays)
    return {(int(m[1]), m[2], m[3]): array for m, array in matches if m is not None}


def _split(store: Store, request: Request, found: _Found) -> tuple[str, str]:
    splits = sorted({split for _, split, _ in found})
    return _named(store, "split", request.split, splits)


def _epoch(store: Store, request: Request, epochs: set[int]) -> tuple[int, str]:
    if request.epoch is None:
        return max(epochs), "the last"
    if request.epoch not in epochs:
        raise _absent(store, "epoch", request.epoch, sorted(epochs))
    return request.epoch, "asked for"


def _named(store: Store, what: str, asked: str | None, there: list[str]) -> tuple[str, str]:
    """The split or layer to take, and why: asked for, the only one, or the file's default."""
    if asked is None and len(there) == 1:
        return there[0], "the only one"
    default = store.attrs.get(f"default_{what}")
    wanted = asked if asked is not None else None if default is None else str(default)
    if wanted is None or wanted not in there:
        raise _absent(store, what, wanted, there)
    return wanted, "the file's default" if asked is None else "asked for"


def _absent(store: Store, what: str, wanted: Any, there: list[Any]) -> FeatureFileError:
    names = ", ".join(one_line(str(item)) for item in there[:20])
    asked = f"no {what} {one_line(str(wanted))}" if wanted is not None else f"no default {what}"
    return FeatureFileError(f"{store.name}: {asked}; there is {names}: choose with --{what}")


def _choice(
    store: Store,
    features: StoredArray,
    contents: FeatureContents,
    place: tuple[str, int, str],
    reason: str,
) -> Choice:
    layer, epoch, split = place
    keys = {array.key: array for array in store.arrays}
    # The group as it is spelled: hand-made files may pad epochs otherwise.
    split_key = features.key.split(f"/{layout.FEATURES}/")[0]
    labels = keys.get(f"{split_key}/{layout.LABELS}")
    if labels is None:
        raise FeatureFileError(
            f"{store.name}: no labels beside {one_line(features.key)}; write them"
        )
    classifier = f"{split_key.rpartition('/')[0]}/{layout.CLASSIFIER}"
    read_by = str(store.group_attrs(classifier).get("layer", layer))
    weight, bias = f"{classifier}/{layout.WEIGHT}", f"{classifier}/{layout.BIAS}"
    ids, logits = f"{split_key}/{layout.IDS}", f"{split_key}/{layout.LOGITS}"
    declared = store.attrs.get("class_names")
    return Choice(
        features=(features,),
        labels=(labels,),
        transposed=False,
        n_rows=features.shape[0] if features.shape else 0,
        reason=reason,
        contents=contents,
        class_names=None if declared is None else _class_names(declared, store.name),
        layer=layer,
        epoch=epoch,
        split=split,
        ids_key=ids if ids in keys else None,
        logits_key=logits if logits in keys else None,
        weight_key=weight if weight in keys and read_by == layer else None,
        bias_key=bias if bias in keys and read_by == layer else None,
    )


def _class_names(declared: Any, file: str) -> tuple[str, ...]:
    names = as_text(as_array(declared), f"{file}: class_names")
    return tuple(str(name) for name in names.tolist())


def _metrics(store: Store, epochs: set[int]) -> dict[int, dict[str, float]]:
    return {
        epoch: {
            name: float(value)
            for name, value in store.group_attrs(layout.epoch_path(epoch)).items()
            if np.ndim(value) == 0 and isinstance(value, (int, float, np.number))
        }
        for epoch in sorted(epochs)
    }
