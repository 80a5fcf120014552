"""Functions that are methods of every expression too: torch's names and arguments.

``x.mean(dim=1)`` in a forward and ``npnet.mean(x, dim=1)`` are the same function: a Node for a Node
or a Parameter, an array for an array. NumPy calls methods of the same names with its own words,
``axis`` and ``keepdims``, and says ``out=None`` where nothing is meant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.expression import Expression, add_methods
from npnet.grad_mode import no_grad
from npnet.layers.activation import Identity, ReLU, Sigmoid, printable
from npnet.layers.arithmetic import Add, Divide, Subtract
from npnet.layers.axes import Permute, Squeeze, Transpose, Unsqueeze
from npnet.layers.bounds import Clamp
from npnet.layers.elementwise import Scale
from npnet.layers.indexing import Index
from npnet.layers.reduction import Mean, Sum
from npnet.layers.shape import Flatten, Reshape, Unflatten
from npnet.layers.softmax import LogSoftmax, Softmax
from npnet.module import is_live, is_recording

__all__ = [
    "add",
    "clamp",
    "clip",
    "detach",
    "div",
    "flatten",
    "mean",
    "permute",
    "reshape",
    "squeeze",
    "sub",
    "sum",
    "transpose",
    "unflatten",
    "unsqueeze",
]


def add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """Return input + alpha other: a Node where either is a Node or a Parameter, else an array.

    Examples
    --------
    >>> import npnet
    >>> npnet.add([1.0, 2.0], 3.0).tolist(), npnet.add([1.0, 2.0], 3.0, alpha=2).tolist()
    ([4.0, 5.0], [7.0, 8.0])
    """
    return Add()(input, times("add", other, alpha))


def sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """Return input - alpha other: a Node where either is a Node or a Parameter, else an array.

    Examples
    --------
    >>> import npnet
    >>> npnet.sub([1.0, 2.0], 3.0).tolist(), npnet.sub([1.0, 2.0], 3.0, alpha=2).tolist()
    ([-2.0, -1.0], [-5.0, -4.0])
    """
    return Subtract()(input, times("sub", other, alpha))


def div(input: Any, other: Any, *, rounding_mode: None = None) -> Any:
    """Return input / other: a Node where either is a Node or a Parameter, else an array.

    rounding_mode is there for torch and must be None.

    Examples
    --------
    >>> import npnet
    >>> npnet.div([1.0, 2.0], 4.0).tolist()
    [0.25, 0.5]
    """
    if rounding_mode is not None:
        raise ValueError(
            f"div: expected rounding_mode None, got {rounding_mode!r}; what is rounded has no "
            "gradient: round arrays by np.floor or np.trunc, before they are given to a model"
        )
    return Divide()(input, other)


def mean(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: Any = None,
    keepdims: bool = False,
    dtype: None = None,
    out: None = None,
) -> Any:
    """Return the mean over axes, by default over all: Mean.

    `dim` is an integer, several, or None; `axis` and `keepdims` are NumPy's words for the same.
    dtype and out are there for NumPy and must be None.

    Examples
    --------
    >>> import npnet
    >>> npnet.mean([[1.0, 3.0], [5.0, 7.0]], dim=1).tolist()
    [2.0, 6.0]
    """
    refuse("mean", dtype=dtype, out=out)
    return Mean(axes_of("mean", dim, axis), keepdim or keepdims)(input)


def sum(
    input: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    axis: Any = None,
    keepdims: bool = False,
    dtype: None = None,
    out: None = None,
) -> Any:
    """Return the sum over axes, by default over all: Sum.

    `dim` is an integer, several, or None; `axis` and `keepdims` are NumPy's words for the same.
    dtype and out are there for NumPy and must be None.

    Examples
    --------
    >>> import npnet
    >>> npnet.sum([[1.0, 3.0], [5.0, 7.0]], dim=0, keepdim=True).tolist()
    [[6.0, 10.0]]
    """
    refuse("sum", dtype=dtype, out=out)
    return Sum(axes_of("sum", dim, axis), keepdim or keepdims)(input)


def reshape(input: Any, *sizes: Any, shape: Any = None, order: str = "C") -> Any:
    """Return the same numbers in another shape: Reshape. One of the sizes may be -1.

    Examples
    --------
    >>> import npnet
    >>> npnet.reshape([1.0, 2.0, 3.0, 4.0], (2, -1)).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if order != "C":
        raise ValueError(f"reshape: expected order 'C', got {order!r}; transpose first")
    return Reshape(*words("reshape", sizes, "shape", shape))(input)


def view(input: Any, *sizes: Any) -> Any:
    """Return the same numbers in another shape: Reshape. One of the sizes may be -1."""
    return Reshape(*sizes)(input)


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """Return the axes from start_dim to end_dim as one: Flatten.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> npnet.flatten(np.zeros((2, 3, 4)), 1).shape
    (2, 12)
    """
    return Flatten(start_dim, end_dim)(input)


def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """Return one axis as several: Unflatten.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> npnet.unflatten(np.zeros((2, 12)), 1, (3, -1)).shape
    (2, 3, 4)
    """
    return Unflatten(dim, sizes)(input)


def squeeze(input: Any, dim: Any = None, *, axis: Any = None) -> Any:
    """Return the numbers without axes of length 1, or without those of `dim` that are: Squeeze.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> npnet.squeeze(np.zeros((1, 3, 1)), -1).shape
    (1, 3)
    """
    return Squeeze(one_of("squeeze", dim, axis))(input)


def unsqueeze(input: Any, dim: int) -> Any:
    """Return the numbers with an axis of length 1 inserted: Unsqueeze.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> npnet.unsqueeze(np.zeros((2, 3)), 1).shape
    (2, 1, 3)
    """
    return Unsqueeze(dim)(input)


def transpose(input: Any, dim0: Any, dim1: Any = None) -> Any:
    """Return the numbers with two axes exchanged: Transpose.

    A tuple of all axes, as np.transpose gives one, is the order to put them in: Permute.

    Examples
    --------
    >>> import npnet
    >>> npnet.transpose([[1.0, 2.0], [3.0, 4.0]], 0, 1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    if dim1 is None and isinstance(dim0, (tuple, list)):
        return Permute(*dim0)(input)
    return Transpose(dim0, dim1)(input)


def permute(input: Any, *axes: Any, dims: Any = None) -> Any:
    """Return the numbers with their axes in another order: Permute.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> npnet.permute(np.zeros((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    return Permute(*words("permute", axes, "dims", dims))(input)


def clamp(input: Any, min: float | None = None, max: float | None = None, out: None = None) -> Any:
    """Return the numbers between two bounds, one of which may be None: Clamp.

    Examples
    --------
    >>> import npnet
    >>> npnet.clamp([-2.0, 0.5, 9.0], min=0.0, max=1.0).tolist()
    [0.0, 0.5, 1.0]
    """
    refuse("clamp", out=out)
    return Clamp(min, max)(input)


clip = clamp


def detach(input: Any) -> Any:
    """Return the value as a constant to backward: no gradient goes through it. A copy of an array.

    In a `forward`, what an Identity within `npnet.no_grad` records: ``x + (q - x).detach()`` is q,
    with the gradient of x.

    Examples
    --------
    >>> import numpy as np, npnet
    >>> class Straight(npnet.Module):
    ...     def forward(self, x):
    ...         return x * x.detach()
    >>> model = Straight()
    >>> model(np.array([3.0])).tolist(), model.backward(np.ones(1), input_grad=True).tolist()
    ([9.0], [3.0])
    """
    if not is_recording() and not isinstance(input, Expression):
        return np.array(input)
    with no_grad():
        return Identity()(input)


def softmax(input: Any, dim: int, *, dtype: None = None) -> Any:
    """Return probabilities along an axis: Softmax."""
    refuse("softmax", dtype=dtype)
    return Softmax(dim)(input)


def log_softmax(input: Any, dim: int, *, dtype: None = None) -> Any:
    """Return logarithms of probabilities along an axis: LogSoftmax."""
    refuse("log_softmax", dtype=dtype)
    return LogSoftmax(dim)(input)


def relu(input: Any) -> Any:
    """Return max(x, 0): ReLU."""
    return ReLU()(input)


def sigmoid(input: Any) -> Any:
    """Return 1 / (1 + e^-x): Sigmoid."""
    return Sigmoid()(input)


def at_index(input: Any, index: Any) -> Any:
    """Return what stands at an index: Index."""
    return Index(index)(input)


def clone(input: Any) -> Any:
    """Return a value of its own: Identity."""
    return Identity()(input)


def matrix_transpose(input: Any) -> Any:
    """Return the transpose of a matrix: Permute(1, 0)."""
    return Permute(1, 0)(input)


def last_transpose(input: Any) -> Any:
    """Return the transposes of the matrices on the last two axes: Transpose(-2, -1)."""
    return Transpose(-2, -1)(input)


def times(who: str, other: Any, alpha: Any) -> Any:
    """Return a second operand times a number, in its own dtype."""
    factor = printable(alpha, who, "alpha")
    if factor == 1:
        return other
    if isinstance(other, Expression) or is_live(other):
        return Scale(factor)(other)
    return (np.asarray(other, np.float32) if isinstance(other, (list, tuple)) else other) * factor


def one_of(who: str, dim: Any, axis: Any) -> Any:
    """Return what is given of two words for one thing."""
    if dim is not None and axis is not None:
        raise TypeError(f"{who}: expected dim or axis, got both, {dim!r} and {axis!r}")
    return axis if dim is None else dim


def axes_of(who: str, dim: Any, axis: Any) -> Any:
    """Return axes as a reduction takes them; no axes in `dim` are torch's word for all."""
    given = one_of(who, dim, axis)
    given = tuple(given) if isinstance(given, list) else given
    return None if given == () and axis is None else given


def words(who: str, several: tuple[Any, ...], name: str, one: Any) -> tuple[Any, ...]:
    """Return arguments that were given one by one or as one by name."""
    if several and one is not None:
        raise TypeError(f"{who}: expected {name} once, got {several} and {name}={one!r}")
    if not several and one is not None:
        return (one,)
    return several


def refuse(who: str, **options: Any) -> None:
    """Refuse what NumPy's and torch's functions take and a recorded one has no place for."""
    for name, value in options.items():
        if value is not None:
            raise TypeError(
                f"{who}: expected no {name}, got {value!r}; results have the dtype of the operands "
                "and an array of their own"
            )


add_methods(
    add=add,
    T=property(matrix_transpose),
    __getitem__=at_index,
    clamp=clamp,
    clip=clip,
    clone=clone,
    detach=detach,
    div=div,
    flatten=flatten,
    log_softmax=log_softmax,
    mT=property(last_transpose),
    mean=mean,
    permute=permute,
    relu=relu,
    reshape=reshape,
    sigmoid=sigmoid,
    softmax=softmax,
    squeeze=squeeze,
    sub=sub,
    sum=sum,
    t=matrix_transpose,
    transpose=transpose,
    unflatten=unflatten,
    unsqueeze=unsqueeze,
    view=view,
)
