"""Regularization: a penalty on the size of weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npnet.blas import add_scaled
from npnet.kernel import Spec
from npnet.layers.base import Layer, real_number
from npnet.layers.reduction import squares_added_up
from npnet.parameter import Array
from npnet.program import Call

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

    def scratch_specs(self, w: Spec) -> dict[str, Any]:
        """Return the strength, and room for |w| in the memory order of w."""
        strength = np.array(self.strength, w.dtype)
        size = {} if self.p == 2 else {"size": Spec((math.prod(w.shape),), w.dtype)}
        return {"strength": strength, **size}

    def forward_calls(self, w: Array, *, out: Array, scratch: Any) -> Iterator[Call]:
        """Write R = strength times the norm."""
        if self.p == 2:
            yield squares_added_up(w, out)
        else:
            flat = w.ravel(order="K")
            yield partial(np.absolute, flat, out=scratch.size)
            yield partial(np.add.reduce, scratch.size, out=out)
        yield partial(np.multiply, out, scratch.strength, out)

    def backward_calls(
        self, dy: Array, w: Array, y: None, *, dw: Array, scratch: Any
    ) -> Iterator[Call]:
        """Write dw = the norm's slope times strength dR."""
        if self.p == 2:
            twice = 2.0 * self.strength
            yield lambda: np.multiply(w, twice * dy.item(), out=dw)
        else:
            yield partial(np.sign, w, out=dw)
            yield lambda: np.multiply(dw, self.strength * dy.item(), out=dw)

    def adding_calls(
        self, dy: Array, w: Array, y: None, *, dw: Array, scratch: Any
    ) -> Iterator[Call]:
        """Add the same to dw, in one pass over memory."""
        slope, total, factor = w.ravel(order="K"), dw.ravel(order="K"), 2.0 * self.strength
        if self.p == 1:
            yield partial(np.sign, slope, out=scratch.size)
            slope, factor = scratch.size, self.strength
        yield lambda: add_scaled(total, factor * dy.item(), slope)

    def extra_repr(self) -> str:
        """Its two numbers."""
        return f"strength={self.strength}, p={self.p}"
