"""Interpreter: a tape run step by step, each value and gradient in an array of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from npnet.hooks.step import HookStep
from npnet.kernel import Kernel, Spec
from npnet.parameter import Array
from npnet.plan import Plan
from npnet.sweep import as_rows, fits
from npnet.tape import Step, Tape

__all__ = ["Interpreter", "Kernels", "passing", "unchanged"]


class Kernels:
    """One step of a tape on arrays: calls the layer's kernels as a plan does, with its own scratch.

    Parameters
    ----------
    layer : Kernel
    operands : arrays, None where an operand is absent
    outputs : specs
    """

    def __init__(
        self, layer: Kernel, operands: Sequence[Array | None], outputs: Sequence[Spec]
    ) -> None:
        self.layer = layer
        self.operands = [a if fits(layer, i, a) else a.copy("C") for i, a in _numbered(operands)]
        self.outputs = [np.empty(spec.shape, spec.dtype) for spec in outputs]
        wanted = layer.scratch_specs(*(None if a is None else _spec(a) for a in operands))
        self.scratch = SimpleNamespace(
            **{
                name: np.empty(given.shape, given.dtype) if isinstance(given, Spec) else given
                for name, given in wanted.items()
            }
        )

    def forward(self) -> list[Array]:
        """Return the outputs."""
        names, written = self.layer.operand_names, self._seen("y", self.outputs)
        arguments = [
            as_rows(array) if names[min(i, len(names) - 1)] in self.layer.rows else array
            for i, array in enumerate(self.operands)
        ]
        for call in self.layer.forward_calls(*arguments, out=written, scratch=self.scratch):
            call()
        return self.outputs

    def backward(
        self, received: Sequence[Array | None], wanted: Sequence[bool]
    ) -> list[Array | None]:
        """Return the gradient of every operand that is wanted, from those of the outputs."""
        layer, names = self.layer, self.layer.operand_names
        fixed = len(names) - 1 if layer.variadic else len(names)
        reads = layer.backward_reads
        targets = [
            np.empty_like(a, order="C") if w and a is not None else None
            for a, w in zip(self.operands, wanted, strict=True)
        ]
        arguments = [self._seen("y", received)]
        keywords: dict[str, Any] = {"scratch": self.scratch}
        for name, array, target in zip(names[:fixed], self.operands, targets, strict=False):
            rows = name in layer.rows
            read = array if name in reads else None
            arguments.append(as_rows(read) if rows else read)
            keywords[f"d{name}"] = as_rows(target) if rows else target
        if layer.variadic:
            rest = self.operands[fixed:]
            arguments.append(rest if names[-1] in reads else [None] * len(rest))
            keywords[f"d{names[-1]}"] = targets[fixed:]
        nothing = [None] * len(self.outputs)
        arguments.append(self._seen("y", self.outputs if "y" in reads else nothing))
        for call in layer.backward_calls(*arguments, **keywords):
            call()
        return targets

    def _seen(self, name: str, arrays: Sequence[Any]) -> Any:
        """Return outputs or their gradients as the kernels take them."""
        if name in self.layer.rows:
            arrays = [as_rows(array) for array in arrays]
        return tuple(arrays) if len(arrays) > 1 else arrays[0]


class Arrival(NamedTuple):
    """What one step gives to the gradient of one operand."""

    position: int
    slot: int
    value: Array


class Interpreter:
    """Runs a tape on arrays, forward and then backward, and keeps what every step computes.

    Nothing is planned and no memory is used twice; a layer's kernels are all it shares with a
    plan. Use it within `unchanged`, which puts back what a forward changes beside its outputs.

    Parameters
    ----------
    tape : Tape
    steps : its steps, with the layers to run
    specs : specs of its slots
    arrays : what the inputs are fed
    """

    def __init__(
        self, tape: Tape, steps: Sequence[Step], specs: Sequence[Spec], arrays: Sequence[Array]
    ) -> None:
        self.steps = steps
        self.specs = specs
        self.detached = tape.detached
        self.values: list[Any] = [None] * len(tape.slots)
        for index, array in zip(tape.inputs, arrays, strict=True):
            self.values[index] = array
        for index, slot in enumerate(tape.slots):
            if slot.kind == "parameter":
                self.values[index] = slot.source.data.copy(order="K")
            elif slot.kind == "constant":
                self.values[index] = np.array(slot.source.array, specs[index].dtype, order="C")
        self.kernels: list[Kernels] = []

    def forward(self) -> None:
        """Fill the values, step by step."""
        for layer, reads, writes in self.steps:
            operands = [None if r is None else self.values[r] for r in reads]
            kernels = Kernels(layer, operands, [self.specs[w] for w in writes])
            if layer.has_effects():
                layer.save(kernels.scratch)
            self.kernels.append(kernels)
            for index, array in zip(writes, kernels.forward(), strict=True):
                self.values[index] = array

    def backward(
        self, seeds: Sequence[tuple[int, Array]], needing: set[int]
    ) -> Iterator[tuple[int, list[Array | None], list[Arrival]]]:
        """Yield step, gradients that arrived at its outputs, and what it gives to its operands.

        `seeds` are the gradients that outputs start with; `needing` the slots that need one.
        """
        totals: dict[int, Array] = {}
        for slot, seed in seeds:
            totals[slot] = totals[slot] + seed if slot in totals else seed
        for number in reversed(range(len(self.steps))):
            step = self.steps[number]
            received = [totals.get(index) for index in step.writes]
            if number in self.detached:
                continue
            wanted = [index in needing for index in step.reads]
            if not any(wanted) or all(gradient is None for gradient in received):
                continue
            found = self.kernels[number].backward(received, wanted)
            operands = enumerate(zip(step.reads, found, strict=True))
            shown = passing(step.layer, len(step.reads))
            arrivals = [
                Arrival(position, slot, value)
                for position, (slot, value) in operands
                if slot is not None and value is not None and position < shown
            ]
            for _, slot, value in arrivals:
                totals[slot] = totals[slot] + value if slot in totals else value
            yield number, received, arrivals


def passing(layer: Kernel, count: int) -> int:
    """Return how many of so many operands or outputs are values of the computation.

    At a step that calls hooks the last are there to be seen, or to see that it runs.
    """
    return layer.width if isinstance(layer, HookStep) else count


@contextmanager
def unchanged(steps: Sequence[Step], specs: Sequence[Spec], plan: Plan | None) -> Iterator[None]:
    """Put back, at the end, what running steps changes: buffers and random streams.

    With the plan that ran it last, start from where that run started, so that the same numbers
    are drawn.
    """
    changing = [step for step in steps if step.layer.has_effects()]
    rooms = [Kernels(*_planned(step, specs)).scratch for step in changing]
    for step, scratch in zip(changing, rooms, strict=True):
        step.layer.save(scratch)
    try:
        if plan is not None:
            plan.undo()
        yield
    finally:
        for step, scratch in reversed([*zip(changing, rooms, strict=True)]):
            step.layer.restore(scratch)


def _planned(step: Step, specs: Sequence[Spec]) -> tuple[Kernel, list[Any], list[Spec]]:
    """Return what Kernels of a step are made of, with arrays that hold nothing yet."""
    reads = [None if r is None else specs[r] for r in step.reads]
    empty = [None if s is None else np.empty(s.shape, s.dtype) for s in reads]
    return step.layer, empty, [specs[w] for w in step.writes]


def _spec(array: Array) -> Spec:
    """Return shape and dtype of an array."""
    return Spec(array.shape, array.dtype)


def _numbered(arrays: Sequence[Any]) -> list[tuple[int, Any]]:
    """Return arrays with their positions."""
    return [*enumerate(arrays)]
