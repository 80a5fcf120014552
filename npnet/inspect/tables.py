"""Table: a graph broken down to one operation a line, with local gradients and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from npnet.expression import Expression
from npnet.inspect.columns import (
    Block,
    Cell,
    html_table,
    latex_table,
    markdown_table,
    terminal_width,
    text_table,
)
from npnet.inspect.events import Contribution, Slot, Step
from npnet.inspect.expansion import expansions
from npnet.inspect.expressions import Equation, Expr, Symbol
from npnet.inspect.numbers import brief
from npnet.inspect.recording import Recording, recorded
from npnet.module import Module
from npnet.parameter import Array

__all__ = ["Local", "Row", "Table", "table"]

_HEAD = ("", "breakdown", "local gradient", "its value", "expansion", "value", "gradient")
#: Up to so many symbols and operations a value is written out in the inputs' names.
EXPANDED = 40
#: Up to so many contributions to a number's gradient are written out.
WRITTEN = 4


@dataclass(frozen=True)
class Local:
    """What a step passes on to one operand.

    Attributes
    ----------
    equation : Equation
        The local gradient ∂p/∂w = x; where that is no array one writes down, as for a product of
        matrices, what the operand receives: dW = dyᵀ x.
    value : array or None
        The number, or numbers, it comes to; None where the operand gets no gradient.
    contribution : Contribution or None
    """

    equation: Equation
    value: Array | None
    contribution: Contribution | None


@dataclass(frozen=True)
class Row:
    """One step of the table.

    Attributes
    ----------
    step : Step
    breakdown : tuple of Equation
        p = w·x, one an output.
    where : tuple of Equation
        What else stands in it.
    expansions : tuple of Expr
        Each output written out in the inputs' names.
    local : tuple of Local
    """

    step: Step
    breakdown: tuple[Equation, ...]
    where: tuple[Equation, ...]
    expansions: tuple[Expr, ...]
    local: tuple[Local, ...]


class Table:
    """A graph's steps as rows; prints itself in a terminal and in a notebook.

    Attributes
    ----------
    recording : Recording
    leaves : tuple of Slot
        Inputs and parameters, with value and whole gradient.
    rows : tuple of Row
    """

    def __init__(self, recording: Recording, expanded: int = EXPANDED) -> None:
        self.recording = recording
        kinds = ("input", "parameter")
        self.leaves = tuple(slot for slot in recording.slots if slot.kind in kinds)
        whole = expansions(recording, expanded)
        given = {id(c.operand): c for e in recording.backward for c in e.contributions}
        self.rows = tuple(_row(step, whole, given) for step in recording.steps)

    def text(self, width: int | None = None) -> str:
        """Return it as text of `width` characters, by default the terminal's, 80 to 120.

        Lines are longer only where single words do not fit beside one another.
        """
        if width is None:
            width = terminal_width()
        return text_table(_HEAD, self._blocks(), width)

    def markdown(self) -> str:
        """Return it as a Markdown table, its formulas as LaTeX between dollars."""
        return markdown_table(_HEAD, self._blocks())

    def latex(self) -> str:
        """Return it as LaTeX, for a document with amsmath."""
        return latex_table(_HEAD, self._blocks())

    def html(self) -> str:
        """Return it as an HTML table, its formulas as MathML."""
        return html_table(_HEAD, self._blocks(), f"{self.recording.title}, step by step")

    def __str__(self) -> str:
        """Return it as text."""
        return self.text()

    __repr__ = __str__
    _repr_html_ = html
    _repr_markdown_ = markdown
    _repr_latex_ = latex

    def _blocks(self) -> list[Block]:
        """Return the lines: one an input or parameter, then those of every step."""
        return [*([self._leaf(slot)] for slot in self.leaves), *map(self._lines, self.rows)]

    def _leaf(self, slot: Slot) -> list[Cell]:
        """Return the line of an input: its gradient is the sum of its contributions."""
        total = self._gradient(slot)
        parts = self.recording.contributions(slot)
        if 1 < len(parts) <= WRITTEN and not slot.value.ndim:
            total += " = " + " + ".join(brief(part.value) for part in parts)
            total = total.replace("+ −", "− ")
        elif len(parts) > 1:
            total += f", sum of {len(parts)}"
        return ["", slot.symbol, "", "", "", brief(slot.value), total]

    def _lines(self, row: Row) -> list[list[Cell]]:
        """Return the lines of a step."""
        number = str(row.step.number)
        breakdown = [*row.breakdown, *row.where]
        numbers = [(brief(y.value), self._gradient(y)) for y in row.step.outputs]
        local = [(e.equation, "" if e.value is None else brief(e.value)) for e in row.local]
        columns = zip_longest([number], breakdown, local, row.expansions, numbers)
        return [
            [n or "", b or "", *(e or ("", "")), x or "", *(v or ("", ""))]
            for n, b, e, x, v in columns
        ]

    @staticmethod
    def _gradient(slot: Slot) -> str:
        """Return the gradient that arrived at a slot."""
        return "" if slot.gradient is None else brief(slot.gradient)


def table(
    graph: Module | Recording,
    /,
    *inputs: Any,
    gradients: Any = None,
    names: Mapping[Expression | str, str] | None = None,
    expanded: int = EXPANDED,
    **named: Any,
) -> Table:
    """Return a graph broken down to one operation a line, as in a textbook, with the numbers.

    A line has the operation (p = w·x), its value, the gradient that arrived at it, the local
    gradient with respect to each operand (∂p/∂w = x) and its value, and the operation written out
    in the inputs' names. Inputs and parameters come first, each with the sum of all contributions
    to its gradient. Print it, or take its `text`, `markdown`, `latex` and `html`.

    Parameters
    ----------
    graph : Graph, any Module, or a Recording
    *inputs, gradients, names, **named
        As `record` takes them; without inputs, those of the last call.
    expanded : int, default 40
        Up to so many symbols and operations a value is written out; what would be longer keeps
        the names of its operands.

    Errors
    ------
    RuntimeError
        Without inputs, where the graph has not run.
    TypeError, ValueError
        As `record`.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> g = npnet.Graph(dtype=np.float64)
    >>> w, x = g.input("w", requires_grad=True), g.input("x")
    >>> g.output(np.exp(w * x) + w)
    >>> _ = g(w=0.0, x=2.0)
    >>> print(table(g).text(80))
       breakdown  local gradient  its value  expansion    value  gradient
    -  ---------  --------------  ---------  -----------  -----  ---------
       w                                                  0      3 = 1 + 2
       x                                                  2
    0  p = w·x    ∂p/∂w = x       2          w·x          0      1
                  ∂p/∂x = w
    1  q = e^p    ∂q/∂p = q       1          e^(w·x)      1      1
    2  r = q + w  ∂r/∂q = 1       1          e^(w·x) + w  1      1
                  ∂r/∂w = 1       1
    """
    return Table(recorded(graph, inputs, named, gradients, names, "table"), expanded)


def _row(step: Step, whole: Mapping[Symbol, Expr], given: Mapping[int, Contribution]) -> Row:
    """Return the row of a step."""
    rule = step.rule
    local: list[Local] = []
    for operand in step.operands:
        if operand.role not in rule.backward:
            continue
        contribution = given.get(id(operand))
        sides = rule.local[operand.role]
        values = (None,) * len(sides) if contribution is None else contribution.local
        found = [
            Local(equation, value, contribution)
            for equation, value, y in zip(sides, values, step.outputs, strict=True)
            if equation is not None and (y.gradient is not None or contribution is None)
        ]
        value = None if contribution is None else contribution.value
        local += found or [Local(rule.backward[operand.role], value, contribution)]
    return Row(
        step,
        rule.forward,
        rule.where,
        tuple(whole[slot.symbol] for slot in step.outputs),
        tuple(local),
    )
