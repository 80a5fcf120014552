"""Sums and means over axes."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.layers.sizes import axis_within, is_integer
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["Mean", "Sum"]

_BLOCK = 1 << 18  # numbers whose squares BLAS may add up in their own precision


def sum_of_squares(array: Array) -> float:
    """Return the sum of the squares of all numbers, in any memory order."""
    flat = array.ravel(order="K")
    if flat.size <= _BLOCK:
        return float(flat.dot(flat))
    blocks = np.split(flat, range(_BLOCK, flat.size, _BLOCK))
    return math.fsum(float(block.dot(block)) for block in blocks)


def squares_added_up(array: Array, out: Array) -> Call:
    """Return a call that writes the sum of the squares of an array that is compact in memory."""
    if array.size <= _BLOCK:
        flat = array.ravel(order="K")
        return partial(flat.dot, flat, out)
    return lambda: out.fill(sum_of_squares(array))


def sum_axes(x: Array, axes: tuple[int, ...], out: Array, wide: Array) -> None:
    """Write the sum over the axes into `out`; `wide` is a float64 array of its shape."""
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    if x.itemsize < 8 and axes != tuple(range(x.ndim - len(axes), x.ndim)):
        # NumPy adds up in pairs along the last axes only; over others rounding errors pile up.
        np.add.reduce(x, axis=axes, dtype=np.float64, keepdims=True, out=wide.reshape(kept))
        np.copyto(out, wide, casting="same_kind")
    else:
        np.add.reduce(x, axis=axes, keepdims=True, out=out.reshape(kept))


class Reduction(Layer):
    """A layer that takes axes away: all of them, one or several."""

    backward_reads = frozenset()

    def __init__(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> None:
        super().__init__()
        axes = axis if isinstance(axis, tuple) else (axis,)
        if axis is not None and not all(map(is_integer, axes)):
            raise TypeError(
                f"{self._who}: expected axis to be an integer, a tuple of them or None, got "
                f"{axis!r}"
            )
        self.axis, self.keepdims = axis, bool(keepdims)

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Return the axes that go, as numbers from 0."""
        if self.axis is None:
            return tuple(range(ndim))
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        return tuple(sorted(axis % max(ndim, 1) for axis in axes)) if ndim else ()

    def reduced(self, x: Spec) -> Spec:
        """Check that x has the axes; return what is left."""
        ndim = len(x.shape)
        given = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        for axis in given if self.axis is not None else ():
            axis_within(int(axis or 0), max(ndim, 1), self._who, x.shape)
        axes = self.axes(ndim)
        if len(set(axes)) < len(axes):
            raise ValueError(
                f"{self._who}: expected different axes, got {self.axis} for shape {x.shape}"
            )
        left = (
            (1 if i in axes else n) if self.keepdims else n
            for i, n in enumerate(x.shape)
            if self.keepdims or i not in axes
        )
        return Spec(tuple(left), x.dtype)

    def with_axes(self, reduced: Array, x_shape: tuple[int, ...]) -> Array:
        """View a reduced array with the axes that are gone, of length 1."""
        axes = self.axes(len(x_shape))
        return reduced.reshape(tuple(1 if i in axes else n for i, n in enumerate(x_shape)))

    def extra_repr(self) -> str:
        """Return what differs from the defaults."""
        axis = [] if self.axis is None else [f"axis={self.axis}"]
        return ", ".join(axis + ["keepdims=True"] * self.keepdims)


class Sum(Reduction):
    """Sum over axes, of one operand or of several that are added up.

    Equation: y = sum_i (sum of x_i over axis); dx_i = dy, repeated along axis

    Shapes: x_i any, all the same once the axes are gone; y that shape. ``Sum()(loss, r1, r2)``
    adds up scalars.

    Parameters
    ----------
    axis : int or tuple of int, optional
        By default all axes.
    keepdims : bool, default False
        Leave the axes in y, with length 1.

    Errors
    ------
    IndexError
        For an operand without such an axis.
    ValueError
        For operands whose sums differ in shape, for an axis given twice.
    TypeError
        For an axis that is no integer.

    Source: torch.sum.

    Examples
    --------
    >>> import numpy as np
    >>> float(Sum()(1.0, np.array([2.0, 3.0])))
    6.0
    >>> Sum(axis=0)(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [4.0, 6.0]
    """

    def infer(self, *terms: Spec) -> Spec:
        """Check that all sums have one shape."""
        sums = [self.reduced(x) for x in terms]
        if any(s.shape != sums[0].shape for s in sums):
            shapes = " and ".join(str(s.shape) for s in sums)
            raise ValueError(
                f"Sum: expected operands whose sums have one shape, got {shapes}; to broadcast "
                "use +"
            )
        return sums[0]

    def scratch_specs(self, *terms: Spec) -> dict[str, Spec]:
        """Room for the sum of one operand, and for it in float64."""
        part = self.reduced(terms[0])
        return {"part": part, "wide": Spec(part.shape, np.dtype(np.float64))}

    def forward_kernel(self, *terms: Array, out: Array, scratch: Any) -> None:
        """Y = sum_i (sum of x_i over axis)."""
        for position, x in enumerate(terms):
            target = scratch.part if position else out
            if x.ndim:
                sum_axes(x, self.axes(x.ndim), target, scratch.wide)
                x = target
            elif not position:
                np.copyto(out, x)
            if position:
                np.add(out, x, out=out)

    def backward_kernel(self, dy: Array, terms: Any, y: None, *, dterms: Any, scratch: Any) -> None:
        """Dx_i = dy."""
        for dx in dterms:
            if dx is not None:
                np.copyto(dx, self.with_axes(dy, dx.shape) if dx.ndim else dy)


class Mean(Reduction):
    """Mean over axes.

    Equation: y = (sum of x over axis) / count; dx = dy / count, repeated along axis

    Shapes: x any; y what is left without the axes. The mean of no numbers is NaN.

    Parameters
    ----------
    axis : int or tuple of int, optional
        By default all axes.
    keepdims : bool, default False
        Leave the axes in y, with length 1.

    Errors
    ------
    IndexError
        For an x without such an axis.
    ValueError
        For an axis given twice.
    TypeError
        For an axis that is no integer.

    Source: torch.mean.

    Examples
    --------
    >>> import numpy as np
    >>> Mean(axis=1, keepdims=True)(np.array([[1.0, 2.0], [3.0, 6.0]])).tolist()
    [[1.5], [4.5]]
    """

    def infer(self, x: Spec) -> Spec:
        """Return what is left of x."""
        return self.reduced(x)

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Room for the sum in float64."""
        return {"wide": Spec(self.reduced(x).shape, np.dtype(np.float64))}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Y = sum / count."""
        axes = self.axes(x.ndim)
        sum_axes(x, axes, out, scratch.wide)
        count = math.prod(x.shape[axis] for axis in axes)
        if count:
            np.true_divide(out, count, out=out)
        else:
            out.fill(math.nan)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy / count."""
        count = math.prod(dx.shape[axis] for axis in self.axes(dx.ndim))
        np.true_divide(self.with_axes(dy, dx.shape), max(count, 1), out=dx)
