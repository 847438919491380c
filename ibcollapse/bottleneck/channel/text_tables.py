"""A rectangle of numbers from a text file: read as the file says it is, or refused."""

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ibcollapse.bottleneck.channel.text_lines import NOT_FEATURES, TextLine, TextLines, is_name
from ibcollapse.errors import FeatureFileError
from ibcollapse.features.stores.store import one_line


@dataclasses.dataclass(frozen=True)
class TextTable:
    """What a text file holds.

    `values` is float64 (n_rows, n_columns), `rounding` half a unit in the last written place,
    summed over all of them. `column_names` is empty when the file names none. `maybe_header` and
    `maybe_index` say that the first row or column counts 0, 1, 2, … or 1, 2, 3, … and that the
    file does not say whether that is data. `remarks` tell what was taken for no data.
    """

    values: NDArray[np.float64]
    rounding: float
    column_names: tuple[str, ...] = ()
    maybe_header: bool = False
    maybe_index: bool = False
    remarks: tuple[str, ...] = ()

    def without_header(self) -> "TextTable":
        """The table whose first row numbers its columns."""
        return dataclasses.replace(
            self,
            values=self.values[1:],
            column_names=tuple(f"{number:.0f}" for number in self.values[0]),
            maybe_header=False,
            remarks=(*self.remarks, "the first line numbers the columns"),
        )

    def without_index(self) -> "TextTable":
        """The table whose first column numbers its rows."""
        return dataclasses.replace(
            self,
            values=self.values[:, 1:],
            column_names=self.column_names[1:],
            maybe_index=False,
            remarks=(*self.remarks, "the first column numbers the rows"),
        )


def read_text_table(source: Path) -> TextTable:
    """Table of a text file, with the names of its columns and rows told apart from its numbers.

    The suffix says what stands between cells. Lines that start with # are comments; a comment in
    a .csv or .tsv with a name for each column is its header.

    Raises
    ------
    FeatureFileError
        On the first cell that is not what its place demands.
    """
    text = TextLines(source)
    if not text.lines:
        raise FeatureFileError(f"{source}: empty; expected a joint table, a row an x")
    first, body = text.lines[0], text.lines[1:]
    if not body:
        raise _too_narrow(source, f"one line of {first.width} cells")
    names_rows = _names_rows(text, body)
    values = np.array([line.values[names_rows:] for line in body])
    header = _header(text, first, body, values, names_rows)
    if header is None:
        values = np.vstack([first.values[names_rows:], values])
    is_numbered = header is None and _counts_up(values[0])
    names = header or (() if is_numbered else _commented_names(text, values.shape[1]))
    table = TextTable(
        values,
        sum(line.rounding for line in (text.lines if header is None else body)),
        names,
        maybe_header=is_numbered,
        maybe_index=not names_rows and _counts_up(values[:, 0]),
        remarks=("the first column names the rows",) if names_rows else (),
    )
    if header is not None and header[0] == "":
        if len(np.unique(values[:, 0])) < len(values):
            text.refuse_cell(first, 0)
        table = table.without_index()
    if text.comments and (header is not None or not names):
        left_out = f"lines with # left out, the first {one_line(text.comments[0], 40)!r}"
        table = dataclasses.replace(table, remarks=(*table.remarks, left_out))
    if min(table.values.shape) < 2:
        raise _too_narrow(source, "{} x {} numbers".format(*table.values.shape))
    return table


def _names_rows(text: TextLines, body: list[TextLine]) -> bool:
    """Whether every line starts with a name of its own; all else on the lines is numbers."""
    width = body[0].width
    named = width > 1 and 0 in body[0].words
    for line in body:
        if line.width != width:
            text.refuse_width(line, width)
        beyond = [place for place in line.words if place > 0]
        if beyond or (0 in line.words) != named:
            text.refuse_cell(line, (beyond or [0])[0])
        if named and not is_name(line.words[0]):
            text.refuse_cell(line, 0)
    seen: set[str] = set()
    for line in body if named else []:
        if line.words[0] in seen:
            raise FeatureFileError(
                f"{text.source}: line {line.number} begins with {one_line(line.words[0], 40)!r} "
                "like a line before it, as labels of samples would; a joint table has one row an "
                f"x, and {NOT_FEATURES}"
            )
        seen.add(line.words[0])
    return named


def _header(
    text: TextLines,
    first: TextLine,
    body: list[TextLine],
    below: NDArray[np.float64],
    names_rows: bool,
) -> tuple[str, ...] | None:
    """Names of the columns of `below` on the first line, "" over an index; None where it is data.

    pandas leaves the corner above an index empty, R leaves it out.
    """
    width = body[0].width
    numbers = [i for i in range(first.width) if i not in first.words]
    is_index = _counts_up(below[:, 0]) and not names_rows
    cells = [first.cell(i) for i in range(first.width)]
    if first.width == width - 1 and (names_rows or is_index):
        cells = ["", *cells]
        numbers = [i + 1 for i in numbers]
    elif first.width != width:
        text.refuse_width(body[0], first.width)
    names = tuple(cells[names_rows:])
    if numbers == list(range(1, width)) and _numbers_columns(cells, names_rows or is_index):
        if names_rows and cells[0] != "":
            # It may as well be a row that starts with its name.
            _names_rows(text, [first, *body])
            return None
        return names if names_rows else ("", *names[1:])
    if numbers:
        _names_rows(text, [first, *body])
        return None
    for place, cell in enumerate(cells):
        is_corner = place == 0 and cell == ""
        if not is_corner and not is_name(cell) and (cell == "" or not any(map(is_name, cells))):
            text.refuse_cell(first, place - (width - first.width))
    return names


def _numbers_columns(cells: list[str], has_row_labels: bool) -> bool:
    """Whether the first line is a corner, then numbers that name columns."""
    numbers = np.array([float(cell) for cell in cells[1:]])
    if cells[0] == "" and has_row_labels:
        is_whole = np.array_equal(numbers, np.round(numbers))
        return is_whole and bool((np.diff(numbers) > 0).all())
    return (cells[0] == "" or is_name(cells[0])) and _counts_up(numbers)


def _commented_names(text: TextLines, width: int) -> tuple[str, ...]:
    """Names from the one comment that has a name for each column between its separators.

    Not between blanks: there, any sentence of as many words would do.
    """
    if text.source.suffix.lower() == ".txt":
        return ()
    for comment in text.comments:
        try:
            cells = text.cells(comment.lstrip("#").strip(), 1)
        except FeatureFileError:
            continue
        if len(set(cells)) == width == len(cells) and all(map(is_name, cells)):
            return tuple(cells)
    return ()


def _counts_up(values: ArrayLike) -> bool:
    """Whether values are 0, 1, 2, … or 1, 2, 3, …."""
    row = np.asarray(values, dtype=np.float64)
    return row[0] in (0, 1) and np.array_equal(row, row[0] + np.arange(len(row)))


def _too_narrow(source: Path, found: str) -> FeatureFileError:
    return FeatureFileError(
        f"{source}: {found}; a joint table has a row an x and a column a class, two or more of each"
    )
