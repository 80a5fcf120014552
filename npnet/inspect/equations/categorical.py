"""Equations of softmax and of the losses of labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from npnet.inspect.equations.rule import Formula, Maker, Operands, ndim_of
from npnet.inspect.expressions import (
    Condition,
    Equation,
    Expr,
    Gradient,
    Indexed,
    Number,
    Reduction,
    Symbol,
    Words,
    call,
)
from npnet.layers import cross_entropy, likelihood, softmax

__all__ = ["FORMULAS"]


def _along(x: Any, axis: int) -> tuple[Words, ...]:
    """Return the axis in words, where it is not the last."""
    return () if axis == max(ndim_of(x) - 1, 0) else (Words(f"axis {axis}"),)


def _axis(layer: Any, x: Any) -> int:
    """Return the axis of a softmax."""
    ndim = ndim_of(x)
    dim: int = layer.dim if layer.dim is not None else int(ndim not in (0, 1, 3))
    return dim % max(ndim, 1)


def _summed(operand: Expr, axis: int, x: Any) -> Expr:
    """Return the sum along an axis, which stays."""
    return Reduction("sum", operand, (axis,), keeps=True) if ndim_of(x) else operand


def _softmax(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Probabilities."""
    (y,), x = outputs, o.x
    axis, dy = _axis(layer, x), Gradient(y)
    gradient = y * (dy - _summed(dy * y, axis, x))
    return Formula([call("softmax", x, *_along(x, axis))], {"x": gradient})


def _log_softmax(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Logarithms of probabilities."""
    (y,), x = outputs, o.x
    axis, dy = _axis(layer, x), Gradient(y)
    value = x - call("ln", _summed(call("exp", x), axis, x))
    return Formula([value], {"x": dy - call("exp", y) * _summed(dy, axis, x)})


class _Rows:
    """How the rows of logits count in a loss of labels or probabilities.

    Attributes
    ----------
    labels : bool
        Whether the target holds labels.
    weight : Symbol or None
        A factor for each class.
    counts : Condition or None
        Which rows are not ignored, where some may be.
    axis, batch : the classes' axis, and the shape of the others where it is known
    """

    def __init__(self, layer: Any, o: Operands, logits: Any) -> None:
        self.layer, self.target, self.logits = layer, o.target, logits
        self.axis = min(ndim_of(logits) - 1, 1)
        shape = getattr(logits, "shape", None)
        self.batch = None if shape is None else shape[: self.axis] + shape[self.axis + 1 :]
        self.classes = Symbol("C", ()) if shape is None else Number(shape[self.axis])
        known = o.known.get("target")
        given = getattr(self.target, "shape", ()) if known is None else known.shape
        floating = known is not None and known.dtype.kind == "f"
        self.labels = not floating and (given != shape or given is None)
        held = getattr(layer, "weight", None)
        self.weight = None if held is None else Symbol("weight", held.shape)
        index = layer.ignore_index
        met = index is not None and (index >= 0 if known is None else np.any(known == index))
        ignores = self.labels and met
        self.counts = Condition(self.target, "!=", Number(index)) if ignores else None

    def share(self) -> Expr:
        """Return a row's part in a mean: its label's weight, 0 where it is ignored."""
        share: Expr = Number(1)
        if self.weight is not None and self.labels:
            share = Indexed(self.weight, self.target)
        return share if self.counts is None else share * self.counts

    def divisor(self) -> Expr:
        """Return what a mean divides by."""
        share = self.share()
        if share != Number(1):
            return share if self.batch == () else Reduction("sum", share)
        return Symbol("N", ()) if self.batch is None else Number(math.prod(self.batch))

    def value(self, losses: Expr, factor: Expr) -> Expr:
        """Return what the reduction makes of the rows' losses, times a factor each."""
        losses, kind = factor * losses, self.layer.reduction
        if kind == "none":
            return losses
        if self.batch == ():
            return losses / self.divisor() if kind == "mean" else losses
        if kind == "mean" and self.share() == Number(1):
            return Reduction("mean", losses)
        total = Reduction("sum", losses)
        return total / self.divisor() if kind == "mean" else total

    def gradient(self, dy: Expr, slope: Expr, factor: Expr) -> Expr:
        """Return the logits' gradient from the slopes of the rows' losses."""
        row = dy * factor
        if row.array and self.batch != ():
            row = call("column", row, *_along(self.logits, self.axis))
        slope = row * slope
        return slope / self.divisor() if self.layer.reduction == "mean" else slope

    def local(self, loss: Symbol, slope: Expr, factor: Expr, role: str) -> dict[str, Expr]:
        """Return the local derivative, where the loss is one number."""
        return {role: self.gradient(Number(1), slope, factor)} if loss.shape == () else {}

    def one_hot(self) -> Expr:
        """Return the labels as rows with a 1."""
        return call("one_hot", self.target, *_along(self.logits, self.axis))

    def weights(self) -> Expr:
        """Return the factors of the classes, as a row."""
        if self.weight is None:
            return Number(1)
        return call("row", self.weight, *_along(self.logits, self.axis))

    def distribution(self) -> Expr:
        """Return the target as probabilities: smoothed, and times the classes' weights."""
        share = self.layer.label_smoothing
        target: Expr = self.one_hot() if self.labels else self.target
        if share:
            target = Number(1 - share) * target + Number(share) / self.classes
        return self.weights() * target


def _cross_entropy(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Cross-entropy of softmax(z)."""
    (loss,), z = outputs, o.z
    rows, shape = _Rows(layer, o, z), getattr(z, "shape", None)
    dy, p, q = Gradient(loss), Symbol("ŷ", shape), Symbol("τ", shape)
    where = [Equation(p, call("softmax", z, *_along(z, rows.axis)))]
    if rows.labels and not layer.label_smoothing:
        factor = rows.share()
        value = rows.value(-call("ln", Indexed(p, o.target)), factor)
        slope = p - rows.one_hot()
        gradients = {"z": rows.gradient(dy, slope, factor)}
        return Formula([value], gradients, rows.local(loss, slope, factor, "z"), where)
    where.append(Equation(q, rows.distribution()))
    log_p = call("ln", p)
    factor = Number(1) if rows.counts is None else rows.counts
    value = rows.value(-Reduction("sum", q * log_p, (rows.axis,)), factor)
    slope = p * Reduction("sum", q, (rows.axis,), keeps=True) - q
    gradients = {"z": rows.gradient(dy, slope, factor)}
    local = rows.local(loss, slope, factor, "z")
    if not rows.labels:
        by_target = Number(1 - layer.label_smoothing) * rows.weights() * log_p
        gradients["target"] = -rows.gradient(dy, by_target, factor)
        local |= rows.local(loss, -by_target, factor, "target")
    return Formula([value], gradients, local, where)


def _softmax_cross_entropy(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Softmax and cross-entropy: the loss and the probabilities."""
    (loss, p), z, t = outputs, o.z, o.target
    rows, axis = _Rows(layer, o, z), min(ndim_of(o.z) - 1, 1)
    one, dloss, dp, log_p = Number(1), Gradient(loss), Gradient(p), call("ln", p)
    if rows.labels:
        row, slope = -call("ln", Indexed(p, t)), p - rows.one_hot()
    else:
        row = -Reduction("sum", t * log_p, (axis,))
        slope = p * Reduction("sum", t, (axis,), keeps=True) - t
    gradients: dict[str, Expr] = {"z": Number(0)}
    by_loss, by_p = o.arrives or (True, True)
    if by_loss:
        gradients["z"] = rows.gradient(dloss, slope, one)
        if not rows.labels:
            gradients["target"] = -rows.gradient(dloss, log_p, one)
    if by_p:
        through = p * (dp - Reduction("sum", dp * p, (axis,), keeps=True))
        gradients["z"] = gradients["z"] + through
    values = [rows.value(row, one), call("softmax", z, *_along(z, axis))]
    local = rows.local(loss, slope, one, "z")
    if not rows.labels:
        local |= rows.local(loss, -log_p, one, "target")
    return Formula(values, gradients, {role: (side, None) for role, side in local.items()})


def _likelihood(layer: Any, o: Operands, outputs: Sequence[Symbol]) -> Formula:
    """Negative log-likelihood of labels."""
    (loss,), x = outputs, o.x
    rows = _Rows(layer, o, x)
    factor = rows.share()
    slope = -rows.one_hot()
    gradients = {"x": rows.gradient(Gradient(loss), slope, factor)}
    value = rows.value(-Indexed(x, o.target), factor)
    return Formula([value], gradients, rows.local(loss, slope, factor, "x"))


FORMULAS: dict[type, Maker] = {
    softmax.Softmax: _softmax,
    softmax.LogSoftmax: _log_softmax,
    cross_entropy.CrossEntropyLoss: _cross_entropy,
    cross_entropy.SoftmaxCrossEntropy: _softmax_cross_entropy,
    likelihood.NLLLoss: _likelihood,
}
