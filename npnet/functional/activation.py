"""Activations as functions; `inplace` is accepted for torch's sake and changes nothing."""

from __future__ import annotations

from typing import Any

from npnet.functional.apply import apply
from npnet.layers.activation import ReLU, Sigmoid, Tanh
from npnet.layers.clipped import Hardtanh, ReLU6
from npnet.layers.gated import GELU, Hardswish, Mish, SiLU
from npnet.layers.methods import refuse
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


def relu(input: Any, inplace: bool = False) -> Any:
    """Return max(input, 0): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return apply(ReLU, (input,), inplace)


def sigmoid(input: Any) -> Any:
    """Return 1 / (1 + e^-input): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.sigmoid([0.0]).tolist()
    [0.5]
    """
    return apply(Sigmoid, (input,))


def tanh(input: Any) -> Any:
    """Return the hyperbolic tangent: a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.tanh([0.0]).tolist()
    [0.0]
    """
    return apply(Tanh, (input,))


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """Return input where input > 0, else negative_slope times input.

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.leaky_relu([-2.0, 2.0], 0.5).tolist()
    [-1.0, 2.0]
    """
    return apply(LeakyReLU, (input,), negative_slope, inplace)


def prelu(input: Any, weight: Any) -> Any:
    """Return input where input > 0, else weight times input.

    The weight is one for all, or one for each channel (axis 1). A Node for a Node or a Parameter,
    an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.prelu([[-2.0, -2.0]], [0.5, 0.25]).tolist()
    [[-1.0, -0.5]]
    """
    return apply(ChannelSlope, (input, weight))


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """Return input where input > 0, else alpha (e^input - 1).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.elu([float("-inf"), 2.0], 3.0).tolist()
    [-3.0, 2.0]
    """
    return apply(ELU, (input,), alpha, inplace)


def selu(input: Any, inplace: bool = False) -> Any:
    """Return 1.0507 times input where input > 0, else 1.7581 (e^input - 1).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.selu([0.0, 1.0]).round(4).tolist()
    [0.0, 1.0506999492645264]
    """
    return apply(SELU, (input,), inplace)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """Return min(max(input, min_val), max_val).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.hardtanh([-3.0, 0.5, 3.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return apply(Hardtanh, (input,), min_val, max_val, inplace)


def relu6(input: Any, inplace: bool = False) -> Any:
    """Return min(max(input, 0), 6): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.relu6([-3.0, 5.0, 7.0]).tolist()
    [0.0, 5.0, 6.0]
    """
    return apply(ReLU6, (input,), inplace)


def gelu(input: Any, approximate: str = "none") -> Any:
    """Return input times the normal distribution's cdf.

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.gelu([0.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(GELU, (input,), approximate)


def silu(input: Any, inplace: bool = False) -> Any:
    """Return input / (1 + e^-input): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.silu([0.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(SiLU, (input,), inplace)


def mish(input: Any, inplace: bool = False) -> Any:
    """Return input times tanh(log(1 + e^input)).

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.mish([0.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(Mish, (input,), inplace)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """Return input times min(max(input + 3, 0), 6) / 6.

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.hardswish([-3.0, 1.5, 3.0]).tolist()
    [-0.0, 1.125, 3.0]
    """
    return apply(Hardswish, (input,), inplace)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """Return log(1 + e^(beta input)) / beta, input itself where beta input > threshold.

    A Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.softplus([-200.0, 30.0]).tolist()
    [0.0, 30.0]
    """
    return apply(Softplus, (input,), beta, threshold)


def logsigmoid(input: Any) -> Any:
    """Return -log(1 + e^-input): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.logsigmoid([-30.0, 200.0]).tolist()
    [-30.0, 0.0]
    """
    return apply(LogSigmoid, (input,))


def softsign(input: Any) -> Any:
    """Return input / (1 + |input|): a Node for a Node or a Parameter, an array for an array.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.softsign([-3.0, 1.0]).tolist()
    [-0.75, 0.5]
    """
    return apply(Softsign, (input,))


def softmax(input: Any, dim: int | None = None, *, dtype: None = None) -> Any:
    """Return probabilities along an axis: a Node for a Node or a Parameter, an array for an array.

    dtype is there for torch and must be None.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.softmax([1e4, 1e4], dim=0).tolist()
    [0.5, 0.5]
    """
    refuse("softmax", dtype=dtype)
    return apply(Softmax, (input,), dim)


def log_softmax(input: Any, dim: int | None = None, *, dtype: None = None) -> Any:
    """Return their logarithms: a Node for a Node or a Parameter, an array for an array.

    dtype is there for torch and must be None.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.log_softmax([1e4, 0.0], dim=0).tolist()
    [0.0, -10000.0]
    """
    refuse("log_softmax", dtype=dtype)
    return apply(LogSoftmax, (input,), dim)
