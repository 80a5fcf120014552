"""What every layer holds to, whatever it computes."""

from __future__ import annotations

import copy
import math
import pickle
import tracemalloc
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np

import npnet
from npnet import memory
from npnet.faults import as_dtype
from npnet.plan import Plan
from npnet.tape import Input, Node, Spec, Tape
from tests.support.case import (
    BATCH,
    Array,
    Case,
    Draw,
    Spoiler,
    backward_of,
    close,
    outputs_of,
    run,
    same,
    seeds_for,
    sweep_back,
    total,
)
from tests.support.effects import check_effects, check_modes

__all__ = ["CHECKS", "Case", "ContractError", "Draw", "check_layer"]


class ContractError(AssertionError):
    """What a layer does not hold to; `failures` has the errors by check."""

    def __init__(self, case: Case, failures: dict[str, Exception]) -> None:
        lines = [f"{name}: {error}" for name, error in failures.items()]
        super().__init__(f"{case.name}: " + "\n".join(lines))
        self.failures = failures


def check_layer(case: Case) -> None:
    """Hold a layer to the whole contract.

    Errors
    ------
    ContractError
        With all that it does not hold to.
    """
    failures: dict[str, Exception] = {}
    for check in CHECKS:
        try:
            check(case)
        except Exception as error:
            failures[check.__name__.removeprefix("check_")] = error
    if failures:
        raise ContractError(case, failures) from next(iter(failures.values()))


# ---------------------------------------------------------------------- checks


def check_gradients(case: Case) -> None:
    """The gradients of all inputs and parameters agree with central differences in float64."""
    for batch in (BATCH, 1) if case.batched else (BATCH,):
        npnet.gradcheck(case.make(), *case.arrays(batch, np.float64))


def check_rows(case: Case) -> None:
    """A batch gives for each row what the row gives alone."""
    if case.rows_interact or not case.batched:
        return
    layer, arrays = case.make(), case.arrays()
    whole = run(layer, arrays)
    seeds = seeds_for(whole.outputs)
    for row in range(BATCH):
        part = slice(row, row + 1)
        alone = run(
            layer,
            [a[part] if d.batched else a for a, d in zip(arrays, case.operands, strict=True)],
            [s[part] for s in seeds],
        )
        for i, y in enumerate(whole.outputs):
            close(alone.outputs[i], y[part], f"row {row} of output {i}")
        for i, (draw, gradient) in enumerate(zip(case.operands, whole.inputs, strict=True)):
            if draw.batched and gradient is not None:
                close(alone.inputs[i], gradient[part], f"row {row} of gradient {i}")


def check_empty(case: Case) -> None:
    """No rows give outputs without rows (of scalars 0, or NaN for a mean) and gradients of 0."""
    if not case.batched:
        return
    layer, arrays = case.make(), case.arrays(0)
    ran = run(layer, arrays)
    some = outputs_of(layer, case.arrays(BATCH))
    for y, z in zip(ran.outputs, some, strict=True):
        assert y.ndim == z.ndim, f"output has shape {y.shape}, with rows {z.shape}"
        wrong = ~np.isnan(y) if case.empty_is_nan else ~np.isfinite(y)
        assert not wrong.any(), f"output {y} without rows"
    for array, draw, gradient in zip(arrays, case.operands, ran.inputs, strict=True):
        if gradient is not None:
            assert gradient.shape == array.shape, f"gradient of shape {gradient.shape}"
            assert draw.batched or not gradient.any(), f"gradient {gradient} without rows"
    for gradient in ran.parameters:
        assert gradient is not None and not gradient.any(), f"gradient {gradient} without rows"


@mock.patch("npnet.plan.COPIED", -1)  # the arrays themselves are read, no copies of small ones
def check_untouched(case: Case) -> None:
    """Inputs, parameters and output gradients are read only."""
    layer, arrays = case.make(), case.arrays()
    before = [a.copy() for a in arrays]
    state = {name: p.data.copy() for name, p in layer.named_parameters()}
    seeds = seeds_for(outputs_of(layer, arrays))
    given = [s.copy() for s in seeds]
    first = run(layer, arrays, seeds)
    for i, (a, b) in enumerate(zip([*arrays, *seeds], [*before, *given], strict=True)):
        np.testing.assert_array_equal(a, b, err_msg=f"array {i} that was passed has changed")
    for name, parameter in layer.named_parameters():
        np.testing.assert_array_equal(parameter.data, state[name], err_msg=f"{name} has changed")
    for array in (*arrays, *seeds):
        array.flags.writeable = False
    same(run(layer, arrays, seeds), first, "read-only arrays")


def check_stale_memory(case: Case) -> None:
    """What memory held before makes no difference: all of it is NaN."""
    fresh = memory._aligned

    def spoilt(size: int) -> Array:
        """Return bytes that are NaN in any floating dtype."""
        found = fresh(size)
        found.fill(255)
        return found

    layer, arrays = case.make(), case.arrays()
    expected = run(layer, arrays)
    other = copy.deepcopy(layer)
    for parameter in other.parameters():
        parameter.buffer.fill(math.nan)
    with mock.patch.object(memory, "_aligned", spoilt):
        found = run(other, arrays)
    for name, array in found.all():
        assert array is None or np.isfinite(array).all(), f"{name} has NaN from memory: {array}"
    same(found, expected, "spoilt memory")


def check_repeats(case: Case) -> None:
    """A call gives the same bits again, whatever was computed between; results stay as they are."""
    layer, arrays = case.make(), case.arrays()
    first = run(layer, arrays)
    copies = copy.deepcopy(first)
    run(layer, case.arrays(seed=2), seeds_for(first.outputs, 3))
    run(layer, case.arrays(2))
    same(run(layer, arrays), copies, "second call")
    same(first, copies, "results of an earlier call")


def check_layouts(case: Case) -> None:
    """The order in memory of inputs and output gradients makes no difference."""
    layer, arrays = case.make(), case.arrays()
    expected = run(layer, arrays)
    seeds = seeds_for(expected.outputs)
    for name, relaid in LAYOUTS.items():
        given = [relaid(a) for a in arrays]
        same(run(layer, given, [relaid(s) for s in seeds]), expected, f"{name} arrays")


def _strided(a: Array) -> Array:
    """Return every second number of a larger array."""
    wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]) if a.ndim else (), a.dtype)
    view = wide[..., ::2] if a.ndim else wide
    view[...] = a
    return view


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "C": lambda a: a.copy(order="C"),
    "Fortran": lambda a: a.copy(order="F"),
    "strided": _strided,
    "reversed": lambda a: np.flip(np.flip(a).copy()),
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
}


def check_dtypes(case: Case) -> None:
    """Float32 and float64 each stay what they are, and agree."""
    ran = {}
    layer = case.make()
    for dtype in (np.float32, np.float64):
        ran[dtype] = run(as_dtype(layer, dtype), case.arrays(dtype=dtype))
        for name, array in ran[dtype].all():
            assert array is None or array.dtype == dtype, f"{name} of {dtype} is {array.dtype}"
    seeds = seeds_for(ran[np.float32].outputs)
    exact = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in case.arrays()]
    wide = run(as_dtype(layer, np.float64), exact, [s.astype(np.float64) for s in seeds])
    size = max(float(np.max(np.abs(s), initial=0.0)) for s in seeds)
    for (name, a), (_, b) in zip(ran[np.float32].all(), wide.all(), strict=True):
        if a is not None and b is not None:
            close(a, b.astype(np.float32), f"{name} in float32 and float64", size=size)


def check_used_twice(case: Case) -> None:
    """Used several times in one Graph, on other operands and on the same, gradients add up."""
    if case.draws:
        return
    layer, graph = case.make(), npnet.Graph()
    uses = [case.arrays(seed=0), case.arrays(seed=4)]
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
        np.testing.assert_array_equal(y, z, err_msg="output in a graph")
    gradients = backward_of(graph, [s for each in seeds for s in each])
    for j, first in enumerate(parts[0].inputs):
        again = parts[2].inputs[j]
        if first is not None and again is not None:
            close(gradients.inputs[j], first + again, f"gradient of input {j}, read twice")
            close(gradients.inputs[len(nodes[0]) + j], parts[1].inputs[j], f"gradient of input {j}")
    for i, found in enumerate(gradients.parameters):
        each = [part.parameters[i] for part in parts]
        close(found, total(each), f"gradient of parameter {i}, read thrice")


def check_parameters(case: Case) -> None:
    """Operands may be Parameters, in whatever order they lie in memory, before and after a step."""
    layer, graph = case.make(), npnet.Graph()
    operands: list[Any] = [
        npnet.Parameter(a.copy(order="F")) if a.dtype.kind == "f" else graph.input(f"x{i}")
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
            close(y, z, "output of Parameters")
        graph.execution.backward(seeds_for(outputs), ())
        for operand, gradient in zip(operands, expected.inputs, strict=True):
            if gradient is not None:
                close(operand.grad, gradient, "gradient of a Parameter as operand")
        graph.zero_grad()


def check_allocations(case: Case) -> None:
    """A step, once planned, allocates nothing large but the copies it returns."""
    if not case.batched:
        return
    width = sum(a[:1].size for a, d in zip(case.arrays(1), case.operands, strict=True) if d.batched)
    layer, arrays = case.make(), case.arrays(2**18 // width + 1)
    outputs = outputs_of(layer, arrays)
    seeds = seeds_for(outputs)
    plan = layer.execution.ran
    assert plan is not None
    wanted = frozenset(plan.tape.inputs)
    for _ in range(2):
        sweep_back(plan, seeds, wanted)
        layer.zero_grad()
    tracemalloc.start()
    try:
        plan.forward(arrays)
        sweep_back(plan, seeds, wanted)
        allocated = tracemalloc.get_traced_memory()[1] - sum(y.nbytes for y in outputs)
    finally:
        tracemalloc.stop()
    largest = max(a.nbytes for a in arrays)
    assert allocated < largest / 4, f"a step allocates {allocated} bytes for {largest} of operands"


def check_state(case: Case) -> None:
    """State, copies and pickles carry the layer over."""
    layer, arrays = case.make(), case.arrays()
    expected = run(layer, arrays)
    other = case.make()
    random = np.random.default_rng(6)
    for parameter in other.parameters():
        parameter.data = random.normal(size=parameter.shape)
    loaded = other.load_state_dict(layer.state_dict())
    assert not loaded.missing_keys and not loaded.unexpected_keys, f"{loaded}"
    assert repr(other) == repr(layer), f"{other!r} is printed as {layer!r}"
    same(run(other, arrays), expected, "state_dict")
    same(run(copy.deepcopy(layer), arrays), expected, "copy")
    same(run(pickle.loads(pickle.dumps(layer)), arrays), expected, "pickle")


def halved(array: Array) -> Array:
    """Return half of each number, in the same dtype."""
    return np.asarray(np.asarray(array) / 2).astype(array.dtype)


def check_plans(case: Case) -> None:
    """What is declared holds: between neighbours that write over all they may, nothing changes."""
    layer, arrays = case.make(), case.arrays()
    expected = run(layer, arrays)
    specs = [Spec(a.shape, a.dtype) for a in arrays]
    inputs = [Node(Input(f"x{i}"), spec=s) for i, s in enumerate(specs)]
    given = [Spoiler()(n) if s.dtype.kind == "f" else n for n, s in zip(inputs, specs, strict=True)]
    found = layer(*given)
    outputs = [Spoiler()(y) for y in (found if isinstance(found, tuple) else (found,))]
    # Both neighbours double: half the operands and half the seeds come out as they were.
    fed = [halved(a) if a.dtype.kind == "f" else a for a in arrays]
    seeds = [halved(s) for s in seeds_for(expected.outputs)]
    for keep, retain in ((True, True), (True, False), (False, False)):
        what = f"plan with keep={keep}, retain={retain}"
        tape = Tape(outputs, inputs)
        plan = Plan(tape, specs, np.dtype(np.float32), keep=keep, retain=retain)
        for _ in range(2):
            results = plan.forward(fed)
            plan.undo()
            results = results if isinstance(results, tuple) else (results,)
            for y, z in zip(results, expected.outputs, strict=True):
                np.testing.assert_array_equal(halved(y), z, err_msg=what)
            if keep:
                layer.zero_grad()
                swept = sweep_back(plan, seeds, frozenset(tape.inputs)).gradients
                gradients = [halved(swept[i]) if i in swept else None for i in tape.inputs]
                parameters = [p.grad for p in layer.parameters()]
                same(expected._replace(inputs=gradients, parameters=parameters), expected, what)


def check_parts(case: Case) -> None:
    """Each gradient is the same whether others are asked for or not; gradients are linear."""
    layer, arrays = case.make(), case.arrays()
    whole = run(layer, arrays)
    seeds = seeds_for(whole.outputs)
    for i, gradient in enumerate(whole.inputs):
        if gradient is not None:
            alone = backward_of(layer, seeds, (i,))
            np.testing.assert_array_equal(alone.inputs[0], gradient, err_msg=f"input {i} alone")
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
                np.testing.assert_array_equal(g, w, err_msg=f"{p.name} alone")
            else:
                assert g is None, f"{p.name} is frozen and has a gradient"
    layer.requires_grad_(True)
    if len(seeds) > 1:
        outputs_of(layer, arrays)
        alones = [
            backward_of(layer, [s if i == k else None for i, s in enumerate(seeds)])
            for k in range(len(seeds))
        ]
        for i, gradient in enumerate(whole.inputs):
            parts = [a.inputs[i] for a in alones]
            if gradient is not None:
                close(total(parts), gradient, "one output's gradient each")


CHECKS: tuple[Callable[[Case], None], ...] = (
    check_gradients,
    check_rows,
    check_empty,
    check_untouched,
    check_stale_memory,
    check_repeats,
    check_layouts,
    check_dtypes,
    check_used_twice,
    check_parameters,
    check_allocations,
    check_state,
    check_modes,
    check_effects,
    check_plans,
    check_parts,
)
