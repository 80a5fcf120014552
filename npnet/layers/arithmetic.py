"""Arithmetic: layers of two operands, and what operators on a Node record."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npnet.expression import recorders
from npnet.kernel import Spec
from npnet.layers.activation import Tanh
from npnet.layers.base import Layer, broadcast_spec, sum_to
from npnet.layers.elementwise import Abs, Exp, Log, Negate, Sqrt, Square
from npnet.parameter import Array
from npnet.program import Call

__all__ = ["Add", "Divide", "MatMul", "Multiply", "Power", "Subtract"]


class Binary(Layer):
    """A layer of two operands that broadcast as NumPy does; gradients are summed back."""

    elementwise = True

    def infer(self, a: Spec, b: Spec) -> Spec:
        """Return the shape both broadcast to."""
        return broadcast_spec(type(self).__name__, a, b)

    def scratch_specs(self, a: Spec, b: Spec) -> dict[str, Spec]:
        """Hold a gradient before it is summed back, and a factor of it."""
        full = self.infer(a, b)
        return {"full": full, "factor": full}


def deliver(ufunc: np.ufunc, left: Any, right: Any, target: Array, full: Array) -> None:
    """Write ufunc(left, right), of the shape of `full`, summed back to the target's shape."""
    if target.shape == full.shape:
        ufunc(left, right, out=target)
    else:
        ufunc(left, right, out=full)
        sum_to(full, target)


class Add(Binary):
    """Sum of two operands.

    Equation: y = a + b; da = dy, db = dy, each summed back over broadcast axes

    Shapes: a, b and y as NumPy broadcasts. Recorded by ``a + b``. Source: torch.add.

    Examples
    --------
    >>> import numpy as np
    >>> Add()(np.ones((2, 2)), np.array([1.0, 2.0])).tolist()
    [[2.0, 3.0], [2.0, 3.0]]
    """

    backward_reads = frozenset()

    def forward_calls(self, a: Array, b: Array, *, out: Array, scratch: Any) -> Iterator[Call]:
        """Write y = a + b."""
        yield partial(np.add, a, b, out)

    def backward_calls(
        self, dy: Array, a: None, b: None, y: None, *, da: Any, db: Any, scratch: Any
    ) -> Iterator[Call]:
        """Write da = dy, db = dy."""
        for target in (da, db):
            if target is not None and target.shape == dy.shape:
                yield partial(target.__setitem__, ..., dy)
            elif target is not None:
                yield partial(sum_to, dy, target)


class Subtract(Binary):
    """Difference of two operands.

    Equation: y = a - b; da = dy, db = -dy, each summed back over broadcast axes

    Shapes: a, b and y as NumPy broadcasts. Recorded by ``a - b``. Source: torch.sub.

    Examples
    --------
    >>> import numpy as np
    >>> Subtract()(np.array([3.0]), np.array([1.0])).tolist()
    [2.0]
    """

    backward_reads = frozenset()

    def forward_kernel(self, a: Array, b: Array, *, out: Array, scratch: Any) -> None:
        """Write y = a - b."""
        np.subtract(a, b, out=out)

    def backward_kernel(
        self, dy: Array, a: None, b: None, y: None, *, da: Any, db: Any, scratch: Any
    ) -> None:
        """Write da = dy, db = -dy."""
        if da is not None:
            sum_to(dy, da)
        if db is not None:
            sum_to(dy, db)
            np.negative(db, out=db)


class Multiply(Binary):
    """Product of two operands.

    Equation: y = a b; da = dy b, db = dy a, each summed back over broadcast axes

    Shapes: a, b and y as NumPy broadcasts. Recorded by ``a * b``. Source: torch.mul.

    Examples
    --------
    >>> import numpy as np
    >>> Multiply()(np.array([3.0]), np.array([2.0])).tolist()
    [6.0]
    """

    backward_reads = frozenset({"a", "b"})

    def forward_kernel(self, a: Array, b: Array, *, out: Array, scratch: Any) -> None:
        """Write y = a b."""
        np.multiply(a, b, out=out)

    def backward_kernel(
        self, dy: Array, a: Array, b: Array, y: None, *, da: Any, db: Any, scratch: Any
    ) -> None:
        """Write da = dy b, db = dy a."""
        if da is not None:
            deliver(np.multiply, dy, b, da, scratch.full)
        if db is not None:
            deliver(np.multiply, dy, a, db, scratch.full)


class Divide(Binary):
    """Quotient of two operands.

    Equation: y = a / b; da = dy / b, db = -dy y / b, each summed back over broadcast axes

    Shapes: a, b and y as NumPy broadcasts. Recorded by ``a / b``. Source: torch.div.

    Examples
    --------
    >>> import numpy as np
    >>> Divide()(np.array([3.0]), np.array([2.0])).tolist()
    [1.5]
    """

    backward_reads = frozenset({"b", "y"})

    def forward_kernel(self, a: Array, b: Array, *, out: Array, scratch: Any) -> None:
        """Write y = a / b."""
        np.true_divide(a, b, out=out)

    def backward_kernel(
        self, dy: Array, a: None, b: Array, y: Array, *, da: Any, db: Any, scratch: Any
    ) -> None:
        """Write da = dy / b, db = -dy y / b."""
        if da is not None:
            deliver(np.true_divide, dy, b, da, scratch.full)
        if db is not None:
            np.true_divide(y, b, out=scratch.factor)
            np.negative(scratch.factor, out=scratch.factor)
            deliver(np.multiply, dy, scratch.factor, db, scratch.full)


class Power(Binary):
    """One operand to the power of the other.

    Equation: y = a^b; da = dy b a^(b-1), 0 where b is 0; db = dy y log(a), 0 where a is 0 and
    b >= 0

    Shapes: a, b and y as NumPy broadcasts. Recorded by ``a ** b``. Source: torch.pow.

    Examples
    --------
    >>> import numpy as np
    >>> Power()(np.array([3.0]), 2.0).tolist()
    [9.0]
    """

    def scratch_specs(self, a: Spec, b: Spec) -> dict[str, Spec]:
        """Room for b - 1 and the places where a slope is 0 whatever the rest."""
        full = self.infer(a, b)
        mask = Spec(full.shape, np.dtype(bool))
        return {"full": full, "factor": full, "zero": mask, "other": mask}

    def forward_kernel(self, a: Array, b: Array, *, out: Array, scratch: Any) -> None:
        """Write y = a^b."""
        np.power(a, b, out=out)

    def backward_kernel(
        self, dy: Array, a: Array, b: Array, y: Array, *, da: Any, db: Any, scratch: Any
    ) -> None:
        """Write da = dy b a^(b-1), db = dy y log(a)."""
        factor, zero = scratch.factor, scratch.zero
        if da is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                np.subtract(b, 1.0, out=factor)
                np.power(a, factor, out=factor)
                np.multiply(factor, b, out=factor)
            np.equal(b, 0.0, out=zero)
            np.copyto(factor, 0.0, where=zero)
            deliver(np.multiply, dy, factor, da, scratch.full)
        if db is not None:
            with np.errstate(divide="ignore", invalid="ignore"):
                np.copyto(factor, a)
                np.log(factor, out=factor)
                np.multiply(factor, y, out=factor)
            np.equal(a, 0.0, out=zero)
            np.greater_equal(b, 0.0, out=scratch.other)
            np.logical_and(zero, scratch.other, out=zero)
            np.copyto(factor, 0.0, where=zero)
            deliver(np.multiply, dy, factor, db, scratch.full)


class MatMul(Layer):
    """Matrix product over the last two axes; leading axes broadcast.

    Equation: y = a @ b; da = dy @ b^T, db = a^T @ dy, each summed back over broadcast axes

    Shapes: a (..., N, K), b (..., K, M), y (..., N, M); an operand (K,) is a row on the left and a
    column on the right whose axis y does not have. Recorded by ``a @ b``. Source: torch.matmul.

    Errors
    ------
    ValueError
        For operands without axes, and where the K of both differ.

    Examples
    --------
    >>> import numpy as np
    >>> MatMul()(np.array([[1.0, 2.0]]), np.array([3.0, 4.0])).tolist()
    [11.0]
    """

    backward_reads = frozenset({"a", "b"})

    def infer(self, a: Spec, b: Spec) -> Spec:
        """Check the axis both share."""
        left, right = self._matrices(a, b)
        if not a.shape or not b.shape or left[-1] != right[-2]:
            raise ValueError(
                f"MatMul: expected a of shape (..., N, K) and b of shape (..., K, M), got "
                f"{a.shape} and {b.shape}; the last axis of a is as long as the last but one of b"
            )
        batch = broadcast_spec("MatMul", Spec(left[:-2], a.dtype), Spec(right[:-2], a.dtype)).shape
        rows = left[-2:-1] if len(a.shape) > 1 else ()
        columns = right[-1:] if len(b.shape) > 1 else ()
        return Spec((*batch, *rows, *columns), a.dtype)

    def scratch_specs(self, a: Spec, b: Spec) -> dict[str, Spec]:
        """Both gradients before they are summed back."""
        left, right = self._matrices(a, b)
        batch = np.broadcast_shapes(left[:-2], right[:-2])
        return {
            "left": Spec((*batch, *left[-2:]), a.dtype),
            "right": Spec((*batch, *right[-2:]), a.dtype),
        }

    def forward_kernel(self, a: Array, b: Array, *, out: Array, scratch: Any) -> None:
        """Write y = a @ b."""
        if out.ndim:
            np.matmul(a, b, out=out)
        else:
            out[...] = np.dot(a, b)

    def backward_kernel(
        self, dy: Array, a: Array, b: Array, y: None, *, da: Any, db: Any, scratch: Any
    ) -> None:
        """Write da = dy @ b^T, db = a^T @ dy."""
        left = a if a.ndim > 1 else a[None, :]
        right = b if b.ndim > 1 else b[:, None]
        full = dy if a.ndim > 1 else np.expand_dims(dy, -1 if b.ndim == 1 else -2)
        full = full if b.ndim > 1 else full[..., None]
        if da is not None:
            np.matmul(full, right.swapaxes(-1, -2), out=scratch.left)
            sum_to(scratch.left, da if a.ndim > 1 else da[None, :])
        if db is not None:
            np.matmul(left.swapaxes(-1, -2), full, out=scratch.right)
            sum_to(scratch.right, db if b.ndim > 1 else db[:, None])

    @staticmethod
    def _matrices(a: Spec, b: Spec) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shapes of both operands as matrices."""
        left = a.shape if len(a.shape) > 1 else (1, *a.shape)
        right = b.shape if len(b.shape) > 1 else (*b.shape, 1)
        return left, right


def power(a: Any, b: Any) -> Any:
    """Record a ** b; the square is a multiplication."""
    return Square()(a) if isinstance(b, (int, float)) and b == 2 else Power()(a, b)


recorders.update(
    {
        np.add: Add(),
        np.subtract: Subtract(),
        np.multiply: Multiply(),
        np.true_divide: Divide(),
        np.power: power,
        np.matmul: MatMul(),
        np.negative: Negate(),
        np.absolute: Abs(),
        np.exp: Exp(),
        np.log: Log(),
        np.square: Square(),
        np.sqrt: Sqrt(),
        np.tanh: Tanh(),
    }
)
