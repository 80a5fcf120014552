"""Tape: what Modules write down when they are called on expressions (a Wengert list)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from npnet.expression import Expression, size_of
from npnet.grad_mode import is_grad_enabled
from npnet.kernel import Kernel, Spec
from npnet.parameter import Array, Parameter

__all__ = [
    "Call",
    "Constant",
    "Input",
    "Key",
    "Node",
    "Slot",
    "Step",
    "Tape",
    "calls_behind",
    "key_of",
    "record",
]

_numbers = itertools.count()


class Constant(NamedTuple):
    """An array that an expression was given; a live one is read anew in every run."""

    array: Array
    live: bool = False


Operand: TypeAlias = "Node | Parameter | Constant | None"
Key: TypeAlias = "int | tuple[int, int]"


class Input:
    """A named place on a tape for what the caller will feed."""

    __slots__ = ("name", "requires_grad")

    def __init__(self, name: str, requires_grad: bool = False) -> None:
        self.name = name
        self.requires_grad = requires_grad


class Call:
    """One layer applied to operands: a step, as long as nobody has asked for its tape.

    Its outputs hold it, not it them: what nobody has any more is gone at once.
    """

    __slots__ = ("detached", "given", "layer", "number")

    def __init__(self, layer: Kernel, given: Sequence[Operand]) -> None:
        self.layer = layer
        self.given = tuple(given)
        self.number = next(_numbers)
        self.detached = not is_grad_enabled()

    @property
    def operands(self) -> list[Operand]:
        """What is given and the Parameters that the layer has now."""
        return self.layer.assemble(self.given)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the number away: a copy is another call, made after those that it reads."""
        return {"layer": self.layer, "given": self.given, "detached": self.detached}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what a copy or a pickle has, with a number of its own."""
        self.layer, self.given, self.detached = state["layer"], state["given"], state["detached"]
        self.number = next(_numbers)

    @property
    def keys(self) -> list[Key]:
        """What its outputs are known by."""
        return [(self.number, index) for index in range(self.layer.output_count)]


class Node(Expression):
    """A value on a tape under construction: an Input, or an output of a layer applied to operands.

    What a Module returns when it is called on Nodes or Parameters. In a Module that is being traced
    `shape` and `dtype` are known; on a tape built by hand they are known once it runs.
    """

    __slots__ = ("index", "source", "spec")

    def __init__(self, source: Input | Call, index: int = 0, spec: Spec | None = None) -> None:
        self.source = source
        self.index = index
        self.spec = spec

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value, where the tape is being traced from arrays."""
        return self._known().shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the value, where the tape is being traced from arrays."""
        return self._known().dtype

    @property
    def ndim(self) -> int:
        """Number of axes of the value, where the tape is being traced from arrays."""
        return len(self._known().shape)

    size = size_of

    def _known(self) -> Spec:
        """Return the spec, or say why there is none."""
        if self.spec is not None:
            return self.spec
        some = "a tape built by hand learns it in its first run"
        raise AttributeError(f"Node {self!r}: has no shape yet; {some}")

    def __repr__(self) -> str:
        """Say what it is, in a word."""
        if isinstance(self.source, Input):
            return f"<Node input {self.source.name!r}>"
        layer = self.source.layer
        return f"<Node {type(layer).__name__}{f'[{self.index}]' * (layer.output_count > 1)}>"


def record(layer: Kernel, given: Sequence[Operand]) -> Any:
    """Write down `layer` applied to operands; return its output Node, or a tuple of them.

    Where every operand's shape is known the layer checks them now, so that an error is raised in
    the line that made it.
    """
    call = Call(layer, given)
    operands = call.operands
    specs = [_spec_of(operand) for operand in operands]
    dtype = _dtype_of(specs, operands)
    for position, (operand, spec) in enumerate(zip(operands, specs, strict=True)):
        if spec is None or (_integer_at(layer, position) and spec.dtype.kind != "f"):
            continue
        if isinstance(operand, Constant):
            specs[position] = Spec(spec.shape, dtype)
        elif isinstance(operand, Node) and spec.dtype.kind != "f":
            operand.spec = specs[position] = Spec(spec.shape, dtype)
    known = all(s is not None or o is None for s, o in zip(specs, operands, strict=True))
    outputs = _outputs_of(layer, specs) if known else (None,) * layer.output_count
    nodes = tuple(Node(call, index, spec) for index, spec in enumerate(outputs))
    return nodes[0] if len(nodes) == 1 else nodes


def key_of(operand: Any) -> Key:
    """Return what a tape knows a value by: which output of which call it is, or its identity."""
    source = operand.source if isinstance(operand, Node) else operand
    return (source.number, operand.index) if isinstance(source, Call) else id(source)


def _dtype_of(specs: Sequence[Spec | None], operands: Sequence[Operand]) -> np.dtype[Any]:
    """Return the first operand's floating dtype; a constant has none of its own."""
    for spec, operand in zip(specs, operands, strict=True):
        if spec is not None and spec.dtype.kind == "f" and not isinstance(operand, Constant):
            return spec.dtype
    return np.dtype(np.float32)


def _integer_at(layer: Kernel, position: int) -> bool:
    """Whether the layer takes integers as they are at this position."""
    names = layer.operand_names
    return layer.moves or names[min(position, len(names) - 1)] in layer.integer_operands


def _spec_of(operand: Operand) -> Spec | None:
    """Spec of an operand where it is known."""
    if operand is None or isinstance(operand, Node):
        return None if operand is None else operand.spec
    array = operand.array if isinstance(operand, Constant) else operand
    return Spec(array.shape, array.dtype)


def _outputs_of(layer: Kernel, specs: Sequence[Spec | None]) -> tuple[Spec, ...]:
    """Ask the layer for its outputs' specs, always as a tuple."""
    inferred = layer.infer(*specs)
    return (inferred,) if isinstance(inferred, Spec) else tuple(inferred)


class Step(NamedTuple):
    """One line of a tape: the layer, the slots it reads (None: an absent operand) and writes."""

    layer: Kernel
    reads: tuple[int | None, ...]
    writes: tuple[int, ...]


class Slot(NamedTuple):
    """One value of a tape, written once: an "input", "parameter", "constant" or "value"."""

    kind: str
    source: Any
    integer: bool = False


class Tape:
    """The steps that some outputs need, in the order they run; backward reads it in reverse.

    Parameters
    ----------
    outputs : Nodes, Parameters
        What is asked for.
    inputs : Nodes of Inputs, in the order a caller feeds them
        Those that reach no output stay on the tape; `unused_inputs` names them.

    Errors
    ------
    ValueError
        Where an output depends on an input that belongs to another tape.
    """

    def __init__(self, outputs: Iterable[Node | Parameter], inputs: Iterable[Node]) -> None:
        self.slots: list[Slot] = []
        self.index: dict[Key, int] = {}
        asked = list(outputs)
        self.inputs = tuple(self._add(key_of(node), Slot("input", node.source)) for node in inputs)
        self.calls = calls_behind(asked)
        steps = []
        for call in self.calls:
            reads = tuple(None if o is None else self._slot_of(o) for o in call.operands)
            writes = tuple(self._add(key, Slot("value", call.layer)) for key in call.keys)
            steps.append(Step(call.layer, reads, writes))
        self.steps = tuple(steps)
        #: The numbers of the steps that no gradient goes through.
        self.detached = frozenset(n for n, call in enumerate(self.calls) if call.detached)
        self.outputs = tuple(self._slot_of(output) for output in asked)
        counts = Counter(index for step in self.steps for index in step.reads)
        #: How many times each slot is read.
        self.readers = [counts[index] for index in range(len(self.slots))]
        self._mark_integers()
        self.parameters: dict[int, Parameter] = {
            i: slot.source for i, slot in enumerate(self.slots) if slot.kind == "parameter"
        }

    @property
    def unused_inputs(self) -> tuple[str, ...]:
        """Names of the inputs that reach no output."""
        return tuple(
            self.slots[i].source.name
            for i in self.inputs
            if not self.readers[i] and i not in self.outputs
        )

    def slot(self, expression: Expression) -> int | None:
        """Return the slot of a Node or Parameter, None where it is not on this tape."""
        return self.index.get(key_of(expression))

    def fed(self, inputs: Iterable[Spec], dtype: np.dtype[Any]) -> list[Spec]:
        """Return the inputs' specs as the tape takes them: integers it counts with in `dtype`."""
        return [
            spec if self.slots[index].integer or spec.dtype.kind == "f" else Spec(spec.shape, dtype)
            for index, spec in zip(self.inputs, inputs, strict=True)
        ]

    def specs(self, inputs: Sequence[Spec], dtype: np.dtype[Any]) -> list[Spec]:
        """Infer the spec of every slot from the inputs'; the layers check them on the way."""
        specs = [Spec((), dtype)] * len(self.slots)
        for index, spec in zip(self.inputs, inputs, strict=True):
            specs[index] = spec
        for index, slot in enumerate(self.slots):
            if slot.kind == "constant":
                array = slot.source.array
                stays = slot.integer and array.dtype.kind != "f"
                specs[index] = Spec(array.shape, array.dtype if stays else dtype)
            elif slot.kind == "parameter":
                specs[index] = Spec(slot.source.shape, dtype)
                if slot.source.dtype != dtype:
                    raise self._mixed(slot.source, dtype)
        for number, step in enumerate(self.steps):
            try:
                outputs = _outputs_of(
                    step.layer, [None if r is None else specs[r] for r in step.reads]
                )
            except Exception as error:
                error.add_note(f"at step {number} of the tape")
                raise
            for index, spec in zip(step.writes, outputs, strict=True):
                specs[index] = spec
        return specs

    def _mixed(self, parameter: Parameter, dtype: np.dtype[Any]) -> TypeError:
        """Return the error for a Parameter of another dtype than the tape's."""
        like = next((p.name for p in self.parameters.values() if p.dtype == dtype), None)
        one = parameter.dtype
        return TypeError(
            f"parameter {parameter.name!r} is {one} on a tape that computes in {dtype}"
            + (
                f"; build its layer with dtype=np.{dtype}"
                if like is None
                else f", as parameter {like!r} is; make them one: Parameter(array, dtype=np.{one}) "
                f"for it, or the model's .{'float' if one == np.float32 else 'double'}()"
            )
        )

    def _slot_of(self, operand: Node | Parameter | Constant) -> int:
        """Return the slot of an operand; parameters and constants are added when first met."""
        key = key_of(operand)
        if key in self.index:
            return self.index[key]
        if isinstance(operand, Node):
            assert isinstance(operand.source, Input), "a step was met before the steps it reads"
            raise ValueError(
                f"Graph: input {operand.source.name!r} belongs to another graph, or to an earlier "
                "call that kept a Node of it; make it with this graph's g.input, or return the "
                "value and give it to the next call"
            )
        kind = "parameter" if isinstance(operand, Parameter) else "constant"
        return self._add(key, Slot(kind, operand))

    def _add(self, key: Key, slot: Slot) -> int:
        """Append a slot and remember whose it is."""
        self.index[key] = len(self.slots)
        self.slots.append(slot)
        return len(self.slots) - 1

    def _mark_integers(self) -> None:
        """Mark the inputs and constants that are only read where integers are taken, or moved."""
        number: set[int | None] = set()
        for step in reversed(self.steps):
            passed_on = step.layer.moves and not number.isdisjoint(step.writes)
            for position, index in enumerate(step.reads):
                if passed_on or not _integer_at(step.layer, position):
                    number.add(index)
        self.slots = [
            slot._replace(integer=slot.kind in ("input", "constant") and index not in number)
            for index, slot in enumerate(self.slots)
        ]


def calls_behind(outputs: Sequence[Node | Parameter]) -> list[Call]:
    """Collect what the outputs reach, in creation order, which is an execution order."""
    found: dict[int, Call] = {}
    waiting: list[Any] = list(outputs)
    while waiting:
        node = waiting.pop()
        call = node.source if isinstance(node, Node) else None
        if isinstance(call, Call) and call.number not in found:
            found[call.number] = call
            waiting.extend(call.operands)
    return [found[number] for number in sorted(found)]
