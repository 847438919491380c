"""Formulas as MathML, which browsers draw by themselves: no script, nothing fetched."""

from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

_log = logging.getLogger(__name__)


def _write(self: HTML5Translator, node: nodes.Element, *, block: bool) -> None:
    source = node.astext()
    try:
        tree = latex2mathml.tex2mathml(source, as_block=block)
    except (SyntaxError, ValueError) as error:
        _log.warning("formula %s: %s", source, error, location=node)
        tree = self.encode(source)
    self.body.append(f'<div class="math">{tree}</div>' if block else tree)
    raise nodes.SkipNode


def _write_inline(self: HTML5Translator, node: nodes.math) -> None:
    _write(self, node, block=False)


def _write_block(self: HTML5Translator, node: nodes.math_block) -> None:
    _write(self, node, block=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer `mathml`."""
    app.add_html_math_renderer("mathml", (_write_inline, None), (_write_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
