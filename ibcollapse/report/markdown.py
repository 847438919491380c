"""A report as Markdown, its figures as SVG files beside it."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from ibcollapse.errors import OutputError
from ibcollapse.printable import encodable
from ibcollapse.report.document import Picture, Report, Section, Table
from ibcollapse.storage.atomic import atomic_path

# Everything that could become markup, HTML included, wherever it stands.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#+|~&$])")
# Bytes of a file's name that are not UTF-8, as Python spells them (PEP 383).
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
_FENCE = re.compile(r"`{3,}")


def write_markdown(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write `report` to `path` and its figures into the folder `<name>_figures` beside it.

    The figures are written first, so that a page never points at files that are not there.

    Raises
    ------
    OutputError
        When a file or the folder cannot be written.
    """
    target = Path(path)
    folder = target.with_name(f"{target.stem}_figures")
    drawn: list[str] = []

    def keep(picture: Picture) -> str:
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from error
        drawn.append(f"{len(drawn) + 1:02d}.svg")
        with atomic_path(folder / drawn[-1]) as temporary:
            temporary.write_text(encodable(picture.svg), encoding="utf-8")
        return f"{_address(folder.name)}/{drawn[-1]}"

    text = encodable(render_markdown(report, keep))
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return target


def render_markdown(report: Report, link: Callable[[Picture], str]) -> str:
    """`report` as Markdown; `link` gives the address of a picture.

    Text is escaped: a class name or a path cannot become markup.
    """
    blocks = [f"# {_escaped(report.title)}"]
    blocks.append("\n".join(f"- {_escaped(sentence)}" for sentence in report.headline))
    if report.analysed:
        rows = tuple((name, value) for name, value in report.analysed)
        blocks += ["## What was analysed", _table(Table(("what", "value"), rows))]
    for section in report.sections:
        blocks += _section(section, link)
    if report.methods or report.bibtex:
        blocks += ["## Methods", _escaped(report.methods)]
        if report.bibtex:
            blocks.append(_fenced(report.bibtex))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _section(section: Section, link: Callable[[Picture], str]) -> list[str]:
    blocks = [f"## {_escaped(section.title)}", *(_escaped(text) for text in section.text)]
    blocks += [f"> **Warning.** {_escaped(warning)}" for warning in section.warnings]
    blocks += [
        f"![{_escaped(picture.caption)}](<{link(picture)}>)\n\n*{_escaped(picture.caption)}*"
        for picture in section.pictures
    ]
    return blocks + [_table(table) for table in section.tables]


def _table(table: Table) -> str:
    lines = [_row(table.columns), "|" + " --- |" * len(table.columns)]
    lines += [_row(row) for row in table.rows]
    caption = f"*{_escaped(table.caption)}*\n\n" if table.caption else ""
    return caption + "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _address(name: str) -> str:
    return _NOT_UTF8.sub(lambda byte: f"%{ord(byte.group()) - 0xDC00:02X}", name)


def _fenced(text: str) -> str:
    """A code block whose fence is longer than any in `text`."""
    longest = max((len(run) for run in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}bibtex\n{text}\n{fence}"
