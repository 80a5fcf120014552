"""Clipped activations: the number itself between two bounds, and constant beyond."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.activation import Activation, printable
from npnet.parameter import Array

__all__ = ["Hardtanh", "ReLU6"]


class Clipped(Activation):
    """What Hardtanh and ReLU6 are: the number itself between two bounds, the nearer one beyond."""

    backward_reads = frozenset({"y"})
    in_place = True
    min_val: float
    max_val: float

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Hold two masks."""
        mask = Spec(x.shape, np.dtype(np.int8))
        return {"inside": mask, "below": mask}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = min(max(x, min_val), max_val)."""
        x.clip(self.min_val, self.max_val, out)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy where y is neither bound: it is between them, or NaN."""
        np.not_equal(y, self.min_val, out=scratch.inside)
        np.not_equal(y, self.max_val, out=scratch.below)
        np.bitwise_and(scratch.inside, scratch.below, out=scratch.inside)
        keep_where(scratch.inside, dy, dx)


def keep_where(mask: Array, dy: Array, dx: Array) -> None:
    """Write dy where the mask has 1 and 0 where it has 0, whatever dy is; the mask is used up.

    A product with the mask takes as long, and is NaN where dy is not finite.
    """
    bits = f"i{dy.itemsize}"
    np.negative(mask, out=mask)  # 1 becomes -1, all of whose bits are set
    np.bitwise_and(dy.view(bits), mask, out=dx.view(bits))


class Hardtanh(Clipped):
    """The number itself between two bounds, the nearer bound beyond them.

    Equation: y = min(max(x, min_val), max_val); dy/dx = 1 where min_val < x < max_val (and where x
    is NaN), else 0

    Shapes: any.

    Parameters
    ----------
    min_val, max_val : float, default -1.0 and 1.0
    inplace : bool, default False
        Accepted for torch's sake.

    Errors
    ------
    TypeError
        For a bound that is no real number.
    ValueError
        Unless min_val < max_val.

    Source: torch.nn.Hardtanh.

    Examples
    --------
    >>> import numpy as np
    >>> Hardtanh(-2, 2)(np.array([-3.0, 0.5, 9.0])).tolist()
    [-2.0, 0.5, 2.0]
    """

    shown = ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.min_val = printable(min_val, "Hardtanh", "min_val")
        self.max_val = printable(max_val, "Hardtanh", "max_val")
        if not self.min_val < self.max_val:
            raise ValueError(
                f"Hardtanh: expected min_val < max_val, got {self.min_val} and {self.max_val}"
            )


class ReLU6(Clipped):
    """Rectified linear unit that stops at 6.

    Equation: y = min(max(x, 0), 6); dy/dx = 1 where 0 < x < 6 (and where x is NaN), else 0

    Shapes: any.

    Parameters
    ----------
    inplace : bool, default False
        Accepted for torch's sake.

    Source: torch.nn.ReLU6.

    Examples
    --------
    >>> import numpy as np
    >>> ReLU6()(np.array([-1.0, 4.0, 9.0])).tolist()
    [0.0, 4.0, 6.0]
    """

    min_val = 0.0
    max_val = 6.0
