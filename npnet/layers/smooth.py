"""Smooth activations: Softplus and its kin, and Softsign."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.activation import Activation, printable, write_sigmoid
from npnet.layers.base import Elementwise
from npnet.parameter import Array

__all__ = ["LogSigmoid", "Softplus", "Softsign"]


def write_tail(x: Array, out: Array) -> None:
    """Write log(1 + e^-|x|), by which log(1 + e^x) exceeds max(x, 0): no exponential overflows."""
    np.absolute(x, out=out)
    np.negative(out, out=out)
    np.exp(out, out=out)
    np.log1p(out, out=out)


class Softplus(Activation):
    """Rectified linear unit, smoothed.

    Equation: y = log(1 + e^(beta x)) / beta, x itself where beta x > threshold;
    dy/dx = sigmoid(beta x), or 1

    Shapes: any.

    Parameters
    ----------
    beta : float, default 1.0
        How sharp the bend is.
    threshold : float, default 20.0
        Where the function is taken for straight.

    Errors
    ------
    TypeError
        For a beta or threshold that is no real number.

    Source: torch.nn.Softplus.

    Examples
    --------
    >>> import numpy as np
    >>> Softplus()(np.array([-1e4, 0.0, 1e4])).round(6).tolist()
    [0.0, 0.693147, 10000.0]
    """

    backward_reads = frozenset({"x"})
    kept = frozenset({"straight"})
    shown = ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = printable(beta, "Softplus", "beta")
        self.threshold = printable(threshold, "Softplus", "threshold")

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Keep where the function is straight."""
        return {"straight": Spec(x.shape, np.dtype(bool)), "scaled": x, "tail": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = (max(beta x, 0) + log(1 + e^-|beta x|)) / beta, or x."""
        scaled = scratch.scaled
        with np.errstate(all="ignore"):
            np.multiply(x, self.beta, out=scaled)
            np.greater(scaled, self.threshold, out=scratch.straight)
            write_tail(scaled, scratch.tail)
            np.maximum(scaled, 0.0, out=scaled)
            np.add(scaled, scratch.tail, out=scaled)
            np.true_divide(scaled, self.beta, out=out)
        np.copyto(out, x, where=scratch.straight)

    def backward_kernel(self, dy: Array, x: Array, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy sigmoid(beta x), or dy."""
        slope = scratch.scaled
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(x, self.beta, out=slope)
        write_sigmoid(slope, slope)
        np.copyto(slope, 1.0, where=scratch.straight)
        np.multiply(slope, dy, out=dx)


class LogSigmoid(Elementwise):
    """Logarithm of the logistic function.

    Equation: y = -log(1 + e^-x); dy/dx = 1 / (1 + e^x) = 1 - e^y

    Shapes: any. Source: torch.nn.LogSigmoid.

    Examples
    --------
    >>> import numpy as np
    >>> LogSigmoid()(np.array([-1e4, 0.0])).round(6).tolist()
    [-10000.0, -0.693147]
    """

    backward_reads = frozenset({"y"})
    in_place = True

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Hold the tail, then the slope."""
        return {"tail": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = min(x, 0) - log(1 + e^-|x|)."""
        write_tail(x, scratch.tail)
        np.minimum(x, 0.0, out=out)
        np.subtract(out, scratch.tail, out=out)

    def backward_kernel(self, dy: Array, x: None, y: Array, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy (1 - e^y)."""
        slope = scratch.tail
        np.expm1(y, out=slope)
        np.negative(slope, out=slope)
        np.multiply(slope, dy, out=dx)


class Softsign(Elementwise):
    """Number over its distance from -1 or 1, like Tanh with longer tails.

    Equation: y = x / (1 + |x|); dy/dx = 1 / (1 + |x|)^2; at +-inf y is NaN, as torch's, and dy/dx 0

    Shapes: any. Source: torch.nn.Softsign.

    Examples
    --------
    >>> import numpy as np
    >>> Softsign()(np.array([-3.0, 0.0, 1.0])).tolist()
    [-0.75, 0.0, 0.5]
    """

    backward_reads = frozenset()
    in_place = True
    kept = frozenset({"divisor"})

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Keep 1 + |x|."""
        return {"divisor": x, "share": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x / (1 + |x|)."""
        divisor = scratch.divisor
        np.absolute(x, out=divisor)
        np.add(divisor, 1.0, out=divisor)
        with np.errstate(invalid="ignore"):
            np.true_divide(x, divisor, out=out)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy / (1 + |x|)^2; the square of a large divisor would overflow."""
        np.true_divide(dy, scratch.divisor, out=scratch.share)
        np.true_divide(scratch.share, scratch.divisor, out=dx)
