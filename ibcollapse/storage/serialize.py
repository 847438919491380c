"""Results ↔ plain dict ↔ JSON or HDF5, versioned.

Result classes are frozen dataclasses that register here under a name; this module imports none of
them. A stored result is data only: loading one looks the name up in the registry and never runs
anything that the file contains.
"""

import dataclasses
import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ibcollapse.display import show
from ibcollapse.errors import FeatureFileNotFoundError, InputError, ResultFileError
from ibcollapse.storage.atomic import atomic_path
from ibcollapse.storage.stored_trees import read_hdf5, read_json, write_hdf5, write_json

_Result = TypeVar("_Result")

# A schema name is "<room>/<class>"; importing the room registers its classes.
ROOMS = (
    "gaussian",
    "bottleneck",
    "matrix_information",
    "alignment",
    "geometry",
    "landscape",
    "analysis",
    "coincidence",
    "trajectory",
    "provenance",
)


@dataclasses.dataclass(frozen=True)
class _Registered:
    schema: str
    version: int
    cls: type
    migrate: Callable[[dict[str, Any], int], dict[str, Any]] | None


_by_schema: dict[str, _Registered] = {}
_by_class: dict[type, _Registered] = {}


def register(
    schema: str,
    *,
    version: int = 1,
    migrate: Callable[[dict[str, Any], int], dict[str, Any]] | None = None,
) -> Callable[[type[_Result]], type[_Result]]:
    """Class decorator: store the frozen dataclass under `schema` ("room/Class") and `version`.

    `migrate(fields, stored_version)` turns the fields of an older file into today's. The class
    gets what shows it in notebooks, see `ibcollapse.display`.
    """

    def enter(cls: type[_Result]) -> type[_Result]:
        room = schema.partition("/")[0]
        if room not in ROOMS or not dataclasses.is_dataclass(cls):
            raise TypeError(f"{cls.__name__}: {schema!r} must be '<room>/<name>' of a dataclass")
        entry = _Registered(schema, version, cls, migrate)
        _by_schema[schema] = _by_class[cls] = entry
        show(cls, schema)
        return cls

    return enter


def to_dict(result: object) -> dict[str, Any]:
    """Plain dict of a registered result: `schema`, `version`, then its fields; arrays stay arrays.

    Raises
    ------
    InputError
        When the class of `result`, or of something inside it, is not registered.
    """
    entry = _by_class.get(type(result))
    if entry is None:
        raise InputError(f"{type(result).__name__} is not a result that can be stored")
    fields = {
        field.name: _plain(getattr(result, field.name))
        for field in dataclasses.fields(entry.cls)
        if field.init
    }
    return {"schema": entry.schema, "version": entry.version, **fields}


def _plain(value: Any) -> Any:
    if type(value) in _by_class:
        return to_dict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str, np.ndarray)):
        return value
    raise InputError(f"a {type(value).__name__} cannot be stored in a result file")


def from_dict(tree: Mapping[str, Any]) -> Any:
    """Result object of a dict that `to_dict` made.

    Raises
    ------
    ResultFileError
        On an unknown schema, a version newer than this library's, or missing fields.
    """
    entry = _look_up(tree.get("schema"))
    version = tree.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ResultFileError(f"{entry.schema}: version {version!r} is not a positive integer")
    if version > entry.version:
        raise ResultFileError(
            f"{entry.schema}: stored as version {version}, this library reads up to "
            f"{entry.version}; upgrade ibcollapse"
        )
    fields = {k: _restored(v) for k, v in tree.items() if k not in ("schema", "version")}
    if version < entry.version and entry.migrate is not None:
        fields = entry.migrate(fields, version)
    known = {field.name for field in dataclasses.fields(entry.cls) if field.init}
    try:
        return entry.cls(**{name: value for name, value in fields.items() if name in known})
    except (TypeError, ValueError, AttributeError) as error:
        raise ResultFileError(f"{entry.schema}: the stored fields do not fit: {error}") from error


def _look_up(schema: Any) -> _Registered:
    if isinstance(schema, str) and schema not in _by_schema:
        room = schema.partition("/")[0]
        if room in ROOMS:
            importlib.import_module(f"ibcollapse.{room}")
    entry = _by_schema.get(schema) if isinstance(schema, str) else None
    if entry is None:
        raise ResultFileError(f"schema {schema!r} is no result of ibcollapse")
    return entry


def _restored(value: Any) -> Any:
    if isinstance(value, Mapping):
        plain = {key: _restored(item) for key, item in value.items()}
        return from_dict(value) if "schema" in value else plain
    if isinstance(value, list):
        return tuple(_restored(item) for item in value)
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value


def save(result: object, path: str | os.PathLike[str]) -> Path:
    """Write a registered result to `path` (.json, .h5 or .hdf5), whole or not at all.

    Raises
    ------
    InputError
        On another suffix or a result that cannot be stored.
    OutputError
        When the file cannot be written.
    """
    target = Path(path)
    write = {".json": write_json, ".h5": write_hdf5, ".hdf5": write_hdf5}.get(target.suffix.lower())
    if write is None:
        raise InputError(f"{target}: results are stored as .h5, .hdf5 or .json")
    tree = to_dict(result)
    with atomic_path(target) as temporary:
        write(tree, temporary)
    return target


def load_result(path: str | os.PathLike[str]) -> Any:
    """Any result that `save` wrote, as the object that was saved.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    ResultFileError
        When the file is damaged or holds something else.
    """
    source = Path(path)
    if not source.is_file():
        raise FeatureFileNotFoundError(f"{source}: no such result file")
    read = read_json if source.suffix.lower() == ".json" else read_hdf5
    tree = read(source)
    try:
        return from_dict(tree)
    except ResultFileError as error:
        raise ResultFileError(f"{source}: {error}") from error
