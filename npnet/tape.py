"""Tape: what Modules write down when they are called on expressions (a Wengert list)."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from npnet.expression import Expression, size_of
from npnet.grad_mode import is_grad_enabled
from npnet.parameter import Array, Parameter

__all__ = [
    "Call",
    "Constant",
    "Input",
    "Kernel",
    "Key",
    "Node",
    "Slot",
    "Spec",
    "Step",
    "Tape",
    "calls_behind",
    "key_of",
    "record",
]

_numbers = itertools.count()


class Spec(NamedTuple):
    """Shape and dtype of an array to come."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def matrix_shape(self) -> tuple[int, int]:
        """Shape with all leading axes as one."""
        return math.prod(self.shape[:-1]), self.shape[-1]

    @property
    def nbytes(self) -> int:
        """Bytes the array takes."""
        size: int = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


class Constant(NamedTuple):
    """An array that an expression was given; a live one is read anew in every run."""

    array: Array
    live: bool = False


Operand: TypeAlias = "Node | Parameter | Constant | None"
Key: TypeAlias = "int | tuple[int, int]"


class Kernel(Protocol):
    """What a tape needs of a layer: shapes, array kernels, and what the kernels read.

    `operand_names` are the kernels' operands in order (a last one marked by `variadic` stands for
    any number); `integer_operands` name those that may be integers; `output_count` is how many
    arrays it writes; `backward_reads` name the operands ("y": the output) that backward_kernel
    reads; `in_place` says that forward_kernel may write over its first operand, and backward_kernel
    its gradient over the output's; `kept` names the scratch arrays that backward_kernel reads as
    forward_kernel left them; `rows` name those that the kernels see with all leading axes as one;
    `any_order` those that they take, with their gradients, in any memory order, as Parameters may
    have. Where `has_effects` says that forward_kernel changes more than its outputs, `save` is
    called before a forward, and `restore` where it fails.
    """

    operand_names: tuple[str, ...]
    variadic: bool
    integer_operands: frozenset[str]
    output_count: int
    backward_reads: frozenset[str]
    in_place: bool
    kept: frozenset[str]
    rows: frozenset[str]
    any_order: frozenset[str]
    adding_calls: Callable[..., Iterable[Callable[[], Any]]] | None

    def assemble(self, given: Sequence[Any]) -> list[Any]:
        """Return the kernels' operands: those given, and the layer's own Parameters."""

    def infer(self, *operands: Any) -> Spec | tuple[Spec, ...]:
        """Check the operands' specs and return the outputs'."""

    def scratch_specs(self, *operands: Any) -> dict[str, Any]:
        """Return what the kernels use beside operands and outputs: specs, or constants as is."""

    def forward_calls(self, *operands: Any, out: Any, scratch: Any) -> Iterable[Callable[[], Any]]:
        """Return the calls that write the outputs."""

    def backward_calls(
        self, dy: Any, *operands: Any, scratch: Any, **gradients: Any
    ) -> Iterable[Callable[[], Any]]:
        """Return the calls that write the gradient of every operand whose array is not None."""

    def has_effects(self) -> bool:
        """Whether forward_kernel, planned now, changes what outlasts the call."""

    def save(self, scratch: Any) -> None:
        """Note in scratch what forward_kernel is about to change."""

    def restore(self, scratch: Any) -> None:
        """Put back what `save` noted."""


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
        raise AttributeError(
            f"Node {self!r}: has no shape yet; a tape built by hand learns it in its first run"
        )

    def __repr__(self) -> str:
        """Say what it is, in a word."""
        if isinstance(self.source, Input):
            return f"<Node input {self.source.name!r}>"
        index = f"[{self.index}]" if self.source.layer.output_count > 1 else ""
        return f"<Node {type(self.source.layer).__name__}{index}>"


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
        if spec is None or _integer_at(layer, position):
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
    return names[min(position, len(names) - 1)] in layer.integer_operands


def _spec_of(operand: Operand) -> Spec | None:
    """Spec of an operand where it is known."""
    if isinstance(operand, Node):
        return operand.spec
    if isinstance(operand, Constant):
        return Spec(operand.array.shape, operand.array.dtype)
    return None if operand is None else Spec(operand.shape, operand.dtype)


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

    def specs(self, inputs: Sequence[Spec], dtype: np.dtype[Any]) -> list[Spec]:
        """Infer the spec of every slot from the inputs'; the layers check them on the way."""
        specs = [Spec((), dtype)] * len(self.slots)
        for index, spec in zip(self.inputs, inputs, strict=True):
            specs[index] = spec
        for index, slot in enumerate(self.slots):
            if slot.kind == "constant":
                array = slot.source.array
                specs[index] = Spec(array.shape, array.dtype if slot.integer else dtype)
            elif slot.kind == "parameter":
                specs[index] = Spec(slot.source.shape, dtype)
                if slot.source.dtype != dtype:
                    raise TypeError(
                        f"parameter {slot.source.name!r} is {slot.source.dtype} on a tape that "
                        f"computes in {dtype}; build its layer with dtype=np.{dtype}"
                    )
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

    def _slot_of(self, operand: Node | Parameter | Constant) -> int:
        """Return the slot of an operand; parameters and constants are added when first met."""
        key = key_of(operand)
        if key in self.index:
            return self.index[key]
        if isinstance(operand, Node) and isinstance(operand.source, Input):
            raise ValueError(
                f"Graph: input {operand.source.name!r} belongs to another graph; "
                "make it with this graph's g.input"
            )
        assert not isinstance(operand, Node), "a step was met before the steps it reads"
        kind = "parameter" if isinstance(operand, Parameter) else "constant"
        return self._add(key, Slot(kind, operand))

    def _add(self, key: Key, slot: Slot) -> int:
        """Append a slot and remember whose it is."""
        self.index[key] = len(self.slots)
        self.slots.append(slot)
        return len(self.slots) - 1

    def _mark_integers(self) -> None:
        """Mark the inputs and constants that are only read where integers are taken."""
        number = {
            index
            for step in self.steps
            for position, index in enumerate(step.reads)
            if index is not None and not _integer_at(step.layer, position)
        }
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
