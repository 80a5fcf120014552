"""Faults: a Module under test in float64, and what may be wrong with a gradient of it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.execution import real_array
from npnet.graph import Graph
from npnet.module import Module
from npnet.parameter import Array, Parameter
from npnet.plan import Plan
from npnet.tape import Spec

__all__ = ["Evidence", "Operand", "Subject", "as_dtype", "likely_cause"]

_FLOAT64 = np.dtype(np.float64)


class Operand(NamedTuple):
    """What is differentiated by: the array that forward reads, an input's place or a Parameter."""

    name: str
    array: Array
    position: int
    parameter: Parameter | None = None


def as_dtype(module: Module, dtype: Any) -> Module:
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


class Subject:
    """A float64 copy of a Module with inputs of its own, run as often as there are questions.

    Parameters
    ----------
    module, inputs : what to look at; both stay as they are
    output_gradient : array, tuple of them, or None for random ones
    random : np.random.Generator
    """

    def __init__(
        self, module: Module, inputs: Sequence[Any], output_gradient: Any, random: Any
    ) -> None:
        self.name = type(module).__name__
        self.random = random
        self.module = as_dtype(module, _FLOAT64)
        given = [real_array(x, "gradcheck", "inputs") for x in inputs]
        self.inputs = [
            np.array(x, _FLOAT64 if x.dtype.kind == "f" else x.dtype, order="C") for x in given
        ]
        self._given = output_gradient
        held = [*self.inputs, *(p.data for p in self.module.parameters())]
        self._held = [array.copy() for array in held]
        self.first = self.outputs()
        names = [self.plan.tape.slots[slot].source.name for slot in self.plan.tape.inputs]
        self.operands = [
            Operand(name, array, position)
            for position, (name, array) in enumerate(zip(names, self.inputs, strict=True))
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
        return plan

    def draw(self, shape: tuple[int, ...]) -> Array:
        """Draw numbers of either sign, none small and no two the same."""
        signs = self.random.integers(0, 2, shape) * 2.0 - 1.0
        drawn: Array = np.asarray(self.random.uniform(0.5, 1.5, shape) * signs)
        return drawn

    def draw_seeds(self) -> list[Any]:
        """Return an output gradient: the one given, or random numbers."""
        if self._given is None:
            return [self.draw(y.shape) if y.dtype.kind == "f" else None for y in self.first]
        given = self._given if isinstance(self._given, (tuple, list)) else (self._given,)
        whole = len(self.first) == 1 and not isinstance(self._given, tuple)
        seeds = [self._given] if whole else given
        return [None if s is None else np.array(s, _FLOAT64) for s in seeds]

    def outputs(self) -> list[Array]:
        """Run forward, each time from the same random numbers and buffers."""
        found = self.module(*self.inputs)
        self.plan.undo()
        return [np.asarray(y) for y in (found if isinstance(found, tuple) else (found,))]

    def gradients(
        self, seeds: Sequence[Any], fill: float = math.nan, byte: int = 255, before: float = 1.0
    ) -> list[Any]:
        """Run forward and backward, in arrays that show what a kernel has not written.

        Gradient arrays are filled with `fill`, the bytes of scratch with `byte`, after a first pass
        from `before` times the seeds.
        """
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

    def both_sides(
        self, index: int, up: Array, down: Array
    ) -> tuple[list[Array], list[Array], Array]:
        """Return the outputs at x - down and at x + up, and the way between as it was rounded."""
        x = self.operands[index].array
        before = x.copy()
        try:
            low, high = before - down, before + up
            x[...] = low
            low_outputs = self.outputs()
            x[...] = high
            return low_outputs, self.outputs(), high - low
        finally:
            x[...] = before

    def misbehaviour(self) -> list[tuple[str, str]]:
        """Return what is wrong with forward and backward themselves: (who, why)."""
        wrong = self._forward_fault()
        for y in self.first:
            if not wrong and y.dtype.kind == "f" and not np.isfinite(y).all():
                raise ValueError(
                    f"gradcheck: {self.name}: expected finite outputs, got "
                    f"{y[~np.isfinite(y)][0]}; move the inputs into the domain"
                )
        wrong = wrong or self._backward_fault()
        # A small input is copied into the plan: that is where it would be written to.
        read = [self.plan.value(slot) for slot in self.plan.tape.inputs]
        read += [parameter.data for parameter in self.module.parameters()]
        changed = [
            (name, "the operand itself is written to; kernels write into out and the gradients")
            for name, before, after in zip(self._names(), self._held, read, strict=True)
            if not np.array_equal(before, after)
        ]
        return changed or wrong

    def _names(self) -> list[str]:
        """Return the names of all that forward reads."""
        tape = self.plan.tape
        names = [tape.slots[slot].source.name for slot in tape.inputs]
        return names + [name for name, _ in self.module.named_parameters()]

    def _forward_fault(self) -> list[tuple[str, str]]:
        """Run forward with other left-overs in all memory of the plan: it must see none."""
        ordinary = self._outputs_after(63)
        if not _equal(ordinary, self._outputs_after(63)):
            why = "it gives other numbers when called again; fix what is random, or use eval()"
            return [("forward", why)]
        if not _equal(ordinary, self._outputs_after(255)):
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

    def _backward_fault(self) -> list[tuple[str, str]]:
        """Run backward and see whether it raises."""
        try:
            self.gradients(self.draw_seeds())
        except (TypeError, ValueError, AttributeError) as error:
            if self._given is not None:
                raise
            return [("backward", f"it raises {type(error).__name__}: {error}{_hint(error)}")]
        return []

    def _fill_scratch(self, byte: int, spare_kept: bool) -> None:
        """Fill the scratch of every step, but for what is constant there."""
        plan = self.plan
        for step, scratch in zip(plan.tape.steps, plan._scratch, strict=True):
            reads = [None if slot is None else plan.specs[slot] for slot in step.reads]
            for name, spec in step.layer.scratch_specs(*reads).items():
                if isinstance(spec, Spec) and not (spare_kept and name in step.layer.kept):
                    _fill(getattr(scratch, name), byte)


class Evidence(NamedTuple):
    """A wrong gradient, the right one (NaN where nobody looked), and who can be asked."""

    subject: Subject
    place: int
    analytic: Array
    numeric: Array
    seeds: Sequence[Any]

    def again(self, seeds: Sequence[Any], fill: float = math.nan, byte: int = 255) -> Array:
        """Return the operand's gradient for another output gradient, or other left-overs."""
        found: Array = self.subject.gradients(seeds, fill, byte)[self.place]
        return found


def likely_cause(evidence: Evidence) -> str:
    """Return what a wrong gradient looks like; "" where it looks like nothing known."""
    if not np.isfinite(evidence.analytic).all():
        return _why_not_finite(evidence)
    for hypothesis in (
        _history,
        _linearity,
        _factor,
        _transposed,
        _batch,
        _local,
        _single,
    ):
        cause = hypothesis(evidence)
        if cause:
            return cause
    return ""


def _why_not_finite(e: Evidence) -> str:
    """Tell whose left-overs the NaN are."""
    clean = e.again(e.seeds, 0.0, 0)
    if not np.isfinite(clean).all():
        return "it is not finite where the outputs are"
    if np.isfinite(e.again(e.seeds, 0.0, 255)).all():
        if _same(e.again(e.seeds, 1.0, 0) - clean, np.ones(clean.shape)):
            return "it adds to its gradient array; a kernel writes, the plan adds"
        return "stale buffer: it leaves part of its gradient array unwritten"
    return "stale buffer: it reads scratch that this pass has not written (see Layer.kept)"


def _history(e: Evidence) -> str:
    """Tell whether a pass leaves something for the next."""
    found = e.subject.gradients(e.seeds, before=-3.0)[e.place]
    if _same(found, e.analytic) or not e.analytic.any():
        return ""
    return "stale buffer: it depends on the pass before; something is kept on the layer"


def _linearity(e: Evidence) -> str:
    """Tell whether the gradient follows the output gradient."""
    if not e.analytic.any():
        return "it is zero throughout"
    doubled = e.again([None if s is None else 2.0 * s for s in e.seeds])
    if _same(doubled, e.analytic):
        return "the output gradient is ignored"
    if not _same(doubled, 2.0 * e.analytic):
        return "it is not proportional to the output gradient"
    return ""


def _factor(e: Evidence) -> str:
    """Tell a constant factor, and which number it may be."""
    seen = np.isfinite(e.numeric)
    wrong, right = e.analytic[seen], e.numeric[seen]
    square = float(np.sum(right * right))
    factor = float(np.sum(wrong * right)) / square if square else 0.0
    if not factor or wrong.size < 2 < e.analytic.size or not _same(wrong, factor * right):
        return ""
    if math.isclose(factor, -1.0, rel_tol=1e-4):
        return "wrong sign"
    text = f"a constant factor of {factor:.6g}"
    for count, what in _counts(e.subject):
        if math.isclose(factor, count, rel_tol=1e-4):
            return f"{text}: missing 1/N, N = {count} {what}"
        if math.isclose(factor, 1 / count, rel_tol=1e-4):
            return f"{text}: one 1/N too many (a mean for a sum), N = {count} {what}"
    return text


def _counts(subject: Subject) -> Iterator[tuple[int, str]]:
    """Yield the numbers that a mean may divide by."""
    arrays = [*zip(subject._names(), subject.inputs, strict=False)]
    arrays += [("the output", y) for y in subject.first]
    for name, array in arrays:
        if array.ndim and array.shape[0] > 1:
            yield array.shape[0], f"(rows of {name})"
    for name, array in arrays:
        if array.size > 1:
            yield array.size, f"(elements of {name})"


def _transposed(e: Evidence) -> str:
    """Tell a matrix whose axes are the wrong way round."""
    if e.analytic.ndim < 2:
        return ""
    *lead, rows, columns = e.analytic.shape
    turned = e.analytic.reshape(*lead, columns, rows).swapaxes(-1, -2)
    return "transposed" if _same(turned, e.numeric) else ""


def _batch(e: Evidence) -> str:
    """Tell what was not summed over the batch, or summed where each row has its own."""
    rows = {s.shape[0] for s in e.seeds if s is not None and s.ndim and s.shape[0] > 1}
    if len(rows) == 1:
        for row in (0, -1):
            others: list[Any] = [s if s is None else e.subject.draw(s.shape) for s in e.seeds]
            for other, seed in zip(others, e.seeds, strict=True):
                if seed is not None and seed.ndim:
                    other[row] = seed[row]
            if _same(e.again(others), e.analytic):
                which = "first" if row == 0 else "last"
                return f"not summed over the batch: only the {which} row arrives"
    if e.analytic.ndim and len(e.analytic) > 1:
        repeated = np.broadcast_to(e.analytic[:1], e.analytic.shape)
        if _same(e.analytic, repeated) and not _same(e.numeric, repeated):
            return "summed over the batch: every row receives the same"
    return ""


def _local(e: Evidence) -> str:
    """Tell an output gradient that was handed on as it came."""
    handed_on = any(s is not None and _same(e.analytic, s) for s in e.seeds)
    return "it is the output gradient itself: the local derivative is missing" if handed_on else ""


def _single(e: Evidence) -> str:
    """Tell outputs that went through float32."""
    floating = [y for y in e.subject.first if y.dtype.kind == "f" and (y != np.round(y)).any()]
    coarse = [np.array_equal(y, y.astype(np.float32)) for y in floating]
    return "forward computes in float32" if floating and all(coarse) else ""


def _same(a: Array, b: Array) -> bool:
    """Whether two arrays are the same up to what differences can tell."""
    if a.shape != b.shape or not a.size:
        return False
    return bool(np.max(np.abs(a - b)) <= 1e-5 * np.max(np.abs(b)))


def _equal(left: Sequence[Array], right: Sequence[Array]) -> bool:
    """Whether two lists of outputs hold the same numbers; NaN are the same."""
    pairs = zip(left, right, strict=True)
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _fill(array: Array, byte: int) -> None:
    """Fill the bytes of an array in C order; 255 makes NaN of floating numbers, 63 small ones."""
    array.reshape(-1).view(np.uint8).fill(byte)


def _hint(error: Exception) -> str:
    """Say what an error of a kernel usually means."""
    if isinstance(error, ValueError) and "broadcast" in str(error):
        return "; a gradient has its operand's shape: is it summed over the batch, or transposed?"
    if "None" in str(error) or "dtype('O')" in str(error):
        return "; does it read what backward_reads does not name, or a gradient that is None?"
    return ""
