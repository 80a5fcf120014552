"""Activations: the classic ones, and what the others in this folder share with them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Elementwise, real_number
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["Activation", "Identity", "ReLU", "Sigmoid", "Tanh", "printable", "write_sigmoid"]


_SMALL = 2**15


class Activation(Elementwise):
    """An activation with arguments: it prints those in `shown`, and `inplace` where it is set.

    `inplace` is accepted for torch's sake: a plan writes over an array wherever nobody else reads
    it, and never over the caller's.
    """

    shown: ClassVar[tuple[str, ...]] = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def extra_repr(self) -> str:
        """Torch's words."""
        parts = [f"{name}={getattr(self, name)!r}" for name in self.shown]
        return ", ".join(parts + ["inplace=True"] * bool(self.inplace))


def printable(value: Any, who: str, what: str) -> float:
    """Return a real number as given, which prints as torch's; NumPy's, which promotes, as Python's.

    Errors: TypeError for what is no real number.
    """
    number = real_number(value, who, what)
    return value if type(value) is int else number


class Identity(Elementwise):
    """The value itself, integers too; any arguments are ignored, as in torch.

    Equation: y = x

    Shapes: any. Source: torch.nn.Identity.

    Examples
    --------
    >>> import numpy as np
    >>> Identity()(np.array([1.0, -2.0])).tolist()
    [1.0, -2.0]
    """

    backward_reads = frozenset()
    in_place = True
    moves = True

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__()

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x."""
        np.copyto(out, x)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy."""
        np.copyto(dx, dy)


class ReLU(Elementwise):
    """Rectified linear unit.

    Equation: y = max(x, 0); dy/dx = 1 where not x <= 0 (so NaN passes), else 0

    Shapes: any. Source: torch.nn.ReLU.

    Parameters
    ----------
    inplace : bool, default False
        Accepted for torch's sake: a plan writes over an array wherever nobody else reads it, and
        never over the caller's.

    Examples
    --------
    >>> import numpy as np
    >>> relu = ReLU()
    >>> relu(np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    >>> relu.backward(np.array([5.0, 5.0, 5.0])).tolist()
    [0.0, 0.0, 5.0]
    """

    backward_reads = frozenset({"y"})
    in_place = True

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Return what x is compared with, and blocks of rows with a mask and a slope for each."""
        blocks, shape = row_blocks(x.shape)
        mask, slope = Spec(shape, np.dtype(bool)), Spec(shape, x.dtype)
        return {"zero": zeros_to_compare(x), "blocks": blocks, "mask": mask, "slope": slope}

    def forward_calls(self, x: Array, *, out: Array, scratch: Any) -> Iterator[Call]:
        """Write y = max(x, 0)."""
        if scratch.zero.ndim == x.ndim:
            yield partial(np.maximum, x, scratch.zero, out=out)
        else:
            yield partial(x.clip, 0.0, np.inf, out)

    def backward_calls(
        self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any
    ) -> Iterator[Call]:
        """Write dx = dy where y is not 0: y is positive, NaN or 0."""
        for block in scratch.blocks:
            part = y[block]
            rows = slice(len(part)) if part.ndim else ...
            mask, slope = scratch.mask[rows], scratch.slope[rows]
            yield partial(np.not_equal, part, scratch.zero, mask)
            yield partial(slope.__setitem__, ..., mask)
            yield partial(np.multiply, dy[block], slope, dx[block])

    def extra_repr(self) -> str:
        """Torch's words."""
        return "inplace=True" if self.inplace else ""


def row_blocks(shape: tuple[int, ...]) -> tuple[list[Any], tuple[int, ...]]:
    """Cut an array into blocks of rows that stay in the cache; return them and the largest's shape.

    A product with a mask makes numbers of it in 32 kB that NumPy allocates and frees each time; an
    own array of numbers costs nothing if it stays in the cache. One thread, µs:

        shape          times a mask     whole     blocks
        1 x 32                 1.04      0.83
        32 x 64                1.45      1.28
        512 x 512                82       136         81
        2048 x 1024             904      4230        824
    """
    size = math.prod(shape)
    if size <= _SMALL:
        return [...], shape
    count = max(_SMALL * shape[0] // size, 1)
    blocks = [slice(start, start + count) for start in range(0, shape[0], count)]
    return blocks, (count, *shape[1:])


def zeros_to_compare(x: Spec) -> Array:
    """Return the zeros that a small x is compared with; one 0 for a large one.

    NumPy has its fast loop for two arrays, and prepares a number for 0.3 µs. Maximum with 0, µs:

        shape        number     array     clip
        1 x 32         0.63      0.32     1.28
        32 x 64        1.45      0.51     1.62
        512 x 512        97        34       30
    """
    size = math.prod(x.shape)
    return np.zeros(x.shape if size <= _SMALL else (), x.dtype)


class Sigmoid(Elementwise):
    """Logistic function.

    Equation: y = 1 / (1 + exp(-x)); dy/dx = y (1 - y)

    Shapes: any. Source: torch.nn.Sigmoid.

    Examples
    --------
    >>> import numpy as np
    >>> Sigmoid()(np.array([0.0])).tolist()
    [0.5]
    """

    backward_reads = frozenset({"y"})
    in_place = True

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Room for 1 - y."""
        return {"rest": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = 1 / (1 + exp(-x))."""
        write_sigmoid(x, out)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy y (1 - y)."""
        np.subtract(1.0, y, scratch.rest)
        np.multiply(scratch.rest, y, scratch.rest)
        np.multiply(scratch.rest, dy, dx)


def write_sigmoid(x: Array, out: Array) -> None:
    """1 / (1 + exp(-x)): exp overflows to inf for x < -88 and the quotient to the 0 it is."""
    with np.errstate(over="ignore"):
        np.negative(x, out)
        np.exp(out, out)
    np.add(out, 1.0, out)
    np.reciprocal(out, out)


class Tanh(Elementwise):
    """Hyperbolic tangent.

    Equation: y = tanh(x); dy/dx = 1 - y^2

    Shapes: any. Source: torch.nn.Tanh.

    Examples
    --------
    >>> import numpy as np
    >>> Tanh()(np.array([0.0])).tolist()
    [0.0]
    """

    backward_reads = frozenset({"y"})
    in_place = True

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Room for 1 - y^2."""
        return {"slope": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = tanh(x)."""
        np.tanh(x, out)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy (1 - y^2)."""
        np.multiply(y, y, scratch.slope)
        np.subtract(1.0, scratch.slope, scratch.slope)
        np.multiply(scratch.slope, dy, dx)
