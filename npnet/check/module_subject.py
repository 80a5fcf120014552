"""ModuleSubject: a float64 copy of a Module, in memory that shows what is not written."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from npnet.check.subject import Operand, Subject, same_outputs
from npnet.graph import Graph
from npnet.kernel import Spec
from npnet.module import Module
from npnet.parameter import Array, Parameter
from npnet.plan import Plan

__all__ = ["ModuleSubject", "as_dtype"]


#: Of an output that is NaN throughout where its memory was.
_UNWRITTEN = (
    "stale buffer: nothing is written into out, or memory is read that is not written; a kernel "
    "writes: out[...] = y, or np.sin(x, out=out); what it returns, and out = y, go nowhere"
)


def as_dtype(module: Any, dtype: Any) -> Any:
    """Return a copy of `module` that computes in `dtype`; gradients are not copied."""
    memo: dict[int, Any] = {
        id(p): Parameter(p.data, p.requires_grad, dtype=dtype, name=p.name)
        for p in module.parameters()
    }
    memo.update((id(b), b.astype(dtype)) for b in module.buffers() if b.dtype.kind == "f")
    other = copy.deepcopy(module, memo)
    for part in other.modules():
        if isinstance(part, Graph) and part.dtype is not None:
            part.dtype = np.dtype(dtype)
    return other


class ModuleSubject(Subject):
    """A float64 copy of a Module with inputs of its own.

    Parameters
    ----------
    module, inputs : what to look at; both stay as they are
    output_gradient : array, tuple of them, or None for random ones
    random : np.random.Generator
    """

    def __init__(
        self, module: Module, inputs: Sequence[Any], output_gradient: Any, random: Any
    ) -> None:
        super().__init__(type(module).__name__, inputs, output_gradient, random)
        self.module = as_dtype(module, np.float64)
        held = [*self.inputs, *(p.data for p in self.module.parameters())]
        self._held = [array.copy() for array in held]
        self.first = self.outputs()
        self.operands = [
            Operand(name, array, position)
            for position, (name, array) in enumerate(
                zip(self.input_names(), self.inputs, strict=True)
            )
            if array.dtype.kind == "f"
        ]
        self.operands += [
            Operand(name, p.data, -1, p)
            for name, p in self.module.named_parameters()
            if p.requires_grad
        ]

    @property
    def plan(self) -> Plan:
        """The plan of the last call."""
        plan = self.module.execution.ran
        assert plan is not None
        found: Plan = plan
        return found

    def input_names(self) -> list[str]:
        """Return the names of the inputs on the tape."""
        tape = self.plan.tape
        return [tape.slots[slot].source.name for slot in tape.inputs]

    def numbers(self) -> Iterator[tuple[str, float]]:
        """Yield the attributes of all its parts that are plain numbers."""
        for path, part in self.module.named_modules():
            for name, value in vars(part).items():
                is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
                if is_number and not name.startswith("_"):
                    yield f"{path}.{name}".lstrip("."), float(value)

    def outputs(self) -> list[Array]:
        """Run forward, each time from the same random numbers and buffers."""
        found = self.module(*self.inputs)
        self.plan.undo()
        return [np.asarray(y) for y in (found if isinstance(found, tuple) else (found,))]

    def gradients(
        self, seeds: Sequence[Any], fill: float = math.nan, byte: int = 255, before: float = 1.0
    ) -> list[Any]:
        """Run forward and backward, in arrays that show what a kernel has not written."""
        self.outputs()
        positions = tuple(o.position for o in self.operands if o.parameter is None)
        execution = self.module.execution
        execution.backward([None if s is None else before * s for s in seeds], positions)
        assert self.plan.swept is not None
        for array in self.plan.swept.gradients.values():
            array.fill(fill)
        self._fill_scratch(byte, spare_kept=True)
        self.module.zero_grad()
        found = iter(execution.backward(seeds, positions))
        gradients = [
            next(found) if o.parameter is None else o.parameter.grad for o in self.operands
        ]
        self.module.zero_grad()
        return [
            np.zeros(o.array.shape) if g is None else np.array(g)
            for o, g in zip(self.operands, gradients, strict=True)
        ]

    def misbehaviour(self) -> list[tuple[str, str]]:
        """Return what is wrong with forward and backward themselves: (who, why)."""
        wrong = self._forward_fault()
        if not wrong:
            self.not_finite()
        wrong = wrong or self.backward_fault()
        # A small input is copied into the plan: that is where it would be written to.
        read = [self.plan.value(slot) for slot in self.plan.tape.inputs]
        read += [parameter.data for parameter in self.module.parameters()]
        names = [*self.input_names(), *(name for name, _ in self.module.named_parameters())]
        changed = [
            (name, "the operand itself is written to; kernels write into out and the gradients")
            for name, before, after in zip(names, self._held, read, strict=True)
            if not np.array_equal(before, after)
        ]
        return changed or wrong

    def parts(self) -> Iterator[tuple[int, Subject]]:
        """Yield its steps by number, last first, each on the values it had."""
        plan = self.plan
        # Hooks are steps too, which cannot be asked without the Module they watch.
        layers = [(n, s) for n, s in enumerate(plan.tape.steps) if isinstance(s.layer, Module)]
        if len(layers) < 2:
            return
        specs = [plan.specs[index] for index in plan.tape.inputs]
        open_plan = Plan(plan.tape, specs, np.dtype(np.float64), retain=True)
        fed = zip(self.inputs, specs, strict=True)
        open_plan.forward([np.asarray(array, spec.dtype) for array, spec in fed])
        open_plan.undo()
        for number, step in reversed(layers):
            layer: Any = step.layer
            names = layer.operand_names
            values = [
                open_plan.value(slot).copy()
                for position, slot in enumerate(step.reads)
                if slot is not None
                and names[min(position, len(names) - 1)] not in layer._parameters
            ]
            yield number, ModuleSubject(layer, values, None, np.random.default_rng(0))

    def _forward_fault(self) -> list[tuple[str, str]]:
        """Run forward with other left-overs in all memory of the plan: it must see none."""
        ordinary = self._outputs_after(63)
        if not same_outputs(ordinary, self._outputs_after(63)):
            why = "it gives other numbers when called again; fix what is random, or use eval()"
            return [("forward", why)]
        spoilt = self._outputs_after(255)
        if not same_outputs(ordinary, spoilt):
            if any(y.size and y.dtype.kind == "f" and np.isnan(y).all() for y in spoilt):
                return [("forward", _UNWRITTEN)]
            return [("forward", "stale buffer: it reads memory that it has not written")]
        single = [y.dtype.itemsize < 8 for y in self.first if y.dtype.kind == "f"]
        return [("forward", "it computes in less than float64: see infer")] if any(single) else []

    def _outputs_after(self, byte: int) -> list[Array]:
        """Run forward where every value and all scratch is made of this byte before."""
        for slot, source in enumerate(self.plan.tape.slots):
            if source.kind == "value":
                _fill(self.plan.value(slot), byte)
        self._fill_scratch(byte, spare_kept=False)
        return self.outputs()

    def _fill_scratch(self, byte: int, spare_kept: bool) -> None:
        """Fill the scratch of every step, but for what is constant there."""
        plan = self.plan
        for step, scratch in zip(plan.tape.steps, plan._scratch, strict=True):
            reads = [None if slot is None else plan.specs[slot] for slot in step.reads]
            for name, spec in step.layer.scratch_specs(*reads).items():
                if isinstance(spec, Spec) and not (spare_kept and name in step.layer.kept):
                    _fill(getattr(scratch, name), byte)


def _fill(array: Array, byte: int) -> None:
    """Fill the bytes of an array in C order; 255 makes NaN of floating numbers, 63 small ones."""
    array.reshape(-1).view(np.uint8).fill(byte)
