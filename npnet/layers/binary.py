"""Losses of probabilities and logits of two classes, number by number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.kernel import Spec
from npnet.layers.loss import Pointwise, silent
from npnet.parameter import Array

__all__ = ["BCELoss", "BCEWithLogitsLoss"]


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
        """Hold the two logarithms and t - 1."""
        return {"log_x": x, "log_rest": x, "other": x}

    @silent
    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J = -mean w (t log x + (1 - t) log(1 - x))."""
        log_x, losses = scratch.log_x, scratch.log_rest
        self._check_range("x", x)
        self._check_range("target", target)
        self._logarithms(x, scratch)
        np.maximum(log_x, -100.0, out=log_x)
        np.maximum(losses, -100.0, out=losses)
        # (t - 1) log(1 - x) - t log x: of one sign, so that no small loss cancels against a large
        np.subtract(target, 1.0, out=scratch.other)
        np.multiply(losses, scratch.other, out=losses)
        np.multiply(log_x, target, out=log_x)
        np.subtract(losses, log_x, out=losses)
        if self.weight is not None:
            np.multiply(losses, self.weight, out=losses)
        self.reduce(losses, out)

    @silent
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
        self.scale(dy, self.weight, dx, dtarget)

    def _logarithms(self, x: Array, scratch: Any) -> None:
        """Write log x and log(1 - x)."""
        np.negative(x, out=scratch.log_rest)
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

    Shapes: x and target any one shape; J () or, for 'none', that shape. An infinite logit of the
    wrong sign has the loss inf, of either sign; torch says NaN for one of them.

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

    @silent
    def forward_kernel(self, x: Array, target: Array, *, out: Array, scratch: Any) -> None:
        """J = mean w (p t log(1 + e^-x) + (1 - t) log(1 + e^x))."""
        positive, negative = scratch.positive, scratch.negative
        np.absolute(x, out=scratch.tail)
        np.negative(scratch.tail, out=scratch.tail)
        np.exp(scratch.tail, out=scratch.tail)
        np.log1p(scratch.tail, out=scratch.tail)
        self._softplus(x, scratch)
        np.subtract(1.0, target, out=scratch.rest)
        # 0 times an infinite logit is NaN, as in torch
        np.multiply(positive, target, out=positive)
        np.multiply(negative, scratch.rest, out=negative)
        if self.pos_weight is not None:
            np.multiply(positive, self.pos_weight, out=positive)
        np.add(positive, negative, out=positive)
        if self.weight is not None:
            np.multiply(positive, self.weight, out=positive)
        self.reduce(positive, out)

    @silent
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
        self.scale(dy, self.weight, dx, dtarget)

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
