"""Summary: the layers of a model with shapes, parameters, bytes and products."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from npnet.execution import real_array
from npnet.inspect.numbers import shape_text, size_text
from npnet.inspect.tracing import last_run, taped
from npnet.kernel import Spec
from npnet.layers import Bilinear, Linear, MatMul
from npnet.module import Module
from npnet.tape import Step, Tape

__all__ = ["LayerLine", "Summary", "summary"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerLine:
    """One line of a summary: a Module of the model, or an operator between them.

    Attributes
    ----------
    path : str
        Where the model holds it; that of the Module around for an operator, "" for the model.
    kind : str
        Its class's name.
    depth : int
    named : bool
        Whether the path is its own.
    shapes : tuple of shapes
        Of its outputs; none for a Module that is a whole of others, or was not called.
    parameters, trainable : int
        Numbers in parameters of its own that no line before has counted.
    shared : bool
        Whether it has parameters that a line before has counted.
    called : bool
        Whether the model's forward came by it.
    nbytes : int
        Bytes of its outputs.
    products : int
        Multiplications in its matrix products, each with an addition.
    """

    path: str
    kind: str
    depth: int
    named: bool
    shapes: tuple[Shape, ...]
    parameters: int
    trainable: int
    shared: bool
    called: bool
    nbytes: int
    products: int


@dataclass(frozen=True)
class Summary:
    """What a model is made of; print it. Names of totals are torchinfo's.

    Attributes
    ----------
    title : str
    lines : tuple of LayerLine
    input_shapes, output_shapes : tuple of shapes
    total_params, trainable_params : int
    total_mult_adds : int
        Multiplications in matrix products of one forward, each with an addition.
    total_input, total_output_bytes, total_param_bytes : int
        Bytes of the inputs, of all that steps compute, and of the parameters.
    """

    title: str
    lines: tuple[LayerLine, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    total_params: int
    trainable_params: int
    total_mult_adds: int
    total_input: int
    total_output_bytes: int
    total_param_bytes: int

    def __str__(self) -> str:
        """Return lines and totals as text."""
        head = ("layer", "output shape", "parameters", "bytes", "products")
        rows = [self._cells(line) for line in self.lines]
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        lines = [_line(head, widths), rule, *(_line(row, widths) for row in rows), rule]
        frozen = self.total_params - self.trainable_params
        lines += [
            f"parameters  {self.total_params:,} ({self.trainable_params:,} trainable, "
            f"{frozen:,} not), {size_text(self.total_param_bytes)}",
            f"inputs      {_shapes(self.input_shapes)}, {size_text(self.total_input)}",
            f"values      {size_text(self.total_output_bytes)} in one forward",
            f"products    {self.total_mult_adds:,} in one forward, each with an addition",
        ]
        return "\n".join(lines)

    __repr__ = __str__

    def _cells(self, line: LayerLine) -> tuple[str, ...]:
        """Return the cells of a line."""
        name = line.path.rpartition(".")[2]
        label = f"{name}: {line.kind}" if name and line.named else line.kind
        label += "" if line.called else " (not called)"
        shape = _shapes(line.shapes) if line.shapes else ""
        count = f"{line.parameters:,}" if line.parameters else "shared" * line.shared
        products = f"{line.products:,}" if line.products else ""
        size = size_text(line.nbytes) if line.shapes else ""
        return ("  " * line.depth + label, shape, count, size, products)


def summary(model: Module, /, *inputs: Any, dtypes: Sequence[Any] | None = None) -> Summary:
    """Return what a model is made of: layers, output shapes, parameters, bytes and products.

    Nothing is computed: shapes are enough.

    Parameters
    ----------
    model : Graph or any Module
    *inputs : shapes or arrays
        One an input, a tuple or list of integers for its shape, batch axis included. Without any:
        those of the last call in this thread.
    dtypes : sequence of dtypes, optional
        Of the inputs that are given as shapes, such as ``[np.int64]`` for indices; by default
        floating.

    Errors
    ------
    TypeError
        For what is no Module, and another number of dtypes than inputs.
    RuntimeError
        Without inputs, where the model has not run.
    ValueError
        Where the shapes do not fit.

    Source: torchinfo.summary.

    Examples
    --------
    >>> import npnet
    >>> model = npnet.Sequential(npnet.Linear(784, 256), npnet.ReLU(), npnet.Linear(256, 10))
    >>> print(summary(model, (64, 784)))
    layer        output shape  parameters    bytes    products
    ----------------------------------------------------------
    Sequential   (64, 10)                   2.6 kB  13,008,896
      0: Linear  (64, 256)        200,960  65.5 kB  12,845,056
      1: ReLU    (64, 256)                 65.5 kB
      2: Linear  (64, 10)           2,570   2.6 kB     163,840
    ----------------------------------------------------------
    parameters  203,530 (203,530 trainable, 0 not), 814 kB
    inputs      (64, 784), 201 kB
    values      134 kB in one forward
    products    13,008,896 in one forward, each with an addition
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: expected a Graph or another Module, got {type(model).__name__}")
    if inputs:
        specs = _input_specs(inputs, dtypes)
        floating = (s.dtype for s in specs if s.dtype.kind == "f")
        tape, known = taped(model, specs, next(floating, None))
    else:
        run = last_run(model, "summary")
        tape, known = run.tape, list(run.specs)
    return _Counter(model, tape, known).summary()


class _Counter:
    """Goes through a model and its tape, and counts every parameter once."""

    def __init__(self, model: Module, tape: Tape, specs: Sequence[Spec]) -> None:
        self.model, self.tape, self.specs = model, tape, specs
        self.counted: set[int] = set()
        self.paths: dict[int, str] = {}
        for path, module in model.named_modules():
            self.paths.setdefault(id(module), path)

    def summary(self) -> Summary:
        """Return the summary."""
        parameters = list(self.model.parameters())
        layers = (step for step in self.tape.steps if isinstance(step.layer, Module))
        computed = [spec for step in layers for spec in self._outputs(step)]
        inputs = [self.specs[slot] for slot in self.tape.inputs]
        return Summary(
            type(self.model).__name__,
            tuple(self._lines()),
            tuple(spec.shape for spec in inputs),
            tuple(self.specs[slot].shape for slot in self.tape.outputs),
            sum(parameter.size for parameter in parameters),
            sum(parameter.size for parameter in parameters if parameter.requires_grad),
            sum(self._products(step) for step in self.tape.steps),
            sum(spec.nbytes for spec in inputs),
            sum(spec.nbytes for spec in computed),
            sum(parameter.data.nbytes for parameter in parameters),
        )

    def _lines(self) -> Iterator[LayerLine]:
        """Yield the model's line and those of its steps, each below the Modules around it."""
        outputs = [self.specs[slot] for slot in self.tape.outputs]
        yield self._line("", self.model, 0, outputs, sum(map(self._products, self.tape.steps)))
        around: list[str] = []
        for step in self.tape.steps:
            layer: Any = step.layer
            path = self.paths.get(id(layer))
            if path == "" or not isinstance(layer, Module):
                continue
            if path is not None:
                yield from self._opened(around, path.split(".")[:-1])
                around = path.split(".")[:-1]
            place = ".".join(around) if path is None else path
            depth = len(around) + 1
            named = path is not None
            yield self._line(place, layer, depth, self._outputs(step), self._products(step), named)
        yield from self._not_called()

    def _opened(self, before: Sequence[str], around: Sequence[str]) -> Iterator[LayerLine]:
        """Yield lines of the Modules that a step is in and the step before it was not."""
        same = 0
        while same < min(len(before), len(around)) and before[same] == around[same]:
            same += 1
        for depth in range(same + 1, len(around) + 1):
            path = ".".join(around[:depth])
            yield self._line(path, self.model.get_submodule(path), depth, (), 0)

    def _not_called(self) -> Iterator[LayerLine]:
        """Yield lines of what has parameters and has no line yet."""
        for path, module in self.model.named_modules():
            own = [p for p in module._parameters.values() if p is not None]
            if any(id(parameter) not in self.counted for parameter in own):
                line = self._line(path, module, path.count(".") + 1, (), 0)
                yield replace(line, called=False)

    def _line(
        self,
        path: str,
        module: Module,
        depth: int,
        outputs: Sequence[Spec],
        products: int,
        named: bool = True,
    ) -> LayerLine:
        """Return the line of a Module, and count its own parameters."""
        own = [parameter for parameter in module._parameters.values() if parameter is not None]
        new = [parameter for parameter in own if id(parameter) not in self.counted]
        self.counted.update(map(id, new))
        return LayerLine(
            path,
            type(module).__name__,
            depth,
            named,
            tuple(spec.shape for spec in outputs),
            sum(parameter.size for parameter in new),
            sum(parameter.size for parameter in new if parameter.requires_grad),
            len(new) < len(own),
            True,
            sum(spec.nbytes for spec in outputs),
            products,
        )

    def _outputs(self, step: Step) -> list[Spec]:
        """Return the specs of what a step computes."""
        return [self.specs[slot] for slot in step.writes]

    def _products(self, step: Step) -> int:
        """Return the number of multiplications in a step's matrix products."""
        shapes = [() if slot is None else self.specs[slot].shape for slot in step.reads]
        size = math.prod(self.specs[step.writes[0]].shape)
        if isinstance(step.layer, (Linear, MatMul)):
            return size * shapes[0][-1]
        if isinstance(step.layer, Bilinear):
            # The products of the first operand with the weight, then those with the second.
            rows = math.prod(shapes[0][:-1])
            return rows * math.prod(shapes[2]) + size * shapes[1][-1]
        return 0


def _input_specs(inputs: Sequence[Any], dtypes: Sequence[Any] | None) -> list[Spec]:
    """Return specs of inputs that are given as shapes or as arrays."""
    if dtypes is not None and len(dtypes) != len(inputs):
        raise TypeError(
            f"summary: expected a dtype an input, got {len(dtypes)} for {len(inputs)} inputs"
        )
    specs = []
    for given, dtype in zip(inputs, dtypes or [None] * len(inputs), strict=True):
        if _is_shape(given):
            specs.append(Spec(tuple(map(int, given)), np.dtype(dtype or np.float32)))
        else:
            array = real_array(given, "summary", "inputs")
            specs.append(Spec(array.shape, np.dtype(dtype or array.dtype)))
    return specs


def _is_shape(given: Any) -> bool:
    """Whether an input is a shape: integers in a tuple or list."""
    return isinstance(given, (tuple, list)) and all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 0 for n in given
    )


def _shapes(shapes: Sequence[Shape]) -> str:
    """Return shapes in words."""
    return ", ".join(map(shape_text, shapes))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return a line of cells, those with numbers on the right."""
    left = "  ".join(cell.ljust(n) for cell, n in zip(cells[:2], widths[:2], strict=True))
    right = "  ".join(cell.rjust(n) for cell, n in zip(cells[2:], widths[2:], strict=True))
    return f"{left}  {right}".rstrip()
