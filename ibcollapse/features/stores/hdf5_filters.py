"""Filters that an HDF5 dataset went through and that this installation may lack."""

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

import h5py

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.stores.store import one_line

# Numbers from the registry of the HDF Group, for the filters that the package hdf5plugin has.
_OF_HDF5PLUGIN = {
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "Bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32017: "SZ",
    32018: "FCIDECOMP",
    32024: "SZ3",
    32026: "Blosc2",
    32028: "SPERR",
    32033: "HTJ2K",
}
_OTHERS = {4: "SZIP", 305: "LZO", 32000: "LZF"}


@contextlib.contextmanager
def filters_of(dataset: Any, where: str) -> Iterator[None]:
    """Read `dataset` inside: what then fails for want of a filter says which.

    `where` is its file and key; anything but a dataset of HDF5 has no filters. hdf5plugin is
    imported where it is installed and a filter is missing: only then does HDF5 know its filters. A
    missing filter alone is no error, because chunks may have been stored without.

    Raises
    ------
    FeatureFileError
        When reading fails and a filter is missing; it names the filter and where to get it.
    """
    missing = _missing(dataset) if isinstance(dataset, h5py.Dataset) else {}
    if missing:
        with contextlib.suppress(ImportError):
            importlib.import_module("hdf5plugin")
        missing = _missing(dataset)
    try:
        yield
    except OSError as error:
        if not missing:
            raise
        raise FeatureFileError(
            f"{where} is compressed with "
            f"{' and '.join(map(_named, missing.items()))}, not installed here; {_remedy(missing)}"
        ) from error


def _missing(dataset: h5py.Dataset) -> dict[int, str]:
    """Names, as stored, of the filters that cannot be undone here, by their number."""
    properties = dataset.id.get_create_plist()
    found = (properties.get_filter(i) for i in range(properties.get_nfilters()))
    return {
        code: name.decode("utf-8", "backslashreplace")
        for code, _, _, name in found
        if not _can_decode(code)
    }


def _can_decode(code: int) -> bool:
    return bool(
        h5py.h5z.filter_avail(code)
        and h5py.h5z.get_filter_info(code) & h5py.h5z.FILTER_CONFIG_DECODE_ENABLED
    )


def _named(numbered: tuple[int, str]) -> str:
    code, stored = numbered
    known = _OF_HDF5PLUGIN.get(code) or _OTHERS.get(code) or one_line(stored, 40)
    return f"the HDF5 filter {known} ({code})" if known else f"the HDF5 filter {code}"


def _remedy(missing: dict[int, str]) -> str:
    rewrite = "write the file with gzip or without compression (h5repack -f GZIP=4)"
    if set(missing) <= set(_OF_HDF5PLUGIN):
        return f"pip install hdf5plugin, or {rewrite} where it can be read"
    return f"put its plugin into HDF5_PLUGIN_PATH, or {rewrite} where it can be read"
