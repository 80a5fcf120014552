"""Checks of memory: what is read only, what is left over, what is allocated."""

from __future__ import annotations

import copy
import math
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from npnet import memory, plan
from npnet.check.case import Case
from npnet.check.checks.later import hold_later_calls
from npnet.check.comparing import Disagreement, Skipped, equal, same
from npnet.check.function_subject import empty_memory, written_to
from npnet.check.running import Ran, backward_of, outputs_of, run, seeds_for, sweep_back
from npnet.kernel import Spec
from npnet.layers.base import Elementwise
from npnet.parameter import Array
from npnet.plan import Plan
from npnet.tape import Input, Node, Tape

__all__ = [
    "Spoiler",
    "check_allocations",
    "check_plans",
    "check_repeats",
    "check_stale_memory",
    "check_untouched",
]


@contextmanager
def replaced(place: Any, name: str, value: Any) -> Iterator[None]:
    """Have an attribute be something else for a while."""
    before = getattr(place, name)
    try:
        setattr(place, name, value)
        yield
    finally:
        setattr(place, name, before)


def check_untouched(case: Case) -> None:
    """Hold inputs, parameters and output gradients to what they were."""
    layer, arrays = case.make(), case.arrays()
    if case.is_function:
        seeds = seeds_for(outputs_of(layer, [a.copy() for a in arrays]))
        for name, why in written_to(layer, arrays, seeds):
            raise Disagreement(f"{name} has changed: {why}", name, cause=why)
    else:
        # The arrays themselves are read, no copies of small ones.
        with replaced(plan, "COPIED", -1):
            _untouched_by_module(layer, arrays)


def _untouched_by_module(layer: Any, arrays: list[Array]) -> None:
    """Hold what a Module reads to what it was."""
    before = [a.copy() for a in arrays]
    seeds = seeds_for(outputs_of(layer, arrays))
    state = {name: p.data.copy() for name, p in layer.named_parameters()}
    given = [s.copy() for s in seeds]
    first = run(layer, arrays, seeds)
    why = "is written to; kernels write into out and the gradients"
    for name, a, b in zip(first.names, arrays, before, strict=False):
        equal(a, b, f"the array passed as {name} has changed", cause=f"the operand itself {why}")
    for a, b in zip(seeds, given, strict=True):
        equal(a, b, "the output gradient has changed", cause=f"the output gradient {why}")
    for name, parameter in layer.named_parameters():
        what = f"{name} has changed"
        equal(parameter.data, state[name], what, cause=f"the operand itself {why}")
    for array in (*arrays, *seeds):
        array.flags.writeable = False
    same(run(layer, arrays, seeds), first, "read-only arrays")
    _output_gradient_untouched(layer, arrays, seeds, f"the output gradient {why}")


def _output_gradient_untouched(
    layer: Any, arrays: list[Array], seeds: list[Array], cause: str
) -> None:
    """Hold the gradients that arrive at the outputs, as a Graph keeps them, to what they were."""
    ran = layer.execution.ran
    tape = ran.tape
    floating = (spec.dtype for spec in ran.inputs if spec.dtype.kind == "f")
    dtype = layer.computing_dtype() or next(floating, np.dtype(np.float32))
    kept = Plan(tape, ran.inputs, dtype, retain=True)
    kept.forward([np.asarray(a, s.dtype) for a, s in zip(arrays, ran.inputs, strict=True)])
    kept.undo()
    swept = sweep_back(kept, seeds, frozenset(tape.inputs))
    layer.zero_grad()
    if len(set(tape.outputs)) < len(seeds):
        return
    for slot, seed in zip(tape.outputs, seeds, strict=True):
        if slot in swept.gradients and not tape.readers[slot]:
            what = "the gradient kept of an output has changed"
            equal(swept.gradients[slot], seed, what, cause=cause)


@contextmanager
def filled_memory(byte: int, layer: Any = None) -> Iterator[None]:
    """Have plans made meanwhile start from memory of one byte; 255 is NaN in any floating dtype.

    So does the memory for the gradients of a layer's parameters.
    """
    for parameter in () if layer is None else layer.parameters():
        parameter.buffer.fill(math.nan if byte else 0.0)
    fresh = memory._aligned

    def filled(size: int) -> Array:
        """Return bytes that are all the same."""
        found = fresh(size)
        found.fill(byte)
        return found

    with replaced(memory, "_aligned", filled):
        yield


def check_stale_memory(case: Case) -> None:
    """Run in memory full of NaN: what it held before makes no difference."""
    layer = case.make()
    if case.is_function:
        cause = "stale buffer: part of what np.empty gave is read and was never written"
        with empty_memory(0.0):
            expected = run(layer, case.arrays())
        with empty_memory(math.nan):
            found = run(layer, case.arrays())
    else:
        cause = "stale buffer: it reads memory that it has not written"
        other = copy.deepcopy(layer)
        with filled_memory(0, layer):
            expected = run(layer, case.arrays())
        with filled_memory(255, other):
            found = run(other, case.arrays())
    for (name, array), (_, right) in zip(found.all(), expected.all(), strict=True):
        if array is None or right is None:
            continue
        if (~np.isfinite(array) & np.isfinite(right)).any():
            raise Disagreement(f"{name} has NaN from memory", name, cause=cause)
    same(found, expected, "spoilt memory", cause)


def check_repeats(case: Case) -> None:
    """Call again, with others between: the same bits; and earlier results stay as they are."""
    layer = case.make()
    # Made again, a layer may draw other weights.
    fresh = case.make if case.is_function else partial(copy.deepcopy, copy.deepcopy(layer))
    # What others left may be NaN, and hide what is added to it.
    with filled_memory(0, None if case.is_function else layer):
        _repeats(case, layer, fresh)


def _repeats(case: Case, layer: Any, fresh: Callable[[], Any]) -> None:
    """Hold a call to what it gave before others."""
    first = run(layer, case.arrays())
    copies = copy.deepcopy(first)
    cause = "stale buffer: something is kept from one call to the next"
    if case.is_function:
        again = backward_of(layer, seeds_for(first.outputs))
        cause = "stale buffer: backward changes what it remembers of forward"
        same(again._replace(outputs=copies.outputs), copies, "backward called twice", cause)
        cause = "stale buffer: something is kept from one call to the next"
    run(layer, case.arrays(seed=2), seeds_for(first.outputs, 3))
    if case.batched:
        run(layer, case.arrays(2))
    shared = "a result shares memory with what a later call writes to; return a copy"
    same(first, copies, "results of an earlier call", shared)
    same(run(layer, case.arrays()), copies, "second call", cause)
    hold_later_calls(case, layer, fresh)


def check_allocations(case: Case) -> None:
    """Measure a step, once planned: it allocates nothing large but the copies it returns."""
    if not case.batched:
        raise Skipped("there are no rows")
    width = sum(a[:1].size for a, d in zip(case.arrays(1), case.operands, strict=True) if d.batched)
    layer, arrays = case.make(), case.arrays(2**18 // width + 1)
    outputs = outputs_of(layer, arrays)
    seeds = seeds_for(outputs)
    ran = layer.execution.ran
    wanted = frozenset(ran.tape.inputs)
    for _ in range(2):
        sweep_back(ran, seeds, wanted)
        layer.zero_grad()
    tracemalloc.start()
    try:
        ran.forward(arrays)
        sweep_back(ran, seeds, wanted)
        allocated = tracemalloc.get_traced_memory()[1] - sum(y.nbytes for y in outputs)
    finally:
        tracemalloc.stop()
    largest = max(a.nbytes for a in arrays)
    if allocated >= largest / 4:
        raise Disagreement(f"a step allocates {allocated} bytes for {largest} of operands")


class Spoiler(Elementwise):
    """y = 2 x, in place, and whatever lies in shared memory is NaN after."""

    backward_reads = frozenset()
    in_place = True

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Ask for more room than anybody else."""
        size = max(4096, 4 * math.prod(x.shape) * 8)
        return {f"junk{i}": Spec((size,), np.dtype(np.uint8)) for i in range(24)}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = 2 x."""
        np.multiply(x, 2.0, out=out)
        self.spoil(scratch)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = 2 dy."""
        np.multiply(dy, 2.0, out=dx)
        self.spoil(scratch)

    @staticmethod
    def spoil(scratch: Any) -> None:
        """Fill the room with NaN."""
        for array in vars(scratch).values():
            array.fill(255)


def halved(array: Array) -> Array:
    """Return half of each number, in the same dtype."""
    return np.asarray(np.asarray(array) / 2).astype(array.dtype)


def check_plans(case: Case) -> None:
    """Run between neighbours that write over all they may by what is declared: nothing changes."""
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
        tape = Tape(outputs, inputs)
        made = Plan(tape, specs, np.dtype(case.dtype), keep=keep, retain=retain)
        for _ in range(2):
            _hold_plan(made, layer, fed, seeds, expected)


def _hold_plan(made: Plan, layer: Any, fed: list[Array], seeds: list[Array], expected: Ran) -> None:
    """Run a plan between Spoilers and hold it to what the layer gives alone."""
    what = f"plan with keep={made.keep}, retain={made.retain}"
    results = made.forward(fed)
    made.undo()
    results = results if isinstance(results, tuple) else (results,)
    for y, z in zip(results, expected.outputs, strict=True):
        equal(halved(y), z, what)
    if made.keep:
        layer.zero_grad()
        tape = made.tape
        swept = sweep_back(made, seeds, frozenset(tape.inputs)).gradients
        gradients = [halved(swept[i]) if i in swept else None for i in tape.inputs]
        parameters = [p.grad for p in layer.parameters()]
        same(expected._replace(inputs=gradients, parameters=parameters), expected, what)
