"""The larger and the smaller of two operands, and a number held between two bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npnet.expression import recorders
from npnet.kernel import Spec
from npnet.layers.activation import printable
from npnet.layers.arithmetic import Binary
from npnet.layers.base import Elementwise, sum_to
from npnet.parameter import Array

__all__ = ["Clamp", "Maximum", "Minimum"]


class Extreme(Binary):
    """The operand that wins; the gradient goes to it, and by halves where both are the same."""

    backward_reads = frozenset({"a", "b"})
    #: Which of two is taken, and the comparison by which the first one loses.
    chooses: np.ufunc
    loses: np.ufunc

    def scratch_specs(self, a: Spec, b: Spec) -> dict[str, Spec]:
        """Hold a gradient before it is summed back, and where it is not dy."""
        full = self.infer(a, b)
        return {"full": full, "mask": Spec(full.shape, np.dtype(bool))}

    def forward_kernel(self, a: Array, b: Array, *, out: Array, scratch: Any) -> None:
        """Write the operand that wins."""
        self.chooses(a, b, out=out)

    def backward_kernel(
        self, dy: Array, a: Array, b: Array, y: None, *, da: Any, db: Any, scratch: Any
    ) -> None:
        """Write dy to who wins, dy / 2 to both where they are the same."""
        full, mask = scratch.full, scratch.mask
        for target, own, other in ((da, a, b), (db, b, a)):
            if target is not None:
                np.copyto(full, dy)
                np.equal(a, b, out=mask)
                np.multiply(full, 0.5, out=full, where=mask)
                self.loses(own, other, out=mask)
                np.copyto(full, 0.0, where=mask)
                sum_to(full, target)


class Maximum(Extreme):
    """The larger of two operands.

    Equation: y = max(a, b); da = dy where a > b, dy / 2 where a = b, else 0; db likewise; each
    summed back over broadcast axes. Where either is NaN, y is NaN and both get dy.

    Shapes: a, b and y as NumPy broadcasts. Recorded by ``np.maximum(a, b)`` and
    ``npnet.maximum(a, b)``. Source: torch.maximum.

    Examples
    --------
    >>> import numpy as np
    >>> Maximum()(np.array([1.0, 5.0]), np.array([3.0, 4.0])).tolist()
    [3.0, 5.0]
    """

    chooses = np.maximum
    loses = np.less


class Minimum(Extreme):
    """The smaller of two operands.

    Equation: y = min(a, b); da = dy where a < b, dy / 2 where a = b, else 0; db likewise; each
    summed back over broadcast axes. Where either is NaN, y is NaN and both get dy.

    Shapes: a, b and y as NumPy broadcasts. Recorded by ``np.minimum(a, b)`` and
    ``npnet.minimum(a, b)``. Source: torch.minimum.

    Examples
    --------
    >>> import numpy as np
    >>> Minimum()(np.array([1.0, 5.0]), np.array([3.0, 4.0])).tolist()
    [1.0, 4.0]
    """

    chooses = np.minimum
    loses = np.greater


class Clamp(Elementwise):
    """The number itself between two bounds, the nearer bound beyond them.

    Equation: y = min(max(x, min), max); dx = dy where min <= x <= max, else 0 (also where x is NaN)

    Shapes: any. Recorded by ``x.clamp(min, max)`` and ``npnet.clamp(x, min, max)``. At a bound the
    gradient passes, which Hardtanh stops there, as in torch.

    Parameters
    ----------
    min, max : float, optional
        At least one of them. A min above max makes every number max.

    Errors
    ------
    TypeError
        For a bound that is no real number; `Maximum` and `Minimum` take arrays.
    ValueError
        Without any bound.

    Source: torch.clamp.

    Examples
    --------
    >>> import numpy as np
    >>> clamp = Clamp(-1, 1)
    >>> clamp(np.array([-3.0, -1.0, 0.5])).tolist()
    [-1.0, -1.0, 0.5]
    >>> clamp.backward(np.ones(3)).tolist()
    [0.0, 1.0, 1.0]
    """

    backward_reads = frozenset({"x"})

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        super().__init__()
        if min is None and max is None:
            raise ValueError(f"{self._who}: expected min, max or both, got neither")
        self.min = None if min is None else printable(min, self._who, "min")
        self.max = None if max is None else printable(max, self._who, "max")

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Hold the bounds in the dtype of x, and where x is within each."""
        low = -math.inf if self.min is None else self.min
        high = math.inf if self.max is None else self.max
        with np.errstate(over="ignore"):  # beyond the dtype a bound is infinite
            bounds = {"low": np.asarray(low, x.dtype), "high": np.asarray(high, x.dtype)}
        mask = Spec(x.shape, np.dtype(bool))
        return {**bounds, "inside": mask, "below": mask}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = min(max(x, min), max)."""
        np.maximum(x, scratch.low, out=out)
        np.minimum(out, scratch.high, out=out)

    def backward_kernel(self, dy: Array, x: Array, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy where min <= x <= max, else 0."""
        inside, below = scratch.inside, scratch.below
        np.greater_equal(x, scratch.low, out=inside)
        np.less_equal(x, scratch.high, out=below)
        np.logical_and(inside, below, out=inside)
        dx.fill(0.0)
        np.copyto(dx, dy, where=inside)

    def extra_repr(self) -> str:
        """Return the bounds there are."""
        bounds = {"min": self.min, "max": self.max}
        return ", ".join(f"{name}={value}" for name, value in bounds.items() if value is not None)


recorders.update({np.maximum: Maximum(), np.minimum: Minimum()})
