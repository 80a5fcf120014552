"""Checks of what outlasts a call: states, modes, effects."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np

from npnet.check.case import Case
from npnet.check.checks.values import compared
from npnet.check.comparing import Disagreement, same
from npnet.check.running import outputs_of, run
from npnet.graph import Graph
from npnet.layers.base import Elementwise
from npnet.parameter import Array
from npnet.random import default_generator

__all__ = ["Fails", "check_effects", "check_modes", "check_state", "lasting"]


class Fails(Elementwise):
    """A step that never succeeds."""

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Raise."""
        raise ArithmeticError("on purpose")


def lasting(module: Any) -> list[Any]:
    """Return what outlasts a call: parameters, buffers, and the places of random streams."""
    generators = [getattr(part, "generator", None) for part in module.modules()]
    arrays = [*(p.data for p in module.parameters()), *module.buffers()]
    marks = [g.mark() for g in (default_generator(), *generators) if g is not None]
    return [*((a.tolist(), a.dtype) for a in arrays), *marks]


def check_state(case: Case) -> None:
    """Hold what a state, a copy and a pickle carry over to the layer itself."""
    layer, arrays = case.make(), case.arrays()
    expected = run(layer, arrays)
    other = _made_anew(case)
    random = np.random.default_rng(6)
    for parameter in other.parameters():
        parameter.data = random.normal(size=parameter.shape)
    loaded = other.load_state_dict(layer.state_dict())
    if loaded.missing_keys or loaded.unexpected_keys:
        raise Disagreement(f"the state of one does not fit the other: {loaded}")
    if repr(other) != repr(layer):
        raise Disagreement(f"{other!r} is printed as {layer!r}")
    same(run(other, arrays), expected, "state_dict")
    same(run(copy.deepcopy(layer), arrays), expected, "copy")
    same(run(pickle.loads(pickle.dumps(layer)), arrays), expected, "pickle")


def _made_anew(case: Case) -> Any:
    """Return another layer of the kind, made as the first was; the random stream stays."""
    stream = default_generator()
    before = stream.mark()
    try:
        return (case.anew or case.make)()
    finally:
        stream.rewind(before)


def check_effects(case: Case) -> None:
    """Let a later step fail: nothing changes; let none fail: what it says changes, no more."""
    layer, arrays = case.make(), case.arrays()
    before = lasting(layer)
    graph = Graph()
    found = layer(*(graph.input(f"x{i}") for i in range(len(arrays))))
    nodes = found if isinstance(found, tuple) else (found,)
    graph.output(Fails()(nodes[0]), *nodes[1:])
    for _ in range(2):
        try:
            graph(*arrays)
        except ArithmeticError:
            if lasting(layer) != before:
                raise Disagreement("a call that failed has changed what outlasts it") from None
        else:
            raise Disagreement("a step that fails did not run")
    layer(*arrays)
    effects = any(p.has_effects() for p in layer.modules() if hasattr(p, "has_effects"))
    if (lasting(layer) != before) != effects:
        raise Disagreement(f"has_effects() is {effects}")
    layer.execution.ran.undo()
    if lasting(layer) != before:
        raise Disagreement("restore does not put back what forward changed")


def check_modes(case: Case) -> None:
    """Run in the other mode: the same numbers, or right ones of its own; and back, as before."""
    layer, arrays = case.make(), case.arrays()
    expected = run(layer, arrays)
    other = copy.deepcopy(layer).train(not layer.training)
    found = run(other, arrays)
    if case.modes_differ:
        pairs = zip(found.outputs, expected.outputs, strict=True)
        if not any((a != b).any() for a, b in pairs):
            raise Disagreement("both modes give the same")
        compared(_of(case, other), case.batch)
        same(run(layer.train(other.training), arrays), found, "the other mode, once more")
    else:
        same(found, expected, "the other mode")
        same(run(layer.train(other.training), arrays), expected, "the other mode")
    same(run(layer.train(not other.training), arrays), expected, "the first mode")
    outputs_of(layer, arrays)


def _of(case: Case, layer: Any) -> Case:
    """Return the case of another layer."""
    return Case(case.name, lambda: layer, case.operands, batch=case.batch, dtype=case.dtype)
