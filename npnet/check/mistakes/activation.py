"""ReLU and Sigmoid: what goes wrong in derivatives taken element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.check.mistakes.mistake import Mistake, Right
from npnet.kernel import Spec
from npnet.layers.base import Elementwise

__all__ = ["MISTAKES", "RIGHT"]

X = ((5, 4),)


def relu(x: Any) -> Any:
    """Give the right gradient."""
    return np.maximum(x, 0), lambda dy: dy * (x > 0)


def relu_at_dy(x: Any) -> Any:
    """Look at the sign of dy."""
    return np.maximum(x, 0), lambda dy: dy * (dy > 0)


def relu_without_dy(x: Any) -> Any:
    """Return the local derivative."""
    return np.maximum(x, 0), lambda dy: (x > 0).astype(x.dtype)


def relu_upside_down(x: Any) -> Any:
    """Let through what forward has cut."""
    return np.maximum(x, 0), lambda dy: dy * (x < 0)


def relu_by_output(x: Any) -> Any:
    """Multiply by y where its sign is meant."""
    y = np.maximum(x, 0)
    return y, lambda dy: dy * y


def relu_masks_dy(x: Any) -> Any:
    """Set zeros in the caller's dy."""

    def backward(dy: Any) -> Any:
        dx = dy
        dx[x <= 0] = 0
        return dx

    return np.maximum(x, 0), backward


def relu_in_place(x: Any) -> Any:
    """Write over the caller's x."""
    mask = x > 0
    x[~mask] = 0
    return x, lambda dy: dy * mask


class Memory:
    """A function that keeps its mask in one place for all calls."""

    mask: Any = None


def relu_global_mask(x: Any) -> Any:
    """Keep the mask where the next call writes it."""
    Memory.mask = x > 0
    return x * Memory.mask, lambda dy: dy * Memory.mask


def sigmoid(x: Any) -> Any:
    """Give the right gradient."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * y * (1 - y)


def sigmoid_formula_at_x(x: Any) -> Any:
    """Put x into the formula for y."""
    return 1 / (1 + np.exp(-x)), lambda dy: dy * x * (1 - x)


def sigmoid_twice(x: Any) -> Any:
    """Apply the sigmoid to y once more."""
    y = 1 / (1 + np.exp(-x))

    def backward(dy: Any) -> Any:
        s = 1 / (1 + np.exp(-y))
        return dy * s * (1 - s)

    return y, backward


def sigmoid_at_dy(x: Any) -> Any:
    """Take the derivative at dy."""

    def backward(dy: Any) -> Any:
        s = 1 / (1 + np.exp(-dy))
        return dy * s * (1 - s)

    return 1 / (1 + np.exp(-x)), backward


def sigmoid_without_dy(x: Any) -> Any:
    """Return the local derivative."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: y * (1 - y)


def sigmoid_half(x: Any) -> Any:
    """Forget 1 - y."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * y


def sigmoid_other_half(x: Any) -> Any:
    """Forget y."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * (1 - y)


def sigmoid_sign(x: Any) -> Any:
    """Turn the sign, by y (y - 1)."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * y * (y - 1)


def sigmoid_plus(x: Any) -> Any:
    """Write 1 + y for 1 - y."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * y * (1 + y)


def sigmoid_squares_dy(x: Any) -> Any:
    """Multiply by dy twice."""
    y = 1 / (1 + np.exp(-x))
    return y, lambda dy: dy * y * (1 - y) * dy


class Logistic(Elementwise):
    """y = 1 / (1 + e^-x), right."""

    backward_reads = frozenset({"y"})

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        """Write y."""
        out[...] = 1 / (1 + np.exp(-x))

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        """Write dx = dy y (1 - y)."""
        dx[...] = dy * y * (1 - y)


class LogisticHandsOn(Logistic):
    """Hands dy on."""

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        """Write dx = dy."""
        dx[...] = dy


class LogisticUndeclared(Logistic):
    """Reads y and declares x."""

    backward_reads = frozenset({"x"})


class LogisticScratch(Logistic):
    """Counts on what forward left in scratch, and does not say so."""

    def scratch_specs(self, x: Spec) -> dict[str, Any]:
        """Ask for room for y."""
        return {"kept_y": x}

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        """Leave y in scratch."""
        super().forward_kernel(x, out=out, scratch=scratch)
        scratch.kept_y[...] = out

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        """Read it there."""
        dx[...] = dy * scratch.kept_y * (1 - scratch.kept_y)


class Rectifier(Elementwise):
    """y = max(x, 0), right."""

    backward_reads = frozenset({"x"})

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        """Write y."""
        np.maximum(x, 0, out=out)

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        """Write dx = dy where x > 0."""
        np.multiply(dy, x > 0, out=dx)


class RectifierAtDy(Rectifier):
    """Looks at the sign of dy."""

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        """Write dx = dy where dy > 0."""
        np.multiply(dy, dy > 0, out=dx)


class RectifierWritesInput(Rectifier):
    """Rectifies its operand too."""

    def forward_kernel(self, x: Any, *, out: Any, scratch: Any) -> None:
        """Write over x."""
        np.maximum(x, 0, out=x)
        out[...] = x


class RectifierLeavesOut(Rectifier):
    """Writes only where x > 0."""

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        """Leave the rest of dx as it is."""
        dx[x > 0] = dy[x > 0]


class RectifierMasksDy(Rectifier):
    """Sets zeros in dy."""

    def backward_kernel(self, dy: Any, x: Any, y: Any, *, dx: Any, scratch: Any) -> None:
        """Write into dy, then copy."""
        dy[x <= 0] = 0
        dx[...] = dy


MISTAKES: tuple[Mistake, ...] = (
    Mistake("ReLU", "dx = dy * (dy > 0)", "wrong place: at the output gradient", X, relu_at_dy),
    Mistake("ReLU", "dx = x > 0", "output gradient is ignored", X, relu_without_dy),
    Mistake("ReLU", "dx = dy * (x < 0)", "wrong place: at -x", X, relu_upside_down),
    Mistake("ReLU", "dx = dy * y", "a factor x too many", X, relu_by_output),
    Mistake("ReLU", "dx = dy; dx[x <= 0] = 0", "output gradient is written to", X, relu_masks_dy),
    Mistake("ReLU", "x[x < 0] = 0 in forward", "written to", X, relu_in_place),
    Mistake("ReLU", "mask in a global", "kept", X, relu_global_mask),
    Mistake(
        "ReLU", "dx = dy * (dy > 0)", "wrong place: at the output gradient", X, None, RectifierAtDy
    ),
    Mistake("ReLU", "np.maximum(x, 0, out=x)", "written to", X, None, RectifierWritesInput),
    Mistake("ReLU", "dx written where x > 0", "stale buffer", X, None, RectifierLeavesOut),
    Mistake("ReLU", "dy[x <= 0] = 0", "output gradient is written to", X, None, RectifierMasksDy),
    Mistake("Sigmoid", "dx = dy x (1 - x)", "one in the output y", X, sigmoid_formula_at_x),
    Mistake("Sigmoid", "sigmoid of y again", "wrong place: at the output y", X, sigmoid_twice),
    Mistake("Sigmoid", "sigmoid'(dy)", "wrong place: at the output gradient", X, sigmoid_at_dy),
    Mistake("Sigmoid", "dx = y (1 - y)", "output gradient is ignored", X, sigmoid_without_dy),
    Mistake("Sigmoid", "dx = dy y", "factor (1 - y) is missing", X, sigmoid_half),
    Mistake("Sigmoid", "dx = dy (1 - y)", "factor y is missing", X, sigmoid_other_half),
    Mistake("Sigmoid", "dx = dy y (y - 1)", "wrong sign", X, sigmoid_sign),
    Mistake("Sigmoid", "dx = dy y (1 + y)", "(1 + y) where (1 - y)", X, sigmoid_plus),
    Mistake("Sigmoid", "dy twice", "not proportional", X, sigmoid_squares_dy),
    Mistake("Sigmoid", "dx = dy", "local derivative is missing", X, None, LogisticHandsOn),
    Mistake("Sigmoid", "y read, not declared", "backward_reads", X, None, LogisticUndeclared),
    Mistake("Sigmoid", "scratch read, not kept", "stale buffer", X, None, LogisticScratch),
)


def shapes(random: Any) -> tuple[Any, ...]:
    """Draw a shape of up to three axes."""
    return (tuple(int(n) for n in random.integers(1, 6, random.integers(0, 4))),)


RIGHT: tuple[Right, ...] = (
    Right("ReLU", shapes, relu),
    Right("ReLU", shapes, None, Rectifier),
    Right("Sigmoid", shapes, sigmoid),
    Right("Sigmoid", shapes, None, Logistic),
)
