"""MSE and BCE: what goes wrong in losses of numbers and targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.check.mistakes.mistake import Mistake, Right
from npnet.kernel import Spec
from npnet.layers.base import Layer

__all__ = ["MISTAKES", "RIGHT"]

PAIR = ((5, 3), (5, 3))


def mse(x: Any, t: Any) -> Any:
    """Give the right gradients."""

    def backward(dy: Any) -> Any:
        dx = dy * 2 * (x - t) / x.size
        return dx, -dx

    return np.mean((x - t) ** 2), backward


def mse_without_2(x: Any, t: Any) -> Any:
    """Forget the 2 of the square."""
    return np.mean((x - t) ** 2), lambda dy: dy * (x - t) / x.size


def mse_without_n(x: Any, t: Any) -> Any:
    """Forget to divide by the number of elements."""
    return np.mean((x - t) ** 2), lambda dy: dy * 2 * (x - t)


def mse_by_rows(x: Any, t: Any) -> Any:
    """Divide by the number of rows where the mean is over all elements."""
    return np.mean((x - t) ** 2), lambda dy: dy * 2 * (x - t) / len(x)


def mse_sign(x: Any, t: Any) -> Any:
    """Write t - x."""
    return np.mean((x - t) ** 2), lambda dy: dy * 2 * (t - x) / x.size


def mse_target_sign(x: Any, t: Any) -> Any:
    """Give the target the gradient of x."""

    def backward(dy: Any) -> Any:
        dx = dy * 2 * (x - t) / x.size
        return dx, dx

    return np.mean((x - t) ** 2), backward


def mse_without_dy(x: Any, t: Any) -> Any:
    """Start from 1 whatever arrives."""
    return np.mean((x - t) ** 2), lambda dy: 2 * (x - t) / x.size


def mse_without_target(x: Any, t: Any) -> Any:
    """Forget the target."""
    return np.mean((x - t) ** 2), lambda dy: dy * 2 * x / x.size


def mse_absolute(x: Any, t: Any) -> Any:
    """Take the size of the difference."""
    return np.mean((x - t) ** 2), lambda dy: dy * 2 * np.abs(x - t) / x.size


def mse_broadcast(x: Any, t: Any) -> Any:
    """Subtract (N,) from (N, 1), which is (N, N)."""
    difference = x - t
    return np.mean(difference**2), lambda dy: dy * 2 * difference / difference.size


def bce(p: Any, t: Any) -> Any:
    """Give the right gradient."""
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    return loss, lambda dy: dy * (p - t) / (p * (1 - p)) / p.size


def bce_of_logits(p: Any, t: Any) -> Any:
    """Give p - t, which is the gradient for logits."""
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    return loss, lambda dy: dy * (p - t) / p.size


def bce_without_n(p: Any, t: Any) -> Any:
    """Forget to divide by the number of elements."""
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    return loss, lambda dy: dy * (p - t) / (p * (1 - p))


def bce_sign(p: Any, t: Any) -> Any:
    """Forget the minus in front."""
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    return loss, lambda dy: dy * (t / p - (1 - t) / (1 - p)) / p.size


def bce_first_half(p: Any, t: Any) -> Any:
    """Forget the term of the other class."""
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    return loss, lambda dy: -dy * t / p / p.size


def bce_without_dy(p: Any, t: Any) -> Any:
    """Start from 1 whatever arrives."""
    loss = -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))
    return loss, lambda dy: (p - t) / (p * (1 - p)) / p.size


def bce_logits_without_sigmoid(z: Any, t: Any) -> Any:
    """Give z - t where sigmoid(z) - t is meant."""
    loss = np.mean(np.log1p(np.exp(z)) - t * z)
    return loss, lambda dy: dy * (z - t) / z.size


def bce_logits_chain(z: Any, t: Any) -> Any:
    """Multiply sigmoid(z) - t, which is dz already, by the sigmoid's derivative."""
    s = 1 / (1 + np.exp(-z))
    loss = np.mean(np.log1p(np.exp(z)) - t * z)
    return loss, lambda dy: dy * (s - t) * s * (1 - s) / z.size


class SquaredError(Layer):
    """The mean of (x - target)^2, right for x; the target has no gradient but zeros."""

    def infer(self, x: Spec, target: Spec) -> Spec:
        """Give one number."""
        return Spec((), x.dtype)

    def forward_kernel(self, x: Any, target: Any, *, out: Any, scratch: Any) -> None:
        """Write the mean."""
        out[...] = np.mean((x - target) ** 2)

    def backward_kernel(
        self, dy: Any, x: Any, target: Any, y: Any, *, dx: Any, dtarget: Any, scratch: Any
    ) -> None:
        """Write both gradients."""
        if dx is not None:
            dx[...] = self.slope(dy, x, target)
        if dtarget is not None:
            dtarget[...] = -2 * (x - target) * dy / x.size

    def slope(self, dy: Any, x: Any, target: Any) -> Any:
        """Return dx."""
        return 2 * (x - target) * dy / x.size


class SquaredErrorSum(SquaredError):
    """Forgets to divide by the number of elements."""

    def slope(self, dy: Any, x: Any, target: Any) -> Any:
        """Return dx as of the sum."""
        return 2 * (x - target) * dy


class SquaredErrorStart(SquaredError):
    """Starts from 1."""

    def slope(self, dy: Any, x: Any, target: Any) -> Any:
        """Return dx for dy = 1."""
        return 2 * (x - target) / x.size


class SquaredErrorHalf(SquaredError):
    """Forgets the 2 of the square."""

    def slope(self, dy: Any, x: Any, target: Any) -> Any:
        """Return half of dx."""
        return (x - target) * dy / x.size


MISTAKES: tuple[Mistake, ...] = (
    Mistake("MSE", "2 of the square missing", "a factor 2 is missing", PAIR, mse_without_2),
    Mistake("MSE", "not divided by N", "missing 1/N, N = 15", PAIR, mse_without_n),
    Mistake("MSE", "divided by rows", "missing 1/N, N = 3", PAIR, mse_by_rows),
    Mistake("MSE", "t - x for x - t", "wrong sign", PAIR, mse_sign),
    Mistake("MSE", "dt = dx", "wrong sign", PAIR, mse_target_sign),
    Mistake("MSE", "dy not used", "output gradient is ignored", PAIR, mse_without_dy),
    Mistake("MSE", "dx = 2 x / N", "the term with t is missing", PAIR, mse_without_target),
    Mistake("MSE", "|x - t|", "absolute value", PAIR, mse_absolute),
    Mistake("MSE", "(N, 1) against (N,)", "broadcast", ((5, 1), (5,)), mse_broadcast),
    Mistake("MSE", "not divided by N", "missing 1/N, N = 15", PAIR, None, SquaredErrorSum),
    Mistake("MSE", "dy not used", "output gradient is ignored", PAIR, None, SquaredErrorStart),
    Mistake(
        "MSE", "2 of the square missing", "a factor 2 is missing", PAIR, None, SquaredErrorHalf
    ),
    Mistake("BCE", "dp = p - t, as for logits", "factor p (1 - p) too many", PAIR, bce_of_logits),
    Mistake("BCE", "not divided by N", "missing 1/N, N = 15", PAIR, bce_without_n),
    Mistake("BCE", "minus in front forgotten", "wrong sign", PAIR, bce_sign),
    Mistake("BCE", "term of 1 - t forgotten", "a term is missing", PAIR, bce_first_half),
    Mistake("BCE", "dy not used", "output gradient is ignored", PAIR, bce_without_dy),
    Mistake("BCE", "dz = z - t", "(sigmoid(z) - t)", PAIR, bce_logits_without_sigmoid),
    Mistake("BCE", "(s - t) s (1 - s)", "factor sigmoid'(z) too many", PAIR, bce_logits_chain),
)


def pairs(random: Any) -> tuple[Any, ...]:
    """Draw one shape of one or two axes, twice."""
    shape = tuple(int(n) for n in random.integers(1, 7, random.integers(1, 3)))
    return shape, shape


RIGHT: tuple[Right, ...] = (
    Right("MSE", pairs, mse),
    Right("MSE", pairs, None, SquaredError),
    Right("BCE", pairs, bce),
)
