"""Columns: lines of cells as text that fits a terminal, as Markdown, LaTeX and HTML."""

from __future__ import annotations

import re
import shutil
import unicodedata
from collections.abc import Sequence
from html import escape
from typing import TypeAlias

from npnet.inspect.expressions import Expr
from npnet.inspect.rendering import latex, markdown, mathml, text
from npnet.inspect.rendering.as_latex import latex_words

__all__ = [
    "Block",
    "Cell",
    "broken",
    "html_table",
    "latex_table",
    "markdown_table",
    "terminal_width",
    "text_table",
]

#: An expression, or words; "" for nothing.
Cell: TypeAlias = "Expr | str"
#: Lines that belong together, each with a cell a column.
Block: TypeAlias = "Sequence[Sequence[Cell]]"

#: Where a line may be broken: behind these; where that is too seldom, between any two words.
_BREAKS = re.compile(
    r"(?<=[,;…])\s+(?!\d+(?:, \d+)*\))|(?<=\))\s+(?=[−\d])|\s+(?=[=+−⊙]\s)|\s+(?=(?:if|else|min)\s)"
)
_WORDS = re.compile(r"(?<![=+−⊙])\s+(?!\d+(?:, \d+)*\))")


def text_table(head: Sequence[str], blocks: Sequence[Block], width: int) -> str:
    """Return lines of at most `width` characters where that is possible; long cells are wrapped.

    Examples
    --------
    >>> print(text_table(["name", "value"], [[["x", "1, 2, 3"]], [["long name", ""]]], 16))
    name      value
    --------- ------
    x         1, 2,
              3
    long name
    """
    rows = [[_text(cell) for cell in line] for block in blocks for line in block]
    whole = sum(max(map(shown_width, column)) for column in zip(head, *rows, strict=True))
    gap = "  " if whole + 2 * (len(head) - 1) <= width else " "
    breaks = _BREAKS
    room = _widths([list(head), *rows], width, breaks)
    if sum(room) + len(room) - 1 > width:
        breaks = _WORDS
        room = _widths([list(head), *rows], width, breaks)
    lines = [gap.join(_padded(h, n) for h, n in zip(head, room, strict=True)).rstrip()]
    lines.append(gap.join("-" * n for n in room))
    for row in rows:
        cells = [_wrapped(cell, n, breaks) for cell, n in zip(row, room, strict=True)]
        for number in range(max(map(len, cells))):
            parts = (cell[number] if number < len(cell) else "" for cell in cells)
            line = gap.join(_padded(p, n) for p, n in zip(parts, room, strict=True))
            lines.append(line.rstrip())
    return "\n".join(lines)


def terminal_width() -> int:
    """Return the width of the terminal, 80 to 120; 100 where there is none."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, 80), 120)


def broken(line: str, width: int) -> list[str]:
    """Return a line, indented or not, as lines of at most `width` characters where possible.

    Examples
    --------
    >>> broken("  p = [[1, 2], [3, 4]]", 16)
    ['  p = [[1, 2],', '    [3, 4]]']
    """
    words = line.lstrip()
    indent = len(line) - len(words)
    room = width - indent - 2
    if shown_width(line) <= width:
        return [line]
    breaks = _BREAKS if max(map(shown_width, _pieces(words, _BREAKS))) <= room else _WORDS
    first, *rest = _wrapped(words, room, breaks)
    return [" " * indent + first, *(" " * (indent + 2) + part for part in rest)]


def markdown_table(head: Sequence[str], blocks: Sequence[Block]) -> str:
    """Return a table as GitHub and notebooks show it, with LaTeX between dollars.

    Examples
    --------
    >>> print(markdown_table(["name", "value"], [[["x", "1"], ["", "2"]]]))
    | name | value |
    | --- | --- |
    | x | 1<br>2 |
    """
    lines = [_row(head), _row(["---"] * len(head))]
    for block in blocks:
        columns = zip(*block, strict=True)
        lines.append(_row(["<br>".join(map(_markdown, _trimmed(c))) for c in columns]))
    return "\n".join(lines)


def latex_table(head: Sequence[str], blocks: Sequence[Block]) -> str:
    r"""Return an array in an equation, for amsmath and for notebooks.

    Examples
    --------
    >>> print(latex_table(["name", "value"], [[["x", "1"]]]))
    \begin{equation*}
    \begin{array}{ll}
    \text{name} & \text{value} \\ \hline
    \text{x} & \text{1} \\
    \end{array}
    \end{equation*}
    """
    lines = [r"\begin{equation*}", rf"\begin{{array}}{{{'l' * len(head)}}}"]
    lines.append(" & ".join(rf"\text{{{latex_words(h)}}}" for h in head) + r" \\ \hline")
    for block in blocks:
        lines += [" & ".join(map(_latex, line)) + r" \\" for line in block]
    return "\n".join([*lines, r"\end{array}", r"\end{equation*}"])


def html_table(head: Sequence[str], blocks: Sequence[Block], caption: str = "") -> str:
    """Return a <table> with MathML in its cells.

    Examples
    --------
    >>> html_table(["a"], [[["1"]]]).removeprefix('<table><thead><tr><th scope="col">')
    'a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'
    """
    heads = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join(
        "<tbody>"
        + "".join(f"<tr>{''.join(f'<td>{_html(c)}</td>' for c in line)}</tr>" for line in block)
        + "</tbody>"
        for block in blocks
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{heads}</tr></thead>{body}</table>"


def _text(cell: Cell) -> str:
    """Write a cell as text."""
    return text(cell) if isinstance(cell, Expr) else cell


def _markdown(cell: Cell) -> str:
    """Write a cell as Markdown; a bar would end it."""
    return markdown(cell) if isinstance(cell, Expr) else cell.replace("|", "\\|")


def _latex(cell: Cell) -> str:
    """Write a cell as LaTeX."""
    if isinstance(cell, Expr):
        return latex(cell)
    return rf"\text{{{latex_words(cell)}}}" if cell else ""


def _html(cell: Cell) -> str:
    """Write a cell as HTML."""
    return mathml(cell) if isinstance(cell, Expr) else escape(cell)


def _row(cells: Sequence[str]) -> str:
    """Write a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _trimmed(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Leave out the empty cells at the end of a column of a block."""
    last = max((number for number, cell in enumerate(cells) if cell != ""), default=-1)
    return cells[: last + 1]


def shown_width(words: str) -> int:
    """Return how many places words take on a terminal; marks over a letter take none.

    >>> shown_width("ŷ = Wx"), shown_width("x̂")
    (6, 1)
    """
    return sum(not unicodedata.combining(character) for character in words)


def _padded(words: str, width: int) -> str:
    """Fill words up with spaces."""
    return words + " " * (width - shown_width(words))


def _pieces(cell: str, breaks: re.Pattern[str]) -> list[str]:
    """Cut a cell where it may be broken."""
    return breaks.split(cell) if cell else [""]


def _widths(rows: Sequence[Sequence[str]], width: int, breaks: re.Pattern[str]) -> list[int]:
    """Return the columns' widths: as wide as their cells, the widest narrowed until all fit."""
    columns = [*zip(*rows, strict=True)]
    wanted = [max(map(shown_width, column)) for column in columns]
    pieces = [[p for cell in column for p in _pieces(cell, breaks)] for column in columns]
    least = [max(map(shown_width, column)) for column in pieces]
    spare = len(columns) - 1
    while sum(wanted) + spare > width:
        narrowed = [n for n, wide in enumerate(wanted) if wide > least[n]]
        if not narrowed:
            break
        wanted[max(narrowed, key=lambda n: wanted[n])] -= 1
    return wanted


def _wrapped(cell: str, width: int, breaks: re.Pattern[str]) -> list[str]:
    """Break a cell into lines of a width, where its pieces are not longer."""
    lines = [""]
    for piece in _pieces(cell, breaks):
        longer = f"{lines[-1]} {piece}" if lines[-1] else piece
        if shown_width(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(piece)
    return lines
