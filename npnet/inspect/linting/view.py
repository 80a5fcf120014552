"""View: a model's tape with its loss behind it, and how its steps hang together."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.execution import real_array
from npnet.graph import Graph
from npnet.kernel import Spec
from npnet.layers import Dropout, Flatten, Identity, Reshape, Unflatten
from npnet.module import Module
from npnet.parameter import Parameter
from npnet.tape import Input, Node, Step, Tape

__all__ = ["Refusal", "View", "view_of", "written"]

#: What hands its operand on, number by number.
_TRANSPARENT = (Identity, Dropout, Flatten, Reshape, Unflatten)


class Refusal(NamedTuple):
    """What a loss says of shapes that do not fit, and the specs of what it was given."""

    said: str
    prediction: Spec | None
    target: Spec | None


class _RefusedError(ValueError):
    """A loss has refused its operands; `refusal` has the particulars."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.said)
        self.refusal = refusal


class View:
    """The steps of a model and its loss, with names, and who reads what.

    Attributes
    ----------
    model : Module
    tape : Tape
    specs : list of Spec or None
        Of the slots, None where shapes are not known.
    optimizers : list
    refusal : Refusal or None
        What the loss says of shapes that do not fit; None where they do.
    """

    def __init__(
        self,
        model: Module,
        loss: Module | None,
        tape: Tape,
        specs: list[Spec] | None,
        optimizers: Sequence[Any],
        refusal: Refusal | None = None,
    ) -> None:
        self.model, self.tape, self.specs = model, tape, specs
        self.optimizers, self.refusal = list(optimizers), refusal
        self._paths = {id(m): name for name, m in model.named_modules()}
        self._in_model = set(self._paths)
        if loss is not None:
            for name, module in loss.named_modules():
                self._paths.setdefault(id(module), f"loss.{name}".rstrip("."))
        #: Names of the Parameters that the model and the loss hold, by their ids.
        self.names = {id(p): name for name, p in model.named_parameters()}
        if loss is not None:
            for name, parameter in loss.named_parameters("loss"):
                self.names.setdefault(id(parameter), name)
        self._writers = {slot: step for step in tape.steps for slot in step.writes}

    def steps(self, *kinds: type) -> Iterator[Step]:
        """Yield the steps of layers of these kinds, in order."""
        return (step for step in self.tape.steps if isinstance(step.layer, kinds))

    def behind(self, slot: int | None) -> Step | None:
        """Return the step whose value a slot holds, seen through what only hands it on."""
        step = self._writers.get(slot) if slot is not None else None
        while step is not None and isinstance(step.layer, _TRANSPARENT):
            step = self._writers.get(step.reads[0]) if step.reads[0] is not None else None
        return step

    def reads_directly(self, slot: int | None) -> Step | None:
        """Return the step that writes a slot, where nobody else reads it."""
        if slot is None or self.tape.readers[slot] != 1 or slot in self.tape.outputs:
            return None
        return self._writers.get(slot)

    def shape(self, slot: int | None) -> tuple[int, ...] | None:
        """Return the shape of a slot, where it is known."""
        return None if self.specs is None or slot is None else self.specs[slot].shape

    def path(self, layer: Any) -> str:
        """Return where a layer is in the model."""
        name = self._paths.get(id(layer))
        if name is not None:
            return name or type(layer).__name__
        number = next(n for n, step in enumerate(self.tape.steps) if step.layer is layer)
        return f"step {number} ({type(layer).__name__})"

    def said(self, layer: Any) -> str:
        """Return what calls a layer in a program: model[2], model.fc, or its class."""
        name = self._paths.get(id(layer))
        if not name:
            return type(layer).__name__
        return written(name) if id(layer) in self._in_model else name

    def name(self, parameter: Parameter) -> str:
        """Return where a Parameter is in the model."""
        return self.names.get(id(parameter), parameter.name or "a parameter")

    def without(self, layer: Any) -> str:
        """Return the line that leaves a layer out."""
        name = self._paths.get(id(layer), "")
        *parents, last = name.split(".")
        holder: Any = self.model
        for part in parents:
            holder = holder._modules.get(part) if holder is not None else None
        if holder is not None and last.isdigit() and hasattr(holder, "append"):
            where = self.said(holder) if parents else "model"
            return f"del {where}[{last}]"
        return f"leave {self.said(layer)} out: hand on what it is given"


def written(path: str) -> str:
    """Return a dotted path of a model as a program writes it.

    >>> written("blocks.0.fc.weight")
    'model.blocks[0].fc.weight'
    """
    parts = (f"[{part}]" if part.isdigit() else f".{part}" for part in path.split("."))
    return "model" + "".join(parts)


def view_of(
    model: Module, loss: Module | None, optimizers: Sequence[Any], inputs: Sequence[Any]
) -> View:
    """Record a model, and its loss behind it, on shapes where they are known.

    Errors
    ------
    RuntimeError
        Where forward asks for shapes and there are none.
    """
    specs = _specs(model, loss, inputs)
    refusal = None
    try:
        tape = _recorded(model, loss, specs)
    except AttributeError as error:
        if specs is not None or "has no shape yet" not in str(error):
            raise
        name = type(model).__name__
        raise RuntimeError(
            f"lint: forward of {name} asks for shapes; call the model first, or give its inputs: "
            "npnet.inspect.lint(model, inputs=[x])"
        ) from None
    except _RefusedError as error:
        refusal, specs = error.refusal, None
        tape = _recorded(model, loss, None)
    return View(model, loss, tape, _inferred(tape, specs, model), optimizers, refusal)


def _specs(model: Module, loss: Module | None, inputs: Sequence[Any]) -> list[Spec] | None:
    """Return the specs of what is given, or of the last calls of model and loss."""
    dtype = model.computing_dtype() or np.dtype(np.float32)
    if inputs:
        return [
            Spec(x, dtype) if isinstance(x, tuple) else Spec(a.shape, _fed(a.dtype, dtype))
            for x in inputs
            for a in [real_array(np.zeros(0) if isinstance(x, tuple) else x, "lint", "inputs")]
        ]
    ran = model.execution.ran
    if ran is None:
        return None
    found = list(ran.inputs)
    if loss is not None and loss.execution.ran is not None:
        outputs = len(ran.outputs)
        found += list(loss.execution.ran.inputs)[min(outputs, _count(loss)) :]
    return found


def _fed(dtype: np.dtype[Any], computing: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that an array is fed in."""
    return computing if dtype.kind == "f" else dtype


def _count(module: Module) -> int:
    """Return how many operands a Module takes."""
    if isinstance(module, Graph):
        return len(module._inputs)
    if hasattr(module, "_asked_names"):
        return len(module._asked_names())
    kinds = inspect.signature(module.forward).parameters.values()
    positional = [p for p in kinds if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    asked = [p for p in positional if p.default is p.empty]
    return len(asked) or int(any(p.kind is p.VAR_POSITIONAL for p in kinds))


def _recorded(model: Module, loss: Module | None, specs: Sequence[Spec] | None) -> Tape:
    """Return the tape of a model and its loss."""
    if isinstance(model, Graph):
        nodes = list(model._inputs)
        outputs: Any = tuple(model._outputs)
    else:
        count = _count(model) if specs is None or loss is not None else len(specs)
        names = model._names(count)
        known = [None] * count if specs is None else [*specs, *[None] * count][:count]
        nodes = [Node(Input(n), spec=s) for n, s in zip(names, known, strict=True)]
        outputs = model.record(nodes, model.forward)
    found = tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)
    if loss is not None:
        more = max(_count(loss) - len(found), 0)
        rest = [] if specs is None else list(specs)[len(nodes) :]
        known = [*rest, *[None] * more][:more]
        targets = [Node(Input(f"target{i or ''}"), spec=s) for i, s in enumerate(known)]
        result = _fed_to(loss, found[: _count(loss)], targets)
        nodes, found = [*nodes, *targets], result if isinstance(result, tuple) else (result,)
    return Tape(found, nodes)


def _fed_to(loss: Module, outputs: Sequence[Any], targets: Sequence[Node]) -> Any:
    """Record a loss; where it refuses shapes, say which."""
    try:
        return loss(*outputs, *targets)
    except ValueError as error:
        given = [getattr(node, "spec", None) for node in (*outputs[:1], *targets[:1])]
        prediction, target = (*given, None, None)[:2]
        raise _RefusedError(Refusal(str(error), prediction, target)) from error


def _inferred(tape: Tape, specs: Sequence[Spec] | None, model: Module) -> list[Spec] | None:
    """Return the specs of all slots, None where they cannot be told."""
    if specs is None or len(specs) != len(tape.inputs):
        return None
    floating = (spec.dtype for spec in specs if spec.dtype.kind == "f")
    dtype = model.computing_dtype() or next(floating, np.dtype(np.float32))
    try:
        return tape.specs(tape.fed(specs, dtype), dtype)
    except (TypeError, ValueError, IndexError):
        return None
