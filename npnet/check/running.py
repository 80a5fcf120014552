"""Running: one forward and backward pass of what is checked, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.check.function import Function
from npnet.parameter import Array
from npnet.plan import Plan
from npnet.sweep import Sweep

__all__ = ["Ran", "backward_of", "outputs_of", "run", "seeds_for", "sweep_back"]


class Ran(NamedTuple):
    """What one forward and backward gave: outputs, inputs' gradients, parameters' gradients.

    `names` are those of inputs and parameters, in this order.
    """

    outputs: list[Array]
    inputs: list[Array | None]
    parameters: list[Array | None]
    names: tuple[str, ...]

    def all(self) -> Iterator[tuple[str, Array | None]]:
        """Yield every array with its name."""
        several = len(self.outputs) > 1
        yield from ((f"output {i}" if several else "y", a) for i, a in enumerate(self.outputs))
        gradients = (*self.inputs, *self.parameters)
        for name, array in zip(self.names, gradients, strict=True):
            yield f"gradient of {name}", array


def seeds_for(outputs: Sequence[Array], seed: int = 1) -> list[Array]:
    """Return an output gradient of random numbers, none of them 1."""
    random = np.random.default_rng(seed)
    return [np.asarray(random.normal(size=y.shape)).astype(y.dtype) for y in outputs]


def outputs_of(layer: Any, arrays: Sequence[Any]) -> list[Array]:
    """Run forward, each time from the same random numbers and buffers."""
    if isinstance(layer, Function):
        return layer.outputs(arrays)
    found = layer(*arrays)
    layer.execution.ran.undo()
    return [np.asarray(y) for y in (found if isinstance(found, tuple) else (found,))]


def backward_of(layer: Any, seeds: Sequence[Any], inputs: Sequence[int] | None = None) -> Ran:
    """Run backward from no gradients; inputs are positions, None for all."""
    if isinstance(layer, Function):
        found = layer.gradients(seeds)
        asked = range(len(found)) if inputs is None else inputs
        return Ran([], [found[i] for i in asked], [], tuple(layer.names[i] for i in asked))
    layer.zero_grad()
    gradients = layer.execution.backward(seeds, None if inputs is None else tuple(inputs))
    parameters = [None if p.grad is None else p.grad.copy() for p in layer.parameters()]
    layer.zero_grad()
    tape = layer.execution.ran.tape
    asked = range(len(tape.inputs)) if inputs is None else inputs
    names = [tape.slots[tape.inputs[i]].source.name for i in asked]
    names += [name for name, _ in layer.named_parameters()]
    arrays = [None if g is None else np.asarray(g) for g in gradients]
    return Ran([], arrays, parameters, tuple(names))


def run(layer: Any, arrays: Sequence[Any], seeds: Sequence[Any] | None = None) -> Ran:
    """Run forward and backward."""
    outputs = outputs_of(layer, arrays)
    ran = backward_of(layer, seeds_for(outputs) if seeds is None else seeds)
    return ran._replace(outputs=outputs)


def sweep_back(plan: Plan, gradients: Sequence[Any], wanted: frozenset[int] = frozenset()) -> Sweep:
    """Run a plan backward from the outputs' gradients (None: none); return the sweep."""
    sweep = plan.sweep(tuple(g is not None for g in gradients), wanted)
    plan.run(sweep, [g for g in gradients if g is not None])
    return sweep
