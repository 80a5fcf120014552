"""Expression: what operators and NumPy functions record instead of compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Expression", "recorders"]

Recorder: TypeAlias = Callable[..., Any]

#: The layer that stands for a NumPy function. Layers are built on expressions, so the arithmetic
#: layers fill this table when they are defined: the one place where the arrow is turned round.
recorders: dict[np.ufunc, Recorder] = {}


def _operators(ufunc: np.ufunc) -> tuple[Recorder, Recorder]:
    """Return the methods for ``x + other`` and ``other + x``."""

    def operator(self: Expression, other: Any) -> Any:
        return self.__array_ufunc__(ufunc, "__call__", self, other)

    def reflected(self: Expression, other: Any) -> Any:
        return self.__array_ufunc__(ufunc, "__call__", other, self)

    return operator, reflected


_NO_NUMBER = "a tape is recorded before there are numbers, so forward cannot branch on one"


class Expression:
    """A value to come: arithmetic on it is written down as layers, not computed.

    Base of `Node` (a value on a tape) and `Parameter` (a leaf of one). ``+ - * / ** @``, ``-x``,
    ``abs(x)`` and the NumPy functions that have a layer (``np.exp(x)``, ``np.log(x)`` ...) each
    record that layer, with arrays, numbers and other expressions as their second operand.

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

    def __neg__(self) -> Any:
        """Record -x."""
        return self.__array_ufunc__(np.negative, "__call__", self)

    def __abs__(self) -> Any:
        """Record |x|."""
        return self.__array_ufunc__(np.absolute, "__call__", self)

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
