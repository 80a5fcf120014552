"""Rendering: expressions as text, LaTeX, Markdown and MathML."""

from npnet.inspect.rendering.as_latex import latex, markdown
from npnet.inspect.rendering.as_mathml import mathml
from npnet.inspect.rendering.as_text import text

__all__ = ["latex", "markdown", "mathml", "text"]
