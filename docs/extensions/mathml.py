"""Formulas as MathML, which browsers display and read aloud without anything from elsewhere."""

from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
CONVERTER = LatexToMathML(annotation=True)


def inline(writer: Any, node: nodes.math) -> None:
    """An inline formula."""
    writer.body.append(convert(node, displaystyle=False))
    raise nodes.SkipNode


def block(writer: Any, node: nodes.math_block) -> None:
    """A displayed formula."""
    writer.body.append(f'<div class="math">{convert(node, displaystyle=True)}</div>\n')
    raise nodes.SkipNode


def convert(node: nodes.Element, *, displaystyle: bool) -> str:
    """A formula's element. Invalid LaTeX raises a warning, and a strict build fails."""
    try:
        return CONVERTER.convert_with_local_state(node.astext(), displaystyle=displaystyle)
    except LatexError as error:
        LOGGER.warning("%s in the formula %r", error, node.astext(), location=node)
        return ""


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
