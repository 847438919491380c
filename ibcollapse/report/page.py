"""A report as one HTML page that needs nothing else: no network, no script, no other file."""

import os
import re
from pathlib import Path

import jinja2
from markupsafe import Markup

from ibcollapse.printable import encodable
from ibcollapse.report.document import Picture, Report, Section, Table
from ibcollapse.report.inline_svg import inline_svg
from ibcollapse.storage.atomic import atomic_path

_NUMBER = re.compile(r"[+−-]?[\d.,]+(e[+−-]?\d+)?\s*%?|[–∞]|NaN|nan|inf", re.IGNORECASE)


def write_report(report: Report, path: str | os.PathLike[str]) -> Path:
    """Write `report` as a self-contained HTML page to `path`, whole or not at all.

    Equal reports give equal bytes. All text is escaped: a class name or a path cannot become
    markup. The page forbids itself any request and any script (Content-Security-Policy).

    Raises
    ------
    InputError
        When a picture is no harmless SVG element.
    OutputError
        When the file cannot be written.
    """
    target = Path(path)
    html = render_report(report)
    with atomic_path(target) as temporary:
        temporary.write_text(encodable(html), encoding="utf-8")
    return target


def render_report(report: Report) -> str:
    """The HTML page of `report`; `InputError` when a picture is no harmless SVG element."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ibcollapse.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["numeric"] = _numeric_columns
    parts = []
    for anchor, section in zip(_anchors(report.sections), report.sections, strict=True):
        drawings = [
            (picture, _drawing(picture, f"{anchor}-{i}"))
            for i, picture in enumerate(section.pictures)
        ]
        parts.append({"anchor": anchor, "section": section, "drawings": drawings})
    template = environment.get_template("report.html.j2")
    return template.render(report=report, parts=parts)


def _numeric_columns(table: Table) -> list[bool]:
    """Which columns are set flush right: those whose cells are numbers, gaps left out."""
    columns = [[cell for cell in column if cell != "–"] for column in zip(*table.rows, strict=True)]
    if not columns:
        return [False] * len(table.columns)
    return [
        sum(_NUMBER.fullmatch(cell) is not None for cell in column) * 2 > len(column)
        for column in columns
    ]


def _drawing(picture: Picture, prefix: str) -> Markup:
    return inline_svg(picture.svg, prefix=prefix, label=picture.caption)


def _anchors(sections: tuple[Section, ...]) -> list[str]:
    """Addresses of the sections: their titles in lower case, numbered where two are alike."""
    anchors: list[str] = []
    for section in sections:
        words = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        alike = sum(re.fullmatch(rf"{words}(-\d+)?", anchor) is not None for anchor in anchors)
        anchors.append(f"{words}-{alike + 1}" if alike else words)
    return anchors
