"""Arrays that may be the features or the labels, with what their names say."""

import dataclasses
import re
from collections.abc import Iterable, Sequence

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.choosing.choice import Request
from ibcollapse.features.choosing.path_names import NameReading, read_name
from ibcollapse.features.stores.store import Store, StoredArray, one_line


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A matrix or a label vector: its shards in row order, and what their names say."""

    arrays: tuple[StoredArray, ...]
    reading: NameReading

    @property
    def key(self) -> str:
        """Path of the first shard."""
        return self.arrays[0].key

    @property
    def title(self) -> str:
        """Path and form, for messages."""
        first, last = self.arrays[0], self.arrays[-1]
        if first is last:
            return f"{one_line(first.key)} {first.form}"
        return f"{one_line(first.key)} to {one_line(last.key)} ({len(self.arrays)} shards)"


def feature_candidates(store: Store, request: Request) -> list[Candidate]:
    """Matrices named by `features_key`, or with a feature's name, or (when none has) any matrix."""
    key = request.features_key or store.given_key
    if key is not None:
        return [_single(_by_key(store, key, "--features-key"))]
    below = [array for array in store.arrays if _is_below(array.key, request.group)]
    named = [array for array in below if read_name(array.key).role == "features"]
    matrices = [array for array in named if _is_matrix(array)]
    if not named:
        matrices = [
            array
            for array in below
            if _is_matrix(array) and array.dtype.kind == "f" and not read_name(array.key).role
        ]
    return _joined(matrices or named)


def label_candidates(store: Store, request: Request) -> list[Candidate]:
    """Arrays named by `labels_key`, or with a label's name, or marked as classes by the format.

    An unnamed integer array of the right length is not taken: it may be an index or a prediction.
    """
    if request.labels_key is not None:
        return [_single(_by_key(store, request.labels_key, "--labels-key"))]
    named = [array for array in store.arrays if read_name(array.key).role == "labels"]
    readable = [array for array in named if not array.problem]
    categorical = [array for array in store.arrays if array.is_categorical]
    return _joined(readable or named or categorical)


def asked_for(candidates: Iterable[Candidate], request: Request) -> list[Candidate]:
    """Those at the layer, epoch and split asked for."""
    return [
        candidate
        for candidate in candidates
        if request.layer is None or _has_layer(candidate, request.layer.lower())
        if request.epoch is None or candidate.reading.epoch == request.epoch
        if request.split is None or candidate.reading.split == _split(request.split)
    ]


def apart(candidate: Candidate) -> list[Candidate]:
    """The shards of `candidate`, each as a matrix of its own: "feat_1", "feat_2" may be layers."""
    if len(candidate.arrays) == 1:
        return [candidate]
    return [
        Candidate(
            (array,),
            dataclasses.replace(candidate.reading, layer=_last(array.key), shards=()),
        )
        for array in candidate.arrays
    ]


def check_shards(candidate: Candidate, name: str) -> None:
    """Refuse shards whose numbers leave a gap: rows would be missing without a word."""
    numbers = [
        read_name(array.key).shards[-1] for array in candidate.arrays if len(candidate.arrays) > 1
    ]
    gaps = sorted(set(range(min(numbers, default=0), max(numbers, default=-1) + 1)) - set(numbers))
    if gaps:
        raise FeatureFileError(
            f"{name}: {candidate.title}: shard {gaps[0]} is missing; restore it, or choose one "
            "with --features-key"
        )


def _by_key(store: Store, key: str, flag: str) -> StoredArray:
    wanted = key.strip("/")
    for array in store.arrays:
        if array.key == wanted:
            return array
    there = ", ".join(f"{one_line(array.key)} {array.form}" for array in store.arrays[:12])
    raise FeatureFileError(
        f"{store.name}: {flag} {one_line(key)}: there is no such array; there is {there or 'none'}"
    )


def _single(array: StoredArray) -> Candidate:
    return Candidate((array,), read_name(array.key))


def _joined(arrays: Sequence[StoredArray]) -> list[Candidate]:
    groups: dict[object, list[tuple[NameReading, StoredArray]]] = {}
    for array in arrays:
        reading = read_name(array.key)
        # Shards are named alike but for their numbers.
        stem = re.sub(r"\d+", "#", array.key) if reading.shards else array.key
        place = (reading.split, reading.epoch, reading.layer, reading.context, stem)
        groups.setdefault(place, []).append((reading, array))
    candidates = []
    for members in groups.values():
        members.sort(key=lambda member: (member[0].shards, member[1].key))
        reading = dataclasses.replace(members[0][0], shards=())
        candidates.append(Candidate(tuple(array for _, array in members), reading))
    return candidates


def _is_matrix(array: StoredArray) -> bool:
    return array.is_real and not array.problem and len(array.shape) >= 2 and 0 not in array.shape


def _is_below(key: str, group: str | None) -> bool:
    return group is None or key.startswith(group.strip("/") + "/")


def _has_layer(candidate: Candidate, layer: str) -> bool:
    reading = candidate.reading
    return layer in (reading.layer, _last(candidate.key), *reading.context)


def _last(key: str) -> str:
    return key.rpartition("/")[2].lower()


def _split(name: str) -> str:
    return read_name(name).split or name.lower()
