"""Normalization of each row by its own mean and variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from npnet.contraction import Contraction
from npnet.kernel import Spec
from npnet.layers.activation import printable
from npnet.layers.base import Layer
from npnet.layers.sizes import is_integer
from npnet.parameter import Array, Parameter, computing_dtype

__all__ = ["LayerNorm", "RMSNorm", "check_shape", "filled"]

_ROW_SUM = Contraction("bo->o").kernel


def filled(size: int | tuple[int, ...], number: float, dtype: Any, who: str) -> Parameter:
    """Return a Parameter of one number throughout."""
    parameter = Parameter(np.full(size, number, np.float32), dtype=dtype)
    computing_dtype(parameter.dtype, who)
    return parameter


def check_shape(who: str, name: str, given: Any, shape: tuple[int, ...]) -> None:
    """Check the shape of an array or the spec of one, which may be another layer's output."""
    if given is not None and given.shape != shape:
        raise ValueError(f"{who}: expected {name} of shape {shape}, got {given.shape}")


class Rows(NamedTuple):
    """How an array is seen: as a matrix of `shape`, and what takes the mean of its rows."""

    shape: tuple[int, int]
    shares: Array


class RowNorm(Layer):
    """What LayerNorm and RMSNorm share: rows over their size, times a weight a column.

    With c a row's numbers, less their mean where they are centered, and r = 1 / sqrt(mean of c^2
    + eps): z = c r, y = z weight + bias; with g = dy weight, dx = r (g - z mean of g z), less the
    mean of g where they are centered.
    """

    normalized_shape: tuple[int, ...]
    elementwise_affine: bool
    weight: Parameter | None
    backward_reads = frozenset({"weight"})
    kept = frozenset({"z", "scale"})

    def __init__(self, normalized_shape: Any, elementwise_affine: bool, dtype: Any) -> None:
        super().__init__()
        one = is_integer(normalized_shape)
        sizes = (normalized_shape,) if one else normalized_shape
        whole = isinstance(sizes, Sequence) and all(map(is_integer, sizes))
        if not whole or not sizes or min(sizes) < 0:
            raise ValueError(
                f"{self._who}: expected normalized_shape as an integer >= 0, or a tuple of at "
                f"least one, got {normalized_shape!r}; it is the shape of x's last axes"
            )
        self.normalized_shape = tuple(int(n) for n in sizes)
        self.elementwise_affine = elementwise_affine
        ones = filled(self.normalized_shape, 1.0, dtype, self._who)
        self.register_parameter("weight", ones if elementwise_affine else None)

    def check(self, x: Spec, *affine: tuple[str, Spec | None]) -> Spec:
        """Check that x ends with the normalized shape; return the spec of y."""
        shape = self.normalized_shape
        if x.shape[-len(shape) :] != shape:
            axes = ", ".join(["...", *map(str, shape)])
            raise ValueError(
                f"{self._who}: expected x of shape ({axes}), got {x.shape}; normalized_shape is "
                f"{shape}"
            )
        for name, spec in affine:
            check_shape(self._who, name, spec, shape)
        return x

    def scratch_specs(self, x: Spec, *affine: Spec | None) -> dict[str, Any]:
        """Return how x is seen, and room for z, what it was multiplied with, and more of both."""
        width = math.prod(self.normalized_shape)
        count = math.prod(x.shape[: len(x.shape) - len(self.normalized_shape)])
        rows = Rows((count, width), np.full(width, 1 / max(width, 1), x.dtype))
        matrix, row = Spec(rows.shape, x.dtype), Spec((count,), x.dtype)
        return {"rows": rows, "z": matrix, "work": matrix, "scale": row, "means": row}

    def normalize(self, numbers: Array, eps: float, out: Array, scratch: Any) -> None:
        """Write z of the rows in `numbers`, with `out` as room for their squares."""
        z, scale, shares = scratch.z, scratch.scale, scratch.rows.shares
        np.multiply(numbers, numbers, out)
        out.dot(shares, scale)
        np.add(scale, eps, scale)
        np.sqrt(scale, scale)
        np.true_divide(1.0, scale, scale)
        np.multiply(numbers, scale[:, None], z)

    def write_dx(
        self, dy: Array, weight: Array | None, dx: Array, centered: bool, scratch: Any
    ) -> None:
        """Write dx = r (g - mean of g - z mean of g z), with dy z in scratch.work."""
        z, means, work, shares = scratch.z, scratch.means, scratch.work, scratch.rows.shares
        if weight is None:
            np.copyto(dx, dy)
        else:
            np.multiply(work, weight, work)
            np.multiply(dy, weight, dx)
        work.dot(shares, means)
        np.multiply(z, means[:, None], work)
        if centered:
            dx.dot(shares, means)
            np.add(work, means[:, None], work)
        np.subtract(dx, work, dx)
        np.multiply(dx, scratch.scale[:, None], dx)


class LayerNorm(RowNorm):
    """Numbers with mean 0 and variance 1 along the last axes, then an affine map of each place.

    Equation: z = (x - mean) / sqrt(variance + eps), both over the last axes, the variance divided
    by the number of numbers; y = z weight + bias;
    dx = (g - mean of g - z mean of g z) / sqrt(variance + eps) with g = dy weight

    Shapes: x (..., *normalized_shape), y as x, weight and bias normalized_shape.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The lengths of the last axes; an int is that of the last one.
    eps : float, default 1e-5
    elementwise_affine : bool, default True
        Without it there is neither weight nor bias.
    bias : bool, default True
        Without it y = z weight.
    dtype : dtype, default float32
        Of the parameters and of the computation.

    weight starts at 1, bias at 0.

    Errors
    ------
    ValueError
        For an x that does not end with normalized_shape, and for a shape that is none.
    TypeError
        For a dtype that is neither float32 nor float64.

    Source: torch.nn.LayerNorm; J. Ba et al., Layer Normalization (2016).

    Examples
    --------
    >>> import numpy as np
    >>> LayerNorm(2, eps=0.0)(np.array([[1.0, 3.0]], np.float32)).tolist()
    [[-1.0, 1.0]]
    """

    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__(normalized_shape, elementwise_affine, dtype)
        self.eps = printable(eps, self._who, "eps")
        zeros = filled(self.normalized_shape, 0.0, dtype, self._who)
        self.register_parameter("bias", zeros if elementwise_affine and bias else None)

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        if self.weight is not None:
            self.weight.data.fill(1.0)
        if self.bias is not None:
            self.bias.data.fill(0.0)

    def infer(self, x: Spec, weight: Spec | None, bias: Spec | None) -> Spec:
        """Check the last axes of x."""
        return self.check(x, ("weight", weight), ("bias", bias))

    def forward_kernel(
        self, x: Array, weight: Array | None, bias: Array | None, *, out: Array, scratch: Any
    ) -> None:
        """Write y = z weight + bias."""
        rows, z, means = scratch.rows, scratch.z, scratch.means
        x, y = x.reshape(rows.shape), out.reshape(rows.shape)
        x.dot(rows.shares, means)
        np.subtract(x, means[:, None], z)
        # What rounding left of the mean is taken away too: equal numbers become 0.
        z.dot(rows.shares, scratch.scale)
        np.add(means, scratch.scale, means)
        np.subtract(x, means[:, None], z)
        self.normalize(z, self.eps, y, scratch)
        if weight is None:
            np.copyto(y, z)
        else:
            np.multiply(z, weight.reshape(-1), y)
        if bias is not None:
            np.add(y, bias.reshape(-1), y)

    def backward_kernel(
        self,
        dy: Array,
        x: None,
        weight: Array | None,
        bias: None,
        y: None,
        *,
        dx: Array | None,
        dweight: Array | None,
        dbias: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx, dweight = the sum of dy z over the rows, dbias = that of dy."""
        shape = scratch.rows.shape
        dy = dy.reshape(shape)
        np.multiply(dy, scratch.z, scratch.work)
        if dweight is not None:
            _ROW_SUM(scratch.work, out=dweight.reshape(-1))
        if dbias is not None:
            _ROW_SUM(dy, out=dbias.reshape(-1))
        if dx is not None:
            flat = None if weight is None else weight.reshape(-1)
            self.write_dx(dy, flat, dx.reshape(shape), True, scratch)

    def extra_repr(self) -> str:
        """Torch's words."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(RowNorm):
    """Numbers over the root of their mean square along the last axes, times a weight a place.

    Equation: z = x / sqrt(mean of x^2 + eps) over the last axes; y = z weight;
    dx = (g - z mean of g z) / sqrt(mean of x^2 + eps) with g = dy weight

    Shapes: x (..., *normalized_shape), y as x, weight normalized_shape.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The lengths of the last axes; an int is that of the last one.
    eps : float, optional
        By default the smallest that 1 can be added to in the dtype of x.
    elementwise_affine : bool, default True
        Without it there is no weight.
    dtype : dtype, default float32
        Of the parameter and of the computation.

    weight starts at 1.

    Errors
    ------
    ValueError
        For an x that does not end with normalized_shape, and for a shape that is none.
    TypeError
        For a dtype that is neither float32 nor float64.

    Source: torch.nn.RMSNorm; B. Zhang, R. Sennrich, Root Mean Square Layer Normalization (2019).

    Examples
    --------
    >>> import numpy as np
    >>> RMSNorm(2)(np.array([[3.0, -3.0]], np.float32)).tolist()
    [[1.0, -1.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__(normalized_shape, elementwise_affine, dtype)
        self.eps = None if eps is None else printable(eps, self._who, "eps")

    def reset_parameters(self) -> None:
        """Set weight to 1."""
        if self.weight is not None:
            self.weight.data.fill(1.0)

    def infer(self, x: Spec, weight: Spec | None) -> Spec:
        """Check the last axes of x."""
        return self.check(x, ("weight", weight))

    def forward_kernel(self, x: Array, weight: Array | None, *, out: Array, scratch: Any) -> None:
        """Write y = z weight."""
        shape, eps = scratch.rows.shape, self.eps
        y = out.reshape(shape)
        least = float(np.finfo(x.dtype).eps)
        self.normalize(x.reshape(shape), least if eps is None else eps, y, scratch)
        if weight is None:
            np.copyto(y, scratch.z)
        else:
            np.multiply(scratch.z, weight.reshape(-1), y)

    def backward_kernel(
        self,
        dy: Array,
        x: None,
        weight: Array | None,
        y: None,
        *,
        dx: Array | None,
        dweight: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx, and dweight = the sum of dy z over the rows."""
        shape = scratch.rows.shape
        dy = dy.reshape(shape)
        np.multiply(dy, scratch.z, scratch.work)
        if dweight is not None:
            _ROW_SUM(scratch.work, out=dweight.reshape(-1))
        if dx is not None:
            flat = None if weight is None else weight.reshape(-1)
            self.write_dx(dy, flat, dx.reshape(shape), False, scratch)

    def extra_repr(self) -> str:
        """Torch's words."""
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )
