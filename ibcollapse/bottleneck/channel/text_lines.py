"""The lines of a text table as numbers and words, and what refuses a line that is neither."""

import csv
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from ibcollapse.errors import FeatureFileError
from ibcollapse.features.stores.store import one_line

_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": None}
TEXT_SUFFIXES = tuple(_DELIMITERS)
_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", None: "blanks"}
_BYTE_ORDER_MARKS = (
    # UTF-32 first: its little-endian mark begins like that of UTF-16.
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# Narrower than `float`, which also takes 1_000, nan and the digits of every script.
_NUMBER = re.compile(r"[-+]?(?:\d+(?P<point>\.)?(\d*)|(?P<bare>\.)(\d+))(?:[eE]([-+]?\d+))?", re.A)
_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+", re.ASCII)
_MISSING = re.compile(r"|[-+]?nan|na|n/a|null|none|[-+]?inf(inity)?", re.IGNORECASE)
_BETWEEN_BLANKS = re.compile(r'"[^"]*"|\S+')
# Numbers whose sum is beyond this are no probabilities, however they were rounded.
_MOST_TOTAL = 4.0

NOT_FEATURES = (
    "features with labels are not read from text: save them as .npz or .h5 (docs/feature_files.md)"
)


@dataclasses.dataclass(frozen=True)
class TextLine:
    """A line: its cells as numbers, float64 (n_cells,), NaN where `words` holds the text instead.

    `rounding` is half a unit in the last written place, summed over the cells; a whole number is
    exact.
    """

    number: int
    values: NDArray[np.float64]
    words: dict[int, str]
    rounding: float

    @property
    def width(self) -> int:
        """Number of cells."""
        return len(self.values)

    def cell(self, place: int) -> str:
        """Text of a cell, of a number in its shortest form."""
        return self.words.get(place, f"{self.values[place]:.12g}")


class TextLines:
    """The lines of a file with something on them; `comments` are those that start with #."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self._delimiter = _DELIMITERS[source.suffix.lower()]
        self.comments: list[str] = []
        self.lines = _without_empty_end(list(self._parsed(_decoded(source))))

    def _parsed(self, text: str) -> Iterator[TextLine]:
        total = 0.0
        for number, line in enumerate(re.split("\r\n|\r|\n", text), start=1):
            if line.lstrip().startswith("#"):
                self.comments.append(line.strip())
            elif line.strip():
                cells = self.cells(line, number)
                words = {i: cell for i, cell in enumerate(cells) if not _NUMBER.fullmatch(cell)}
                values = np.array([np.nan if i in words else float(c) for i, c in enumerate(cells)])
                total += float(np.nansum(np.abs(values)))
                # A table of probabilities alone needs it, and it takes as long as all the rest.
                rounding = sum(map(_half_unit, cells)) if total <= _MOST_TOTAL else 0.0
                yield TextLine(number, values, words, rounding)

    def cells(self, line: str, number: int) -> list[str]:
        """The cells of a line, without quotes and blanks around them."""
        if self._delimiter is None:
            return [cell.strip('"') for cell in _BETWEEN_BLANKS.findall(line)]
        reader = csv.reader([line], delimiter=self._delimiter, skipinitialspace=True, strict=True)
        try:
            return [cell.strip() for cell in next(reader)]
        except csv.Error as error:
            raise FeatureFileError(f"{self.source}: line {number}: {error}") from error

    def refuse_width(self, line: TextLine, expected: int) -> NoReturn:
        """Say that a line has another number of cells than the others."""
        raise FeatureFileError(
            f"{self.source}: line {line.number} holds {line.width} cells, where other lines hold "
            f"{expected}; expected as many numbers on every line, between "
            f"{_SEPARATORS[self._delimiter]}"
        )

    def refuse_cell(self, line: TextLine, place: int) -> NoReturn:
        """Say why a cell is not what its place demands."""
        cell = line.cell(place)
        where = f"{self.source}: line {line.number}, column {place + 1}"
        between = f"numbers between {_SEPARATORS[self._delimiter]}"
        if place not in line.words:
            raise FeatureFileError(
                f"{where} is the number {cell}, where the other lines have a word; expected "
                f"{between}, and at most one line and one column of names"
            )
        if _MISSING.fullmatch(cell):
            found = f"holds {cell!r}" if cell else "is empty"
            raise FeatureFileError(f"{where} {found}; expected a number, 0 for no observation")
        if _DECIMAL_COMMA.fullmatch(cell):
            raise FeatureFileError(f"{where} holds {cell!r}; expected a decimal point, {between}")
        others = [name for mark, name in _SEPARATORS.items() if (mark or " ") in cell]
        if others and any(character.isdigit() for character in cell):
            raise FeatureFileError(
                f"{where} holds {one_line(cell, 40)!r} with {others[0]}; expected {between} with a "
                "decimal point (.csv has commas, .tsv tabs, .txt blanks)"
            )
        raise FeatureFileError(
            f"{where} holds {one_line(cell, 40)!r}; expected {between}: a joint table has a row an "
            f"x and a column a class, and {NOT_FEATURES}"
        )


def is_name(word: str) -> bool:
    """Whether a cell can name something: it is no number, and no missing or miswritten one."""
    return not any(form.fullmatch(word) for form in (_NUMBER, _MISSING, _DECIMAL_COMMA))


def _decoded(source: Path) -> str:
    raw = source.read_bytes()
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if raw.startswith(mark)), "utf-8-sig")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise FeatureFileError(
            f"{source}: not {encoding.removesuffix('-sig').upper()} text (byte {error.start}: "
            f"{error.reason}); save the table as UTF-8"
        ) from error
    if "\0" in text:
        raise FeatureFileError(f"{source}: not a text file, or UTF-16 without its mark; save UTF-8")
    return text


def _without_empty_end(lines: list[TextLine]) -> list[TextLine]:
    """Lines without their last cell where all lines end in a separator."""
    if all(line.width > 1 and line.words.get(line.width - 1) == "" for line in lines):
        return [
            dataclasses.replace(
                line,
                values=line.values[:-1],
                words={i: cell for i, cell in line.words.items() if i < line.width - 1},
            )
            for line in lines
        ]
    return lines


def _half_unit(cell: str) -> float:
    """Half a unit in the last written place of a number; whole numbers are exact, words nothing."""
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return 0.0
    _, after_point, _, bare, exponent = found.groups()
    decimals = after_point or bare or ""
    if not decimals and exponent is None:
        return 0.0
    return float(0.5 * 10.0 ** min(int(exponent or 0) - len(decimals), 300))
