"""Linear: what goes wrong in y = x @ w.T + b."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.check.mistakes.mistake import Mistake, Right
from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.parameter import Parameter

__all__ = ["MISTAKES", "RIGHT"]

WIDE, SQUARE = ((5, 4), (3, 4), (3,)), ((5, 4), (4, 4), (4,))


def right(x: Any, w: Any, b: Any) -> Any:
    """Give the right gradients."""

    def backward(dy: Any) -> Any:
        return dy @ w, dy.T @ x, dy.sum(axis=0)

    return x @ w.T + b, backward


def weight_transposed(x: Any, w: Any, b: Any) -> Any:
    """Give dw the shape (I, O)."""

    def backward(dy: Any) -> Any:
        return dy @ w, x.T @ dy, dy.sum(axis=0)

    return x @ w.T + b, backward


def input_by_transpose(x: Any, w: Any, b: Any) -> Any:
    """Multiply dy by w.T where w is meant, which fits for as many inputs as outputs."""

    def backward(dy: Any) -> Any:
        return dy @ w.T, dy.T @ x, dy.sum(axis=0)

    return x @ w.T + b, backward


def bias_not_summed(x: Any, w: Any, b: Any) -> Any:
    """Give a bias gradient for each row."""

    def backward(dy: Any) -> Any:
        return dy @ w, dy.T @ x, dy

    return x @ w.T + b, backward


def bias_mean(x: Any, w: Any, b: Any) -> Any:
    """Average the bias gradient over the batch."""

    def backward(dy: Any) -> Any:
        return dy @ w, dy.T @ x, dy.mean(axis=0)

    return x @ w.T + b, backward


def weight_divided(x: Any, w: Any, b: Any) -> Any:
    """Average the weight gradient, which the loss has done already."""

    def backward(dy: Any) -> Any:
        return dy @ w, dy.T @ x / len(x), dy.sum(axis=0)

    return x @ w.T + b, backward


def weight_in_a_loop(x: Any, w: Any, b: Any) -> Any:
    """Overwrite the weight gradient row by row."""

    def backward(dy: Any) -> Any:
        for row, dy_row in zip(x, dy, strict=True):
            dw = np.outer(dy_row, row)
        return dy @ w, dw, dy.sum(axis=0)

    return x @ w.T + b, backward


def weight_sign(x: Any, w: Any, b: Any) -> Any:
    """Turn the weight gradient's sign, as if it were the step."""

    def backward(dy: Any) -> Any:
        return dy @ w, -dy.T @ x, dy.sum(axis=0)

    return x @ w.T + b, backward


def weight_from_output(x: Any, w: Any, b: Any) -> Any:
    """Multiply by the output where the input is meant."""
    y = x @ w.T + b

    def backward(dy: Any) -> Any:
        return dy @ w, dy.T @ y, dy.sum(axis=0)

    return y, backward


def no_output_gradient(x: Any, w: Any, b: Any) -> Any:
    """Return the local derivative of the sum of all outputs."""

    def backward(dy: Any) -> Any:
        ones = np.ones_like(dy)
        return ones @ w, ones.T @ x, ones.sum(axis=0)

    return x @ w.T + b, backward


def promoted(x: Any, w: Any, b: Any) -> Any:
    """Collect the weight gradient in float64."""

    def backward(dy: Any) -> Any:
        dw = np.zeros(w.shape)
        dw += dy.T @ x
        return dy @ w, dw, dy.sum(axis=0)

    return x @ w.T + b, backward


def centred_in_place(x: Any, w: Any, b: Any) -> Any:
    """Shift the caller's array."""
    x -= 0.5

    def backward(dy: Any) -> Any:
        return dy @ w, dy.T @ x, dy.sum(axis=0)

    return x @ w.T + b, backward


def partly_filled(x: Any, w: Any, b: Any) -> Any:
    """Leave the last row of dx as np.empty gave it."""

    def backward(dy: Any) -> Any:
        dx = np.empty_like(x)
        for i in range(len(x) - 1):
            dx[i] = dy[i] @ w
        return dx, dy.T @ x, dy.sum(axis=0)

    return x @ w.T + b, backward


class Affine(Layer):
    """y = x @ weight.T + bias, right; each gradient by itself, to be overwritten."""

    def __init__(self, inputs: int = 4, outputs: int = 3) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.weight = Parameter(random.normal(size=(outputs, inputs)).astype(np.float32))
        self.bias = Parameter(random.normal(size=outputs).astype(np.float32))

    def infer(self, x: Spec, weight: Spec, bias: Spec) -> Spec:
        """Give y the rows of x and the columns of the weight's."""
        return Spec((*x.shape[:-1], weight.shape[0]), x.dtype)

    def forward_kernel(self, x: Any, weight: Any, bias: Any, *, out: Any, scratch: Any) -> None:
        """Write y = x @ weight.T + bias."""
        np.matmul(x, weight.T, out=out)
        out += bias

    def backward_kernel(
        self,
        dy: Any,
        x: Any,
        weight: Any,
        bias: Any,
        y: Any,
        *,
        dx: Any,
        dweight: Any,
        dbias: Any,
        scratch: Any,
    ) -> None:
        """Write what is asked for."""
        if dx is not None:
            self.input_gradient(dy, weight, dx)
        if dweight is not None:
            self.weight_gradient(dy, x, dweight)
        if dbias is not None:
            self.bias_gradient(dy, dbias)

    def input_gradient(self, dy: Any, weight: Any, dx: Any) -> None:
        """Write dx = dy @ weight."""
        dx[...] = dy @ weight

    def weight_gradient(self, dy: Any, x: Any, dweight: Any) -> None:
        """Write dweight = dy.T @ x."""
        dweight[...] = dy.T @ x

    def bias_gradient(self, dy: Any, dbias: Any) -> None:
        """Write dbias = dy summed over the rows."""
        dbias[...] = dy.sum(axis=0)


class WeightTransposed(Affine):
    """Write x.T @ dy into a square dweight."""

    def weight_gradient(self, dy: Any, x: Any, dweight: Any) -> None:
        """Write the transpose."""
        dweight[...] = x.T @ dy


def square_transposed() -> Affine:
    """Make one whose transposed gradient fits."""
    return WeightTransposed(4, 4)


class WeightReshaped(Affine):
    """Write x.T @ dy into dweight by a reshape, which is no transpose."""

    def weight_gradient(self, dy: Any, x: Any, dweight: Any) -> None:
        """Write the numbers in the wrong order."""
        dweight[...] = (x.T @ dy).reshape(dweight.shape)


class BiasOfFirstRow(Affine):
    """Take the first row for the bias."""

    def bias_gradient(self, dy: Any, dbias: Any) -> None:
        """Write one row."""
        dbias[...] = dy[0]


class BiasOfRows(Affine):
    """Write a row for each row of the batch into the bias."""

    def bias_gradient(self, dy: Any, dbias: Any) -> None:
        """Write what does not fit."""
        dbias[...] = dy


class WeightAdds(Affine):
    """Add to the array of the gradient, as a framework without a plan does."""

    def weight_gradient(self, dy: Any, x: Any, dweight: Any) -> None:
        """Add."""
        dweight += dy.T @ x


class KeepsInput(Affine):
    """Keep x in a cache of the layer from forward to backward."""

    def __init__(self, inputs: int = 4, outputs: int = 3) -> None:
        super().__init__(inputs, outputs)
        self.cache: dict[str, Any] = {}

    def forward_kernel(self, x: Any, weight: Any, bias: Any, *, out: Any, scratch: Any) -> None:
        """Keep x."""
        super().forward_kernel(x, weight, bias, out=out, scratch=scratch)
        self.cache["x"] = x

    def weight_gradient(self, dy: Any, x: Any, dweight: Any) -> None:
        """Use what was kept, which a second call has replaced."""
        dweight[...] = dy.T @ self.cache["x"]


MISTAKES: tuple[Mistake, ...] = (
    Mistake("Linear", "dw = x.T @ dy, of shape (I, O)", "transposed", WIDE, weight_transposed),
    Mistake("Linear", "dw = x.T @ dy, square", "transposed", SQUARE, weight_transposed),
    Mistake("Linear", "dx = dy @ w.T, square", "transposed", SQUARE, input_by_transpose),
    Mistake("Linear", "db = dy", "not summed over the batch", WIDE, bias_not_summed),
    Mistake("Linear", "db = dy.mean(axis=0)", "a mean for a sum", WIDE, bias_mean),
    Mistake("Linear", "dw divided by N", "a mean for a sum", WIDE, weight_divided),
    Mistake("Linear", "dw = in a loop over rows", "only the last row", WIDE, weight_in_a_loop),
    Mistake("Linear", "dw = -dy.T @ x", "wrong sign", WIDE, weight_sign),
    Mistake("Linear", "dw = dy.T @ y, square", "it is dy.T @ y", SQUARE, weight_from_output),
    Mistake("Linear", "dy not used", "output gradient is ignored", WIDE, no_output_gradient),
    Mistake("Linear", "dw collected in np.zeros", "dtype is promoted", WIDE, promoted),
    Mistake("Linear", "x -= 0.5 in forward", "written to", WIDE, centred_in_place),
    Mistake("Linear", "last row of dx not filled", "stale buffer", WIDE, partly_filled),
    Mistake(
        "Linear",
        "dweight = x.T @ dy",
        "transposed",
        ((5, 4),),
        None,
        square_transposed,
    ),
    Mistake("Linear", "(x.T @ dy).reshape", "transposed", ((5, 4),), None, WeightReshaped),
    Mistake("Linear", "dbias = dy[0]", "only the first row", ((5, 4),), None, BiasOfFirstRow),
    Mistake("Linear", "dbias = dy", "summed over the batch", ((5, 4),), None, BiasOfRows),
    Mistake("Linear", "dweight += dy.T @ x", "`+=` where `=`", ((5, 4),), None, WeightAdds),
    Mistake("Linear", "x kept on the layer", "kept", ((5, 4),), None, KeepsInput),
)


def sizes(random: Any) -> tuple[Any, ...]:
    """Draw the shapes of x, w and b."""
    rows, inputs, outputs = (int(n) for n in random.integers(1, 8, 3))
    return (rows, inputs), (outputs, inputs), (outputs,)


RIGHT: tuple[Right, ...] = (
    Right("Linear", sizes, right),
    Right("Linear", lambda random: ((int(random.integers(1, 8)), 4),), None, Affine),
)
