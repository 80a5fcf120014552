"""Activations as functions; `inplace` is accepted for torch's sake and changes nothing."""

from __future__ import annotations

from typing import Any

from npnet.functional.apply import apply
from npnet.layers.activation import ReLU, Sigmoid, Tanh
from npnet.layers.clipped import Hardtanh, ReLU6
from npnet.layers.gated import GELU, Hardswish, Mish, SiLU
from npnet.layers.rectifiers import ELU, SELU, ChannelSlope, LeakyReLU
from npnet.layers.smooth import LogSigmoid, Softplus, Softsign
from npnet.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "elu",
    "gelu",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


def relu(x: Any, inplace: bool = False) -> Any:
    """Return max(x, 0): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return apply(ReLU, (x,), inplace)


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


def leaky_relu(x: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """Return x where x > 0, else negative_slope x.

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.leaky_relu([-2.0, 2.0], 0.5).tolist()
    [-1.0, 2.0]
    """
    return apply(LeakyReLU, (x,), negative_slope, inplace)


def prelu(x: Any, weight: Any) -> Any:
    """Return x where x > 0, else weight x, a weight for all or for each channel (axis 1).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.prelu([[-2.0, -2.0]], [0.5, 0.25]).tolist()
    [[-1.0, -0.5]]
    """
    return apply(ChannelSlope, (x, weight))


def elu(x: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Return x where x > 0, else alpha (e^x - 1).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.elu([float("-inf"), 2.0], 3.0).tolist()
    [-3.0, 2.0]
    """
    return apply(ELU, (x,), alpha, inplace)


def selu(x: Any, inplace: bool = False) -> Any:
    """Return 1.0507 x where x > 0, else 1.7581 (e^x - 1).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.selu([0.0, 1.0]).round(4).tolist()
    [0.0, 1.0506999492645264]
    """
    return apply(SELU, (x,), inplace)


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """Return min(max(x, min_val), max_val).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.hardtanh([-3.0, 0.5, 3.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return apply(Hardtanh, (x,), min_val, max_val, inplace)


def relu6(x: Any, inplace: bool = False) -> Any:
    """Return min(max(x, 0), 6): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.relu6([-3.0, 5.0, 7.0]).tolist()
    [0.0, 5.0, 6.0]
    """
    return apply(ReLU6, (x,), inplace)


def gelu(x: Any, approximate: str = "none") -> Any:
    """Return x times the normal distribution's cdf.

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.gelu([0.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(GELU, (x,), approximate)


def silu(x: Any, inplace: bool = False) -> Any:
    """Return x / (1 + e^-x): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.silu([0.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(SiLU, (x,), inplace)


def mish(x: Any, inplace: bool = False) -> Any:
    """Return x tanh(log(1 + e^x)): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.mish([0.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(Mish, (x,), inplace)


def hardswish(x: Any, inplace: bool = False) -> Any:
    """Return x min(max(x + 3, 0), 6) / 6: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.hardswish([-3.0, 1.5, 3.0]).tolist()
    [-0.0, 1.125, 3.0]
    """
    return apply(Hardswish, (x,), inplace)


def softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """Return log(1 + e^(beta x)) / beta, x itself where beta x > threshold.

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.softplus([-200.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(Softplus, (x,), beta, threshold)


def logsigmoid(x: Any) -> Any:
    """Return -log(1 + e^-x): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.logsigmoid([-30.0, 200.0]).tolist()
    [-30.0, 0.0]
    """
    return apply(LogSigmoid, (x,))


def softsign(x: Any) -> Any:
    """Return x / (1 + |x|): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.softsign([-3.0, 1.0]).tolist()
    [-0.75, 0.5]
    """
    return apply(Softsign, (x,))


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
