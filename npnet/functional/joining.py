"""Functions that join several values into one."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.execution import real_array
from npnet.expression import Expression
from npnet.functional.apply import apply
from npnet.kernel import Spec
from npnet.layers.axes import Unsqueeze
from npnet.layers.shape import Concatenate
from npnet.module import is_recording
from npnet.parameter import Array

__all__ = ["cat", "stack"]


def cat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Any:
    """Return a list of values one after the other along an axis: Concatenate.

    A Node where one of them is a Node or a Parameter, else an array: of integers where all are
    integers, or else of the widest floating dtype among them. `axis` is NumPy's word for dim.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.cat([[1.0, 2.0], [3.0]]).tolist()
    [1.0, 2.0, 3.0]
    """
    terms, dim = several("cat", tensors), dim if axis is None else axis
    if is_recording() or any(isinstance(term, Expression) for term in terms):
        return apply(Concatenate, terms, dim)
    arrays = [_array(term) for term in terms]
    Concatenate(dim).infer(*(Spec(array.shape, array.dtype) for array in arrays))
    floats = [array for array in arrays if array.dtype.kind == "f"]
    dtype = np.result_type(*(floats or arrays))
    joined = [array for array in arrays if array.shape != (0,)] or arrays[:1]
    return np.concatenate(joined, axis=dim if joined[0].shape != (0,) else 0, dtype=dtype)


def stack(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Any:
    """Return a list of values of one shape side by side along a new axis.

    A Node where one of them is a Node or a Parameter, else an array. `axis` is NumPy's word for
    dim.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.stack([[1.0, 2.0], [3.0, 4.0]], dim=1).tolist()
    [[1.0, 3.0], [2.0, 4.0]]
    """
    dim = dim if axis is None else axis
    return cat([apply(Unsqueeze, (tensor,), dim) for tensor in several("stack", tensors)], dim)


def _array(value: Any) -> Array:
    """Return an array as it is, and numbers of Python's, if not integers, as float32."""
    array = real_array(value, "cat")
    own = isinstance(value, (np.ndarray, np.generic)) or array.dtype.kind != "f"
    return array if own else array.astype(np.float32)


def several(who: str, tensors: Any) -> tuple[Any, ...]:
    """Return a list or tuple of one value or more as a tuple."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{who}: expected a list or tuple of values, got {type(tensors).__name__}; "
            f"{who}([x, y])"
        )
    if not tensors:
        raise ValueError(f"{who}: expected one value or more, got none")
    return tuple(tensors)
