"""Results as JSON and as tables."""

import dataclasses
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ibcollapse.printable import encodable, printable
from ibcollapse.storage.atomic import atomic_path


def write_json(schema: str, fields: Mapping[str, Any], destination: str) -> None:
    """Write one JSON object, `schema` first, to a file or, for "-", to standard output.

    NumPy arrays and scalars become lists and numbers, dataclasses objects, tuples lists. JSON has
    no NaN and no infinity: each becomes null.

    Raises
    ------
    OutputError
        When the file cannot be written; nothing is left behind.
    TypeError
        On a value that has no JSON form.
    """
    text = json.dumps(_plain({"schema": schema, **fields}), indent=1, allow_nan=False)
    if destination == "-":
        write_line(text)
        return
    with atomic_path(destination) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    # Arrays and array scalars, without importing NumPy for a command that has none.
    if hasattr(value, "tolist"):
        value = value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def write_line(text: str = "") -> None:
    """Write one line to standard output, with an escape for each sign that it cannot encode."""
    sys.stdout.write(_shown(text) + "\n")


def _shown(text: str) -> str:
    return encodable(text, sys.stdout.encoding or "utf-8")


def write_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, title: str = ""
) -> None:
    """Write a table to standard output: fitted to a terminal, full width into a file or pipe.

    Floats are shown with six significant digits and numbers are set flush right. What the output
    cannot encode is escaped first, so that columns stay flush.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for j, name in enumerate(columns):
        numeric = all(isinstance(row[j], (int, float)) for row in rows)
        justify: Literal["left", "right"] = "right" if numeric else "left"
        table.add_column(Text(_shown(name)), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(format_cell(value))) for value in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000)
    if title:
        console.print(Text(_shown(printable(title)), style="bold"))
    console.print(table)


def format_cell(value: object) -> str:
    """One cell of a table: six significant digits, "–" for NaN and None, one line."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(str(value))
