"""What a forward changes beside its outputs, and what the mode changes."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

import npnet
from npnet.layers.base import Elementwise
from npnet.random import default_generator
from tests.support.case import BATCH, Array, Case, outputs_of, run, same

__all__ = ["Fails", "check_effects", "check_modes", "lasting"]


class Fails(Elementwise):
    """A step that never succeeds."""

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        raise ArithmeticError("on purpose")


def lasting(module: Any) -> list[Any]:
    """Return what outlasts a call: parameters, buffers, and the places of random streams."""
    generators = [getattr(part, "generator", None) for part in module.modules()]
    arrays = [*(p.data for p in module.parameters()), *module.buffers()]
    marks = [g.mark() for g in (default_generator(), *generators) if g is not None]
    return [*((a.tolist(), a.dtype) for a in arrays), *marks]


def check_effects(case: Case) -> None:
    """A forward that fails in a later step changes nothing; another only what it says it does."""
    layer, arrays = case.make(), case.arrays()
    before = lasting(layer)
    graph = npnet.Graph()
    found = layer(*(graph.input(f"x{i}") for i in range(len(arrays))))
    nodes = found if isinstance(found, tuple) else (found,)
    graph.output(Fails()(nodes[0]), *nodes[1:])
    for _ in range(2):
        try:
            graph(*arrays)
        except ArithmeticError:
            assert lasting(layer) == before, "a call that failed has changed what outlasts it"
        else:
            raise AssertionError("a step that fails did not run")
    layer(*arrays)
    changed = lasting(layer) != before
    assert changed == layer.has_effects(), f"has_effects() is {layer.has_effects()}"
    layer.execution.ran.undo()
    assert lasting(layer) == before, "restore does not put back what forward changed"


def check_modes(case: Case) -> None:
    """The other mode gives the same numbers, or right ones of its own; back is as before."""
    layer, arrays = case.make(), case.arrays()
    expected = run(layer, arrays)
    other = copy.deepcopy(layer).train(not layer.training)
    found = run(other, arrays)
    if case.modes_differ:
        assert any((a != b).any() for a, b in zip(found.outputs, expected.outputs, strict=True))
        npnet.gradcheck(other, *case.arrays(BATCH, np.float64))
        same(run(layer.train(other.training), arrays), found, "the other mode, once more")
    else:
        same(found, expected, "the other mode")
        same(run(layer.train(other.training), arrays), expected, "the other mode")
    same(run(layer.train(not other.training), arrays), expected, "the first mode")
    assert outputs_of(layer, arrays)
