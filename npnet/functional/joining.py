"""Functions that join several values into one."""

from __future__ import annotations

from typing import Any

from npnet.functional.apply import apply
from npnet.layers.axes import Unsqueeze
from npnet.layers.shape import Concatenate

__all__ = ["cat", "stack"]


def cat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Any:
    """Return a list of values one after the other along an axis: Concatenate.

    A Node where one of them is a Node or a Parameter, else an array. `axis` is NumPy's word for
    dim.

    Examples
    --------
    >>> import npnet.functional as F
    >>> F.cat([[1.0, 2.0], [3.0]]).tolist()
    [1.0, 2.0, 3.0]
    """
    return apply(Concatenate, several("cat", tensors), dim if axis is None else axis)


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
    rows = tuple(apply(Unsqueeze, (tensor,), dim) for tensor in several("stack", tensors))
    return apply(Concatenate, rows, dim)


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
