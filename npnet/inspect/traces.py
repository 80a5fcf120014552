"""Trace: what happened in a forward and backward pass, in order, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from npnet.expression import Expression
from npnet.inspect.columns import broken, terminal_width
from npnet.inspect.events import Backward, Contribution, Event, Forward, Seed, Slot
from npnet.inspect.numbers import compact
from npnet.inspect.recording import Recording, recorded
from npnet.inspect.rendering import text
from npnet.module import Module
from npnet.parameter import Array

__all__ = ["Trace", "event_text", "trace"]


class Trace:
    """The events of a recording: a sequence, and a text.

    Attributes
    ----------
    recording : Recording
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.recording.events)

    def __iter__(self) -> Iterator[Event]:
        """Yield the events in order."""
        return iter(self.recording.events)

    def __getitem__(self, index: Any) -> Any:
        """Return one event, or some."""
        return self.recording.events[index]

    def text(self, width: int | None = None) -> str:
        """Return the events as text of `width` characters, by default the terminal's, 80 to 120.

        What a line cannot hold goes on below, indented further.
        """
        width = terminal_width() if width is None else width
        lines: list[str] = []
        for event in self:
            if event.index == 0:
                lines.append("forward")
            if isinstance(event, Seed) and event is self.recording.backward[0]:
                lines.append("backward")
            lines += event_text(event).splitlines()
        return "\n".join(part for line in lines for part in broken(line, width))

    def __str__(self) -> str:
        """Return it as text."""
        return self.text()

    __repr__ = __str__


def event_text(event: Event) -> str:
    """Return an event in a few lines.

    Examples
    --------
    >>> import npnet
    >>> from npnet.inspect import record
    >>> recording = record(npnet.Sigmoid(), 0.0)
    >>> print(event_text(recording.events[0]))
      0  p = σ(x)
           x = 0
           p = 0.5
    >>> print(event_text(recording.events[-1]))
      2  p = σ(x), dp = 1 arrived
           dx = dp·p·(1 − p) = 0.25
    """
    if isinstance(event, Seed):
        (start,) = event.contributions
        words = f"start at {_gradient(start.slot, start.value)}"
        return _indented(f"{event.index:3d}  {words}", _counted(start))
    equations = ", ".join(map(text, event.step.rule.forward))
    if isinstance(event, Forward):
        read = {id(o.slot): o.slot for o in event.operands if o.slot.kind != "constant"}
        where = map(text, event.step.rule.where)
        values = (_valued(slot) for slot in (*read.values(), *event.outputs))
        return _indented(f"{event.index:3d}  {equations}", [*where, *values])
    pairs = zip(event.step.outputs, event.arrived, strict=True)
    arrived = ", ".join(_gradient(y, g) for y, g in pairs if g is not None)
    head = f"{event.index:3d}  {equations}, {arrived} arrived"
    return _indented(head, [line for c in event.contributions for line in _passed_on(event, c)])


def trace(
    graph: Module | Recording,
    /,
    *inputs: Any,
    gradients: Any = None,
    names: Mapping[Expression | str, str] | None = None,
    **named: Any,
) -> Trace:
    """Return the last forward and backward of a graph as a list of events, which prints itself.

    Forward: each step with its operands and what it computes. Back: the gradient that an output
    starts with; for each step, last first, the gradient that arrived at it, what each operand
    receives, and, where an operand is read more than once, the sum so far.

    Parameters
    ----------
    graph : Graph, any Module, or a Recording
    *inputs, gradients, names, **named
        As `record` takes them; without inputs, those of the last call.

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
    >>> g.output(w * x + w)
    >>> _ = g(w=3.0, x=2.0)
    >>> print(trace(g))
    forward
      0  p = w·x
           w = 3
           x = 2
           p = 6
      1  q = p + w
           p = 6
           w = 3
           q = 9
    backward
      2  start at dq = 1
      3  q = p + w, dq = 1 arrived
           dp = dq = 1
           dw = dq = 1
             contribution 1 of 2
      4  p = w·x, dp = 1 arrived
           dw = dp·x = 2
             contribution 2 of 2, sum so far 3
    >>> [event.kind for event in trace(g)]
    ['forward', 'forward', 'seed', 'backward', 'backward']
    """
    return Trace(recorded(graph, inputs, named, gradients, names, "trace"))


def _indented(head: str, lines: list[str]) -> str:
    """Return a line with others below it."""
    return "\n".join([head, *(f"       {line}" for line in lines)])


def _valued(slot: Slot) -> str:
    """Return a value with its name."""
    return f"{slot.name} = {compact(slot.value)}"


def _gradient(slot: Slot, gradient: Array) -> str:
    """Return a gradient with its name."""
    return f"{text(slot.gradient_symbol)} = {compact(gradient)}"


def _passed_on(event: Backward, contribution: Contribution) -> list[str]:
    """Return what an operand receives, by which rule."""
    operand = contribution.operand
    assert operand is not None
    equation = text(event.step.rule.backward[operand.role])
    return [f"{equation} = {compact(contribution.value)}", *_counted(contribution)]


def _counted(contribution: Contribution) -> list[str]:
    """Return which of several contributions it is, and the sum so far."""
    if contribution.of == 1:
        return []
    counted = f"  contribution {contribution.number} of {contribution.of}"
    total = f", sum so far {compact(contribution.total)}" if contribution.number > 1 else ""
    return [counted + total]
