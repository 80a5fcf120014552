"""Regularization: what goes wrong in strength times the squared norm, and where paths meet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from npnet.check.mistakes.mistake import Mistake, Right
from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.program import Call

__all__ = ["MISTAKES", "RIGHT"]

W, STRENGTH = ((3, 4), 0.3), 0.3
RIDGE = ((6, 4), (4,), (6,))


def right(w: Any, strength: Any) -> Any:
    """Give the right gradient."""
    return strength * np.sum(w**2), lambda dy: (dy * 2 * strength * w, None)


def without_2(w: Any, strength: Any) -> Any:
    """Forget the 2 of the square."""
    return strength * np.sum(w**2), lambda dy: (dy * strength * w, None)


def without_strength(w: Any, strength: Any) -> Any:
    """Forget the strength."""
    return strength * np.sum(w**2), lambda dy: (dy * 2 * w, None)


def of_the_norm(w: Any, strength: Any) -> Any:
    """Differentiate the norm where its square is meant."""
    return strength * np.sum(w**2), lambda dy: (dy * strength * w / np.linalg.norm(w), None)


def without_dy(w: Any, strength: Any) -> Any:
    """Start from 1 whatever arrives."""
    return strength * np.sum(w**2), lambda dy: (2 * strength * w, None)


def sign(w: Any, strength: Any) -> Any:
    """Give the step where the gradient is meant."""
    return strength * np.sum(w**2), lambda dy: (-dy * 2 * strength * w, None)


def absolute(w: Any, strength: Any) -> Any:
    """Take sizes for numbers."""
    return strength * np.sum(w**2), lambda dy: (dy * 2 * strength * np.abs(w), None)


def shrinks(w: Any, strength: Any) -> Any:
    """Decay the caller's weights in backward."""

    def backward(dy: Any) -> Any:
        gradient = dy * 2 * strength * w
        w[...] -= 0.1 * gradient
        return gradient, None

    return strength * np.sum(w**2), backward


def ridge(x: Any, w: Any, t: Any) -> Any:
    """Give the right gradient of a loss and a penalty that read the same weights."""
    error = x @ w - t

    def backward(dy: Any) -> Any:
        dw = dy * 2 * x.T @ error / len(t)
        dw += dy * 2 * STRENGTH * w
        return None, dw, None

    return np.mean(error**2) + STRENGTH * np.sum(w**2), backward


def ridge_penalty_assigned(x: Any, w: Any, t: Any) -> Any:
    """Overwrite the loss's share by the penalty's."""
    error = x @ w - t

    def backward(dy: Any) -> Any:
        dw = dy * 2 * x.T @ error / len(t)
        dw = dy * 2 * STRENGTH * w
        return None, dw, None

    return np.mean(error**2) + STRENGTH * np.sum(w**2), backward


def ridge_loss_assigned(x: Any, w: Any, t: Any) -> Any:
    """Overwrite the penalty's share by the loss's."""
    error = x @ w - t

    def backward(dy: Any) -> Any:
        dw = dy * 2 * STRENGTH * w
        dw = dy * 2 * x.T @ error / len(t)
        return None, dw, None

    return np.mean(error**2) + STRENGTH * np.sum(w**2), backward


class Penalty(Layer):
    """The strength times the sum of w^2, right."""

    def __init__(self, strength: float = STRENGTH) -> None:
        super().__init__()
        self.strength = strength

    def infer(self, w: Spec) -> Spec:
        """Give one number."""
        return Spec((), w.dtype)

    def forward_kernel(self, w: Any, *, out: Any, scratch: Any) -> None:
        """Write it."""
        out[...] = self.strength * np.sum(w * w)

    def backward_kernel(self, dy: Any, w: Any, y: Any, *, dw: Any, scratch: Any) -> None:
        """Write dw = 2 strength w dy."""
        dw[...] = 2 * self.strength * w * dy


class PenaltyAssigns(Penalty):
    """Assigns where it is asked to add to what is there."""

    def adding_calls(self, dy: Any, w: Any, y: Any, *, dw: Any, scratch: Any) -> Iterator[Call]:
        """Write where adding is meant."""
        yield partial(self.backward_kernel, dy, w, y, dw=dw, scratch=scratch)


class PenaltyUnscaled(Penalty):
    """Forgets the strength."""

    def backward_kernel(self, dy: Any, w: Any, y: Any, *, dw: Any, scratch: Any) -> None:
        """Write dw = 2 w dy."""
        dw[...] = 2 * w * dy


class PenaltyHalf(Penalty):
    """Forgets the 2 of the square."""

    def backward_kernel(self, dy: Any, w: Any, y: Any, *, dw: Any, scratch: Any) -> None:
        """Write dw = strength w dy."""
        dw[...] = self.strength * w * dy


class PenaltyAdds(Penalty):
    """Adds to the array of the gradient."""

    def backward_kernel(self, dy: Any, w: Any, y: Any, *, dw: Any, scratch: Any) -> None:
        """Add."""
        dw += 2 * self.strength * w * dy


NAME = "Regularization"
MISTAKES: tuple[Mistake, ...] = (
    Mistake(NAME, "2 of the square missing", "a factor 2 is missing", W, without_2),
    Mistake(NAME, "strength missing", "strength = 0.3 is missing", W, without_strength),
    Mistake(NAME, "gradient of the norm", "divided by the norm of w", W, of_the_norm),
    Mistake(NAME, "dy not used", "output gradient is ignored", W, without_dy),
    Mistake(NAME, "dw = -2 strength w", "wrong sign", W, sign),
    Mistake(NAME, "|w| for w", "absolute value", W, absolute),
    Mistake(NAME, "w changed in backward", "written to", W, shrinks),
    Mistake(NAME, "penalty = over the loss's dw", "`=` where `+=`", RIDGE, ridge_penalty_assigned),
    Mistake(NAME, "loss = over the penalty's dw", "`=` where `+=`", RIDGE, ridge_loss_assigned),
    Mistake(NAME, "adding_calls assign", "`=` where `+=`", W[:1], None, PenaltyAssigns),
    Mistake(NAME, "strength missing", "strength = 0.3 is missing", W[:1], None, PenaltyUnscaled),
    Mistake(NAME, "2 of the square missing", "a factor 2 is missing", W[:1], None, PenaltyHalf),
    Mistake(NAME, "dw += in a kernel", "`+=` where `=`", W[:1], None, PenaltyAdds),
)


def weights(random: Any) -> tuple[Any, ...]:
    """Draw the shape of w, and a strength."""
    return tuple(int(n) for n in random.integers(1, 6, 2)), float(random.uniform(0.1, 2.0))


def regressions(random: Any) -> tuple[Any, ...]:
    """Draw the shapes of x, w and t."""
    rows, inputs = (int(n) for n in random.integers(1, 8, 2))
    return (rows, inputs), (inputs,), (rows,)


RIGHT: tuple[Right, ...] = (
    Right(NAME, weights, right),
    Right(NAME, regressions, ridge),
    Right(NAME, lambda random: weights(random)[:1], None, Penalty),
)
