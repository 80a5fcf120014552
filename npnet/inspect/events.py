"""Events: what a recording is made of. Slots, steps, and what happens to them, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from npnet.inspect.equations import Rule, rule_of
from npnet.inspect.expressions import Expr, Gradient, Number, Symbol
from npnet.parameter import Array

__all__ = ["Backward", "Contribution", "Event", "Forward", "Operand", "Seed", "Slot", "Step"]


@dataclass(frozen=True, eq=False)
class Slot:
    """One value of the tape: an input, a parameter, a constant, or what a step computes.

    Attributes
    ----------
    number : int
        Its place on the tape; stable for one graph.
    kind : str
        "input", "parameter", "constant" or "value".
    name : str
        The user's own name, a path such as "fc1.weight", a number, or a short made-up name.
    value : array, read-only
        A copy.
    gradient : array, read-only, or None
        The complete sum of all contributions; None where no gradient arrives.
    step, output : int or None
        The step that writes it, and at which place among its outputs.
    readers : tuple of (step, position)
        Who reads it, in order.
    trained : bool
        Whether it is a parameter with requires_grad.
    is_output : bool
        Whether the graph returns it.
    """

    number: int
    kind: str
    name: str
    value: Array
    gradient: Array | None
    step: int | None
    output: int | None
    readers: tuple[tuple[int, int], ...]
    trained: bool
    is_output: bool

    @property
    def id(self) -> str:
        """A name to find it by on a page: slot3."""
        return f"slot{self.number}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    @property
    def symbol(self) -> Symbol:
        """Its name as a symbol of an equation."""
        return Symbol(self.name, self.value.shape)

    @property
    def gradient_symbol(self) -> Gradient:
        """Its gradient as a symbol: dx."""
        return Gradient(self.symbol)

    @property
    def expression(self) -> Expr:
        """How it stands in an equation: a symbol, or a number that is constant."""
        if self.kind == "constant" and not self.value.ndim and self.name[-1].isdigit():
            return Number(self.value.item())
        return self.symbol

    def __repr__(self) -> str:
        """Say what it is, in a line."""
        return f"<Slot {self.number} {self.kind} {self.name!r} {self.shape}>"


@dataclass(frozen=True, eq=False)
class Operand:
    """One slot read by a step: `role` is the layer's own name for it ("x", "weight")."""

    position: int
    role: str
    slot: Slot

    @property
    def name(self) -> str:
        """Name of the slot."""
        return self.slot.name

    @property
    def value(self) -> Array:
        """Value of the slot."""
        return self.slot.value


@dataclass(frozen=True, eq=False)
class Step:
    """One line of the tape.

    Attributes
    ----------
    number : int
    layer : the Layer
    ran : the Layer with the attributes it ran with; the same one where nothing has changed since
    kind : str
        Its class's name.
    path : str
        Where the model holds it ("encoder.fc1"); "" for an operator.
    operands : tuple of Operand, without those that are absent
    outputs : tuple of Slot
    rule : Rule
        Its equations, in these names.
    parameters : int
        Numbers in the parameters that no earlier step has read.
    """

    number: int
    layer: Any
    ran: Any
    kind: str
    path: str
    operands: tuple[Operand, ...]
    outputs: tuple[Slot, ...]
    parameters: int

    @property
    def id(self) -> str:
        """A name to find it by on a page: step3."""
        return f"step{self.number}"

    @cached_property
    def rule(self) -> Rule:
        """Its equations in the slots' names."""
        roles = {operand.role: operand.slot.expression for operand in self.operands}
        known = {operand.role: operand.value for operand in self.operands}
        arrives = [slot.gradient is not None for slot in self.outputs]
        symbols = [slot.symbol for slot in self.outputs]
        return rule_of(self.ran, roles, symbols, known, arrives if any(arrives) else None)

    def __repr__(self) -> str:
        """Say what it is, in a line."""
        reads = ", ".join(operand.name for operand in self.operands)
        writes = ", ".join(slot.name for slot in self.outputs)
        return f"<Step {self.number} {writes} = {self.kind}({reads})>"


@dataclass(frozen=True, eq=False)
class Contribution:
    """What is added to one slot's gradient.

    Attributes
    ----------
    slot : Slot
    operand : Operand or None
        Where the step reads the slot; None for the gradient an output starts with.
    value : array, read-only
        What is added.
    local : tuple of arrays or None
        The local derivative by the operand, one for each output of the step: a number where both
        are numbers, one an element where the step is elementwise, the derivative itself where the
        output is a number, else None.
    number, of : int
        It is contribution `number` (from 1) of `of`.
    total : array, read-only
        The sum so far, with this one.
    """

    slot: Slot
    operand: Operand | None
    value: Array
    local: tuple[Array | None, ...]
    number: int
    of: int
    total: Array

    @property
    def complete(self) -> bool:
        """Whether nothing more is added."""
        return self.number == self.of


@dataclass(frozen=True, eq=False)
class Forward:
    """A step computes its outputs from its operands."""

    index: int
    step: Step
    kind: str = "forward"

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What the step reads, with values."""
        return self.step.operands

    @property
    def outputs(self) -> tuple[Slot, ...]:
        """What it writes, with values."""
        return self.step.outputs


@dataclass(frozen=True, eq=False)
class Seed:
    """The gradient that an output starts with: 1, or what was given."""

    index: int
    contributions: tuple[Contribution, ...]
    kind: str = "seed"

    @property
    def slot(self) -> Slot:
        """The output."""
        return self.contributions[0].slot


@dataclass(frozen=True, eq=False)
class Backward:
    """A step passes the gradients of its outputs, now complete, on to its operands.

    `arrived` has one an output, None where none arrives; `contributions` one for each operand that
    gets a gradient, in the order of operands.
    """

    index: int
    step: Step
    arrived: tuple[Array | None, ...]
    contributions: tuple[Contribution, ...]
    kind: str = "backward"


Event: TypeAlias = Forward | Seed | Backward


def frozen(array: Any) -> Array:
    """Return a copy that cannot be written to."""
    copy = np.array(array, order="C")
    copy.flags.writeable = False
    return copy


def frozen_all(arrays: Sequence[Any]) -> tuple[Array | None, ...]:
    """Return copies that cannot be written to; None stays None."""
    return tuple(None if array is None else frozen(array) for array in arrays)
