"""Recording: one forward and one backward pass, with every number on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from npnet.expression import Expression
from npnet.graph import Graph
from npnet.inspect.events import (
    Backward,
    Contribution,
    Event,
    Forward,
    Operand,
    Seed,
    Slot,
    Step,
    frozen,
    frozen_all,
)
from npnet.inspect.interpreter import Arrival, Interpreter, passing, unchanged
from npnet.inspect.local import local_derivatives
from npnet.inspect.seeds import seeds_of
from npnet.inspect.tracing import Traced, last_run, traced
from npnet.listing import listing
from npnet.module import Module
from npnet.naming import paths_of, slot_names
from npnet.parameter import Array
from npnet.sweep import needs_gradient

__all__ = ["Recording", "record"]


class Recording:
    """Every value, gradient and contribution of one run, with names; printed it is the tape.

    Attributes
    ----------
    title : str
        Class of the Module.
    slots : tuple of Slot
        All values of the tape by number: inputs first.
    steps : tuple of Step
        The tape.
    inputs, outputs : tuple of Slot
    events : tuple of Event
        What happened, in order: a Forward for each step, then a Seed for each output that is
        differentiated and a Backward for each step that a gradient passes, last step first.
    """

    def __init__(
        self,
        title: str,
        slots: Sequence[Slot],
        steps: Sequence[Step],
        inputs: Sequence[int],
        outputs: Sequence[int],
        events: Sequence[Event],
        lines: str = "",
    ) -> None:
        self.title, self._lines = title, lines
        self.slots, self.steps = tuple(slots), tuple(steps)
        self.inputs = tuple(slots[i] for i in inputs)
        self.outputs = tuple(slots[i] for i in outputs)
        self.events = tuple(events)

    @property
    def forward(self) -> tuple[Forward, ...]:
        """The forward events, one a step."""
        return tuple(event for event in self.events if isinstance(event, Forward))

    @property
    def backward(self) -> tuple[Seed | Backward, ...]:
        """The events on the way back; empty where no output is differentiated."""
        return tuple(event for event in self.events if not isinstance(event, Forward))

    @property
    def parameters(self) -> tuple[Slot, ...]:
        """The slots of parameters."""
        return tuple(slot for slot in self.slots if slot.kind == "parameter")

    def contributions(self, slot: Slot) -> tuple[Contribution, ...]:
        """Return all that is added to a slot's gradient, in order."""
        found = (c for event in self.backward for c in event.contributions)
        return tuple(c for c in found if c.slot is slot)

    def __getitem__(self, name: str) -> Slot:
        """Return the slot of this name."""
        for slot in self.slots:
            if slot.name == name:
                return slot
        names = ", ".join(slot.name for slot in self.slots)
        raise KeyError(f"Recording: nothing is called {name!r}; there are {names}")

    def __str__(self) -> str:
        """Return the tape, a line a step, with shapes and the numbers in parameters."""
        return self._lines

    def __repr__(self) -> str:
        """Say what it is, in a line."""
        return f"<Recording of {self.title}: {len(self.steps)} steps, {len(self.events)} events>"


def record(
    module: Module,
    /,
    *inputs: Any,
    gradients: Any = None,
    names: Mapping[Expression | str, str] | None = None,
    **named: Any,
) -> Recording:
    """Run a Graph or any Module forward and backward step by step, and keep every number.

    The Module stays as it is: no gradient is added to its parameters, no buffer and no random
    stream moves. Hooks are called, as in any run.

    Parameters
    ----------
    module : Graph, Layer or any Module
    *inputs, **named : array_like
        As it is called with. Without any: those of its last call in this thread, which is
        repeated, in the mode it had, with the parameters as they are now.
    gradients : array_like or tuple of them, optional
        Of the outputs, None for none. Without any: those of the last backward where no inputs
        are given and there was one; else 1 for a first output that is one number, else none, and
        there are no events on the way back.
    names : mapping, optional
        Names for Nodes, Parameters, or for what has another name: ``{p: "p", "h1": "hidden"}``.

    Errors
    ------
    TypeError
        For what is no Module.
    RuntimeError
        Without inputs, where it was not called.
    ValueError
        For inputs or gradients of wrong shapes, and names that are not on the tape or the same.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> g = npnet.Graph(dtype=np.float64)
    >>> w, x = g.input("w", requires_grad=True), g.input("x")
    >>> g.output(w * x + w)
    >>> _ = g(w=3.0, x=2.0)
    >>> recording = record(g)
    >>> [event.kind for event in recording.events]
    ['forward', 'forward', 'seed', 'backward', 'backward']
    >>> recording.steps
    (<Step 0 p = Multiply(w, x)>, <Step 1 q = Add(p, w)>)
    >>> print(recording)
    Graph(w, x)                shape
           w                   ()
           x                   ()
        0  p = Multiply(w, x)  ()
        1  q = Add(p, w)       ()
      return q
    >>> [(float(c.value), float(c.total)) for c in recording.contributions(recording["w"])]
    [(1.0, 1.0), (2.0, 3.0)]
    """
    return recorded(module, inputs, named, gradients, names, "record")


def recorded(
    source: Module | Recording,
    inputs: Sequence[Any] = (),
    named: Mapping[str, Any] | None = None,
    gradients: Any = None,
    names: Mapping[Expression | str, str] | None = None,
    who: str = "record",
) -> Recording:
    """Return a recording as it is, or one of a Module; `who` asks, in messages."""
    if isinstance(source, Recording):
        if inputs or named or names or gradients is not None:
            raise TypeError(
                f"{who}: a Recording has its inputs, gradients and names; give the Module to "
                "record with others"
            )
        return source
    if not isinstance(source, Module):
        raise TypeError(f"{who}: expected a Graph or another Module, got {type(source).__name__}")
    if inputs or named:
        operands = source.positional(tuple(inputs), named) if named else inputs
        run = traced(source, operands)
    else:
        run = last_run(source, who)
    return _Recorder(source, run, gradients, names, who).record()


class _Recorder:
    """Puts a recording together."""

    def __init__(
        self,
        module: Module,
        run: Traced,
        gradients: Any,
        names: Mapping[Expression | str, str] | None,
        asking: str,
    ) -> None:
        self.module, self.run = module, run
        self.tape, self.specs = run.tape, run.specs
        self.written: dict[int, tuple[int, int]] = {}
        self.read: dict[int | None, list[tuple[int, int]]] = {}
        for number, step in enumerate(self.tape.steps):
            self.written.update((slot, (number, i)) for i, slot in enumerate(step.writes))
            for position, slot in enumerate(step.reads):
                self.read.setdefault(slot, []).append((number, position))
        paths = paths_of(module.named_parameters(), module.named_buffers())
        self.names = slot_names(self.tape, paths, names)
        self.seeds = seeds_of(run, gradients, self.names, type(module).__name__, asking)
        self.needing = needs_gradient(self.tape, self.specs, self._wanted())

    def record(self) -> Recording:
        """Run, and return what happened."""
        run = self.run
        interpreter = Interpreter(run.tape, run.steps, run.specs, run.arrays)
        with unchanged(run.steps, run.specs, run.plan):
            interpreter.forward()
            passed = list(interpreter.backward(self.seeds, self.needing))
            local = {
                (number, arrival.position): local_derivatives(
                    interpreter.kernels[number], received, arrival.position
                )[: passing(run.steps[number].layer, len(received))]
                for number, received, arrivals in passed
                for arrival in arrivals
            }
        return self._assembled(interpreter, passed, local)

    def _assembled(self, interpreter: Interpreter, passed: Any, local: Any) -> Recording:
        """Return the recording of what an interpreter has run."""
        totals = self._totals(passed)
        slots = [
            self._slot(i, value, totals[i][-1] if totals[i] else None)
            for i, value in enumerate(interpreter.values)
        ]
        steps = self._steps(slots)
        events: list[Event] = [Forward(n, step) for n, step in enumerate(steps)]
        added = [0] * len(slots)

        def contribution(slot: int, value: Array, operand: Operand | None, found: Any) -> Any:
            added[slot] += 1
            number, of = added[slot], len(totals[slot])
            value, total = frozen(value), totals[slot][number - 1]
            return Contribution(slots[slot], operand, value, found, number, of, total)

        for slot, seed in self.seeds:
            events.append(Seed(len(events), (contribution(slot, seed, None, ()),)))
        for number, received, arrivals in passed:
            operands = {operand.position: operand for operand in steps[number].operands}
            given = tuple(
                contribution(a.slot, a.value, operands[a.position], local[number, a.position])
                for a in arrivals
            )
            step, arrived = steps[number], frozen_all(received[: len(steps[number].outputs)])
            events.append(Backward(len(events), step, arrived, given))
        title, tape = type(self.module).__name__, self.tape
        lines = listing(title, tape, self.names, self.specs)
        return Recording(title, slots, steps, tape.inputs, tape.outputs, events, lines)

    def _totals(self, passed: Sequence[tuple[int, Any, Sequence[Arrival]]]) -> list[list[Array]]:
        """Return for each slot its gradient after each contribution."""
        totals: list[list[Array]] = [[] for _ in self.tape.slots]
        given = [(slot, value) for _, _, arrivals in passed for _, slot, value in arrivals]
        for slot, value in [*self.seeds, *given]:
            so_far = totals[slot]
            so_far.append(frozen(so_far[-1] + value if so_far else value))
        return totals

    def _slot(self, index: int, value: Array, gradient: Array | None) -> Slot:
        """Return what is known of a slot."""
        tape = self.tape
        step, output = self.written.get(index, (None, None))
        readers = tuple(self.read.get(index, ()))
        parameter = tape.parameters.get(index)
        trained = parameter is not None and parameter.requires_grad
        return Slot(
            index,
            tape.slots[index].kind,
            self.names[index],
            frozen(value),
            gradient,
            step,
            output,
            readers,
            trained,
            index in tape.outputs,
        )

    def _steps(self, slots: Sequence[Slot]) -> list[Step]:
        """Return the tape's lines."""
        paths = {id(layer): path for path, layer in self.module.named_modules()}
        counted: set[int] = set()
        steps = []
        for number, (layer, reads, writes) in enumerate(self.tape.steps):
            operands = tuple(
                Operand(position, role_of(layer, position, len(reads)), slots[index])
                for position, index in enumerate(reads[: passing(layer, len(reads))])
                if index is not None
            )
            new = {o.slot.number for o in operands if o.slot.kind == "parameter"} - counted
            counted |= new
            size = sum(slots[index].value.size for index in new)
            outputs = tuple(slots[index] for index in writes[: passing(layer, len(writes))])
            name, path = type(layer).__name__, paths.get(id(layer), "")
            ran = self.run.steps[number].layer
            steps.append(Step(number, layer, ran, name, path, operands, outputs, size))
        return steps

    def _wanted(self) -> frozenset[int]:
        """Return the slots that a gradient is asked for, beside all that a step computes."""
        tape = self.tape
        open_inputs = not isinstance(self.module, Graph)
        wanted = {i for i, parameter in tape.parameters.items() if parameter.requires_grad}
        wanted |= {i for i in tape.inputs if open_inputs or tape.slots[i].source.requires_grad}
        return frozenset(wanted | {i for i, s in enumerate(tape.slots) if s.kind == "value"})


def role_of(layer: Any, position: int, count: int) -> str:
    """Return the layer's own name for an operand; those of a variadic one are numbered."""
    names = layer.operand_names
    if layer.variadic and position >= len(names) - 1:
        return f"{names[-1]}{position - len(names) + 1}"
    return str(names[position])
