"""Function: a plain function with a backward, the way homework is written."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from npnet.execution import real_array
from npnet.parameter import Array

__all__ = [
    "Function",
    "GradientShape",
    "batch_mend",
    "positional_names",
    "required_operands",
    "shape_cause",
]

_FORMS = (
    "f(x, ...) -> (y, backward) with backward(dy) -> dx, or a pair (forward, backward) with "
    "forward(x, ...) -> y or (y, cache) and backward(dy) or backward(dy, cache)"
)


class GradientShape(AssertionError):
    """A gradient that cannot be one of its operand; `operand` and `cause` say which and why."""

    def __init__(self, message: str, operand: str, cause: str) -> None:
        super().__init__(message)
        self.operand, self.cause = operand, cause


class _Call(NamedTuple):
    """What one forward was given and gave, and what its backward needs."""

    inputs: tuple[Any, ...]
    outputs: list[Array]
    back: Any


class Function:
    """A plain function of arrays, run forward and asked for gradients.

    Parameters
    ----------
    function : callable or pair of callables
        ``f(x, ...) -> (y, backward)`` where ``backward(dy)`` gives dx, a tuple with a gradient for
        every operand (or for every floating one; None: not differentiated), or a dict of them by
        name; ``f(x, ...) -> (loss, gradients)`` without a function; or ``(forward, backward)``,
        where forward gives y, or ``(y, cache)`` for ``backward(dy, cache)``.
    who : str
        For messages.

    Errors
    ------
    TypeError
        For what is neither.
    """

    def __init__(self, function: Any, who: str = "check_gradients") -> None:
        self.who = who
        self._backward: Callable[..., Any] | None = None
        if isinstance(function, (tuple, list)) and len(function) == 2:
            function, self._backward = function
        if not callable(function) or not (self._backward is None or callable(self._backward)):
            raise TypeError(f"{who}: expected {_FORMS}; got {function!r}")
        self._forward = function
        self.name = getattr(function, "__name__", type(function).__name__)
        self.takes_cache = self._backward is not None and required_operands(self._backward) == 2
        self.names: tuple[str, ...] = ()
        #: The last call: what backward is asked about.
        self.call = _Call((), [], None)

    @property
    def returns_gradients(self) -> bool:
        """Whether forward gives gradients, not a function for them."""
        return self._backward is None and not callable(self.call.back)

    @property
    def keeps_state(self) -> bool:
        """Whether what backward needs is kept outside of the call."""
        return self._backward is not None and not self.takes_cache

    def outputs(self, arrays: Sequence[Any]) -> list[Array]:
        """Run forward; return its outputs as they are, not copied."""
        self.names = positional_names(self._forward, len(arrays))
        found, back = self._forward(*arrays), None
        if self._backward is None:
            found, back = self._pair(found, "backward")
        elif self.takes_cache:
            found, back = self._pair(found, "cache")
        many = found if isinstance(found, (tuple, list)) else (found,)
        outputs = [real_array(y, f"{self.who}: {self.name}", "outputs") for y in many]
        self.call = _Call(tuple(arrays), outputs, back)
        if self.returns_gradients and (len(many) > 1 or outputs[0].size != 1):
            raise TypeError(
                f"{self.who}: expected {_FORMS}; {self.name} returned gradients with an output "
                f"of shape {outputs[0].shape}, which fit a scalar loss only"
            )
        return outputs

    def gradients(self, seeds: Sequence[Any]) -> list[Array | None]:
        """Run the last forward's backward; return a gradient of each operand, None for none.

        Errors
        ------
        GradientShape
            For a gradient that has not its operand's shape, and for too many or too few of them.
        """
        given = [None if seed is None else seed if np.ndim(seed) else seed[()] for seed in seeds]
        if self.returns_gradients:
            found = _scaled(self.call.back, given[0])
        elif self._backward is None:
            found = self.call.back(*given)
        elif self.takes_cache:
            found = self._backward(given[0] if len(given) == 1 else tuple(given), self.call.back)
        else:
            found = self._backward(*given)
        matched = self._matched(found)
        order = self._order(matched)
        return [
            None if gradient is None else self._fitting(gradient, x, name, order)
            for gradient, x, name in zip(matched, self.call.inputs, self.names, strict=True)
        ]

    def _pair(self, found: Any, second: str) -> tuple[Any, Any]:
        """Return what forward gave as y and what belongs to it."""
        if not isinstance(found, (tuple, list)) or len(found) != 2:
            raise TypeError(
                f"{self.who}: expected {_FORMS}; {self.name} returned a {type(found).__name__} "
                f"where (y, {second}) is meant"
            )
        return found[0], found[1]

    def _matched(self, found: Any) -> list[Any]:
        """Return one gradient for each operand, in whatever form backward gave them."""
        if isinstance(found, dict):
            unknown = [name for name in found if name.removeprefix("d") not in self.names]
            if unknown:
                self._refuse(f"gradients of {unknown}, and its operands are {list(self.names)}")
            return [found.get(name, found.get(f"d{name}")) for name in self.names]
        many = list(found) if isinstance(found, (tuple, list)) else [found]
        floating = [i for i, x in enumerate(self.call.inputs) if np.asarray(x).dtype.kind == "f"]
        if len(many) == len(self.call.inputs):
            return [g if i in floating else None for i, g in enumerate(many)]
        if len(many) > 1 and len(many) != len(floating):
            self._refuse(f"{len(many)} gradients for the operands {', '.join(self.names)}")
        # A single gradient is that of the first operand: a loss is seldom asked for others.
        gradients: list[Any] = [None] * len(self.call.inputs)
        for place, gradient in zip(floating, many, strict=False):
            gradients[place] = gradient
        return gradients

    def _refuse(self, what: str) -> NoReturn:
        """Say that backward's result cannot be matched."""
        raise GradientShape(
            f"backward returned {what}",
            "backward",
            "backward gives one gradient for each operand, in order; None for what has none",
        )

    def _order(self, matched: Sequence[Any]) -> str:
        """Say that each gradient has the shape of an operand, and some that of another's."""
        pairs = zip(matched, self.call.inputs, strict=True)
        shapes = [
            (np.shape(gradient), np.shape(x)) for gradient, x in pairs if gradient is not None
        ]
        got, expected = [g for g, _ in shapes], [e for _, e in shapes]
        transposed = all(g in (e, e[::-1]) for g, e in shapes)
        if transposed or sorted(got) != sorted(expected):
            return ""
        names = ", ".join(self.names)
        return f"another order: backward gives a gradient of each operand in their order, {names}"

    def _fitting(self, gradient: Any, x: Any, name: str, order: str) -> Array:
        """Return a gradient of its operand's shape, or say why it has another."""
        array = real_array(gradient, f"{self.who}: {self.name}", f"the gradient of {name}")
        if array.shape != np.shape(x):
            outputs = [y.shape for y in self.call.outputs]
            raise GradientShape(
                f"the gradient of {name} has shape {array.shape}, {name} has {np.shape(x)}",
                name,
                order or shape_cause(array.shape, np.shape(x), outputs),
            )
        return array


def positional_names(function: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Return the names of a function's first operands; x0, x1 ... where it has none."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return tuple(f"x{i}" for i in range(count))
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return tuple((names + [f"x{i}" for i in range(len(names), count)])[:count])


def required_operands(function: Callable[..., Any]) -> int:
    """Return how many operands a function asks for by position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters)


def _scaled(gradients: Any, seed: Any) -> Any:
    """Return gradients for an output gradient of 1, times another."""
    if isinstance(gradients, dict):
        return {name: _scaled(gradient, seed) for name, gradient in gradients.items()}
    if isinstance(gradients, (tuple, list)):
        return [_scaled(gradient, seed) for gradient in gradients]
    return None if gradients is None else np.asarray(gradients) * np.asarray(seed)


def shape_cause(
    got: tuple[int, ...], expected: tuple[int, ...], outputs: Sequence[tuple[int, ...]]
) -> str:
    """Return what a gradient of the wrong shape looks like; "" where it looks like nothing."""
    if len(got) >= 2 and got[::-1] == expected:
        return (
            "transposed: the axes of the gradient are those of its operand in the other order; "
            "(a.T @ b).T is b.T @ a"
        )
    if len(got) == len(expected) + 1 and got[1:] == expected:
        return batch_mend()
    if len(got) == len(expected) == 2 and expected == (1, got[1]):
        return f"{batch_mend()}, with keepdims=True here"
    wide = any(len(y) == 2 and y[0] == y[1] for y in (*outputs, got))
    if len(got) == 2 and got[0] == got[1] == math.prod(expected) and wide:
        return (
            f"broadcast: ({got[0]},) against ({got[0]}, 1) is ({got[0]}, {got[0]}), every number "
            "with every other; give both operands one shape"
        )
    if not got and expected:
        return "summed over all elements: each element of an operand has a gradient of its own"
    return ""


def batch_mend() -> str:
    """Say what to do about a gradient that has a row too many for each row of the batch."""
    return "not summed over the batch: what every row reads is the sum of all rows, dy.sum(axis=0)"
