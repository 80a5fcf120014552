"""Formulas: expressions as words of a drawing."""

from __future__ import annotations

from npnet.inspect import expressions as e
from npnet.inspect.drawing.lettering import Run, Words
from npnet.inspect.rendering.as_text import TextWriter
from npnet.inspect.rendering.writer import Name

__all__ = ["formula", "name_words"]

# Marks in what is written, where a style begins and where the one before goes on.
_MATH, _BELOW, _ABOVE, _END = "\ue000", "\ue001", "\ue002", "\ue003"


def formula(expression: e.Expr) -> Words:
    """Return an expression as words: variables slanted, exponents raised.

    Examples
    --------
    >>> W, x = e.Symbol("W", (3, 2)), e.Symbol("x1", (5, 2))
    >>> for run in formula(x @ W.T):
    ...     print(run)
    Run(text='x', style='math', level=0)
    Run(text='1', style='', level=-1)
    Run(text=' ', style='', level=0)
    Run(text='W', style='math', level=0)
    Run(text='⊤', style='', level=1)
    """
    return _runs(_WRITER.write(expression))


def name_words(name: str) -> Words:
    """Return a name as words.

    >>> name_words("h12")
    (Run(text='h', style='math', level=0), Run(text='12', style='', level=-1))
    >>> name_words("fc1.weight")
    (Run(text='fc1.weight', style='', level=0),)
    """
    return formula(e.Symbol(name))


class WordsWriter(TextWriter):
    """Writes text with marks for styles."""

    def symbol(self, x: e.Symbol) -> str:
        """Write a letter slanted with its index below, or a word."""
        name = Name(x.name)
        stem = name.stem + "\u0302" * name.hat
        written = stem if name.is_word else f"{_MATH}{stem}{_END}"
        return written + (f"{_BELOW}{name.index}{_END}" if name.index else "")

    def power(self, x: e.Power) -> str:
        """Write the exponent above the line."""
        return f"{self.write(x.base, 7)}{_ABOVE}{self.write(x.exponent)}{_END}"

    def transpose(self, x: e.Transpose) -> str:
        """Write the sign above the line."""
        return f"{self.write(x.operand, 7)}{_ABOVE}⊤{_END}"

    def call(self, x: e.Call) -> str:
        """Write an exponential as a power."""
        if x.function == "exp":
            return f"{_MATH}e{_END}{_ABOVE}{self.write(x.arguments[0])}{_END}"
        return super().call(x)


_WRITER = WordsWriter()


def _runs(marked: str) -> Words:
    """Return marked text as runs."""
    runs: list[Run] = []
    styles = [("", 0)]
    text = ""

    def finish() -> None:
        nonlocal text
        if text:
            runs.append(Run(text, *styles[-1]))
            text = ""

    for character in marked:
        if character not in (_MATH, _BELOW, _ABOVE, _END):
            text += character
            continue
        finish()
        style, level = styles[-1]
        if character == _MATH:
            styles.append(("math", level))
        elif character == _END:
            styles.pop()
        else:
            styles.append((style, level or (1 if character == _ABOVE else -1)))
    finish()
    return tuple(runs)
