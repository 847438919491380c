"""Figures as bytes that depend on nothing but the figure."""

import io
import os
import re
import warnings
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ibcollapse.errors import InputError
from ibcollapse.storage.atomic import atomic_path

_DPI = 160
_HOVER = "hover: "
# A title may be any text; these characters XML cannot hold in any spelling.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
# No date, no version, ids from a fixed salt: equal figures are equal files. Text stays text.
_SVG: dict[Any, Any] = {"svg.hashsalt": "ibcollapse", "svg.fonttype": "none"}
_METADATA: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write `figure` to `path` (.png, .svg or .pdf), whole or not at all, and return the path.

    Equal figures give equal bytes: no date, no version, fixed ids.

    Raises
    ------
    InputError
        On another suffix.
    OutputError
        When the file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _METADATA:
        raise InputError(f"{target}: figures are written as .png, .svg or .pdf")
    with atomic_path(target) as temporary:
        if suffix == ".svg":
            temporary.write_text(_svg_document(figure), encoding="utf-8")
        else:
            figure.savefig(temporary, format=suffix[1:], dpi=_DPI, metadata=_METADATA[suffix])
    return target


def render_svg(figure: Figure) -> str:
    """`figure` as an <svg> element to put into a page: no XML prolog, no document type."""
    document = _svg_document(figure)
    return document[document.index("<svg") :]


def hover_text(text: str) -> str:
    """The `gid` with which an artist shows `text` under the pointer in SVG files."""
    return _HOVER + text


def _svg_document(figure: Figure) -> str:
    document = io.StringIO()
    with mpl.rc_context(_SVG), warnings.catch_warnings():
        # Text stays text: the reader's browser has the fonts that matplotlib misses.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(document, format="svg", metadata=_METADATA[".svg"])
    # matplotlib writes a gid as an id, quoted either way; SVG shows a <title> as a tooltip.
    quoted = rf"""<g id=(["']){_HOVER}(.*?)\1>"""
    text = re.sub(quoted, r"<g><title>\2</title>", document.getvalue())
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
