"""Where a result came from: input, options and versions."""

import dataclasses
import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ibcollapse.storage.serialize import register

_PACKAGES = ("ibcollapse", "numpy", "scipy", "numba", "h5py", "scikit-learn")
_BLOCK = 1 << 20


@register("provenance/Provenance")
@dataclasses.dataclass(frozen=True)
class Provenance:
    """What is needed to make a result again.

    Attributes
    ----------
    source : str
        What was read and why that, in words.
    fingerprint : str
        SHA-256 of the input; empty for a channel that was handed over in memory.
    options : dict
        Every option with the value that was used.
    versions : dict of str
        Versions of Python and of the packages that compute.
    """

    source: str
    fingerprint: str
    options: dict[str, Any]
    versions: dict[str, str]


def provenance_of(source: str, fingerprint: str, options: Mapping[str, Any]) -> Provenance:
    """Provenance of a result made now from `source` with `options`."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return Provenance(source, fingerprint, dict(options), versions)


def file_fingerprint(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's contents, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
