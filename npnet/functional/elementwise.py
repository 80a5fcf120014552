"""Functions of every element alone."""

from __future__ import annotations

from typing import Any

from npnet.functional.apply import apply
from npnet.layers.elementwise import Abs, Exp, Log, Sqrt, Square

__all__ = ["abs", "exp", "log", "sqrt", "square"]


def abs(input: Any) -> Any:
    """Return |input|: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.abs([-1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    return apply(Abs, (input,))


def exp(input: Any) -> Any:
    """Return e^input: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.exp([0.0]).tolist()
    [1.0]
    """
    return apply(Exp, (input,))


def log(input: Any) -> Any:
    """Return ln input: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.log([1.0]).tolist()
    [0.0]
    """
    return apply(Log, (input,))


def sqrt(input: Any) -> Any:
    """Return the square root: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.sqrt([9.0]).tolist()
    [3.0]
    """
    return apply(Sqrt, (input,))


def square(input: Any) -> Any:
    """Return input^2: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.square([3.0]).tolist()
    [9.0]
    """
    return apply(Square, (input,))
