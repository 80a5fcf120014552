"""Softmax and its logarithm over one axis, and the kernels that losses share with them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.layers.sizes import axis_within, is_integer
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["LogSoftmax", "Softmax"]

#: Numbers between -LIMIT and LIMIT need no shift before exp: e^64, the largest quotient of two of
#: their exponentials, times any number of classes is far from overflow in float32.
LIMIT = 32.0


class Axis(NamedTuple):
    """One axis of an array, seen as the second of `matrix`: (before, axis[, after]).

    `column` is the shape of one number a row along the axis that broadcasts against `matrix`, and
    `ones`, for an axis that is the last, what the matrix is multiplied with to sum over it: a
    product of a matrix and a vector is several times faster than a reduction of short rows.
    """

    matrix: tuple[int, ...]
    column: tuple[int, ...]
    ones: Array | None


def axis_of(shape: tuple[int, ...], axis: int, dtype: np.dtype[Any]) -> Axis:
    """Return how an array of this shape is seen from one of its axes (0 or more)."""
    shape = shape or (1,)
    before, length, after = math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])
    if after != 1:
        return Axis((before, length, after), (before, 1, after), None)
    return Axis((before, length), (before, 1), np.ones(length, dtype))


def moderate(x: Array) -> bool:
    """Whether every number lies between -LIMIT and LIMIT."""
    # argmax and argmin cost a fifth of the reductions for small arrays, and find NaN as well.
    return not x.size or (
        x.item(x.argmax()) < LIMIT and x.item(x.argmin()) > -LIMIT and x.itemsize > 2
    )


def sum_along(matrix: Array, out: Array, axis: Axis) -> Call:
    """Return a call that writes the sums along the axis into the vector `out`, one a row."""
    if axis.ones is not None:
        return partial(matrix.dot, axis.ones, out)
    return partial(np.add.reduce, matrix, axis=1, keepdims=True, out=out.reshape(axis.column))


def axis_peaks(matrix: Array, out: Array, axis: Axis) -> None:
    """Write the largest numbers along the axis into the vector `out`, one a row."""
    if axis.ones is not None and axis.ones.size < min(32, out.size):
        # NumPy's maximum over short rows takes 50 ns a row: go through the few columns instead.
        np.copyto(out, matrix[:, 0])
        for column in matrix.T[1:]:
            np.maximum(out, column, out=out)
    else:
        np.maximum.reduce(matrix, axis=1, keepdims=True, out=out.reshape(axis.column))


def exponentials(
    matrix: Array, out: Array, sums: Array, peaks: Array, axis: Axis
) -> Callable[[], bool]:
    """Return a call that writes e^x and its sums along the axis and says whether x was shifted.

    Where e^x could overflow or vanish, the `peaks` along the axis are subtracted from x.
    """
    exp, add_up = np.exp, sum_along(out, sums, axis)

    def call() -> bool:
        shifted = not moderate(matrix)
        if shifted:
            axis_peaks(matrix, peaks, axis)
            with np.errstate(over="ignore", invalid="ignore"):  # inf - inf is the NaN it should be
                np.subtract(matrix, peaks.reshape(axis.column), out)
            exp(out, out)
        else:
            exp(matrix, out)
        add_up()
        return shifted

    return call


def log_probabilities(matrix: Array, out: Array, sums: Array, peaks: Array, axis: Axis) -> None:
    """Write the logarithm of the softmax along the axis."""
    if exponentials(matrix, out, sums, peaks, axis)():
        np.log(sums, sums)
        with np.errstate(over="ignore", invalid="ignore"):
            np.subtract(matrix, peaks.reshape(axis.column), out)
        np.subtract(out, sums.reshape(axis.column), out)
    else:
        np.true_divide(out, sums.reshape(axis.column), out)
        np.log(out, out)


def softmax_backward(dy: Array, y: Array, dx: Array, sums: Array, axis: Axis) -> None:
    """Write dx = y (dy - the sum of dy y along the axis)."""
    np.multiply(dy, y, dx)
    sum_along(dx, sums, axis)()
    np.subtract(dy, sums.reshape(axis.column), dx)
    np.multiply(dx, y, dx)


class AlongAxis(Layer):
    """A layer of one operand that works along one axis; `dim` is torch's name for it."""

    backward_reads = frozenset({"y"})

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        if dim is not None and not is_integer(dim):
            raise TypeError(f"{self._who}: expected dim to be an integer or None, got {dim!r}")
        self.dim = dim

    def infer(self, x: Spec) -> Spec:
        """Check that x has the axis."""
        if self.dim is None:
            warnings.warn(
                f"{self._who}: the choice of dim by the number of axes is deprecated, as in "
                "torch; give dim, -1 for the last axis",
                UserWarning,
                stacklevel=2,
            )
        else:
            axis_within(self.dim, max(len(x.shape), 1), self._who, x.shape)
        return x

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Return the axis, and room for sums and maxima along it."""
        count = len(x.shape)
        # Without dim torch takes axis 0 of 0, 1 or 3 axes, else axis 1.
        dim = self.dim if self.dim is not None else int(count not in (0, 1, 3))
        axis = axis_of(x.shape, dim % max(count, 1), x.dtype)
        row = Spec((math.prod(axis.column),), x.dtype)
        return {"axis": axis, "sums": row, "peaks": row}

    def extra_repr(self) -> str:
        """Torch's words."""
        return f"dim={self.dim}"


class Softmax(AlongAxis):
    """Numbers turned into probabilities along an axis.

    Equation: y_c = e^(x_c) / sum_k e^(x_k); dx = y (dy - sum_k dy_k y_k)

    Shapes: any; y as x. Stable for numbers of any size.

    Parameters
    ----------
    dim : int, optional
        The axis whose probabilities add up to 1. None takes torch's old choice, axis 0 of an x
        with 0, 1 or 3 axes and axis 1 of others, with torch's warning.

    Errors
    ------
    IndexError
        For an x without that axis.
    TypeError
        For a dim that is no integer.

    Source: torch.nn.Softmax.

    Examples
    --------
    >>> import numpy as np
    >>> Softmax(dim=1)(np.array([[0.0, 0.0], [1e4, -1e4]])).tolist()
    [[0.5, 0.5], [1.0, 0.0]]
    """

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = e^x over its sum."""
        axis = scratch.axis
        matrix = out.reshape(axis.matrix)
        exponentials(x.reshape(axis.matrix), matrix, scratch.sums, scratch.peaks, axis)()
        np.true_divide(matrix, scratch.sums.reshape(axis.column), matrix)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = y (dy - sum of dy y)."""
        axis = scratch.axis
        dy, y, dx = (array.reshape(axis.matrix) for array in (dy, y, dx))
        softmax_backward(dy, y, dx, scratch.sums, axis)


class LogSoftmax(AlongAxis):
    """Logarithms of probabilities along an axis.

    Equation: y_c = x_c - log sum_k e^(x_k); dx = dy - e^y sum_k dy_k

    Shapes: any; y as x. Stable for numbers of any size.

    Parameters
    ----------
    dim : int, optional
        As Softmax has it.

    Errors
    ------
    IndexError
        For an x without that axis.
    TypeError
        For a dim that is no integer.

    Source: torch.nn.LogSoftmax.

    Examples
    --------
    >>> import numpy as np
    >>> LogSoftmax(dim=0)(np.array([1e4, 0.0])).tolist()
    [0.0, -10000.0]
    """

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x - log of the sum of e^x."""
        axis = scratch.axis
        matrix = out.reshape(axis.matrix)
        log_probabilities(x.reshape(axis.matrix), matrix, scratch.sums, scratch.peaks, axis)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy - e^y times the sum of dy."""
        axis = scratch.axis
        matrix = dx.reshape(axis.matrix)
        sum_along(dy.reshape(axis.matrix), scratch.sums, axis)()
        np.exp(y, out=dx)
        np.multiply(matrix, scratch.sums.reshape(axis.column), matrix)
        np.subtract(dy, dx, out=dx)
