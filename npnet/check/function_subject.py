"""FunctionSubject: a plain function on float64 inputs, in memory that shows what is not written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from npnet.check.function import Function, GradientShape
from npnet.check.subject import Operand, Subject, same_outputs
from npnet.parameter import Array

__all__ = ["FunctionSubject", "empty_memory", "written_to"]


class FunctionSubject(Subject):
    """A `Function` with inputs of its own.

    Parameters
    ----------
    function : Function
    inputs : what it is called with; stays as it is
    output_gradient : array, tuple of them, or None for random ones
    random : np.random.Generator
    """

    def __init__(
        self, function: Function, inputs: Sequence[Any], output_gradient: Any, random: Any
    ) -> None:
        super().__init__(function.name, inputs, output_gradient, random)
        self.function = function
        self.first = self.outputs()
        self.operands = [
            Operand(name, array, position)
            for position, (name, array) in enumerate(zip(function.names, self.inputs, strict=True))
            if array.dtype.kind == "f"
        ]

    def input_names(self) -> list[str]:
        """Return the names of the operands."""
        return list(self.function.names)

    def numbers(self) -> Iterator[tuple[str, float]]:
        """Yield the operands that are one number."""
        for name, array in zip(self.function.names, self.inputs, strict=True):
            if not array.ndim:
                yield name, float(array)

    def outputs(self) -> list[Array]:
        """Run forward on copies."""
        return [np.array(y) for y in self.function.outputs([x.copy() for x in self.inputs])]

    def gradients(
        self, seeds: Sequence[Any], fill: float = math.nan, byte: int = 255, before: float = 1.0
    ) -> list[Any]:
        """Run forward and backward after another pass; `np.empty` gives memory full of `fill`."""
        self._pass([None if s is None else before * s for s in seeds])
        with empty_memory(fill):
            return self._pass(seeds)

    def misbehaviour(self) -> list[tuple[str, str]]:
        """Return what is wrong with forward and backward themselves: (who, why)."""
        with empty_memory(0.0):
            found, again = self.outputs(), self.outputs()
        if not same_outputs(found, again):
            why = "it gives other numbers when called again; fix what is random or kept"
            return [("forward", why)]
        with empty_memory(math.nan):
            if not same_outputs(found, self.outputs()):
                return [("forward", "stale buffer: it reads what np.empty happened to hold")]
        self.not_finite()
        try:
            wrong = written_to(self.function, self.inputs, self.draw_seeds())
            wrong = wrong or self.backward_fault()
        except GradientShape as error:
            return [(error.operand, f"{error}{'; ' * bool(error.cause)}{error.cause}")]
        if not wrong:
            self._leave_out_what_has_none()
        return wrong

    def _pass(self, seeds: Sequence[Any]) -> list[Any]:
        """Run forward and backward once; zeros where there is no gradient."""
        self.outputs()
        found = self.function.gradients([None if s is None else s.copy() for s in seeds])
        asked = [found[operand.position] for operand in self.operands]
        return [
            np.zeros(o.array.shape) if g is None else np.array(g, np.float64)
            for o, g in zip(self.operands, asked, strict=True)
        ]

    def _leave_out_what_has_none(self) -> None:
        """Differentiate only by what backward gives a gradient of."""
        found = self.function.gradients(self.draw_seeds())
        self.operands = [o for o in self.operands if found[o.position] is not None]


def written_to(
    function: Function, inputs: Sequence[Array], seeds: Sequence[Any]
) -> list[tuple[str, str]]:
    """Return which of the arrays that a function was given, or gave, it has changed: (who, why)."""
    given = [x.copy() for x in inputs]
    outputs = function.outputs(given)
    wrong = _changed(function.names, inputs, given, "forward writes to it")
    if wrong:
        return wrong
    before = [y.copy() for y in outputs]
    passed = [None if s is None else s.copy() for s in seeds]
    try:
        function.gradients(passed)
    except (TypeError, ValueError, AttributeError):
        return []
    names = [f"dy{i}" if len(seeds) > 1 else "dy" for i in range(len(seeds))]
    wrong = [
        (
            name,
            "the output gradient is written to; work on a copy: dx = dy.copy(), or dx = dy * ...",
        )
        for name, s, p in zip(names, seeds, passed, strict=True)
        if s is not None and p is not None and not np.array_equal(s, p)
    ]
    wrong += _changed(function.names, inputs, given, "backward writes to it")
    outs = [f"y{i}" if len(outputs) > 1 else "y" for i in range(len(outputs))]
    return wrong + _changed(outs, before, outputs, "backward writes to it, which is the caller's")


def _changed(
    names: Sequence[str], before: Sequence[Array], after: Sequence[Array], why: str
) -> list[tuple[str, str]]:
    """Return the names of arrays that have changed."""
    return [
        (name, f"the array itself is written to: {why}; work on a copy")
        for name, a, b in zip(names, before, after, strict=True)
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    ]


@contextmanager
def empty_memory(fill: float) -> Iterator[None]:
    """Have np.empty and np.empty_like give arrays full of one number, in all threads."""

    def filled(make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **keywords: Any) -> Any:
            array = make(*arguments, **keywords)
            if array.dtype.kind in "fc":
                array.fill(fill)
            return array

        return made

    makers: dict[str, Callable[..., Any]] = {"empty": np.empty, "empty_like": np.empty_like}
    try:
        for name, make in makers.items():
            setattr(np, name, filled(make))
        yield
    finally:
        for name, make in makers.items():
            setattr(np, name, make)
