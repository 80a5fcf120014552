"""Expression: what operators and NumPy functions record instead of compute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Expression", "add_methods", "recorders", "size_of"]

Recorder: TypeAlias = Callable[..., Any]

#: The layer that stands for a NumPy function. Layers are built on expressions, so the arithmetic
#: layers fill this table when they are defined; here, and in `add_methods`, the arrow is turned
#: round.
recorders: dict[np.ufunc, Recorder] = {}


def _operators(ufunc: np.ufunc) -> tuple[Recorder, Recorder]:
    """Return the methods for ``x + other`` and ``other + x``."""

    def operator(self: Expression, other: Any) -> Any:
        return self.__array_ufunc__(ufunc, "__call__", self, other)

    def reflected(self: Expression, other: Any) -> Any:
        return self.__array_ufunc__(ufunc, "__call__", other, self)

    return operator, reflected


def _function(ufunc: np.ufunc) -> Recorder:
    """Return the method for ``-x``, ``abs(x)`` or ``x.exp()``."""

    def function(self: Expression) -> Any:
        return self.__array_ufunc__(ufunc, "__call__", self)

    function.__doc__ = f"Record np.{ufunc.__name__}(x)."
    return function


_NO_NUMBER = "a tape is recorded before there are numbers, so forward cannot branch on one"


class Expression:
    """A value to come: arithmetic on it is written down as layers, not computed.

    Base of `Node` (a value on a tape) and `Parameter` (a leaf of one). ``+ - * / ** @``, ``-x``,
    ``abs(x)`` and the NumPy functions that have a layer (``np.exp(x)``, ``np.log(x)`` ...) each
    record that layer, with arrays, numbers and other expressions as their second operand. So do
    ``x[...]`` and the methods, which have torch's names and arguments.

    Errors
    ------
    TypeError
        For a NumPy function that has no layer, and wherever a number would be needed
        (``if x:``, ``float(x)``): a tape is written down before there are numbers.
    """

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **kwargs: Any) -> Any:
        """Record the layer that stands for `ufunc`; refuse what has none."""
        recorder = recorders.get(ufunc)
        if method != "__call__" or kwargs or recorder is None:
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise TypeError(
                f"{type(self).__name__}: np.{name} cannot be recorded on a tape; "
                f"recorded are {', '.join(sorted(u.__name__ for u in recorders))}, without "
                "keywords (for a Parameter's numbers use its .data)"
            )
        return recorder(*operands)

    __add__, __radd__ = _operators(np.add)
    __sub__, __rsub__ = _operators(np.subtract)
    __mul__, __rmul__ = _operators(np.multiply)
    __truediv__, __rtruediv__ = _operators(np.true_divide)
    __pow__, __rpow__ = _operators(np.power)
    __matmul__, __rmatmul__ = _operators(np.matmul)

    __neg__, __abs__ = _function(np.negative), _function(np.absolute)

    # torch's methods: what NumPy has a ufunc for ...
    add, sub, mul, div = __add__, __sub__, __mul__, __truediv__
    pow, matmul, neg, abs = __pow__, __matmul__, __neg__, __abs__
    exp, log, sqrt = _function(np.exp), _function(np.log), _function(np.sqrt)
    square, tanh = _function(np.square), _function(np.tanh)
    maximum, minimum = _operators(np.maximum)[0], _operators(np.minimum)[0]

    # ... and what the layers add.
    T: Any
    mT: Any
    __getitem__: Recorder
    __iter__: Recorder
    chunk: Recorder
    clamp: Recorder
    clip: Recorder
    flatten: Recorder
    log_softmax: Recorder
    mean: Recorder
    permute: Recorder
    relu: Recorder
    reshape: Recorder
    sigmoid: Recorder
    softmax: Recorder
    split: Recorder
    squeeze: Recorder
    sum: Recorder
    transpose: Recorder
    unbind: Recorder
    unflatten: Recorder
    unsqueeze: Recorder
    view: Recorder

    def dim(self: Any) -> int:
        """Return the number of axes."""
        return len(self.shape)

    def numel(self: Any) -> int:
        """Return the number of elements."""
        return math.prod(self.shape)

    def contiguous(self) -> Any:
        """Return the expression itself: the order in memory is the plan's affair."""
        return self

    def __eq__(self, other: object) -> bool:
        """Compare identities; refuse to compare with a number that is not there yet."""
        if isinstance(other, (int, float, np.ndarray, np.generic)):
            raise TypeError(
                f"{type(self).__name__}: cannot be compared with {other!r}; {_NO_NUMBER}"
            )
        return self is other

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        """Refuse: there is no number yet."""
        raise TypeError(f"{type(self).__name__}: has no truth value; {_NO_NUMBER}")


def size_of(expression: Any, dim: int | None = None) -> Any:
    """Return the shape, or the length of one axis: a Node's method. A Parameter's is NumPy's."""
    shape = expression.shape
    if dim is not None and not -len(shape) <= dim < len(shape):
        raise IndexError(f"size: expected an axis of shape {shape}, got {dim}")
    return shape if dim is None else shape[dim]


def add_methods(**members: Any) -> None:
    """Give every expression these methods and properties, as `recorders` gives it functions."""
    for name, member in members.items():
        setattr(Expression, name, member)
