"""Joint tables p(x, y) on disk, as CSV or NPY."""

import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.channel import Channel
from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError, InputError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": None}
_SEPARATORS = {",": "commas", "\t": "tabs", None: "blanks"}


ChannelLike: TypeAlias = Channel | ArrayLike | str | os.PathLike[str]


def as_channel(channel: ChannelLike) -> Channel:
    """The channel itself, or that of a joint table p(x, y): an array, a tensor or a file.

    Raises
    ------
    InputError, FeatureFileError
        When it is none of these, as `Channel.from_joint` and `read_joint` say.
    """
    if isinstance(channel, Channel):
        return channel
    if isinstance(channel, (str, os.PathLike)):
        return read_joint(channel)
    return Channel.from_joint(channel)


def read_joint(path: str | os.PathLike[str]) -> Channel:
    """Channel of a joint table: a row an x, a column a class y.

    A text file (.csv, .tsv, .txt) may start with one line of class names; a .npy file holds a 2-D
    array. Entries are probabilities that sum to one, or integer counts.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    FeatureFileError
        When it does not hold a joint table.
    """
    source = Path(path)
    if not source.is_file():
        raise FeatureFileNotFoundError(f"{source}: no such file")
    names: tuple[str, ...] = ()
    if source.suffix.lower() in TEXT_SUFFIXES:
        names, table = _read_text(source)
    else:
        try:
            table = np.load(source, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise FeatureFileError(f"{source}: not a readable .npy array ({error})") from error
    try:
        return Channel.from_joint(_as_counts(table), class_names=names)
    except InputError as error:
        raise FeatureFileError(f"{source}: {error}") from error


def _read_text(source: Path) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    delimiter = _DELIMITERS[source.suffix.lower()]
    try:
        lines = [line for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise FeatureFileError(f"{source}: not a text file; expected a joint table") from error
    if not lines:
        raise FeatureFileError(f"{source}: empty; expected a joint table, a row an x")
    names: tuple[str, ...] = ()
    if not _all_numbers(lines[0].split(delimiter)):
        names = tuple(cell.strip().strip('"') for cell in lines[0].split(delimiter))
        lines = lines[1:]
    rows = [line.split(delimiter) for line in lines]
    for number, row in enumerate(rows, start=2 if names else 1):
        if not _all_numbers(row) or len(row) != len(rows[0]):
            raise FeatureFileError(
                f"{source}: line {number} holds {len(row)} cells, expected {len(rows[0])} numbers "
                f"between {_SEPARATORS[delimiter]}: a joint table has a row an x and a column a "
                f"class, and the line is {lines[number - (2 if names else 1)][:40]!r}"
            )
    return names, np.array(rows, dtype=np.float64).reshape(len(rows), -1)


def _all_numbers(cells: list[str]) -> bool:
    try:
        [float(cell) for cell in cells]
    except ValueError:
        return False
    return True


def _as_counts(table: NDArray[np.float64]) -> NDArray[np.float64] | NDArray[np.int64]:
    """Whole numbers with a total above one are counts, whatever type a text file gave them."""
    if table.dtype.kind == "f" and table.size and np.isfinite(table).all():
        whole = (table == np.round(table)).all()
        if whole and (table >= 0).all() and table.sum() > 1:
            return table.astype(np.int64)
    return table
