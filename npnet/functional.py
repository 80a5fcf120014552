"""Functions: layers without parameters, called by name on a tape or on arrays."""

from __future__ import annotations

from typing import Any

from npnet.layers.activation import ReLU, Sigmoid, Tanh
from npnet.layers.base import Layer
from npnet.layers.elementwise import Abs, Exp, Log, Sqrt, Square
from npnet.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "abs",
    "exp",
    "log",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "sqrt",
    "square",
    "tanh",
]


def _apply(x: Any, kind: Any, *arguments: Any) -> Any:
    """Record the layer on an expression, or compute it on an array and keep nothing."""
    layer: Layer = kind(*arguments)
    return layer(x)


def abs(x: Any) -> Any:
    """Return |x|: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.abs([-1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    return _apply(x, Abs)


def exp(x: Any) -> Any:
    """Return e^x: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.exp([0.0]).tolist()
    [1.0]
    """
    return _apply(x, Exp)


def log(x: Any) -> Any:
    """Return ln x: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.log([1.0]).tolist()
    [0.0]
    """
    return _apply(x, Log)


def sqrt(x: Any) -> Any:
    """Return the square root: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.sqrt([9.0]).tolist()
    [3.0]
    """
    return _apply(x, Sqrt)


def square(x: Any) -> Any:
    """Return x^2: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.square([3.0]).tolist()
    [9.0]
    """
    return _apply(x, Square)


def relu(x: Any) -> Any:
    """Return max(x, 0): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return _apply(x, ReLU)


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^-x): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.sigmoid([0.0]).tolist()
    [0.5]
    """
    return _apply(x, Sigmoid)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.tanh([0.0]).tolist()
    [0.0]
    """
    return _apply(x, Tanh)


def softmax(x: Any, dim: int | None = None) -> Any:
    """Return probabilities along an axis: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.softmax([1e4, 1e4], dim=0).tolist()
    [0.5, 0.5]
    """
    return _apply(x, Softmax, dim)


def log_softmax(x: Any, dim: int | None = None) -> Any:
    """Return their logarithms: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.log_softmax([1e4, 0.0], dim=0).tolist()
    [0.0, -10000.0]
    """
    return _apply(x, LogSoftmax, dim)
