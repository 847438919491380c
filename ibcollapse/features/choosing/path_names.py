"""How the names of stored arrays are read: role, split, epoch, layer and shard."""

import dataclasses
import re
from collections.abc import Iterator

FEATURE_NAMES = frozenset(
    [
        "features",
        "feature",
        "feats",
        "feat",
        "all_feats",
        "embeddings",
        "embedding",
        "x",
        "data",
        "mid_embed",
        "activations",
        "last_hidden_cls",
        "penultimate_cls",
        "pooler_output",
        "cls_features",
        "global_descriptor",
        "representations",
        "h",
    ]
)
LABEL_NAMES = frozenset(
    [
        "labels",
        "label",
        "all_labels",
        "y",
        "targets",
        "target",
        "targs",
        "class",
        "classes",
        "label1",
    ]
)
COUNT_NAMES = frozenset({"count"})
ID_NAMES = frozenset({"ids", "sample_ids", "sample_id"})

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "eval": "eval",
    "dev": "dev",
}
_SEPARATOR = r"[_\-. ]"
_MODIFIERS = {
    "split": f"(?P<value>{'|'.join(sorted(_SPLITS, key=len, reverse=True))})",
    "epoch": rf"(?:epoch|ep|checkpoint|ckpt|step){_SEPARATOR}?(?P<value>\d+)",
    "shard": rf"(?:shard|part|batch|chunk){_SEPARATOR}?(?P<value>\d+)",
    "layer": rf"(?P<value>(?:layer|block|stage){_SEPARATOR}?\d+(?:\.\w+)*)",
}
_PEELS = tuple(
    (what, re.compile(pattern))
    for what, modifier in _MODIFIERS.items()
    for pattern in (
        rf"^{modifier}(?P<rest>)$",
        rf"^{modifier}{_SEPARATOR}(?P<rest>.+)$",
        rf"^(?P<rest>.+){_SEPARATOR}{modifier}$",
    )
)
_NUMBERED = re.compile(rf"^(?P<rest>.+?){_SEPARATOR}?(?P<value>\d+)$")
# Longer names are nobody's convention; reading them would only cost time.
_MAX_LENGTH = 200


@dataclasses.dataclass(frozen=True)
class NameReading:
    """What a path says about its array.

    Attributes
    ----------
    role : str
        "features", "labels", "count", "ids", or "" where the name says nothing.
    split, layer : str or None
    epoch : int or None
    shards : tuple of int
        Numbers of the part, outermost first.
    context : tuple of str
        The groups that mean nothing here, in lower case: what `--group` chooses between.
    """

    role: str
    split: str | None = None
    epoch: int | None = None
    layer: str | None = None
    shards: tuple[int, ...] = ()
    context: tuple[str, ...] = ()

    def agrees_with(self, other: "NameReading") -> bool:
        """Whether this array (labels, a count, ids) may belong to the features read as `other`."""
        return self.context == other.context[: len(self.context)] and all(
            mine is None or mine == theirs for mine, theirs in self._places(other)
        )

    def contradicts(self, other: "NameReading") -> bool:
        """Whether the two paths name different splits, epochs or layers."""
        return any(
            mine is not None and theirs is not None and mine != theirs
            for mine, theirs in self._places(other)
        )

    def _places(self, other: "NameReading") -> Iterator[tuple[object, object]]:
        yield self.split, other.split
        yield self.epoch, other.epoch
        yield self.layer, other.layer

    @property
    def specificity(self) -> int:
        """How many things the path says; the more of them agree, the nearer two arrays are."""
        said = sum(item is not None for item in (self.split, self.epoch, self.layer))
        return said + len(self.context)


def read_name(key: str) -> NameReading:
    """Reading of a path such as "epoch_010/train/layer_3/activations" or "features_val"."""
    split, epoch, layer = None, None, None
    shards: list[int] = []
    context: list[str] = []
    role = ""
    for component in key.split("/"):
        rest, found = _peel(component.lower())
        for what, value in found:
            if what == "split":
                split = _SPLITS[value]
            elif what == "epoch":
                epoch = int(value)
            elif what == "shard":
                shards.append(int(value))
            else:
                layer = value
        if _role(rest):
            role = _role(rest)
        elif rest and role == "features":
            # "/features/encoder": below a group of features, a name is a layer's.
            layer = rest if layer is None else f"{layer}/{rest}"
        elif rest and role != "labels":
            context.append(rest)
    return NameReading(role, split, epoch, layer, tuple(shards), tuple(context))


def _role(name: str) -> str:
    if name in FEATURE_NAMES:
        return "features"
    if name in LABEL_NAMES:
        return "labels"
    if name in ID_NAMES:
        return "ids"
    return "count" if name in COUNT_NAMES else ""


def _peel(name: str) -> tuple[str, list[tuple[str, str]]]:
    """`name` without the split, epoch, layer and shard around it, and what these were."""
    found: list[tuple[str, str]] = []
    while name and not _role(name) and len(name) <= _MAX_LENGTH:
        numbered = _NUMBERED.match(name)
        if numbered is not None and _role(numbered["rest"]):
            return numbered["rest"], [*found, ("shard", numbered["value"])]
        matches = ((what, pattern.match(name)) for what, pattern in _PEELS)
        first = next(((what, match) for what, match in matches if match is not None), None)
        if first is None:
            break
        found.append((first[0], first[1]["value"]))
        name = first[1]["rest"]
    return name, found
