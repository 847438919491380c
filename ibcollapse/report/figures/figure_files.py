"""Figures as bytes that depend on nothing but the figure."""

import io
import os
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from ibcollapse.atomic import atomic_path
from ibcollapse.errors import InputError

_DPI = 160
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
    with atomic_path(target) as temporary, mpl.rc_context(_SVG):
        figure.savefig(temporary, format=suffix[1:], dpi=_DPI, metadata=_METADATA[suffix])
    return target


def render_svg(figure: Figure) -> str:
    """`figure` as an <svg> element to put into a page: no XML prolog, no document type."""
    text = io.StringIO()
    with mpl.rc_context(_SVG):
        figure.savefig(text, format="svg", metadata=_METADATA[".svg"])
    document = text.getvalue()
    return document[document.index("<svg") :]
