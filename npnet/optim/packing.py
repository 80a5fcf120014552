"""Block: parameters of one dtype in flat vectors, cut into runs that step as one."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol
from weakref import WeakValueDictionary

import numpy as np

from npnet.parameter import Array, Parameter

__all__ = ["Block", "Run"]


class Rule(Protocol):
    """What a block asks of an optimizer."""

    def state_names(self, options: tuple[Any, ...]) -> tuple[str, ...]:
        """Return the kinds of state that are kept under these options."""

    def spans_gaps(self, options: tuple[Any, ...]) -> bool:
        """Return whether an update may run over the zeros between two parameters."""


_has_grad = attrgetter("has_grad")
#: Numbers that an update is given at a time: seven vectors of them, as Adam has, are 900 kB.
PIECE = 2**15
_ALIGNMENT = 64  # bytes: a cache line, and the widest vector register

#: The memory of every vector made here: what lies between two parameters in it is zero.
_memories: WeakValueDictionary[int, Array] = WeakValueDictionary()


class Slot:
    """Where a parameter lies in the vectors of its block, and in which order of axes."""

    __slots__ = ("_axes", "_buffer", "_data", "parameter", "start", "stop")

    def __init__(self, parameter: Parameter, start: int) -> None:
        self.parameter = parameter
        self.start, self.stop = start, start + parameter.size
        strides = parameter.data.strides
        self._axes = sorted(range(parameter.ndim), key=lambda axis: -abs(strides[axis]))
        self.remember()

    def remember(self) -> None:
        """Take where the parameter lives now as its place."""
        self._data, self._buffer = self.parameter._data, self.parameter._buffer

    def stays(self) -> bool:
        """Return whether the parameter still lives in that place."""
        return self.parameter._data is self._data and self.parameter._buffer is self._buffer

    def view(self, vector: Array) -> Array:
        """Return this slot of a block's vector in the parameter's shape."""
        shape = self.parameter.shape
        ordered = vector[self.start : self.stop].reshape([shape[axis] for axis in self._axes])
        return ordered.transpose([self._axes.index(axis) for axis in range(len(shape))])

    def flat(self, array: Array | None) -> Array | None:
        """Return a vector over an array of the parameter's shape; None where its order differs."""
        if array is None:
            return None
        ordered = array.transpose(self._axes)
        return ordered.reshape(-1) if ordered.flags.c_contiguous else None

    def move(self, data: Array, grad: Array) -> None:
        """Have the parameter live in this slot of two vectors."""
        self.parameter.move(self.view(data), self.view(grad))
        self.remember()


class Stretch:
    """The slots first to last - 1, which are neighbours in memory, and vectors over them."""

    __slots__ = ("data", "first", "grad", "last")

    def __init__(self, first: int, last: int, data: Array, grad: Array) -> None:
        self.first, self.last, self.data, self.grad = first, last, data, grad


class Run:
    """The slots first to last - 1: neighbours that all have a gradient and state of one age.

    `pieces` has what an update is given: data, grad, (state, ...), (scratch, ...), PIECE numbers at
    a time, so that all passes of a rule over a piece but the first find it in the cache.
    """

    __slots__ = ("age", "first", "last", "pieces")

    def __init__(
        self,
        first: int,
        last: int,
        age: int | None,
        data: Array,
        grad: Array,
        state: tuple[Array, ...],
        scratch: tuple[Array, ...],
    ) -> None:
        self.first, self.last = first, last
        #: How many updates of the state there were; None where there is no state yet.
        self.age = age
        parts = [slice(start, start + PIECE) for start in range(0, data.size, PIECE)]
        self.pieces = [
            (
                data[part],
                grad[part],
                tuple(vector[part] for vector in state),
                tuple(vector[: data[part].size] for vector in scratch),
            )
            for part in parts
        ]


class Block:
    """Parameters of one dtype, packed into one vector; their gradients and state likewise.

    Every parameter starts on a cache line; the gaps between them are zero. Parameters that are
    packed in this order already, by another optimizer, stay where they are. Where they are moved
    later, the block follows them.

    Parameters
    ----------
    parameters : list of Parameter
        Of one dtype.
    scratches : int
        How many vectors of scratch a run gets.
    initial : dict, optional
        The kinds of state that are there from the start, with the number that fills them.
    """

    def __init__(
        self, parameters: list[Parameter], scratches: int, initial: dict[str, float] | None = None
    ) -> None:
        self.parameters = tuple(parameters)
        self.dtype = parameters[0].dtype
        self.options: tuple[Any, ...] = ()
        self._given: tuple[Any, ...] = ()
        self.names: tuple[str, ...] = ()
        self._present: list[bool] | None = None
        self._runs: list[Run] = []
        self._scratch: list[Array] = []
        self._scratches = scratches
        self._initial = initial or {}
        self._spans = True
        self._slots: list[Slot] = []
        unit, start = _ALIGNMENT // self.dtype.itemsize, 0
        for parameter in parameters:
            self._slots.append(Slot(parameter, start))
            start += -(-parameter.size // unit) * unit
        self._size = self._slots[-1].stop
        self.clear()
        stretches = self._located()
        if stretches is None or len(stretches) > 1 or not _packed(stretches[0].data):
            stretches = self._moved()
        self._stretches = stretches

    def ready(self, options: tuple[Any, ...], rule: Rule) -> list[Run]:
        """Return the runs to step now, their gradients and `self.options` up to date."""
        if options != self._given:
            # A 0-d array of the vectors' dtype is the fastest second operand, and promotes nothing.
            numbers = (np.array(o, self.dtype) if type(o) is float else o for o in options)
            self.options, self._given = tuple(numbers), options
            self._name(rule.state_names(options))
            if rule.spans_gaps(self.options) != self._spans:
                self._spans, self._present = not self._spans, None
        present = [*map(_has_grad, self.parameters)]
        if present != self._present:
            self._cut(present)
        for parameter in self.parameters:
            if parameter._grad is not None:
                parameter.settle()
        return self._runs

    def grow(self, run: Run) -> None:
        """Count an update of a run's state."""
        if not run.age:
            self._present = None  # cut again: it may now go together with its neighbours
        run.age = (run.age or 0) + 1

    def is_cast(self) -> bool:
        """Whether a parameter has another dtype than when it was packed."""
        return any(parameter.dtype != self.dtype for parameter in self.parameters)

    def follow(self) -> None:
        """Find the parameters again where somebody moved them."""
        if all(slot.stays() for slot in self._slots):
            return
        self._keep_ages()
        self._runs, self._present = [], None
        self._stretches = self._located() or self._moved()

    def clear(self) -> None:
        """Forget all state but the initial."""
        self._state: dict[str, Array] = {}
        for name in self._initial:
            self._vector(name)
        age = 0 if self._initial else None
        self._ages: list[int | None] = [age] * len(self.parameters)
        self._runs, self._present = [], None

    def states(self, counts_steps: bool) -> dict[int, dict[str, Array]]:
        """Return copies of the state of each parameter that has any, by the parameter's id."""
        self._keep_ages()
        found = {}
        for slot, age in zip(self._slots, self._ages, strict=True):
            if age is not None:
                state = {"step": np.array(age, np.float32)} if counts_steps else {}
                for name, vector in self._state.items():
                    state[name] = slot.view(vector).copy()
                found[id(slot.parameter)] = state
        return found

    def restore(self, states: dict[int, dict[str, Array]]) -> None:
        """Replace all state by what `states` returned."""
        self.clear()
        for index, slot in enumerate(self._slots):
            state = dict(states.get(id(slot.parameter), {}))
            if state:
                self._ages[index] = int(state.pop("step", 1))
            for name, value in state.items():
                slot.view(self._vector(name))[...] = value

    def _name(self, names: tuple[str, ...]) -> None:
        """Keep these kinds of state from now on."""
        if names != self.names:
            self._keep_ages()
            self.names, self._runs, self._present = names, [], None

    def _vector(self, name: str) -> Array:
        """Return the vector of one kind of state, zeros at first, or filled as it begins."""
        if name not in self._state:
            self._state[name] = _zeros(self._size, self.dtype)
            if name in self._initial:
                self._state[name].fill(self._initial[name])
        return self._state[name]

    def _keep_ages(self) -> None:
        """Write the ages of the runs down for each parameter."""
        if self.names:
            for run in self._runs:
                self._ages[run.first : run.last] = [run.age] * (run.last - run.first)

    def _cut(self, present: list[bool]) -> None:
        """Cut the stretches into runs: slots that have a gradient, and state of one age."""
        self._keep_ages()
        ages = self._ages if self.names else [None for _ in present]
        vectors = [self._vector(name) for name in self.names]
        if not self._scratch:
            size = min(self._size, PIECE)
            self._scratch = [np.empty(size, self.dtype) for _ in range(self._scratches)]
        self._runs, self._present = [], present
        for stretch in self._stretches:
            slots = range(stretch.first, stretch.last)
            origin = self._slots[stretch.first].start
            for (has_grad, age, _), equal in groupby(
                slots, lambda i: (present[i], ages[i], None if self._spans else i)
            ):
                if has_grad:
                    indices = list(equal)
                    first, last = indices[0], indices[-1]
                    start, stop = self._slots[first].start, self._slots[last].stop
                    here = slice(start - origin, stop - origin)
                    data, grad = stretch.data[here], stretch.grad[here]
                    # Shorter than the slots where the last of them are empty, beyond a gap.
                    stop = start + data.size
                    state = tuple(vector[start:stop] for vector in vectors)
                    run = Run(first, last + 1, age, data, grad, state, tuple(self._scratch))
                    self._runs.append(run)

    def _located(self) -> list[Stretch] | None:
        """Return vectors over the parameters where they live; None where that cannot be."""
        found: list[Stretch] = []
        for index, slot in enumerate(self._slots):
            data, grad = slot.flat(slot.parameter._data), slot.flat(slot.parameter._buffer)
            if data is None or grad is None:
                return None
            slot.remember()
            if found:
                last = found[-1]
                gap = slot.start - self._slots[last.first].start - last.data.size
                both = _joined(last.data, data, gap), _joined(last.grad, grad, gap)
                if both[0] is not None and both[1] is not None:
                    last.data, last.grad, last.last = both[0], both[1], index + 1
                    continue
            found.append(Stretch(index, index + 1, data, grad))
        return found

    def _moved(self) -> list[Stretch]:
        """Move the parameters into new vectors."""
        data, grad = _zeros(self._size, self.dtype), _zeros(self._size, self.dtype)
        for slot in self._slots:
            slot.move(data, grad)
        return [Stretch(0, len(self._slots), data, grad)]


def _zeros(size: int, dtype: np.dtype[Any]) -> Array:
    """Return a vector of zeros that starts on a cache line."""
    unit = _ALIGNMENT // dtype.itemsize
    memory = np.zeros(size + unit, dtype)
    _memories[id(memory)] = memory
    start = -memory.ctypes.data % _ALIGNMENT // dtype.itemsize
    return memory[start : start + size]


def _packed(vector: Array) -> bool:
    """Return whether a vector lies in the memory of a packed one."""
    return vector.base is not None and _memories.get(id(vector.base)) is vector.base


def _joined(before: Array, after: Array, gap: int) -> Array | None:
    """Return one vector over two that lie `gap` items apart in the same packed memory."""
    if not (before.size and after.size):
        return before if before.size else after  # an empty array has no place of its own
    memory = before.base
    if memory is None or memory is not after.base or not _packed(before):
        return None
    start = (before.ctypes.data - memory.ctypes.data) // memory.itemsize
    stop = start + before.size + gap
    if after.ctypes.data != memory.ctypes.data + stop * memory.itemsize:
        return None
    return memory[start : stop + after.size]
