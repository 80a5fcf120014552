"""Checks of a layer among others: several readers, operands that are Parameters, parts alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any

import numpy as np

from npnet.check.case import Case
from npnet.check.comparing import Disagreement, Skipped, close, equal, same, total
from npnet.check.running import Ran, backward_of, outputs_of, run, seeds_for
from npnet.graph import Graph
from npnet.parameter import Array, Parameter

__all__ = ["check_parameters", "check_parts", "check_used_twice"]

_ASSIGNS = (
    "`=` where `+=` is meant: where a value is read twice its gradient is the sum of what both "
    "readers give"
)
_KEPT = "stale buffer: what one call needs is kept where the next call writes it"


def check_used_twice(case: Case) -> None:
    """Hold gradients to sums, where a layer is used several times in one Graph."""
    if case.draws:
        raise Skipped("forward draws random numbers, other ones in each use")
    layer = case.make()
    if case.is_function:
        _interleaved(case, layer)
        return
    graph, uses = Graph(), [case.arrays(seed=0), case.arrays(seed=4)]
    nodes = [
        [graph.input(f"x{i}{j}", a.dtype.kind == "f") for j, a in enumerate(arrays)]
        for i, arrays in enumerate(uses)
    ]
    for given in (*nodes, nodes[0]):
        found = layer(*given)
        graph.output(*(found if isinstance(found, tuple) else (found,)))
    alone = [outputs_of(layer, arrays) for arrays in (*uses, uses[0])]
    seeds = [seeds_for(outputs, 5 + i) for i, outputs in enumerate(alone)]
    parts = [run(layer, a, s) for a, s in zip((*uses, uses[0]), seeds, strict=True)]
    together = outputs_of(graph, [*uses[0], *uses[1]])
    for y, z in zip(together, [y for part in parts for y in part.outputs], strict=True):
        equal(y, z, "output in a graph", cause=_KEPT)
    gradients = backward_of(graph, [s for each in seeds for s in each])
    _sums(case, parts, gradients, len(nodes[0]))


def _sums(case: Case, parts: list[Ran], gradients: Ran, width: int) -> None:
    """Hold gradients of three uses to the sums of what each gives alone."""

    def hold(found: Array | None, several: Sequence[Array | None], name: str, what: str) -> None:
        """Hold one gradient to a sum; what it equals instead says what went wrong."""
        cause = _ASSIGNS if _is_part(found, several) else _KEPT
        operand = f"gradient of {name}"
        close(found, total(several), what, case.ulps, cause=cause, operand=operand)

    for j, first in enumerate(parts[0].inputs):
        again, name = parts[2].inputs[j], parts[0].names[j]
        if first is not None and again is not None:
            other = [parts[1].inputs[j]]
            hold(gradients.inputs[width + j], other, name, "beside other uses")
            hold(gradients.inputs[j], [first, again], name, "read twice")
    names = parts[0].names[width:]
    for i, found in enumerate(gradients.parameters):
        each = [part.parameters[i] for part in parts]
        hold(found, each, names[i], "read thrice")


def _is_part(found: Array | None, several: Sequence[Array | None]) -> bool:
    """Whether a gradient is the sum of some contributions, not all."""
    there = [a for a in several if a is not None]
    parts = chain.from_iterable(combinations(there, n) for n in range(1, len(there)))
    return found is not None and any(np.allclose(found, total(part)) for part in parts)


def _interleaved(case: Case, layer: Any) -> None:
    """Hold the backward of a first call to what it is, after a second call."""
    if layer.keeps_state:
        raise Skipped("a pair (forward, backward) keeps what it needs of the last call only")
    uses = (0, 4)
    seeds = [seeds_for(outputs_of(layer, case.arrays(seed=use)), 5) for use in uses]
    parts = [run(layer, case.arrays(seed=u), s) for u, s in zip(uses, seeds, strict=True)]
    calls = []
    for use in uses:
        outputs_of(layer, case.arrays(seed=use))
        calls.append(layer.call)
    for call, part, seed in zip(calls, parts, seeds, strict=True):
        layer.call = call
        found = backward_of(layer, seed)._replace(outputs=part.outputs)
        same(found, part, "backward after another forward", _KEPT)


def check_parameters(case: Case) -> None:
    """Feed Parameters as operands, in any order of memory, before and after a step."""
    layer, graph = case.make(), Graph()
    operands: list[Any] = [
        Parameter(a.copy(order="F")) if a.dtype.kind == "f" else graph.input(f"x{i}")
        for i, a in enumerate(case.arrays())
    ]
    found = layer(*operands)
    graph.output(*(found if isinstance(found, tuple) else (found,)))
    for arrays in (case.arrays(), case.arrays(seed=7)):
        expected = run(layer, arrays)
        for operand, array in zip(operands, arrays, strict=True):
            if array.dtype.kind == "f":
                operand.data = array
        outputs = outputs_of(graph, [a for a in arrays if a.dtype.kind != "f"])
        for y, z in zip(outputs, expected.outputs, strict=True):
            close(y, z, "output of Parameters", case.ulps)
        graph.execution.backward(seeds_for(outputs), ())
        for operand, gradient in zip(operands, expected.inputs, strict=True):
            if gradient is not None:
                close(operand.grad, gradient, "gradient of a Parameter as operand", case.ulps)
        graph.zero_grad()


def check_parts(case: Case) -> None:
    """Ask for each gradient alone: it is the same; add those of each output: they are linear."""
    layer, arrays = case.make(), case.arrays()
    whole = run(layer, arrays)
    seeds = seeds_for(whole.outputs)
    for i, gradient in enumerate(whole.inputs):
        if gradient is not None:
            alone = backward_of(layer, seeds, (i,))
            equal(alone.inputs[0], gradient, f"gradient of {whole.names[i]} alone")
    only = backward_of(layer, seeds, ())
    same(whole._replace(parameters=only.parameters), whole, "parameters without inputs")
    for trained in [None, *layer.parameters()]:
        layer.requires_grad_(False)
        if trained is not None:
            trained.requires_grad = True
        found = run(layer, arrays)
        same(found._replace(parameters=whole.parameters), whole, "frozen parameters")
        for p, g, w in zip(layer.parameters(), found.parameters, whole.parameters, strict=True):
            if p is trained:
                equal(g, w, f"gradient of {p.name} alone")
            elif g is not None:
                raise Disagreement(f"{p.name} is frozen and has a gradient")
    layer.requires_grad_(True)
    if len(seeds) > 1:
        _one_output_each(case, layer, arrays, seeds, whole)


def _one_output_each(
    case: Case, layer: Any, arrays: list[Array], seeds: list[Array], whole: Ran
) -> None:
    """Hold gradients to the sums of what each output's gradient gives."""
    outputs_of(layer, arrays)
    alones = [
        backward_of(layer, [s if i == k else None for i, s in enumerate(seeds)])
        for k in range(len(seeds))
    ]
    for i, gradient in enumerate(whole.inputs):
        parts = [a.inputs[i] for a in alones]
        if gradient is not None:
            close(total(parts), gradient, "one output's gradient each", case.ulps)
