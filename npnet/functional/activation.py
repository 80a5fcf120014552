"""Activations as functions."""

from __future__ import annotations

from typing import Any

from npnet.functional.apply import apply
from npnet.layers.activation import ReLU, Sigmoid, Tanh
from npnet.layers.softmax import LogSoftmax, Softmax

__all__ = ["log_softmax", "relu", "sigmoid", "softmax", "tanh"]


def relu(x: Any) -> Any:
    """Return max(x, 0): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return apply(ReLU, (x,))


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^-x): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.sigmoid([0.0]).tolist()
    [0.5]
    """
    return apply(Sigmoid, (x,))


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.tanh([0.0]).tolist()
    [0.0]
    """
    return apply(Tanh, (x,))


def softmax(x: Any, dim: int | None = None) -> Any:
    """Return probabilities along an axis: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.softmax([1e4, 1e4], dim=0).tolist()
    [0.5, 0.5]
    """
    return apply(Softmax, (x,), dim)


def log_softmax(x: Any, dim: int | None = None) -> Any:
    """Return their logarithms: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.log_softmax([1e4, 0.0], dim=0).tolist()
    [0.0, -10000.0]
    """
    return apply(LogSoftmax, (x,), dim)
