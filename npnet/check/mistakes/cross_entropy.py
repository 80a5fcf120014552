"""Softmax cross-entropy: what goes wrong on the way to p - one_hot(y)."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.check.draws import labels
from npnet.check.mistakes.mistake import Mistake, Right
from npnet.kernel import Spec
from npnet.layers.base import Layer

__all__ = ["MISTAKES", "RIGHT"]

#: Labels that leave a class out, so that whole columns are not all columns.
ROWS = ((6, 4), np.array([0, 2, 1, 1, 0, 2]))
ALL = ((6, 4), np.array([0, 2, 1, 3, 0, 2]))


def softmax(z: Any) -> Any:
    """Return probabilities along the last axis."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def loss_of(p: Any, y: Any) -> Any:
    """Return the mean negative logarithm of the labels' probabilities."""
    return -np.mean(np.log(p[np.arange(len(y)), y]))


def right(z: Any, y: Any) -> Any:
    """Give the right gradient."""
    p = softmax(z)

    def backward(dy: Any) -> Any:
        dz = p.copy()
        dz[np.arange(len(y)), y] -= 1
        return dy * dz / len(y)

    return loss_of(p, y), backward


def not_divided(z: Any, y: Any) -> Any:
    """Forget to divide by N."""
    p = softmax(z)

    def backward(dy: Any) -> Any:
        dz = p.copy()
        dz[np.arange(len(y)), y] -= 1
        return dy * dz

    return loss_of(p, y), backward


def divided_twice(z: Any, y: Any) -> Any:
    """Divide by N in the loss's gradient and once more at the end."""
    p = softmax(z)

    def backward(dy: Any) -> Any:
        dz = p.copy()
        dz[np.arange(len(y)), y] -= 1
        return dy * dz / len(y) / len(y)

    return loss_of(p, y), backward


def without_one_hot(z: Any, y: Any) -> Any:
    """Forget to subtract 1 at the labels."""
    p = softmax(z)
    return loss_of(p, y), lambda dy: dy * p / len(y)


def sign(z: Any, y: Any) -> Any:
    """Write one_hot(y) - p."""
    p = softmax(z)

    def backward(dy: Any) -> Any:
        return dy * (np.eye(z.shape[1], dtype=z.dtype)[y] - p) / len(y)

    return loss_of(p, y), backward


def without_dy(z: Any, y: Any) -> Any:
    """Start from 1 whatever arrives."""
    p = softmax(z)

    def backward(dy: Any) -> Any:
        dz = p.copy()
        dz[np.arange(len(y)), y] -= 1
        return dz / len(y)

    return loss_of(p, y), backward


def whole_columns(z: Any, y: Any) -> Any:
    """Index the labels' columns of all rows."""
    p = softmax(z)

    def backward(dy: Any) -> Any:
        dz = p.copy()
        dz[:, y] -= 1
        return dy * dz / len(y)

    return loss_of(p, y), backward


def minus_one_everywhere(z: Any, y: Any) -> Any:
    """Subtract 1 from every class."""
    p = softmax(z)
    return loss_of(p, y), lambda dy: dy * (p - 1) / len(y)


def writes_its_probabilities(z: Any, y: Any) -> Any:
    """Subtract 1 from the p that forward keeps, at every backward."""
    p = softmax(z)

    def backward(dy: Any) -> Any:
        p[np.arange(len(y)), y] -= 1
        return dy * p / len(y)

    return loss_of(p, y), backward


def one_hot_in_float64(z: Any, y: Any) -> Any:
    """Take one-hot rows from an np.eye in float64."""
    p = softmax(z)
    return loss_of(p, y), lambda dy: dy * (p - np.eye(z.shape[1])[y]) / len(y)


def divided_by_classes(z: Any, y: Any) -> Any:
    """Divide by the number of classes too."""
    p = softmax(z)
    hot = np.eye(z.shape[1], dtype=z.dtype)[y]
    return loss_of(p, y), lambda dy: dy * (p - hot) / z.size


def diagonal_softmax(z: Any) -> Any:
    """Give softmax the derivative of a function taken element by element."""
    p = softmax(z)
    return p, lambda dy: dy * p * (1 - p)


def through_softmax_again(z: Any, y: Any) -> Any:
    """Go through the softmax once more, behind p - one_hot(y), which has it in it already."""
    p = softmax(z)
    hot = np.eye(z.shape[1], dtype=z.dtype)[y]

    def backward(dy: Any) -> Any:
        g = (p - hot) / len(y)
        return dy * p * (g - (g * p).sum(axis=1, keepdims=True))

    return loss_of(p, y), backward


class LossAndProbabilities(Layer):
    """The mean cross-entropy and the probabilities, right."""

    integer_operands = frozenset({"target"})
    output_count = 2

    def infer(self, z: Spec, target: Spec) -> tuple[Spec, Spec]:
        """Give one number, and probabilities."""
        return Spec((), z.dtype), z

    def forward_kernel(self, z: Any, target: Any, *, out: Any, scratch: Any) -> None:
        """Write both."""
        out[1][...] = softmax(z)
        out[0][...] = loss_of(out[1], target)

    def backward_kernel(
        self, dy: Any, z: Any, target: Any, y: Any, *, dz: Any, dtarget: Any, scratch: Any
    ) -> None:
        """Write dz of what arrives at either."""
        if dz is None:
            return
        dz[...] = 0
        if dy[0] is not None:
            dz += self.of_loss(dy[0], y[1], target)
        if dy[1] is not None:
            dz += y[1] * (dy[1] - (dy[1] * y[1]).sum(axis=1, keepdims=True))

    def of_loss(self, dloss: Any, p: Any, target: Any) -> Any:
        """Return the loss's share of dz."""
        hot = np.eye(p.shape[1], dtype=p.dtype)[target]
        return dloss * (p - hot) / len(p)


class SumForMean(LossAndProbabilities):
    """Forgets to divide by N."""

    def of_loss(self, dloss: Any, p: Any, target: Any) -> Any:
        """Return it as of the sum."""
        return super().of_loss(dloss, p, target) * len(p)


class NoOneHot(LossAndProbabilities):
    """Forgets the labels."""

    def of_loss(self, dloss: Any, p: Any, target: Any) -> Any:
        """Return p alone."""
        return dloss * p / len(p)


class StartsFromOne(LossAndProbabilities):
    """Takes the loss's gradient for 1."""

    def of_loss(self, dloss: Any, p: Any, target: Any) -> Any:
        """Return it for dloss = 1."""
        return super().of_loss(1.0, p, target)


NAME = "Softmax-CE"
MISTAKES: tuple[Mistake, ...] = (
    Mistake(NAME, "not divided by N", "missing 1/N, N = 6", ROWS, not_divided),
    Mistake(NAME, "divided by N twice", "one 1/N too many", ROWS, divided_twice),
    Mistake(NAME, "dz = p / N", "one-hot rows of y are not subtracted", ROWS, without_one_hot),
    Mistake(NAME, "dz = one_hot - p", "wrong sign", ROWS, sign),
    Mistake(NAME, "dy not used", "output gradient is ignored", ROWS, without_dy),
    Mistake(NAME, "dz[:, y] -= 1", "whole columns", ROWS, whole_columns),
    Mistake(NAME, "dz[:, y] -= 1, all classes", "whole columns", ALL, whole_columns),
    Mistake(NAME, "p - 1", "1 is subtracted everywhere", ROWS, minus_one_everywhere),
    Mistake(NAME, "p changed in backward", "what it remembers", ROWS, writes_its_probabilities),
    Mistake(NAME, "np.eye in float64", "dtype is promoted", ROWS, one_hot_in_float64),
    Mistake(NAME, "divided by N C", "one 1/N too many", ROWS, divided_by_classes),
    Mistake(NAME, "softmax: dz = dy p (1 - p)", "diagonal", ((6, 4),), diagonal_softmax),
    Mistake(NAME, "softmax' after p - y", "softmax once too often", ROWS, through_softmax_again),
    Mistake(NAME, "not divided by N", "missing 1/N, N = 6", ROWS, None, SumForMean),
    Mistake(NAME, "dz = p / N", "one-hot rows of target", ROWS, None, NoOneHot),
    Mistake(NAME, "dy not used", "output gradient is ignored", ROWS, None, StartsFromOne),
)


def rows(random: Any) -> tuple[Any, ...]:
    """Draw the shape of z, and labels."""
    count, classes = int(random.integers(1, 8)), int(random.integers(2, 7))
    return (count, classes), labels(classes, (count,))


RIGHT: tuple[Right, ...] = (
    Right(NAME, rows, right),
    Right(NAME, rows, None, LossAndProbabilities),
)
