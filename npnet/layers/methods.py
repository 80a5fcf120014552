"""Functions of one value, which are methods of every expression too: torch's names and arguments.

``x.mean(dim=1)`` in a forward and ``npnet.mean(x, dim=1)`` are the same function: a Node for a Node
or a Parameter, an array for an array. NumPy calls methods of the same names with its own words,
``axis`` and ``keepdims``, and says ``out=None`` where nothing is meant.
"""

from __future__ import annotations

from typing import Any

from npnet.expression import add_methods
from npnet.layers.activation import ReLU, Sigmoid
from npnet.layers.axes import Permute, Squeeze, Transpose, Unsqueeze
from npnet.layers.bounds import Clamp
from npnet.layers.indexing import Index
from npnet.layers.reduction import Mean, Sum
from npnet.layers.shape import Flatten, Reshape, Unflatten
from npnet.layers.softmax import LogSoftmax, Softmax

__all__ = [
    "clamp",
    "clip",
    "flatten",
    "mean",
    "permute",
    "reshape",
    "squeeze",
    "sum",
    "transpose",
    "unflatten",
    "unsqueeze",
]


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


def softmax(input: Any, dim: int) -> Any:
    """Return probabilities along an axis: Softmax."""
    return Softmax(dim)(input)


def log_softmax(input: Any, dim: int) -> Any:
    """Return logarithms of probabilities along an axis: LogSoftmax."""
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


def matrix_transpose(input: Any) -> Any:
    """Return the transpose of a matrix: Permute(1, 0)."""
    return Permute(1, 0)(input)


def last_transpose(input: Any) -> Any:
    """Return the transposes of the matrices on the last two axes: Transpose(-2, -1)."""
    return Transpose(-2, -1)(input)


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
    T=property(matrix_transpose),
    __getitem__=at_index,
    clamp=clamp,
    clip=clip,
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
    sum=sum,
    transpose=transpose,
    unflatten=unflatten,
    unsqueeze=unsqueeze,
    view=view,
)
