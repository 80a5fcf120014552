"""Scene: what a drawing shows, with numbers where something was recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from npnet.inspect.events import Backward
from npnet.inspect.expressions import Equation
from npnet.inspect.recording import Recording
from npnet.parameter import Array

__all__ = ["Moment", "Operation", "Scene", "Value", "scene_of_recording"]


@dataclass(frozen=True)
class Moment:
    """An array, and the number of the event from which on it is there."""

    event: int
    array: Array


@dataclass(frozen=True)
class Value:
    """One slot of a tape.

    Attributes
    ----------
    number, kind, name, trained, is_output : as of `npnet.inspect.Slot`
    shape : tuple of int, or None where it is not known
    readers : tuple of (step, position)
    value : Moment or None
    gradients : tuple of Moment
        The sum after each contribution.
    started : tuple of Moment
        The gradient that an output starts with, where others are added to it; a value that is
        several outputs starts with the sum, after each.
    """

    number: int
    kind: str
    name: str
    shape: tuple[int, ...] | None
    readers: tuple[tuple[int, int], ...]
    trained: bool
    is_output: bool
    value: Moment | None = None
    gradients: tuple[Moment, ...] = ()
    started: tuple[Moment, ...] = ()

    @property
    def id(self) -> str:
        """As `npnet.inspect.Slot.id`."""
        return f"slot{self.number}"


@dataclass(frozen=True)
class Operation:
    """One step of a tape.

    Attributes
    ----------
    number, layer, kind, path : as of `npnet.inspect.Step`
    equations : tuple of Equation
        What it computes, one an output.
    operands : tuple of (position, slot)
    outputs : tuple of slots
    added : dict from position to Moment
        What it adds to an operand's gradient, where another adds to that too.
    """

    number: int
    layer: Any
    kind: str
    path: str
    equations: tuple[Equation, ...]
    operands: tuple[tuple[int, int], ...]
    outputs: tuple[int, ...]
    added: Mapping[int, Moment] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """As `npnet.inspect.Step.id`."""
        return f"step{self.number}"


@dataclass(frozen=True)
class Scene:
    """Steps and the values between them, in the tape's order."""

    title: str
    values: tuple[Value, ...]
    operations: tuple[Operation, ...]


def scene_of_recording(recording: Recording) -> Scene:
    """Return what a recording has, with all its numbers."""
    sums: dict[int, list[Moment]] = {slot.number: [] for slot in recording.slots}
    starts: dict[int, list[Moment]] = {slot.number: [] for slot in recording.slots}
    added: list[dict[int, Moment]] = [{} for _ in recording.steps]
    for event in recording.backward:
        for given in event.contributions:
            total = Moment(event.index, given.total)
            sums[given.slot.number].append(total)
            if given.of > 1 and isinstance(event, Backward) and given.operand is not None:
                moment = Moment(event.index, given.value)
                added[event.step.number][given.operand.position] = moment
            elif given.of > 1:
                starts[given.slot.number].append(total)
    forward = {event.step.number: event.index for event in recording.forward}
    values = []
    for slot in recording.slots:
        value = Moment(-1 if slot.step is None else forward[slot.step], slot.value)
        moments = value, tuple(sums[slot.number]), tuple(starts[slot.number])
        about = slot.number, slot.kind, slot.name, slot.shape, slot.readers, slot.trained
        values.append(Value(*about, slot.is_output, *moments))
    operations = tuple(
        Operation(
            step.number,
            step.ran,
            step.kind,
            step.path,
            step.rule.forward,
            tuple((operand.position, operand.slot.number) for operand in step.operands),
            tuple(slot.number for slot in step.outputs),
            added[step.number],
        )
        for step in recording.steps
    )
    return Scene(recording.title, tuple(values), operations)
