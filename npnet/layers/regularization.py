"""Regularization: a penalty on the size of weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npnet.layers.base import Layer, real_number
from npnet.layers.reduction import sum_of_squares
from npnet.parameter import Array
from npnet.tape import Spec

__all__ = ["Regularization"]


class Regularization(Layer):
    """A constant times the squared L2 norm, or times the L1 norm, of all numbers of an array.

    Equation: R = strength sum w^2, dw = 2 strength w dR (p = 2: the squared Frobenius norm of a
    matrix, without a root and without 1/2); R = strength sum |w|, dw = strength sign(w) dR, 0 at
    0 (p = 1)

    Shapes: w any; R (). The sum over several arrays is ``Sum()`` of several Regularizations.

    Parameters
    ----------
    strength : float
        0 or more: a negative one would reward ever larger weights, without end.
    p : 1 or 2, default 2

    Errors
    ------
    TypeError
        For a strength that is no real number.
    ValueError
        For a strength that is negative, infinite or NaN, and for another p.

    Source: Goodfellow, Bengio, Courville, Deep Learning, equations 7.2 (without 1/2) and 7.18.

    Examples
    --------
    >>> import numpy as np
    >>> penalty = Regularization(0.5)
    >>> float(penalty(np.array([[1.0, -2.0]])))
    2.5
    >>> penalty.backward().tolist()
    [[1.0, -2.0]]
    """

    backward_reads = frozenset({"w"})
    any_order = frozenset({"w"})

    def __init__(self, strength: float, p: int = 2) -> None:
        super().__init__()
        self.strength = real_number(strength, self._who, "strength")
        if not 0 <= self.strength < math.inf:
            raise ValueError(
                f"{self._who}: expected a finite strength of 0 or more, got {strength!r}"
            )
        if p not in (1, 2):
            raise ValueError(f"{self._who}: expected p 1 or 2, got {p!r}")
        self.p = int(p)

    def infer(self, w: Spec) -> Spec:
        """Return the spec of one number."""
        return Spec((), w.dtype)

    def scratch_specs(self, w: Spec) -> dict[str, Spec]:
        """Room for |w|, in the memory order of w."""
        return {} if self.p == 2 else {"size": Spec((math.prod(w.shape),), w.dtype)}

    def forward_kernel(self, w: Array, *, out: Array, scratch: Any) -> None:
        """Write R = strength times the norm."""
        if self.p == 2:
            norm = sum_of_squares(w)
        else:
            np.absolute(w.ravel(order="K"), out=scratch.size)
            norm = np.add.reduce(scratch.size).item()
        out[...] = self.strength * norm

    def backward_kernel(self, dy: Array, w: Array, y: None, *, dw: Array, scratch: Any) -> None:
        """Write dw = the norm's slope times strength dR."""
        # A Python float promotes no dtype, which an array without axes may.
        scale = self.strength * dy.item()
        if self.p == 2:
            np.multiply(w, 2.0 * scale, out=dw)
        else:
            np.sign(w, out=dw)
            np.multiply(dw, scale, out=dw)

    def extra_repr(self) -> str:
        """Its two numbers."""
        return f"strength={self.strength}, p={self.p}"
