"""Outline: the scene of a tape that nobody has run: all but numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from npnet.inspect.drawing.scene import Operation, Scene, Value
from npnet.inspect.equations import rule_of
from npnet.inspect.expressions import Equation, Expr, Number, Symbol
from npnet.inspect.recording import role_of
from npnet.kernel import Spec
from npnet.tape import Step, Tape

__all__ = ["outline"]


def outline(
    title: str,
    tape: Tape,
    names: Sequence[str],
    specs: Sequence[Spec] | None = None,
    paths: Mapping[int, str] | None = None,
) -> Scene:
    """Return what a tape has, without numbers.

    Parameters
    ----------
    title : str
    tape : Tape
    names : of its slots
    specs : of its slots, optional
        Without them only Parameters and constants have shapes.
    paths : optional
        Where the model holds its layers, by their ids.

    Examples
    --------
    >>> import npnet
    >>> g = npnet.Graph()
    >>> g.output(npnet.ReLU()(g.input("x")))
    >>> scene = outline("Graph", g.tape, ["x", "h"])
    >>> [value.name for value in scene.values], [step.kind for step in scene.operations]
    (['x', 'h'], ['ReLU'])
    """
    values = _values(tape, names, specs)
    operations = []
    for number, step in enumerate(tape.steps):
        operations.append(
            Operation(
                number,
                step.layer,
                type(step.layer).__name__,
                (paths or {}).get(id(step.layer), ""),
                _equations(step, values, tape),
                tuple((i, slot) for i, slot in enumerate(step.reads) if slot is not None),
                step.writes,
            )
        )
    return Scene(title, tuple(values), tuple(operations))


def _values(tape: Tape, names: Sequence[str], specs: Sequence[Spec] | None) -> list[Value]:
    """Return the slots."""
    readers: list[list[tuple[int, int]]] = [[] for _ in tape.slots]
    for number, step in enumerate(tape.steps):
        for position, index in enumerate(step.reads):
            if index is not None:
                readers[index].append((number, position))
    values = []
    for index, slot in enumerate(tape.slots):
        parameter = tape.parameters.get(index)
        shape = specs[index].shape if specs else None
        if parameter is not None:
            shape = parameter.shape
        elif slot.kind == "constant":
            shape = slot.source.array.shape
        trained = parameter is not None and parameter.requires_grad
        given = tuple(readers[index]), trained, index in tape.outputs
        values.append(Value(index, slot.kind, names[index], shape, *given))
    return values


def _equations(step: Step, values: Sequence[Value], tape: Tape) -> tuple[Equation, ...]:
    """Return what a step computes."""
    operands = {
        role_of(step.layer, position, len(step.reads)): _operand(values[index], tape)
        for position, index in enumerate(step.reads)
        if index is not None
    }
    outputs = [Symbol(values[index].name, values[index].shape) for index in step.writes]
    return rule_of(step.layer, operands, outputs).forward


def _operand(value: Value, tape: Tape) -> Expr:
    """Return an operand as it stands in an equation."""
    if value.kind == "constant" and value.shape == () and value.name[-1].isdigit():
        return Number(tape.slots[value.number].source.array.item())
    return Symbol(value.name, value.shape)
