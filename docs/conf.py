"""How Sphinx builds these pages: `sphinx-build -W --keep-going docs docs/_build/html`."""

import importlib.util
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HERE = Path(__file__).parent
# The extensions below and, for a tree that is not installed, the two source roots.
sys.path[:0] = [str(HERE / "_extensions"), str(HERE.parent), str(HERE.parent / "cli")]

import ibcollapse  # noqa: E402
from ibcollapse_cli.main import COMMANDS  # noqa: E402


def public_names() -> str:
    """Markdown table: the page of every name of the package, from the package's own list."""
    pages: dict[str, list[str]] = {}
    for name in ibcollapse.__all__:
        room = ibcollapse._HOME.get(name) or ibcollapse._MODULES[name]
        page = "results" if room in ("serialize", "frames") else room
        pages.setdefault(page, []).append(f"`ib.{name}`")
    rows = [f"| {', '.join(names)} | [{page}]({page}.md) |" for page, names in pages.items()]
    return "\n".join(["| name | page |", "|---|---|", *rows])


project = "ibcollapse"
author = "The ibcollapse developers"
project_copyright = author
try:
    release = metadata.version("ibcollapse")
except metadata.PackageNotFoundError:
    release = "source tree"
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "command_help",
    "mathml",
]
html_math_renderer = "mathml"
# A page of a command that this tree lacks would document nothing.
exclude_patterns = ["_build"] + [
    f"commands/{name}.md"
    for name in COMMANDS
    if importlib.util.find_spec(f"ibcollapse_cli.commands.{name}") is None
]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "substitution"]
myst_substitutions = {"public_names": public_names()}
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"ibcollapse {release}"
html_static_path = ["_static"]
html_css_files = ["formulas.css"]

autodoc_member_order = "bysource"
# Docstrings state types with shapes and units; a resolved ArrayLike takes four lines.
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True, "imported-members": True}
# The room nn imports torch; its pages are built without it, too.
autodoc_mock_imports = [] if importlib.util.find_spec("torch") else ["torch"]
# A docstring's type says a shape, "float64 (n_samples, K)", in which no word is a reference.
suppress_warnings = ["ref.python"]
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False


def _escape_bars(
    _app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]
) -> None:
    """Let |x| in a docstring be a modulus, not a substitution of reStructuredText."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(``.*?``)", line)
            lines[i] = "".join(p if p.startswith("``") else p.replace("|", r"\|") for p in parts)


def setup(app: Sphinx) -> None:
    """Connect the hooks above."""
    app.connect("autodoc-process-docstring", _escape_bars)
