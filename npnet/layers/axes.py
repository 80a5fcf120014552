"""Layers that exchange, leave out and insert axes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.layers.shape import Rearrangement
from npnet.layers.sizes import axis_within, integer_number
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["Permute", "Squeeze", "Transpose", "Unsqueeze"]


class Reordering(Layer):
    """A layer whose output has the numbers of x with its axes in another order."""

    backward_reads = frozenset()
    moves = True
    any_order = frozenset({"x"})

    def order(self, ndim: int) -> tuple[int, ...]:
        """Return for each axis of y the axis of x."""
        raise NotImplementedError

    def infer(self, x: Spec) -> Spec:
        """Take the lengths along."""
        return Spec(tuple(x.shape[axis] for axis in self.order(len(x.shape))), x.dtype)

    def forward_calls(self, x: Array, *, out: Array, scratch: Any) -> Iterator[Call]:
        """Write the numbers of x, axes exchanged."""
        yield partial(np.copyto, out, x.transpose(self.order(x.ndim)))

    def backward_calls(
        self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any
    ) -> Iterator[Call]:
        """Write the numbers of dy, axes exchanged back."""
        yield partial(np.copyto, dx.transpose(self.order(dx.ndim)), dy)


class Transpose(Reordering):
    """Two axes exchanged.

    Equation: y[..., j, ..., i, ...] = x[..., i, ..., j, ...]; dx is dy with the same two exchanged

    Shapes: x any; y with the lengths of dim0 and dim1 exchanged.

    Parameters
    ----------
    dim0, dim1 : int
        The axes; negative ones count from the end.

    Errors
    ------
    TypeError
        For axes that are no integers.
    IndexError
        For an x without these axes.

    Source: torch.transpose.

    Examples
    --------
    >>> import numpy as np
    >>> Transpose(0, -1)(np.zeros((2, 3, 4))).shape
    (4, 3, 2)
    """

    def __init__(self, dim0: int, dim1: int) -> None:
        super().__init__()
        self.dim0 = integer_number(dim0, self._who, "dim0")
        self.dim1 = integer_number(dim1, self._who, "dim1")

    def order(self, ndim: int) -> tuple[int, ...]:
        """Return the axes, two of them exchanged."""
        axes = list(range(ndim))
        if ndim:
            axes[self.dim0], axes[self.dim1] = axes[self.dim1], axes[self.dim0]
        return tuple(axes)

    def infer(self, x: Spec) -> Spec:
        """Exchange the lengths."""
        for dim in (self.dim0, self.dim1):
            axis_within(dim, max(len(x.shape), 1), self._who, x.shape)
        return super().infer(x)

    def extra_repr(self) -> str:
        """Return the axes."""
        return f"{self.dim0}, {self.dim1}"


class Permute(Reordering):
    """The axes in a given order.

    Equation: axis i of y is axis dims_i of x; dx is dy with its axes put back

    Shapes: x any; y (x.shape[dims_1], x.shape[dims_2], ...). Permute(1, 0) transposes a matrix.

    Parameters
    ----------
    *dims : int, or one tuple of int
        Every axis of x once; negative ones count from the end.

    Errors
    ------
    TypeError
        For axes that are no integers.
    ValueError
        For an axis given twice, and for an x with another number of axes.
    IndexError
        For axes beyond their number.

    Source: torch.permute.

    Examples
    --------
    >>> import numpy as np
    >>> Permute(2, 0, 1)(np.zeros((2, 3, 4))).shape
    (4, 2, 3)
    """

    def __init__(self, *dims: Any) -> None:
        super().__init__()
        given = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
        self.dims = tuple(integer_number(dim, self._who, "dims") for dim in given)
        ndim = len(self.dims)
        if not all(-ndim <= dim < ndim for dim in self.dims):
            raise IndexError(
                f"{self._who}: expected axes from {-ndim} to {ndim - 1}, got {self.dims}; every "
                "axis is named once"
            )
        if len(set(self.order(ndim))) < ndim:
            raise ValueError(f"{self._who}: expected every axis once, got {self.dims}")

    def order(self, ndim: int) -> tuple[int, ...]:
        """Return the axes from 0 on."""
        return tuple(dim % ndim for dim in self.dims)

    def infer(self, x: Spec) -> Spec:
        """Put the lengths in order."""
        if len(x.shape) != len(self.dims):
            raise ValueError(
                f"{self._who}: expected an x of {len(self.dims)} axes for {self.dims}, got shape "
                f"{x.shape}"
            )
        return super().infer(x)

    def extra_repr(self) -> str:
        """Return the axes."""
        return ", ".join(map(str, self.dims))


class Squeeze(Rearrangement):
    """Axes of length 1 left out.

    Equation: y = x in C order

    Shapes: x any; y without all axes of length 1, or without those among `dim` that are. An axis
    of another length stays.

    Parameters
    ----------
    dim : int or tuple of int, optional
        By default all axes.

    Errors
    ------
    TypeError
        For axes that are no integers.
    IndexError
        For an x without these axes.
    ValueError
        For an axis given twice.

    Source: torch.squeeze.

    Examples
    --------
    >>> import numpy as np
    >>> Squeeze()(np.zeros((2, 1, 1))).shape, Squeeze(-1)(np.zeros((2, 1, 1))).shape
    ((2,), (2, 1))
    """

    def __init__(self, dim: int | tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.dim: int | tuple[int, ...] | None = None
        if isinstance(dim, (tuple, list)):
            self.dim = tuple(integer_number(axis, self._who, "dim") for axis in dim)
        elif dim is not None:
            self.dim = integer_number(dim, self._who, "dim")

    def infer(self, x: Spec) -> Spec:
        """Leave out what has length 1."""
        count = max(len(x.shape), 1)
        given = range(count) if self.dim is None else self.dim
        axes: set[int] = set()
        for dim in (given,) if isinstance(given, int) else given:
            axis = axis_within(dim, count, self._who, x.shape)
            if axis in axes:
                raise ValueError(
                    f"{self._who}: expected different axes, got {self.dim} for shape {x.shape}"
                )
            axes.add(axis)
        left = (n for axis, n in enumerate(x.shape) if n != 1 or axis not in axes)
        return Spec(tuple(left), x.dtype)

    def extra_repr(self) -> str:
        """Return the axes there are."""
        return "" if self.dim is None else f"dim={self.dim}"


class Unsqueeze(Rearrangement):
    """An axis of length 1 inserted.

    Equation: y = x in C order

    Shapes: x any; y with length 1 on axis dim.

    Parameters
    ----------
    dim : int
        The axis, of y; negative ones count from its end.

    Errors
    ------
    TypeError
        For an axis that is no integer.
    IndexError
        For a y without this axis.

    Source: torch.unsqueeze.

    Examples
    --------
    >>> import numpy as np
    >>> Unsqueeze(-1)(np.zeros((2, 3))).shape
    (2, 3, 1)
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = integer_number(dim, self._who, "dim")

    def infer(self, x: Spec) -> Spec:
        """Insert length 1."""
        axis = axis_within(self.dim, len(x.shape) + 1, self._who, x.shape)
        return Spec((*x.shape[:axis], 1, *x.shape[axis:]), x.dtype)

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"dim={self.dim}"
