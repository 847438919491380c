"""Opening a file of any format as a `Store`."""

import os
from pathlib import Path

from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError
from ibcollapse.features.stores.hdf5 import Hdf5Store
from ibcollapse.features.stores.store import Store


def open_store(path: str | os.PathLike[str]) -> Store:
    """Store of the file at `path`, by its suffix.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    FeatureFileError
        When it is a folder, may not be read, or is damaged.
    """
    source = Path(path)
    _check_readable(source)
    return Hdf5Store(source)


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise FeatureFileError(f"{path}: a folder; name a feature file in it")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise FeatureFileNotFoundError(f"{path}: no such feature file") from error
    except OSError as error:
        raise FeatureFileError(f"{path}: cannot be read: {error.strerror}") from error
