"""Rectifiers: activations that are the number itself above 0, and flatter below."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.kernel import Spec
from npnet.layers.activation import Activation, printable
from npnet.layers.base import Layer, real_number, sum_to
from npnet.layers.sizes import size_number
from npnet.parameter import Array, Parameter, computing_dtype

__all__ = ["ELU", "SELU", "LeakyReLU", "PReLU"]


def slope_specs(x: Spec) -> dict[str, Spec]:
    """Return the arrays that `write_slope` takes."""
    active = Spec(x.shape, np.dtype(bool))
    return {"active": active, "rest": active, "slope": x}


def write_slope(x: Array, negative: Any, scratch: Any) -> None:
    """Write the slope: 1 where x > 0, else `negative`, at NaN too; both exactly."""
    # Two masks of bytes: np.where and where= branch on every number, which takes ten times as long.
    slope = scratch.slope
    np.greater(x, 0.0, out=scratch.active)
    np.logical_not(scratch.active, out=scratch.rest)
    np.multiply(scratch.rest, negative, out=slope, dtype=slope.dtype)
    np.add(slope, scratch.active, out=slope)


class LeakyReLU(Activation):
    """Rectified linear unit that lets a share of negative numbers through.

    Equation: y = x where x > 0, else negative_slope x; dy/dx = 1 or negative_slope

    Shapes: any.

    Parameters
    ----------
    negative_slope : float, default 0.01
    inplace : bool, default False
        Accepted for torch's sake.

    Errors
    ------
    TypeError
        For a slope that is no real number.

    Source: torch.nn.LeakyReLU.

    Examples
    --------
    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([-3.0, 2.0])).tolist()
    [-1.5, 2.0]
    """

    backward_reads = frozenset()
    in_place = True
    kept = frozenset({"slope"})
    shown = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope = printable(negative_slope, "LeakyReLU", "negative_slope")

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Keep the slope."""
        return slope_specs(x)

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x slope."""
        write_slope(x, self.negative_slope, scratch)
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(x, scratch.slope, out=out)

    def backward_kernel(self, dy: Array, x: None, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy slope."""
        np.multiply(dy, scratch.slope, out=dx)


class ChannelSlope(Layer):
    """The kernels of PReLU, whose weight a caller gives or a layer has."""

    elementwise = True
    backward_reads = frozenset({"x"})
    in_place = True
    kept = frozenset({"slope"})

    def infer(self, x: Spec, weight: Spec) -> Spec:
        """Check that the weight is one number, or one a channel."""
        if len(weight.shape) > 1:
            raise ValueError(f"PReLU: expected a weight of shape (C,), got {weight.shape}")
        if weight.shape not in ((), (1,), x.shape[1:2]):
            size = weight.shape[0]
            raise ValueError(
                f"PReLU: expected x of shape (B, {size}, ...), got {x.shape}; num_parameters, the "
                f"size of weight, is {size}"
            )
        return x

    def scratch_specs(self, x: Spec, weight: Spec) -> dict[str, Spec]:
        """Keep the slope, and hold the terms of dweight."""
        return {**slope_specs(x), "terms": x}

    def forward_kernel(self, x: Array, weight: Array, *, out: Array, scratch: Any) -> None:
        """Write y = x slope."""
        write_slope(x, on_channels(weight, x.ndim), scratch)
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(x, scratch.slope, out=out)

    def backward_kernel(
        self,
        dy: Array,
        x: Array,
        weight: None,
        y: None,
        *,
        dx: Array | None,
        dweight: Array | None,
        scratch: Any,
    ) -> None:
        """Write dweight = dy min(x, 0) summed for each channel, dx = dy slope."""
        if dweight is not None:
            with np.errstate(invalid="ignore"):
                np.minimum(x, 0.0, out=scratch.terms)
                np.multiply(scratch.terms, dy, out=scratch.terms)
                sum_to(scratch.terms, on_channels(dweight, x.ndim))
        if dx is not None:
            np.multiply(dy, scratch.slope, out=dx)


def on_channels(weight: Array, ndim: int) -> Array:
    """View a weight so that it broadcasts along axis 1 of an array with `ndim` axes."""
    return weight.reshape((weight.size, *(1,) * (ndim - 2)) if ndim else ())


class PReLU(ChannelSlope):
    """Rectified linear unit whose slope for negative numbers is learnt.

    Equation: y = x where x > 0, else weight x; dx = dy or weight dy,
    dweight = sum of dy min(x, 0)

    Shapes: x any; weight (1,), one number for all, or (C,), one a channel: x (B, C, ...).

    Parameters
    ----------
    num_parameters : int, default 1
        1, or the number of channels C.
    init : float, default 0.25
        The numbers that weight starts from.
    dtype : dtype, default float32
        Of the weight and of the computation.

    Errors
    ------
    TypeError
        For an init that is no real number, a dtype that is neither float32 nor float64.
    ValueError
        For an x with another number of channels than the weight, for a negative num_parameters.

    Source: torch.nn.PReLU; K. He et al., Delving Deep into Rectifiers (2015), equations 1 and 10.

    Examples
    --------
    >>> import numpy as np
    >>> prelu = PReLU()
    >>> prelu(np.array([-4.0, 2.0])).tolist()
    [-1.0, 2.0]
    >>> prelu.backward(np.array([1.0, 1.0])).tolist(), prelu.weight.grad.tolist()
    ([0.25, 1.0], [-4.0])
    """

    weight: Parameter

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = size_number(num_parameters, "PReLU", "num_parameters")
        self.init = real_number(init, "PReLU", "init")
        self.weight = Parameter(np.zeros(self.num_parameters, np.float32), dtype=dtype)
        computing_dtype(self.weight.dtype, "PReLU")
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start the weight from `init` anew."""
        self.weight.data.fill(self.init)

    def extra_repr(self) -> str:
        """Torch's words."""
        return f"num_parameters={self.num_parameters}"


class Exponential(Activation):
    """What ELU and SELU are: linear above 0, an exponential that levels off below."""

    backward_reads = frozenset({"x"})
    in_place = True
    alpha: float
    scale: float = 1.0

    def scratch_specs(self, x: Spec) -> dict[str, Spec]:
        """Hold the part below 0, and the slope."""
        return {**slope_specs(x), "low": x}

    def forward_kernel(self, x: Array, *, out: Array, scratch: Any) -> None:
        """Write y = scale (max(x, 0) + alpha (exp(min(x, 0)) - 1)); one of the two terms is 0."""
        low = scratch.low
        np.minimum(x, 0.0, out=low)
        np.expm1(low, out=low)
        np.multiply(low, self.alpha, out=low)
        np.maximum(x, 0.0, out=out)
        np.add(out, low, out=out)
        if self.scale != 1.0:
            with np.errstate(over="ignore"):
                np.multiply(out, self.scale, out=out)

    def backward_kernel(self, dy: Array, x: Array, y: None, *, dx: Array, scratch: Any) -> None:
        """Write dx = dy scale where x > 0, dy scale alpha exp(x) elsewhere."""
        low = scratch.low
        np.minimum(x, 0.0, out=low)
        np.exp(low, out=low)
        if self.alpha != 1.0:
            write_slope(x, self.alpha, scratch)
            np.multiply(low, scratch.slope, out=low)
        if self.scale != 1.0:
            np.multiply(low, self.scale, out=low)
        np.multiply(low, dy, out=dx)


class ELU(Exponential):
    """Exponential linear unit.

    Equation: y = x where x > 0, else alpha (exp(x) - 1); dy/dx = 1 or alpha exp(x)

    Shapes: any.

    Parameters
    ----------
    alpha : float, default 1.0
    inplace : bool, default False
        Accepted for torch's sake.

    Errors
    ------
    TypeError
        For an alpha that is no real number.

    Source: torch.nn.ELU; D.-A. Clevert et al., Fast and Accurate Deep Network Learning by
    Exponential Linear Units (2015), equation 15.

    Examples
    --------
    >>> import numpy as np
    >>> ELU(2.0)(np.array([-np.inf, 0.0, 3.0])).tolist()
    [-2.0, 0.0, 3.0]
    """

    shown = ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.alpha = printable(alpha, "ELU", "alpha")


class SELU(Exponential):
    """Scaled exponential linear unit, which drives signals to mean 0 and variance 1.

    Equation: y = scale x where x > 0, else scale alpha (exp(x) - 1); scale = 1.0507009873554805,
    alpha = 1.6732632423543772; dy/dx = scale or scale alpha exp(x)

    Shapes: any.

    Parameters
    ----------
    inplace : bool, default False
        Accepted for torch's sake.

    Source: torch.nn.SELU; G. Klambauer et al., Self-Normalizing Neural Networks (2017), equation 2.

    Examples
    --------
    >>> import numpy as np
    >>> SELU()(np.array([0.0, 2.0])).tolist()
    [0.0, 2.101401974710961]
    """

    alpha = 1.6732632423543772
    scale = 1.0507009873554805
