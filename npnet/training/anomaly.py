"""Anomalies: where on the tape a number that is not finite was made first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from npnet.inspect.interpreter import Arrival, Interpreter, unchanged
from npnet.inspect.tracing import Traced, last_run, traced
from npnet.module import Module
from npnet.naming import paths_of, slot_names
from npnet.parameter import Array
from npnet.sweep import needs_gradient

__all__ = ["Anomaly", "detect_anomaly"]

_FEW = 8  # rows that a message lists


@dataclass(frozen=True)
class Anomaly:
    """The first number that is not finite, and what made it.

    Attributes
    ----------
    kind : "input", "parameter", "constant", "forward" or "backward"
        What it is in, or the direction of the step that made it of finite numbers.
    name : str
        Name of the input, parameter or constant; for a step, of what it writes or, backward, of
        what the gradient is of.
    step : int or None
        Number of the step on the tape.
    layer : str
        The step's layer: its class, and its place in the Module.
    index : tuple of int
        Where in the array.
    value : float
        inf, -inf or nan.
    rows : tuple of int
        All rows of the first axis that have such numbers.
    operands : str
        What the step made it of, for messages.
    """

    kind: str
    name: str
    step: int | None
    layer: str
    index: tuple[int, ...]
    value: float
    rows: tuple[int, ...]
    operands: str = ""

    def __str__(self) -> str:
        """Say it in a sentence."""
        place = f"{self.value} at {list(self.index)}" if self.index else f"{self.value}"
        if self.step is None:
            rows = ", ".join(map(str, self.rows[:_FEW])) + ", ..." * (len(self.rows) > _FEW)
            where = f", in row{'s' * (len(self.rows) > 1)} {rows}" if self.kind == "input" else ""
            return f"{self.kind} {self.name!r} has {place}{where}"
        where = f"{self.layer}, line {self.step} of the tape,"
        if self.kind == "forward":
            return f"{where} makes {place} of its output {self.name!r}, from {self.operands}"
        return (
            f"{where} makes {place} of the gradient of {self.name!r} in its backward, from "
            f"{self.operands}"
        )


def detect_anomaly(module: Module, *inputs: Any) -> Anomaly | None:
    """Return what first makes a number that is not finite in a pass forward and back, if any does.

    The tape is walked as it ran. Where an output is not finite, the culprit is the first of all
    that it came from: an input, a parameter or a constant that is not finite, or a step whose
    output is not, though its operands are. Else where a gradient is not finite: the step that made
    the first such one in its backward, of finite numbers. Else a step whose output is not finite,
    though nothing came of it.

    The backward pass starts from 1 at a first output of one number, else from ones at all outputs.
    The Module stays as it is: no gradient is added to its parameters, no buffer and no random
    stream moves.

    Parameters
    ----------
    module : Module
    *inputs : array_like
        As it is called with. Without any: those of its last call in this thread, with the same
        random draws and the parameters as they are now.

    Errors
    ------
    RuntimeError
        Without inputs, where it was not called.

    Source: torch.autograd.detect_anomaly, for the backward pass.

    Examples
    --------
    >>> import npnet
    >>> model = npnet.Sequential(npnet.Scale(100.0), npnet.Exp())
    >>> print(detect_anomaly(model, np.float32([0.5, 1.0])))
    Exp (1), line 1 of the tape, makes inf at [1] of its output 'q', from p from 50 to 100
    >>> detect_anomaly(model, np.float32([0.5, 0.25])) is None
    True
    """
    run = traced(module, inputs) if inputs else last_run(module, "detect_anomaly")
    interpreter = Interpreter(run.tape, run.steps, run.specs, run.arrays)
    with np.errstate(all="ignore"), unchanged(run.steps, run.specs, run.plan):
        interpreter.forward()
        return _Search(module, run, interpreter).first()


class _Search:
    """The walk over one tape that has run forward."""

    def __init__(self, module: Module, run: Traced, interpreter: Interpreter) -> None:
        self.tape, self.specs = run.tape, run.specs
        self.interpreter = interpreter
        self.values = interpreter.values
        self.bad = {i for i, value in enumerate(self.values) if not _finite(value)}
        self.writers = {slot: n for n, step in enumerate(self.tape.steps) for slot in step.writes}
        paths = paths_of(module.named_parameters(), module.named_buffers())
        self.names = slot_names(self.tape, paths)
        self.paths = {id(layer): path for path, layer in module.named_modules()}

    def first(self) -> Anomaly | None:
        """Return the culprit, in the order of what it did: to outputs, to gradients, to nothing."""
        outputs = [slot for slot in self.tape.outputs if slot in self.bad]
        if outputs:
            return self._origin(outputs)
        found = self._backward()
        if found is not None:
            return found
        made = [slot for slot in self.bad if self._is_made(slot)]
        return self._of_slot(min(made)) if made else None

    def _is_made(self, slot: int) -> bool:
        """Whether a step made these numbers, which are not finite, of finite ones."""
        writer = self.writers.get(slot)
        return writer is not None and self.bad.isdisjoint(self.tape.steps[writer].reads)

    def _origin(self, slots: Sequence[int]) -> Anomaly:
        """Return the first of all that made these slots what they are."""
        waiting, seen, origins = list(slots), set(slots), []
        while waiting:
            slot = waiting.pop()
            writer = self.writers.get(slot)
            reads = () if writer is None else self.tape.steps[writer].reads
            bad = {index for index in reads if index in self.bad and index is not None}
            if not bad:
                origins.append(slot)
            waiting.extend(bad - seen)
            seen |= bad
        # Inputs, parameters and constants before any step.
        return self._of_slot(min(origins, key=lambda slot: (self.writers.get(slot, -1), slot)))

    def _of_slot(self, slot: int) -> Anomaly:
        """Return what there is to say of a slot that is not finite."""
        step = self.writers.get(slot)
        place = _place(self.values[slot])
        if step is None:
            return Anomaly(self.tape.slots[slot].kind, self.names[slot], None, "", *place)
        operands = self._described(self.tape.steps[step].reads)
        return Anomaly("forward", self.names[slot], step, self._layer(step), *place, operands)

    def _backward(self) -> Anomaly | None:
        """Return what first makes a gradient that is not finite."""
        for number, received, arrivals in self._passed():
            bad = [arrival for arrival in arrivals if not _finite(arrival.value)]
            if not bad or not all(map(_finite, received)):
                continue
            step = self.tape.steps[number]
            before = [i for i in (*step.reads, *step.writes) if i in self.bad and i is not None]
            if before:
                return self._origin(before)
            slot = bad[0].slot
            place, operands = _place(bad[0].value), self._described(step.reads)
            gradients = ", ".join(
                f"gradient {_range(gradient)}" for gradient in received if gradient is not None
            )
            layer = self._layer(number)
            made_of = f"{gradients} and {operands}"
            return Anomaly("backward", self.names[slot], number, layer, *place, made_of)
        return None

    def _passed(self) -> Iterator[tuple[int, list[Array | None], list[Arrival]]]:
        """Run backward from the outputs."""
        specs, outputs = self.specs, self.tape.outputs
        one = specs[outputs[0]]
        first = np.prod(one.shape) == 1 and one.dtype.kind == "f"
        slots = outputs[:1] if first else [i for i in outputs if specs[i].dtype.kind == "f"]
        seeds = [(slot, np.ones(specs[slot].shape, specs[slot].dtype)) for slot in slots]
        wanted = {i for i, p in self.tape.parameters.items() if p.requires_grad}
        wanted |= {i for i in self.tape.inputs if self.tape.slots[i].source.requires_grad}
        needing = needs_gradient(self.tape, specs, frozenset(wanted or self.tape.inputs))
        return self.interpreter.backward(seeds, needing)

    def _layer(self, step: int) -> str:
        """Return class and place of a step's layer."""
        layer = self.tape.steps[step].layer
        path = self.paths.get(id(layer))
        return f"{type(layer).__name__} ({path})" if path else type(layer).__name__

    def _described(self, slots: Sequence[int | None]) -> str:
        """Return the names of slots, each with the range of its numbers."""
        there = [slot for slot in slots if slot is not None]
        return ", ".join(f"{self.names[slot]} {_range(self.values[slot])}" for slot in there)


def _finite(array: Array | None) -> bool:
    """Whether all numbers are finite."""
    return array is None or array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _place(array: Array) -> tuple[tuple[int, ...], float, tuple[int, ...]]:
    """Return where the first number is that is not finite, what it is, and the rows of all."""
    places = np.argwhere(~np.isfinite(array))
    index = tuple(places[0].tolist())
    rows = tuple(dict.fromkeys(places[:, 0].tolist())) if array.ndim else ()
    return index, float(array[index]), rows


def _range(array: Array) -> str:
    """Say between what the numbers lie."""
    if not array.size:
        return "without numbers"
    low, high = array.min(), array.max()
    return f"of {low:.6g}" if low == high else f"from {low:.6g} to {high:.6g}"
