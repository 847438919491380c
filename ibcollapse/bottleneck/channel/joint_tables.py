"""Joint tables p(x, y) on disk, as text or NPY."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.channel.channel import SUM_TOLERANCE, Channel
from ibcollapse.bottleneck.channel.text_lines import NOT_FEATURES, TEXT_SUFFIXES
from ibcollapse.bottleneck.channel.text_tables import TextTable, read_text_table
from ibcollapse.errors import FeatureFileError, FeatureFileNotFoundError, InputError
from ibcollapse.features.stores.store import one_line

ChannelLike: TypeAlias = Channel | ArrayLike | str | os.PathLike[str]

# A sum further from one than this is not blamed on rounding, however few places are written.
_MOST_ROUNDING = 0.01
# Class names that the line about what was read has room for.
_MOST_NAMED = 6


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

    A text file (.csv with commas, .tsv with tabs, .txt with blanks; UTF-8, or UTF-16 with its byte
    order mark) may name its classes on the first line and its rows in the first column; a .npy
    file holds a 2-D array. Entries are probabilities that sum to one, within the rounding of their
    written places, or whole counts.

    Raises
    ------
    FeatureFileNotFoundError
        When there is no such file.
    FeatureFileError
        When it does not hold a joint table, or could be read in two ways: counts whose first line
        or column counts up from 0 or 1, which may be a header or an index.
    """
    return read_joint_table(path).channel


@dataclasses.dataclass(frozen=True)
class JointTable:
    """A joint table as it was read; `remarks` say which lines and columns are no data of it."""

    channel: Channel
    total: float
    is_counts: bool
    remarks: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What was read, on one line."""
        channel = self.channel
        names = ", ".join(one_line(name, 20) for name in channel.class_names[:_MOST_NAMED])
        more = ", …" if channel.n_classes > _MOST_NAMED else ""
        return "; ".join(
            [
                f"read as a joint table: {channel.n_x + channel.n_dropped} x {channel.n_classes}, "
                f"rows are x, columns y ({names}{more}), "
                f"{'counts that sum' if self.is_counts else 'sums'} to {self.total:.6g}",
                *self.remarks,
            ]
        )


def read_joint_table(path: str | os.PathLike[str], *, may_be_counts: bool = True) -> JointTable:
    """Joint table of a file, see `read_joint`; text has to sum to one unless it may be counts.

    Raises
    ------
    FeatureFileNotFoundError, FeatureFileError
        As `read_joint`, and on a text table whose sum is not one where it has to be.
    """
    source = Path(path)
    if not source.is_file():
        raise FeatureFileNotFoundError(f"{source}: no such file")
    if source.suffix.lower() in TEXT_SUFFIXES:
        return _from_text(source, may_be_counts)
    try:
        values = np.load(source, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FeatureFileError(
            f"{source}: not a readable .npy array ({error}); joint tables are .npy, .csv, .tsv or "
            ".txt files"
        ) from error
    if not isinstance(values, np.ndarray):
        raise FeatureFileError(f"{source}: several arrays; expected the one of a .npy file")
    return _joint_table(source, _as_counts(values))


def _from_text(source: Path, may_be_counts: bool) -> JointTable:
    text = read_text_table(source)
    for reading in _readings(text):
        if _sums_to_one(reading):
            total = float(reading.values.sum())
            if abs(total - 1) <= SUM_TOLERANCE:
                return _joint_table(source, reading.values, reading)
            remarks = (*reading.remarks, "divided by its sum, which its rounding keeps from one")
            reading = dataclasses.replace(reading, remarks=remarks)
            return _joint_table(source, reading.values / total, reading, total)
    n_rows, n_columns = text.values.shape
    if not may_be_counts:
        raise FeatureFileError(
            f"{source}: {n_rows} x {n_columns} numbers that sum to {text.values.sum():.6g}; a "
            "joint table p(x, y) sums to 1, one of counts needs joint=True (--joint on the command "
            f"line), and {NOT_FEATURES}"
        )
    counts = _as_counts(text.values)
    if counts.dtype.kind == "i":
        _refuse_two_readings(source, text)
    return _joint_table(source, counts, text)


def _readings(text: TextTable) -> Iterator[TextTable]:
    """The table as it is, then without what may be a header or an index."""
    yield text
    if text.maybe_header:
        yield text.without_header()
    if text.maybe_index:
        yield text.without_index()


def _sums_to_one(text: TextTable) -> bool:
    off = abs(float(text.values.sum()) - 1)
    return off <= max(SUM_TOLERANCE, min(text.rounding, _MOST_ROUNDING))


def _refuse_two_readings(source: Path, text: TextTable) -> None:
    if text.maybe_header:
        raise FeatureFileError(
            f"{source}: the first line counts up from {text.values[0, 0]:.0f}, as column numbers "
            "do and counts may; put a line with the names of the classes above the counts"
        )
    if text.maybe_index:
        raise FeatureFileError(
            f"{source}: the first column counts up from {text.values[0, 0]:.0f}, as row numbers do "
            "and counts may; take row numbers out (pandas: index=False), or put a column with "
            "names of the rows before counts"
        )


def _joint_table(
    source: Path,
    values: NDArray[np.float64] | NDArray[np.int64],
    text: TextTable | None = None,
    total: float | None = None,
) -> JointTable:
    names, remarks = (text.column_names, text.remarks) if text else ((), ())
    try:
        channel = Channel.from_joint(values, class_names=names)
    except InputError as error:
        raise FeatureFileError(f"{source}: {error}") from error
    total = float(values.sum(dtype=np.float64)) if total is None else total
    return JointTable(channel, total, values.dtype.kind in "iu", remarks)


def _as_counts(table: NDArray[np.float64]) -> NDArray[np.float64] | NDArray[np.int64]:
    """Whole numbers with a total above one are counts, whatever type a file gave them."""
    if table.dtype.kind == "f" and table.size and np.isfinite(table).all():
        whole = (table == np.round(table)).all()
        if whole and (table >= 0).all() and table.sum() > 1:
            return table.astype(np.int64)
    return table
