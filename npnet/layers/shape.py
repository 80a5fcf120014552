"""Layers that change the shape and leave the numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.layers.sizes import axis_within, integer_number, is_integer
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["Concatenate", "Flatten", "Reshape", "Unflatten"]


class Rearrangement(Layer):
    """A layer whose output has the numbers of x in the same order, in another shape."""

    backward_reads = frozenset()
    moves = True

    def forward_calls(self, x: Array, *, out: Array, scratch: Any) -> Iterator[Call]:
        """Write y = x."""
        yield partial(np.copyto, out.reshape(x.shape), x)

    def backward_calls(
        self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any
    ) -> Iterator[Call]:
        """Write dx = dy."""
        yield partial(np.copyto, dx, dy.reshape(dx.shape))


class Reshape(Rearrangement):
    """The same numbers in a given shape.

    Equation: y = x in C order

    Shapes: x any; y `shape`, the batch axis included: Reshape(-1, 8, 8) makes (N, 8, 8) of
    (N, 64).

    Parameters
    ----------
    *shape : int, or one tuple of int
        One of them may be -1: whatever is left.

    Errors
    ------
    TypeError
        For a shape that is not made of integers.
    ValueError
        For more than one -1 and for other negative sizes; for an x with another number of numbers.

    Source: torch.reshape.

    Examples
    --------
    >>> import numpy as np
    >>> Reshape(-1, 2)(np.array([[1.0, 2.0, 3.0, 4.0]])).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """

    def __init__(self, *shape: Any) -> None:
        super().__init__()
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if not all(map(is_integer, sizes)):
            raise TypeError(f"{self._who}: expected a shape of integers, got {sizes!r}")
        if any(n < -1 for n in sizes) or sum(n == -1 for n in sizes) > 1:
            raise ValueError(f"{self._who}: expected sizes >= 0 and at most one -1, got {sizes!r}")
        self.shape = tuple(int(n) for n in sizes)

    def infer(self, x: Spec) -> Spec:
        """Put what is left in the place of -1."""
        count = math.prod(x.shape)
        known = math.prod(n for n in self.shape if n != -1)
        open_ = -1 in self.shape
        if (open_ and (known == 0 or count % known)) or (not open_ and known != count):
            raise ValueError(
                f"{self._who}: expected x with numbers for {self.shape}, got {x.shape}, which has "
                f"{count}; shape includes the batch axis"
            )
        return Spec(tuple(count // known if n == -1 else n for n in self.shape), x.dtype)

    def extra_repr(self) -> str:
        """Return the shape."""
        return ", ".join(map(str, self.shape))


class Flatten(Rearrangement):
    """Several axes as one.

    Equation: y = x in C order

    Shapes: x (..., d_start, ..., d_end, ...), y (..., d_start * ... * d_end, ...); with the
    defaults (N, d1, d2, ...) becomes (N, d1 d2 ...).

    Parameters
    ----------
    start_dim : int, default 1
    end_dim : int, default -1
        The first and the last of the axes.

    Errors
    ------
    TypeError
        For axes that are no integers.
    IndexError
        For an x without these axes.
    ValueError
        For a start_dim after end_dim.

    Source: torch.nn.Flatten.

    Examples
    --------
    >>> import numpy as np
    >>> Flatten()(np.zeros((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = integer_number(start_dim, self._who, "start_dim")
        self.end_dim = integer_number(end_dim, self._who, "end_dim")

    def infer(self, x: Spec) -> Spec:
        """Multiply the lengths of the axes."""
        shape = x.shape or (1,)
        start, end = (
            axis_within(axis, len(shape), self._who, x.shape)
            for axis in (self.start_dim, self.end_dim)
        )
        if start > end:
            raise ValueError(
                f"{self._who}: expected start_dim before end_dim, got {self.start_dim} and "
                f"{self.end_dim} for shape {x.shape}"
            )
        middle = math.prod(shape[start : end + 1])
        return Spec((*shape[:start], middle, *shape[end + 1 :]), x.dtype)

    def extra_repr(self) -> str:
        """Torch's words."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Rearrangement):
    """One axis as several.

    Equation: y = x in C order

    Shapes: x (..., U_1 * ... * U_n, ...), y (..., U_1, ..., U_n, ...).

    Parameters
    ----------
    dim : int
        The axis.
    unflattened_size : tuple of int
        U_1, ..., U_n; one of them may be -1: whatever is left.

    Errors
    ------
    TypeError
        For a dim that is no integer, and a size that is not made of integers.
    IndexError
        For an x without this axis.
    ValueError
        For sizes whose product is not the length of the axis; for none, more than one -1 and other
        negative ones.

    Source: torch.nn.Unflatten.

    Examples
    --------
    >>> import numpy as np
    >>> Unflatten(1, (2, -1))(np.zeros((5, 12))).shape
    (5, 2, 6)
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim = integer_number(dim, self._who, "dim")
        sizes = unflattened_size
        whole = isinstance(sizes, (tuple, list))
        if not whole or not all(map(is_integer, sizes)):
            raise TypeError(
                f"{self._who}: expected unflattened_size to be a tuple of integers, got {sizes!r}"
            )
        if not sizes or any(n < -1 for n in sizes) or sum(n == -1 for n in sizes) > 1:
            raise ValueError(f"{self._who}: expected sizes >= 0 and at most one -1, got {sizes!r}")
        self.unflattened_size = sizes

    def infer(self, x: Spec) -> Spec:
        """Put the sizes in the axis's place."""
        axis = axis_within(self.dim, len(x.shape), self._who, x.shape)
        sizes = tuple(int(n) for n in self.unflattened_size)
        length = x.shape[axis]
        known = math.prod(n for n in sizes if n != -1)
        if -1 in sizes and known and not length % known:
            sizes = tuple(length // known if n == -1 else n for n in sizes)
        if -1 in sizes or math.prod(sizes) != length:
            raise ValueError(
                f"{self._who}: expected sizes that multiply up to {length}, got {sizes}; that is "
                f"the length of axis {self.dim} of shape {x.shape}"
            )
        return Spec((*x.shape[:axis], *sizes, *x.shape[axis + 1 :]), x.dtype)

    def extra_repr(self) -> str:
        """Torch's words."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Concatenate(Layer):
    """Arrays one after the other along an axis.

    Equation: y = the operands along axis; each dx_i is its own part of dy

    Shapes: x_i the same but for the axis; y with the sum of their lengths there. An x_i (0,) has
    nothing to add and fits any others.

    Parameters
    ----------
    axis : int, default 0

    Errors
    ------
    TypeError
        For an axis that is no integer.
    IndexError
        For operands without this axis.
    ValueError
        For shapes that differ elsewhere.

    Source: torch.cat, which has the rule for (0,) from older days too.

    Examples
    --------
    >>> import numpy as np
    >>> Concatenate(axis=1)(np.ones((2, 1)), np.zeros((2, 2))).tolist()
    [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    """

    # Read for their lengths: an operand may need no gradient and still take its place in dy.
    backward_reads = frozenset({"terms"})

    def __init__(self, axis: int = 0) -> None:
        super().__init__()
        self.axis = integer_number(axis, self._who, "axis")

    def infer(self, *terms: Spec) -> Spec:
        """Add up the lengths."""
        joined = [x.shape for x in terms if x.shape != (0,)]
        if not joined:
            return terms[0]
        first = joined[0]
        axis = axis_within(self.axis, len(first), self._who, first)
        around = {(*shape[:axis], None, *shape[axis + 1 :]) for shape in joined}
        if len(around) > 1:
            shapes = " and ".join(str(x.shape) for x in terms)
            raise ValueError(
                f"{self._who}: expected shapes that differ on axis {axis} only, got {shapes}"
            )
        length = sum(shape[axis] for shape in joined)
        return Spec((*first[:axis], length, *first[axis + 1 :]), terms[0].dtype)

    def forward_kernel(self, *terms: Array, out: Array, scratch: Any) -> None:
        """Y = the operands in a row."""
        joined = [x for x in terms if x.shape != (0,)]
        if joined:
            np.concatenate(joined, axis=self.axis, out=out)

    def backward_kernel(self, dy: Array, terms: Any, y: None, *, dterms: Any, scratch: Any) -> None:
        """Dx_i = its part of dy."""
        start = 0
        for x, dx in zip(terms, dterms, strict=True):
            if x.shape == (0,):
                continue
            stop = start + x.shape[self.axis]
            if dx is not None:
                part = (*(slice(None),) * (self.axis % x.ndim), slice(start, stop))
                np.copyto(dx, dy[part])
            start = stop

    def extra_repr(self) -> str:
        """Return the axis."""
        return f"axis={self.axis}"
