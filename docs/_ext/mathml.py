"""Formulas as MathML, which browsers draw themselves: no script, no font, no network."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml


def drawn(node, **options) -> str:
    """The MathML of a formula; its bars have one size, where browsers would stretch the one but not the other."""
    text = str(tex2mathml(node.astext(), **options))
    return re.sub(r"<mo( class=\"math\w+\")?>‖</mo>", '<mo stretchy="false">‖</mo>', text)


def inline(self, node):
    """Write a formula within a line."""
    self.body.append(drawn(node))
    raise nodes.SkipNode


def block(self, node):
    """Write a formula of its own line."""
    self.body.append(f'<div class="math">{drawn(node, as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
