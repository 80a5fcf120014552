"""Functions of two operands that broadcast as NumPy does, and of their signs."""

from __future__ import annotations

from typing import Any

from npnet.functional.apply import apply
from npnet.layers.arithmetic import MatMul, Multiply, power
from npnet.layers.bounds import Maximum, Minimum
from npnet.layers.elementwise import Negate

__all__ = ["matmul", "maximum", "minimum", "mul", "neg", "pow"]


def mul(input: Any, other: Any) -> Any:
    """Return input times other: a Node where either is a Node or a Parameter, else an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.mul([1.0, 2.0], 3.0).tolist()
    [3.0, 6.0]
    """
    return apply(Multiply, (input, other))


def pow(input: Any, exponent: Any) -> Any:
    """Return input to the power of exponent: a Node where either is a Node or a Parameter.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.pow([1.0, 2.0], 3.0).tolist()
    [1.0, 8.0]
    """
    return power(input, exponent)


def matmul(input: Any, other: Any) -> Any:
    """Return the matrix product over the last two axes: MatMul.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.matmul([[1.0, 2.0]], [3.0, 4.0]).tolist()
    [11.0]
    """
    return apply(MatMul, (input, other))


def maximum(input: Any, other: Any) -> Any:
    """Return the larger of two, number by number: Maximum.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.maximum([1.0, 5.0], 3.0).tolist()
    [3.0, 5.0]
    """
    return apply(Maximum, (input, other))


def minimum(input: Any, other: Any) -> Any:
    """Return the smaller of two, number by number: Minimum.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.minimum([1.0, 5.0], 3.0).tolist()
    [1.0, 3.0]
    """
    return apply(Minimum, (input, other))


def neg(input: Any) -> Any:
    """Return -input: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.neg([1.0]).tolist()
    [-1.0]
    """
    return apply(Negate, (input,))
