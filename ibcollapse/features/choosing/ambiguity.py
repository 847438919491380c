"""Refusing to guess: what could be meant, and the options that say so."""

from collections.abc import Sequence

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.choosing.candidates import Candidate
from ibcollapse.features.stores.store import Store, one_line

_LISTED = 12


def several_features(store: Store, candidates: Sequence[Candidate]) -> FeatureFileError:
    """Error that lists the feature matrices and the options that choose each."""
    flags = _flags(candidates)
    listed = "; ".join(
        f"{flag} for {candidate.title}"
        for flag, candidate in list(zip(flags, candidates, strict=True))[:_LISTED]
    )
    return FeatureFileError(
        f"{store.name}: {len(candidates)} feature matrices fit; choose one: {listed}"
        f"{' ...' if len(candidates) > _LISTED else ''}"
    )


def several_labels(
    store: Store, features: Candidate, labels: Sequence[Candidate]
) -> FeatureFileError:
    """Error that lists the labels which fit the same features."""
    listed = "; ".join(f"--labels-key {one_line(label.key)}" for label in labels[:_LISTED])
    return FeatureFileError(
        f"{store.name}: {len(labels)} arrays fit as labels of {features.title}; choose one: "
        f"{listed}"
    )


def no_features(store: Store, wanted: str) -> FeatureFileError:
    """Error for a file in which nothing can be the features."""
    return FeatureFileError(
        f"{store.name}: no features{wanted} (names such as features, embeddings, X); the file "
        f"holds {_inventory(store)}: choose with --features-key"
    )


def no_labels(
    store: Store, features: Sequence[Candidate], labels: Sequence[Candidate]
) -> FeatureFileError:
    """Error for features without labels, or with labels of another length."""
    first = features[0]
    if labels:
        found = ", ".join(label.title for label in labels[:4])
        return FeatureFileError(
            f"{store.name}: labels of another length: {found} for {first.title}; expected one "
            "label a sample: choose with --labels-key, or mend the file"
        )
    return FeatureFileError(
        f"{store.name}: no labels for {first.title} (names such as labels, targets, y); the file "
        f"holds {_inventory(store)}: choose with --labels-key"
    )


def _flags(candidates: Sequence[Candidate]) -> list[str]:
    readings = [candidate.reading for candidate in candidates]
    flags = ["" for _ in candidates]
    for option, values in (
        ("--split", [reading.split for reading in readings]),
        ("--epoch", [reading.epoch for reading in readings]),
        ("--layer", [reading.layer for reading in readings]),
    ):
        if len(set(values)) > 1 and None not in values:
            flags = [f"{flag} {option} {value}" for flag, value in zip(flags, values, strict=True)]
    if len(set(flags)) < len(candidates):
        return [f"--features-key {one_line(candidate.key)}" for candidate in candidates]
    return [flag.strip() for flag in flags]


def _inventory(store: Store) -> str:
    listed = ", ".join(f"{one_line(array.key)} {array.form}" for array in store.arrays[:_LISTED])
    more = len(store.arrays) - _LISTED
    return (listed or "no array at all") + (f" and {more} more" if more > 0 else "")
