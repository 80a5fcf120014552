"""Elementwise functions of one operand."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.base import Elementwise, real_number
from npnet.parameter import Array

__all__ = ["Abs", "Exp", "Log", "Negate", "Scale", "Sqrt", "Square"]


class Scale(Elementwise):
    """A constant multiple.

    Equation: y = factor x; dx = factor dy

    Shapes: any.

    Parameters
    ----------
    factor : float

    Errors
    ------
    TypeError
        For a factor that is no real number.

    Examples
    --------
    >>> import numpy as np
    >>> Scale(3.0)(np.array([1.0, 2.0])).tolist()
    [3.0, 6.0]
    """

    backward_reads = frozenset()
    in_place = True

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = real_number(factor, "Scale", "factor")

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = factor x."""
        np.multiply(x, self.factor, out=out)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = factor dy."""
        np.multiply(dy, self.factor, out=dx)

    def extra_repr(self) -> str:
        """Return the factor."""
        return f"factor={self.factor}"


class Negate(Elementwise):
    """The opposite.

    Equation: y = -x; dx = -dy

    Shapes: any. Recorded by ``-x``. Source: torch.neg.

    Examples
    --------
    >>> import numpy as np
    >>> Negate()(np.array([1.0])).tolist()
    [-1.0]
    """

    backward_reads = frozenset()
    in_place = True

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = -x."""
        np.negative(x, out=out)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = -dy."""
        np.negative(dy, out=dx)


class Exp(Elementwise):
    """Exponential.

    Equation: y = e^x; dx = dy y

    Shapes: any. Recorded by ``np.exp(x)`` and ``npnet.exp(x)``. Source: torch.exp.

    Examples
    --------
    >>> import numpy as np
    >>> Exp()(np.array([0.0])).tolist()
    [1.0]
    """

    backward_reads = frozenset({"y"})
    in_place = True

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = e^x."""
        np.exp(x, out=out)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy y."""
        np.multiply(dy, y, out=dx)


class Log(Elementwise):
    """Natural logarithm; -inf at 0 and NaN below, with NumPy's warning.

    Equation: y = ln x; dx = dy / x

    Shapes: any. Recorded by ``np.log(x)`` and ``npnet.log(x)``. Source: torch.log.

    Examples
    --------
    >>> import numpy as np
    >>> Log()(np.array([1.0])).tolist()
    [0.0]
    """

    backward_reads = frozenset({"x"})

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = ln x."""
        np.log(x, out=out)

    def backward_kernel(self, dy: Array, x: Array, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy / x."""
        np.true_divide(dy, x, out=dx)


class Square(Elementwise):
    """Square.

    Equation: y = x^2; dx = 2 x dy

    Shapes: any. Recorded by ``np.square(x)`` and ``npnet.square(x)``. Source: torch.square.

    Examples
    --------
    >>> import numpy as np
    >>> Square()(np.array([3.0])).tolist()
    [9.0]
    """

    backward_reads = frozenset({"x"})

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x x."""
        np.multiply(x, x, out=out)

    def backward_kernel(self, dy: Array, x: Array, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = 2 x dy."""
        np.multiply(dy, x, out=dx)
        np.add(dx, dx, out=dx)


class Sqrt(Elementwise):
    """Square root; NaN below 0, with NumPy's warning.

    Equation: y = x^(1/2); dx = dy / (2 y), infinite at 0, with NumPy's warning

    Shapes: any. Recorded by ``np.sqrt(x)`` and ``npnet.sqrt(x)``. Source: torch.sqrt.

    Examples
    --------
    >>> import numpy as np
    >>> Sqrt()(np.array([9.0])).tolist()
    [3.0]
    """

    backward_reads = frozenset({"y"})
    in_place = True

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x^(1/2)."""
        np.sqrt(x, out=out)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy / (2 y)."""
        np.true_divide(dy, y, out=dx)
        np.multiply(dx, 0.5, out=dx)


class Abs(Elementwise):
    """Absolute value; its slope is 0 at 0, and NaN at NaN, where torch's is 0.

    Equation: y = |x|; dx = sign(x) dy

    Shapes: any. Recorded by ``abs(x)``. Source: torch.abs.

    Examples
    --------
    >>> import numpy as np
    >>> Abs()(np.array([-3.0])).tolist()
    [3.0]
    """

    backward_reads = frozenset({"x"})

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Hold the sign."""
        return {"sign": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = |x|."""
        np.abs(x, out=out)

    def backward_kernel(self, dy: Array, x: Array, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = sign(x) dy."""
        np.sign(x, out=scratch.sign)
        np.multiply(scratch.sign, dy, out=dx)
