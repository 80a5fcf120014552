"""Plan: the arrays of one tape at given shapes, and the calls that fill them."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from npnet.kernel import Spec
from npnet.memory import Arena
from npnet.parameter import Array, Parameter, structure
from npnet.program import Program
from npnet.sweep import Feed, Sweep, as_rows, fits, needs_gradient
from npnet.tape import Step, Tape

__all__ = ["Plan", "own"]


class Passes:
    """The backward passes of all threads: one at a time, for they write into shared buffers.

    Parameters may be shared by models that run in several threads. A pass that a kernel runs
    within another leaves the buffers as it found them; what it found is added after the outer one.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.running = False
        self.late: list[tuple[Parameter, Array]] = []

    def run_within(self, sweep: Sweep, seeds: Sequence[Any]) -> None:
        """Run a pass within another."""
        held = [(p, p.buffer.copy(order="K")) for p in sweep.parameters]
        try:
            sweep.run(seeds)
            self.late += [(p, p.buffer.copy(order="K")) for p in sweep.parameters]
        finally:
            for parameter, before in held:
                np.copyto(parameter.buffer, before)

    def add_late(self) -> None:
        """Add what passes within the outermost one have found."""
        while self.late:
            parameter, gradient = self.late.pop()
            if parameter.has_grad:
                np.add(parameter.settle(), gradient, out=parameter.buffer)
            else:
                np.copyto(parameter.buffer, gradient)
            parameter.publish()


_passes = Passes()

#: Bytes up to which an input is copied: listing the calls that read it anew would take longer.
COPIED = 2**15


def own(array: Array) -> Any:
    """Return a copy that belongs to the caller; a NumPy scalar where there is no axis."""
    return array.copy() if array.ndim else array[()]


class Room(NamedTuple):
    """An array of scratch to come: a block of an arena."""

    arena: Arena
    block: int
    spec: Spec


class Plan:
    """A tape planned into memory: running it is a list of NumPy calls into ready arrays.

    Parameters
    ----------
    tape : Tape
    inputs : specs of the tape's inputs
    dtype : what floating constants are converted to, and what the parameters must have
    keep : bool
        Keep what backward reads. Without it arrays are reused along the tape, and no
        sweep must run.
    retain : bool
        Give every value and gradient an array of its own, to be looked at.
    forward_only : bool
        Nobody will go backward: keep nothing for it in any case.

    Errors
    ------
    TypeError, ValueError
        What the layers say about shapes and dtypes that do not fit.
    """

    #: The backward pass that ended last, since the last forward.
    swept: Sweep | None = None

    def __init__(
        self,
        tape: Tape,
        inputs: Sequence[Spec],
        dtype: np.dtype[Any],
        *,
        keep: bool = True,
        retain: bool = False,
        forward_only: bool = False,
    ) -> None:
        self.tape, self.inputs, self.dtype = tape, tuple(inputs), dtype
        #: The slots of what the caller gives, None where that is no array.
        self.places: tuple[int | None, ...] = tape.inputs
        # As they are now: attributes that are set later are for later plans.
        self._steps = [step._replace(layer=copy.copy(step.layer)) for step in tape.steps]
        # What a forward changed for good cannot be changed once more, to keep for backward after.
        effects = any(step.layer.has_effects() for step in self._steps)
        self.keep = (keep or retain or effects) and not forward_only
        self.retain, self.forward_only = retain, forward_only
        self.specs = tape.specs(inputs, dtype)
        self.outputs = tuple(self.specs[index] for index in tape.outputs)
        self._arena = Arena()
        self._blocks: dict[int, int] = {}
        self._arrange()
        self._followed: list[tuple[Array, Array]] = []
        self._copied: list[tuple[Array, Array]] = []
        self._copies: set[int] = set()
        self._values: list[Any] = [self._storage(index) for index in range(len(tape.slots))]
        self._scratch = self._make_scratch()
        layers = zip([step.layer for step in self._steps], self._scratch, strict=True)
        self._effects = [(layer, room) for layer, room in layers if layer.has_effects()]
        self._seen: object = None
        self._bound: list[tuple[Parameter, Array, bool]] | None = None
        self._feeds: dict[int, list[Feed]] = {}
        self._program = Program()
        self._operands: list[list[Any]] = []
        self._sweeps: dict[Any, Sweep] = {}
        self.ready: dict[Any, tuple[Sweep, tuple[Array | None, ...]]] = {}
        self.refresh()

    @property
    def nbytes(self) -> int:
        """Bytes of the values that forward holds, without inputs and parameters."""
        return self._arena.nbytes

    def refresh(self) -> None:
        """Follow parameters whose storage moved or whose requires_grad changed."""
        if self._seen is structure.now:
            return
        now = structure.now
        if self._bound is None or any(p._data is not a for p, a, _ in self._bound):
            for index, parameter in self.tape.parameters.items():
                self._check_dtype(parameter, self.specs[index].dtype)
                self._values[index] = parameter._data
            self._compile()
        elif any(p._requires_grad != r for p, _, r in self._bound):
            self._compile()
        self._bound = [(p, p._data, p._requires_grad) for p in self.tape.parameters.values()]
        self._seen = now

    @staticmethod
    def _check_dtype(parameter: Parameter, dtype: np.dtype[Any]) -> None:
        """Refuse a parameter whose dtype has changed since the plan was made."""
        if parameter.dtype != dtype:
            raise TypeError(
                f"parameter {parameter.name!r} is {parameter.dtype} now, and was {dtype} in the "
                "last forward; convert all of a model, and call it again before backward"
            )

    def forward(self, arrays: Sequence[Array]) -> Any:
        """Run the tape on arrays that have the inputs' specs, read where they are."""
        self.swept = None
        values = self._values
        for index, array in zip(self.tape.inputs, arrays):  # noqa: B905
            if index in self._copies:
                values[index][...] = array  # 0.1 µs, and np.copyto 0.26
            elif values[index] is not array:
                for arguments, position, rows, program, stage in self._feeds[index]:
                    arguments[position] = as_rows(array) if rows else array
                    program.touch(stage)
                values[index] = array
        for own_copy, array in self._followed:
            np.copyto(own_copy, array, casting="unsafe")
        for own_copy, array in self._copied:
            np.copyto(own_copy, array)
        for layer, scratch in self._effects:
            layer.save(scratch)
        try:
            self._program.run()
        except BaseException:
            self.undo()
            raise
        outputs = self.tape.outputs
        if len(outputs) == 1:
            return own(values[outputs[0]])
        return tuple(own(values[index]) for index in outputs)

    def keeping(self) -> Plan:
        """Return a plan of what this one computed last, run once more and kept for backward."""
        tape = copy.copy(self.tape)
        # The steps as they ran: the layers may have been changed since.
        tape.steps = tuple(self._steps)
        plan = Plan(tape, self.inputs, self.dtype, retain=self.retain)
        plan.places = self.places
        plan.forward([self.value(index) for index in tape.inputs])
        return plan

    def undo(self) -> None:
        """Put back what the last forward changed beside its outputs."""
        # Backward in order: what two steps changed is at last as the first of them found it.
        for layer, scratch in reversed(self._effects):
            layer.restore(scratch)

    def run(self, sweep: Sweep, seeds: Sequence[Any]) -> None:
        """Run a planned backward pass from its seeds, and add what it finds to the parameters."""
        parameters, self.swept = sweep.parameters, None
        with _passes.lock:
            if _passes.running:
                _passes.run_within(sweep, seeds)
                self.swept = sweep
                return
            held = [(p, p.settle().copy(order="K")) for p in parameters if p.has_grad]
            try:
                _passes.running = True
                sweep.run(seeds)
                if structure.now is not self._seen:
                    sweep.follow()
                for parameter, before in held:
                    np.add(parameter.buffer, before, out=parameter.buffer)
            except BaseException:
                for parameter, before in held:
                    np.copyto(parameter.buffer, before)
                raise
            else:
                for parameter, _ in held:
                    parameter.publish()
                for parameter in parameters:
                    parameter.has_grad = True
            finally:
                _passes.running = False  # not in a function: Ctrl-C may stop before its first line
                if _passes.late:
                    _passes.add_late()
        self.swept = sweep

    def value(self, index: int) -> Array:
        """Return the array of a slot as the last forward left it."""
        array: Array = self._values[index]
        return array

    def sweep(self, seeded: tuple[bool, ...], wanted: frozenset[int]) -> Sweep:
        """Return the planned backward pass for these outputs and slots."""
        self.refresh()
        key = (seeded, wanted)
        sweep = self._sweeps.get(key)
        if sweep is None:
            trained = {i for i, p in self.tape.parameters.items() if p.requires_grad}
            asked = wanted | trained
            if self.retain:
                asked |= {i for i, slot in enumerate(self.tape.slots) if slot.kind == "value"}
            needing = needs_gradient(self.tape, self.specs, frozenset(asked))
            parts = (
                self.tape,
                self._steps,
                self.specs,
                self._values,
                self._operands,
                self._scratch,
            )
            sweep = self._sweeps[key] = Sweep(*parts, seeded, needing, self.retain)
            for index, feed in sweep.feeds:
                self._feeds[index].append(feed)
        return sweep

    def _arrange(self) -> None:
        """Decide which block each value lives in."""
        last_read = {i: n for n, step in enumerate(self._steps) for i in step.reads}
        for number, step in enumerate(self._steps):
            over = self._overwrites(step)
            for index in step.writes:
                first = step.reads[0] if over else None
                block = (
                    self._arena.take(self.specs[index]) if first is None else self._blocks[first]
                )
                self._blocks[index] = block
            if self.keep or self.retain:
                continue
            ended = {i for i in step.writes if i not in last_read}
            ended |= {i for i in step.reads if i is not None and last_read[i] == number}
            # The block of an overwritten operand lives on under the output.
            ended -= {*self.tape.outputs, *(step.reads[:1] if over else ())}
            for index in sorted(ended & self._blocks.keys()):
                self._arena.give(self._blocks[index])

    def _overwrites(self, step: Step) -> bool:
        """Whether a step may write its output over its first operand."""
        first = step.reads[0] if step.reads else None
        if self.retain or not step.layer.in_place or first not in self._blocks:
            return False
        producer = next(s.layer for s in self._steps if first in s.writes)
        needed = "y" in producer.backward_reads
        needed |= step.layer.operand_names[0] in step.layer.backward_reads
        return (
            self.tape.readers[first] == 1
            and first not in self.tape.outputs
            and len(step.writes) == 1
            and self.specs[first] == self.specs[step.writes[0]]
            and not (self.keep and needed)
        )

    def _storage(self, index: int) -> Any:
        """Return the array of a slot; inputs and parameters come later."""
        slot, spec = self.tape.slots[index], self.specs[index]
        if slot.kind == "input" and spec.nbytes <= COPIED:
            self._copies.add(index)
            return np.empty(spec.shape, spec.dtype)
        if slot.kind == "constant":
            array = slot.source.array
            if slot.source.live and array.dtype == spec.dtype and array.flags.c_contiguous:
                return array
            copy = np.array(array, dtype=spec.dtype, order="C")
            if slot.source.live:
                self._followed.append((copy, array))
            return copy
        return (
            self._arena.view(self._blocks[index], self.specs[index])
            if index in self._blocks
            else None
        )

    def _make_scratch(self) -> list[SimpleNamespace]:
        """Make every step's scratch; only what backward reads later has bytes of its own."""
        lasting, passing = Arena(), Arena()
        rooms: list[dict[str, Any]] = []
        for layer, reads, _ in self._steps:
            wanted = layer.scratch_specs(*(None if r is None else self.specs[r] for r in reads))
            # What `save` notes must last until `restore`.
            kept = layer.kept if self.keep or layer.has_effects() else frozenset()
            room: dict[str, Any] = {}
            for name, spec in wanted.items():
                arena = lasting if name in kept else passing
                constant = not isinstance(spec, Spec)
                room[name] = spec if constant else Room(arena, arena.take(spec), spec)
            for given in room.values():
                if isinstance(given, Room) and given.arena is passing:
                    passing.give(given.block)
            rooms.append(room)
        return [SimpleNamespace(**{n: _laid_out(r) for n, r in room.items()}) for room in rooms]

    def _compile(self) -> None:
        """Make the arguments of every forward call, and remember where inputs stand in them.

        Backward passes hold the same arrays and are planned anew when they are next asked for.
        """
        self._program, self._copied = Program(), []
        self._sweeps.clear()
        self.ready.clear()
        self._feeds = {index: [] for index in self.tape.inputs}
        self._operands = [self._operands_of(step) for step in self._steps]
        steps = zip(self._steps, self._operands, self._scratch, strict=True)
        for (layer, reads, writes), operands, scratch in steps:
            names = layer.operand_names
            arguments: list[Any] = []
            for position, (index, array) in enumerate(zip(reads, operands, strict=True)):
                rows = names[min(position, len(names) - 1)] in layer.rows
                if index in self._feeds:
                    feed = (arguments, position, rows, self._program, len(self._program))
                    self._feeds[index].append(feed)
                arguments.append(as_rows(array) if rows else array)
            outputs = tuple(self._values[index] for index in writes)
            if "y" in layer.rows:
                outputs = tuple(as_rows(array) for array in outputs)
            keywords = {"out": outputs if len(outputs) > 1 else outputs[0], "scratch": scratch}
            self._program.add(layer.forward_calls, arguments, keywords)

    def _operands_of(self, step: Step) -> list[Any]:
        """Return the arrays a step reads; a Parameter as a copy in C order where it must be."""
        arrays: list[Any] = []
        for position, index in enumerate(step.reads):
            array: Any = None if index is None else self._values[index]
            if index in self.tape.parameters and not fits(step.layer, position, array):
                source, array = array, np.array(array, order="C")
                self._copied.append((array, source))
            arrays.append(array)
        return arrays


def _laid_out(given: Any) -> Any:
    """Return the array of a room; a constant is its own."""
    return given.arena.view(given.block, given.spec) if isinstance(given, Room) else given
