"""Losses of an input and a target of the same shape, number by number."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from npnet.layers.base import Reduced
from npnet.layers.reduction import sum_of_squares
from npnet.parameter import Array, floating_array
from npnet.tape import Spec

__all__ = ["BCELoss", "BCEWithLogitsLoss", "MSELoss"]


class Pointwise(Reduced):
    """A loss of each number of x and target, then left, averaged or added up."""

    #: Names of the buffers that must broadcast to x.
    factors: ClassVar[tuple[str, ...]] = ()

    def infer(self, x: Spec, target: Spec) -> Spec:
        """Check that x and target have one shape, to which the factors broadcast."""
        if x.shape != target.shape:
            same = math.prod(x.shape) == math.prod(target.shape)
            mend = f"target.reshape({x.shape}) fits" if same else "npnet does not broadcast them"
            raise ValueError(
                f"{self._who}: expected target of the shape of x, {x.shape}, got {target.shape}; "
                f"{mend}"
            )
        for name in self.factors:
            factor = getattr(self, name)
            if factor is not None and not _broadcasts(factor.shape, x.shape):
                raise ValueError(
                    f"{self._who}: expected {name} of a shape that broadcasts to that of x, "
                    f"{x.shape}, got {factor.shape}; axes are matched from the last"
                )
        return Spec(x.shape if self.reduction == "none" else (), x.dtype)

    def register_factor(self, name: str, factor: ArrayLike | None) -> None:
        """Hold a buffer that losses are multiplied with."""
        array = None if factor is None else floating_array(factor, None, self._who)
        self.register_buffer(name, array)

    def reduce(self, losses: Array, out: Array) -> None:
        """Write what is made of the losses of all numbers."""
        if self.reduction == "none":
            np.copyto(out, losses)
            return
        total = np.add.reduce(losses, axis=None).item()
        out[...] = self.averaged(total, losses.size)

    def averaged(self, total: float, count: int) -> float:
        """Return the sum or the mean of `count` losses with this sum, NaN for the mean of none."""
        if self.reduction == "sum":
            return total
        return total / count if count else math.nan

    def share(self, dy: Array, count: int) -> Any:
        """Return dJ/dl of every number's loss l: an array, or one Python float for all."""
        if self.reduction == "none":
            return dy
        return dy.item() / max(count, 1) if self.reduction == "mean" else dy.item()

    def scale(self, dy: Array, count: int, weight: Array | None, *slopes: Array | None) -> None:
        """Multiply slopes of the numbers' losses by their weight and by dJ/dl, in place."""
        share = self.share(dy, count)
        for slope in slopes:
            if slope is not None:
                if weight is not None:
                    np.multiply(slope, weight, out=slope)
                np.multiply(slope, share, out=slope)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to the other."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


class MSELoss(Pointwise):
    """Squared error, the squared L2 norm of x - target with reduction='sum'.

    Equation: J = mean (x - target)^2; dx = 2 (x - target) dJ / count, dtarget = -dx

    Shapes: x and target any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    reduction : 'none', 'mean' or 'sum', default 'mean'

    Errors
    ------
    ValueError
        For shapes that differ, (N,) and (N, 1) too, which torch broadcasts to (N, N) with a
        warning; for an unknown reduction.

    Source: torch.nn.MSELoss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = MSELoss()
    >>> float(loss(np.array([1.0, 2.0]), np.array([0.0, 4.0])))
    2.5
    >>> loss.backward().tolist()
    [1.0, -2.0]
    """

    backward_reads = frozenset()
    kept = frozenset({"error"})

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Spec]:
        """Keep the error."""
        return {"error": x}

    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J = mean (x - target)^2."""
        error = scratch.error
        np.subtract(x, target, out=error)
        if self.reduction == "none":
            np.multiply(error, error, out=out)
        else:
            out[...] = self.averaged(sum_of_squares(error), error.size)

    def backward_kernel(
        self,
        dy: Array,
        x: None,
        target: None,
        y: None,
        *,
        dx: Array | None,
        dtarget: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx = 2 (x - target) dJ / count, dtarget = -dx."""
        error = scratch.error
        share = self.share(dy, error.size)
        for gradient, slope in ((dx, 2.0), (dtarget, -2.0)):
            if gradient is None:
                continue
            if self.reduction == "none":
                np.multiply(error, slope, out=gradient)
                np.multiply(gradient, share, out=gradient)
            else:
                np.multiply(error, slope * share, out=gradient)


class BCELoss(Pointwise):
    """Binary cross-entropy of probabilities x with targets.

    Equation: l = -w (t log x + (1 - t) log(1 - x)), each log at least -100; J = mean l;
    dx = w (x - t) / max(x (1 - x), 1e-12) dl, dt = w (log(1 - x) - log x) dl

    Shapes: x and target any one shape, numbers from 0 to 1; J () or, for 'none', that shape.

    Parameters
    ----------
    weight : array_like that broadcasts to x, optional
        w, 1 without; a buffer, part of the state_dict.
    reduction : 'none', 'mean' or 'sum', default 'mean'

    Errors
    ------
    ValueError
        For numbers outside [0, 1] (NaN too), shapes that do not fit, an unknown reduction.

    Source: torch.nn.BCELoss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = BCELoss()
    >>> float(loss(np.array([1.0, 0.0]), np.array([1.0, 1.0])))
    50.0
    """

    backward_reads = frozenset({"x", "target"})
    factors = ("weight",)
    weight: Array | None

    def __init__(self, weight: ArrayLike | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_factor("weight", weight)

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Spec]:
        """Hold the two logarithms."""
        return {"log_x": x, "log_rest": x}

    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J = -mean w (t log x + (1 - t) log(1 - x))."""
        log_x, losses = scratch.log_x, scratch.log_rest
        self._check_range("x", x)
        self._check_range("target", target)
        self._logarithms(x, scratch)
        np.maximum(log_x, -100.0, out=log_x)
        np.maximum(losses, -100.0, out=losses)
        # t (log(1 - x) - log x) - log(1 - x), in two arrays
        np.subtract(losses, log_x, out=log_x)
        np.multiply(log_x, target, out=log_x)
        np.subtract(log_x, losses, out=losses)
        if self.weight is not None:
            np.multiply(losses, self.weight, out=losses)
        self.reduce(losses, out)

    def backward_kernel(
        self,
        dy: Array,
        x: Array,
        target: Array,
        y: None,
        *,
        dx: Array | None,
        dtarget: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx = w (x - t) / max(x (1 - x), 1e-12) dl, dt = w (log(1 - x) - log x) dl."""
        if dx is not None:
            variance = scratch.log_x
            np.subtract(1.0, x, out=variance)
            np.multiply(variance, x, out=variance)
            np.maximum(variance, 1e-12, out=variance)
            np.subtract(x, target, out=dx)
            np.true_divide(dx, variance, out=dx)
        if dtarget is not None:
            self._logarithms(x, scratch)
            np.subtract(scratch.log_rest, scratch.log_x, out=dtarget)
        self.scale(dy, x.size, self.weight, dx, dtarget)

    def _logarithms(self, x: Array, scratch: Any) -> None:
        """Write log x and log(1 - x)."""
        np.negative(x, out=scratch.log_rest)
        with np.errstate(divide="ignore"):
            np.log(x, out=scratch.log_x)
            np.log1p(scratch.log_rest, out=scratch.log_rest)

    def _check_range(self, name: str, array: Array) -> None:
        """Refuse what is no probability."""
        if not array.size:
            return
        for value in (array.item(array.argmin()), array.item(array.argmax())):
            if not 0 <= value <= 1:
                mend = "; for logits use BCEWithLogitsLoss" if name == "x" else ""
                raise ValueError(
                    f"{self._who}: expected all elements of {name} between 0 and 1, got "
                    f"{value}{mend}"
                )


class BCEWithLogitsLoss(Pointwise):
    """Binary cross-entropy of sigmoid(x) with targets, stable for logits x of any size.

    Equation: l = w (p t log(1 + e^-x) + (1 - t) log(1 + e^x)); J = mean l;
    dx = w ((1 + (p - 1) t) sigmoid(x) - p t) dl, dt = w (p log(1 + e^-x) - log(1 + e^x)) dl

    Shapes: x and target any one shape; J () or, for 'none', that shape.

    Parameters
    ----------
    weight : array_like that broadcasts to x, optional
        w, 1 without; a buffer, part of the state_dict.
    reduction : 'none', 'mean' or 'sum', default 'mean'
    pos_weight : array_like that broadcasts to x, optional
        p, the factor of the positive class, 1 without; a buffer, part of the state_dict.

    Errors
    ------
    ValueError
        For shapes that do not fit and an unknown reduction.

    Source: torch.nn.BCEWithLogitsLoss.

    Examples
    --------
    >>> import numpy as np
    >>> loss = BCEWithLogitsLoss(pos_weight=[3.0], reduction="none")
    >>> loss(np.array([-1e4, 1e4]), np.array([1.0, 0.0])).tolist()
    [30000.0, 10000.0]
    """

    backward_reads = frozenset({"x", "target"})
    kept = frozenset({"tail"})
    factors = ("weight", "pos_weight")
    weight: Array | None
    pos_weight: Array | None

    def __init__(
        self,
        weight: ArrayLike | None = None,
        reduction: str = "mean",
        pos_weight: ArrayLike | None = None,
    ) -> None:
        super().__init__(reduction)
        self.register_factor("weight", weight)
        self.register_factor("pos_weight", pos_weight)

    def scratch_specs(self, x: Spec, target: Spec) -> dict[str, Spec]:
        """Keep log(1 + e^-|x|), and hold three terms."""
        return {"tail": x, "positive": x, "negative": x, "rest": x}

    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J = mean w (p t log(1 + e^-x) + (1 - t) log(1 + e^x))."""
        positive, negative = scratch.positive, scratch.negative
        np.absolute(x, out=scratch.tail)
        np.negative(scratch.tail, out=scratch.tail)
        np.exp(scratch.tail, out=scratch.tail)
        np.log1p(scratch.tail, out=scratch.tail)
        self._softplus(x, scratch)
        np.subtract(1.0, target, out=scratch.rest)
        with np.errstate(invalid="ignore"):  # 0 times an infinite logit is NaN, as in torch
            np.multiply(positive, target, out=positive)
            np.multiply(negative, scratch.rest, out=negative)
        if self.pos_weight is not None:
            np.multiply(positive, self.pos_weight, out=positive)
        np.add(positive, negative, out=positive)
        if self.weight is not None:
            np.multiply(positive, self.weight, out=positive)
        self.reduce(positive, out)

    def backward_kernel(
        self,
        dy: Array,
        x: Array,
        target: Array,
        y: None,
        *,
        dx: Array | None,
        dtarget: Array | None,
        scratch: Any,
    ) -> None:
        """Write dx and dt."""
        if dx is not None:
            self._write_dx(x, target, dx, scratch)
        if dtarget is not None:
            if self.pos_weight is None:
                np.negative(x, out=dtarget)
            else:
                self._softplus(x, scratch)
                np.multiply(scratch.positive, self.pos_weight, out=dtarget)
                np.subtract(dtarget, scratch.negative, out=dtarget)
        self.scale(dy, x.size, self.weight, dx, dtarget)

    def _softplus(self, x: Array, scratch: Any) -> None:
        """Write log(1 + e^-x) and log(1 + e^x), the losses of the two classes."""
        # log(1 + e^x) = log(1 + e^-|x|) + max(x, 0): no exponential overflows, nothing cancels
        np.minimum(x, 0.0, out=scratch.positive)
        np.subtract(scratch.tail, scratch.positive, out=scratch.positive)
        np.maximum(x, 0.0, out=scratch.negative)
        np.add(scratch.tail, scratch.negative, out=scratch.negative)

    def _write_dx(self, x: Array, target: Array, dx: Array, scratch: Any) -> None:
        """Write dx = (1 + (p - 1) t) sigmoid(x) - p t.

        sigmoid(x) = e^min(x, 0) / (1 + e^-|x|)
        """
        share, rest = scratch.positive, scratch.rest
        np.absolute(x, out=rest)
        np.negative(rest, out=rest)
        np.exp(rest, out=rest)
        np.add(rest, 1.0, out=rest)
        np.minimum(x, 0.0, out=dx)
        np.exp(dx, out=dx)
        np.true_divide(dx, rest, out=dx)
        if self.pos_weight is None:
            np.subtract(dx, target, out=dx)
            return
        np.multiply(target, self.pos_weight, out=share)
        np.subtract(share, target, out=rest)
        np.add(rest, 1.0, out=rest)
        np.multiply(dx, rest, out=dx)
        np.subtract(dx, share, out=dx)
