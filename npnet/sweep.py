"""Sweep: the backward pass over a tape, planned into arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from npnet.kernel import Kernel, Spec
from npnet.memory import Arena
from npnet.parameter import Array, Parameter
from npnet.program import Call, Program
from npnet.tape import Step, Tape

__all__ = ["ONE", "Feed", "Sweep", "as_rows", "fits", "needs_gradient"]

#: The gradients of a pass that nobody gave any.
ONE = (1.0,)

#: Where the array of a slot stands among a stage's arguments: what an input is fed into. The list,
#: the place in it, whether the layer sees it as rows, the program and its stage.
Feed: TypeAlias = tuple[list[Any], int, bool, Program, int]


def fits(layer: Kernel, position: int, array: Any) -> bool:
    """Whether a kernel takes an array in its memory order; only Parameters' is not always C."""
    if not isinstance(array, np.ndarray) or array.flags.c_contiguous:
        return True
    names = layer.operand_names
    return names[min(position, len(names) - 1)] in layer.any_order


def as_rows(array: Any) -> Any:
    """View an array in C order as a matrix: its leading axes as one."""
    if array is None or array.ndim == 2:
        return array
    return array.reshape(Spec(array.shape, array.dtype).matrix_shape)


class Place(NamedTuple):
    """An array to come: a block of the arena, seen as `spec`, in the memory order of `like`."""

    block: int
    spec: Spec
    like: Any = None


class Planned(NamedTuple):
    """One backward call to come: output gradients, a target per operand, and what follows.

    `passed_on` are the contributions that went to a spare array: the total, the spare, and
    whether the total has been written before. `adds` lists the calls of a step that adds to its
    one target by itself.
    """

    step: Step
    received: tuple[Any, ...]
    targets: tuple[Any, ...]
    passed_on: tuple[tuple[Any, Any, bool], ...]
    adds: Callable[..., Iterable[Call]] | None


def needs_gradient(tape: Tape, specs: Sequence[Spec], wanted: frozenset[int]) -> set[int]:
    """Return the slots that a gradient must reach: `wanted`, and what depends on them."""
    constant = {i for number in tape.detached for i in tape.steps[number].writes}
    needing = {i for i in wanted if specs[i].dtype.kind == "f"} - constant
    for number, step in enumerate(tape.steps):
        if number not in tape.detached and any(index in needing for index in step.reads):
            needing.update(index for index in step.writes if specs[index].dtype.kind == "f")
    return needing


class Sweep:
    """The tape read backward for given outputs and wanted slots.

    The first contribution to a slot is written into its gradient; each later one goes to a spare
    array and is added. So nothing is zeroed, and fan-out, shared weights and parallel
    regularization paths need no case of their own. A slot's gradient is complete when the step
    that wrote the slot is reached.

    Parameters
    ----------
    tape, steps, specs, values, operands, scratch
        What the plan has: its steps, specs and arrays by slot, operands and scratch by step.
    seeded : tuple of bool
        The outputs that a gradient is given for.
    needing : set of int
        The slots that need a gradient.
    retain : bool
        Give every slot's gradient an array of its own that stays.
    """

    #: Whether the last run started from 1, as nobody gave a gradient.
    from_one = False

    def __init__(
        self,
        tape: Tape,
        steps: Sequence[Step],
        specs: Sequence[Spec],
        values: Sequence[Any],
        operands: Sequence[Sequence[Any]],
        scratch: Sequence[Any],
        seeded: tuple[bool, ...],
        needing: set[int],
        retain: bool,
    ) -> None:
        self._tape = tape
        self._specs = specs
        self._needing = needing
        self._retain = retain
        self._arena = Arena()
        self._places: dict[int, Any] = {}
        seeds = [s for s, given in zip(tape.outputs, seeded, strict=True) if given]
        for slot in dict.fromkeys(seeds):
            self._places[slot] = self._destination(slot)
        backward = reversed([*enumerate(steps)])
        planned = [(n, self._plan_step(step)) for n, step in backward if self._reached(n, step)]
        self.gradients: dict[int, Array] = {i: self._array(p) for i, p in self._places.items()}
        # A slot that is asked for twice as an output gets both gradients, as any slot read twice.
        self.seeds = [(self.gradients[s], s in seeds[:n]) for n, s in enumerate(seeds)]
        self.parameters: list[Parameter] = [
            tape.parameters[i] for i in self.gradients if i in tape.parameters and i in needing
        ]
        self.feeds: list[tuple[int, Feed]] = []
        self._program = Program()
        for number, one in planned:
            self._add_stage(one, values, operands[number], scratch[number])

    def run(self, gradients: Sequence[Any]) -> None:
        """Fill every gradient from the seeded outputs' gradients, in order."""
        self.from_one = gradients is ONE
        for (target, again), gradient in zip(self.seeds, gradients):  # noqa: B905
            if again:
                np.add(target, gradient, out=target)
            else:
                target[...] = gradient
        self._program.run()

    def follow(self) -> None:
        """Take the gradients to Parameters whose storage a hook has moved meanwhile."""
        for slot, found in self.gradients.items():
            parameter = self._tape.parameters.get(slot)
            if parameter in self.parameters and found is not parameter.buffer:
                np.copyto(parameter.buffer, found)

    def _reached(self, number: int, step: Step) -> bool:
        """Whether a gradient arrives at the step and goes on from it."""
        arrives = any(index in self._places for index in step.writes)
        goes_on = any(index in self._needing for index in step.reads)
        return arrives and goes_on and number not in self._tape.detached

    def _destination(self, slot: int) -> Any:
        """Return the place of a slot's gradient: a parameter has its own buffer."""
        if slot in self._tape.parameters and slot in self._needing:
            return self._tape.parameters[slot].buffer
        return Place(self._arena.take(self._specs[slot]), self._specs[slot])

    def _plan_step(self, step: Step) -> Planned:
        """Place the gradients of what a step reads; free those of what it wrote."""
        received = tuple(self._places.get(index) for index in step.writes)
        taken_over = self._takes_over(step)
        targets: list[Any] = []
        passed_on: list[tuple[Any, Any, bool]] = []
        adds = self._adds(step)
        for position, index in enumerate(step.reads):
            if index is None or index not in self._needing:
                targets.append(None)
                continue
            written = index in self._places
            if not written:
                self._places[index] = received[0] if taken_over else self._destination(index)
            total = self._places[index]
            if not adds and (written or not fits(step.layer, position, total)):
                # Adding two arrays of different memory order takes 20 times as long.
                like = total if fits(step.layer, position, total) else None
                spare = Place(self._arena.take(self._specs[index]), self._specs[index], like)
                passed_on.append((total, spare, written))
                targets.append(spare)
            else:
                targets.append(total)
        for _, spare, _ in passed_on:
            self._arena.give(spare.block)
        if not self._retain and not taken_over:
            for place in received:
                if isinstance(place, Place):
                    self._arena.give(place.block)
        return Planned(step, received, tuple(targets), tuple(passed_on), adds)

    def _adds(self, step: Step) -> Callable[..., Iterable[Call]] | None:
        """Return what lists a step's calls where it adds to its operand's gradient itself."""
        targets = [(i, index) for i, index in enumerate(step.reads) if index in self._needing]
        if len(targets) != 1 or targets[0][1] not in self._places:
            return None
        position, slot = targets[0]
        return step.layer.adding_calls if fits(step.layer, position, self._places[slot]) else None

    def _takes_over(self, step: Step) -> bool:
        """Whether the step may write its operand's gradient over its output's."""
        if self._retain or not step.layer.in_place or len(step.writes) > 1:
            return False
        targets = [index for index in step.reads if index in self._needing]
        first = step.reads[0]
        return (
            first is not None
            and targets == [first]
            and first not in self._places
            and first not in self._tape.parameters
            and step.writes[0] not in self._tape.parameters
            and self._specs[first] == self._specs[step.writes[0]]
        )

    def _array(self, place: Any) -> Any:
        """Turn a place into its array."""
        if not isinstance(place, Place):
            return place
        block, spec, like = place
        if not isinstance(like, np.ndarray):
            return self._arena.view(block, spec)
        axes = sorted(range(like.ndim), key=lambda axis: -like.strides[axis])
        stored = Spec(tuple(spec.shape[axis] for axis in axes), spec.dtype)
        return self._arena.view(block, stored).transpose(np.argsort(axes))

    def _add_stage(
        self, planned: Planned, values: Sequence[Any], operands: Sequence[Any], scratch: Any
    ) -> None:
        """Make the arguments of one step's backward calls."""
        layer, reads, writes = planned.step
        received = tuple(self._array(place) for place in planned.received)
        targets = [self._array(place) for place in planned.targets]
        names = layer.operand_names
        fixed = len(names) - 1 if layer.variadic else len(names)
        seen = layer.backward_reads
        if "y" in layer.rows:
            received = tuple(as_rows(array) for array in received)
        arguments: list[Any] = [received if len(writes) > 1 else received[0]]
        for position, (name, index) in enumerate(zip(names[:fixed], reads, strict=False)):
            chosen = index if name in seen else None
            self._append(arguments, values, operands[position], chosen, name in layer.rows)
        keywords = {
            f"d{n}": as_rows(t) if n in layer.rows else t
            for n, t in zip(names[:fixed], targets, strict=False)
        }
        if layer.variadic:
            rest: list[Any] = []
            for position, index in enumerate(reads[fixed:], fixed):
                chosen = index if names[-1] in seen else None
                self._append(rest, values, operands[position], chosen, False)
            arguments.append(rest)
            keywords[f"d{names[-1]}"] = targets[fixed:]
        outputs = tuple(values[index] if "y" in seen else None for index in writes)
        if "y" in layer.rows:
            outputs = tuple(as_rows(array) for array in outputs)
        arguments.append(outputs if len(writes) > 1 else outputs[0])
        keywords["scratch"] = scratch
        passed_on = []
        for total, spare, written in planned.passed_on:
            both = self._array(total), self._array(spare)
            passed_on.append(
                partial(np.add, *both, both[0]) if written else partial(np.copyto, *both)
            )
        list_calls = planned.adds or layer.backward_calls
        self._program.add(list_calls, arguments, keywords, passed_on)

    def _append(
        self,
        arguments: list[Any],
        values: Sequence[Any],
        operand: Any,
        index: int | None,
        rows: bool,
    ) -> None:
        """Append an operand of forward; remember the place where it is an input's."""
        if index is None:
            arguments.append(None)
            return
        kind = self._tape.slots[index].kind
        if kind == "input":
            stage = len(self._program)
            self.feeds.append((index, (arguments, len(arguments), rows, self._program, stage)))
        array = operand if kind == "parameter" else values[index]
        arguments.append(as_rows(array) if rows else array)
