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


def _no_number(expression: Expression, what: str) -> TypeError:
    """Return the error for what would need a number."""
    numbers = "; a Parameter's numbers are its .data" if hasattr(expression, "data") else ""
    return TypeError(
        f"{type(expression).__name__}: {what}; a tape is recorded before there are numbers, so "
        f"forward cannot branch on one{numbers}"
    )


def _compared(self: Expression, other: Any) -> bool:
    """Refuse to compare with what is not there yet."""
    raise _no_number(self, f"cannot be compared with {other!r}")


def _converted(kind: str) -> Recorder:
    """Return the method that refuses to make it a number of Python's."""

    def convert(self: Expression) -> Any:
        raise _no_number(self, f"cannot be made {kind}")

    convert.__doc__ = f"Refuse: there is no number yet to make {kind} of."
    return convert


class _Absent:
    """What torch's tensors have and an expression has not: `hasattr` says no, the error why."""

    def __init__(self, why: str) -> None:
        self.why = why

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, expression: Any, owner: type) -> Any:
        raise AttributeError(f"{owner.__name__}: has no {self.name}(); {self.why}")


_UNREAD = (
    "a tape is recorded before there are numbers: read them from what the model returns for "
    "arrays, and a Parameter's from its .data"
)
_ONE_DTYPE = (
    "a tape computes in one dtype, that of its parameters: model.double(), or leave it out; "
    "integers that are counted with are numbers by themselves"
)
_COMPARISONS = (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)


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
        (``if x:``, ``x > 0``, ``float(x)``): a tape is written down before there are numbers.
    AttributeError
        For torch's item, tolist, numpy, cpu and backward, with what to do instead.
    """

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *operands: Any, **kwargs: Any) -> Any:
        """Record the layer that stands for `ufunc`; refuse what has none."""
        recorder = recorders.get(ufunc)
        if ufunc in _COMPARISONS and len(operands) == 2:
            _compared(self, next((x for x in operands if x is not self), self))
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
    mul, pow, matmul = __mul__, __pow__, __matmul__
    neg, abs = __neg__, __abs__
    exp, log, sqrt = _function(np.exp), _function(np.log), _function(np.sqrt)
    square, tanh = _function(np.square), _function(np.tanh)
    maximum, minimum = _operators(np.maximum)[0], _operators(np.minimum)[0]

    # ... and what the layers add.
    T: Any
    mT: Any
    __getitem__: Recorder
    __iter__: Recorder
    add: Recorder
    chunk: Recorder
    clamp: Recorder
    clip: Recorder
    clone: Recorder
    detach: Recorder
    div: Recorder
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
    sub: Recorder
    sum: Recorder
    t: Recorder
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
            return _compared(self, other)
        return self is other

    __hash__ = object.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = _compared
    __float__, __int__ = _converted("a float"), _converted("an int")
    __index__ = _converted("an index")

    def __bool__(self) -> bool:
        """Refuse: there is no number yet."""
        raise _no_number(self, "has no truth value")

    # torch's names for what is done otherwise here.
    item, tolist = _Absent(_UNREAD), _Absent(_UNREAD)
    numpy, cpu = _Absent(_UNREAD), _Absent(_UNREAD)
    to, type_as, float, double = (_Absent(_ONE_DTYPE) for _ in range(4))
    backward = _Absent("call that of the Module or Graph that gave the loss: loss.backward()")


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
