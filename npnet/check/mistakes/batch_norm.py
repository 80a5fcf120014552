"""BatchNorm: what goes wrong where a number also moves the mean and the variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.check.mistakes.mistake import Mistake, Right
from npnet.kernel import Spec
from npnet.layers.base import Layer
from npnet.parameter import Parameter

__all__ = ["MISTAKES", "RIGHT"]

EPS = 1e-3
X = ((6, 3), (3,), (3,))


def normalized(x: Any) -> Any:
    """Return (x - mean) / sqrt(variance + eps), and 1 / sqrt(variance + eps)."""
    inverse = 1 / np.sqrt(x.var(axis=0) + EPS)
    return (x - x.mean(axis=0)) * inverse, inverse


def right(x: Any, gamma: Any, beta: Any) -> Any:
    """Give the right gradients."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        dx = inverse * (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0))
        return dx, (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def constant_statistics(x: Any, gamma: Any, beta: Any) -> Any:
    """Take mean and variance for constants."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        return dy * gamma * inverse, (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def no_variance_path(x: Any, gamma: Any, beta: Any) -> Any:
    """Forget that x moves the variance."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        return inverse * (dh - dh.mean(axis=0)), (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def no_mean_path(x: Any, gamma: Any, beta: Any) -> Any:
    """Forget that x moves the mean."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        return inverse * (dh - h * (dh * h).mean(axis=0)), (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def variance_path_sign(x: Any, gamma: Any, beta: Any) -> Any:
    """Add the variance's share where it is to be subtracted."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        dx = inverse * (dh - dh.mean(axis=0) + h * (dh * h).mean(axis=0))
        return dx, (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def gamma_of_x(x: Any, gamma: Any, beta: Any) -> Any:
    """Sum dy x where dy times the normalized x is meant."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        dx = inverse * (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0))
        return dx, (dy * x).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def beta_not_summed(x: Any, gamma: Any, beta: Any) -> Any:
    """Give a gradient of beta for each row."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        dx = inverse * (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0))
        return dx, (dy * h).sum(axis=0), dy

    return gamma * h + beta, backward


def gamma_mean(x: Any, gamma: Any, beta: Any) -> Any:
    """Average the gradient of gamma over the batch."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        dx = inverse * (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0))
        return dx, (dy * h).mean(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def gamma_forgotten(x: Any, gamma: Any, beta: Any) -> Any:
    """Leave gamma out of dx."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dx = inverse * (dy - dy.mean(axis=0) - h * (dy * h).mean(axis=0))
        return dx, (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def eps_forgotten(x: Any, gamma: Any, beta: Any) -> Any:
    """Leave eps out of backward."""
    h, _ = normalized(x)

    def backward(dy: Any) -> Any:
        inverse = 1 / np.sqrt(x.var(axis=0))
        dh = dy * gamma
        dx = inverse * (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0))
        return dx, (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


def sums_for_means(x: Any, gamma: Any, beta: Any) -> Any:
    """Forget 1/N in front of the simplified formula N dh - sum(dh) - h sum(dh h)."""
    h, inverse = normalized(x)

    def backward(dy: Any) -> Any:
        dh = dy * gamma
        dx = inverse * (len(x) * dh - dh.sum(axis=0) - h * (dh * h).sum(axis=0))
        return dx, (dy * h).sum(axis=0), dy.sum(axis=0)

    return gamma * h + beta, backward


class Normalized(Layer):
    """gamma (x - mean) / sqrt(variance + eps) + beta, right."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.gamma = Parameter(random.uniform(0.5, 1.5, channels).astype(np.float32))
        self.beta = Parameter(random.uniform(0.5, 1.5, channels).astype(np.float32))

    def infer(self, x: Spec, gamma: Spec, beta: Spec) -> Spec:
        """Give y the shape of x."""
        return x

    def forward_kernel(self, x: Any, gamma: Any, beta: Any, *, out: Any, scratch: Any) -> None:
        """Write y."""
        out[...] = gamma * normalized(x)[0] + beta

    def backward_kernel(
        self,
        dy: Any,
        x: Any,
        gamma: Any,
        beta: Any,
        y: Any,
        *,
        dx: Any,
        dgamma: Any,
        dbeta: Any,
        scratch: Any,
    ) -> None:
        """Write what is asked for."""
        h, inverse = normalized(x)
        if dx is not None:
            dx[...] = self.input_gradient(dy * gamma, h, inverse)
        if dgamma is not None:
            dgamma[...] = (dy * h).sum(axis=0)
        if dbeta is not None:
            dbeta[...] = dy.sum(axis=0)

    def input_gradient(self, dh: Any, h: Any, inverse: Any) -> Any:
        """Return dx."""
        return inverse * (dh - dh.mean(axis=0) - h * (dh * h).mean(axis=0))


class NormalizedConstants(Normalized):
    """Takes mean and variance for constants."""

    def input_gradient(self, dh: Any, h: Any, inverse: Any) -> Any:
        """Return dx of the direct path alone."""
        return inverse * dh


class NormalizedMeanOnly(Normalized):
    """Forgets that x moves the variance."""

    def input_gradient(self, dh: Any, h: Any, inverse: Any) -> Any:
        """Return dx without the variance's share."""
        return inverse * (dh - dh.mean(axis=0))


class NormalizedRunning(Normalized):
    """Mixes a mean that it keeps from call to call into forward."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__(channels)
        self.so_far: list[Any] = [0.0]

    def forward_kernel(self, x: Any, gamma: Any, beta: Any, *, out: Any, scratch: Any) -> None:
        """Write y, and follow the batches on the layer itself."""
        self.so_far[0] = 0.9 * self.so_far[0] + 0.1 * x.mean(axis=0)
        out[...] = gamma * normalized(x)[0] + beta + self.so_far[0]


NAME = "BatchNorm"
MISTAKES: tuple[Mistake, ...] = (
    Mistake(NAME, "mean, variance constant", "treated as constants", X, constant_statistics),
    Mistake(NAME, "path of the variance left out", "through the variance", X, no_variance_path),
    Mistake(NAME, "path of the mean left out", "through the mean", X, no_mean_path),
    Mistake(NAME, "variance's share added", "through the variance", X, variance_path_sign),
    Mistake(NAME, "dgamma = sum of dy x", "it is (dy * x).sum(axis=0)", X, gamma_of_x),
    Mistake(NAME, "dbeta = dy", "not summed over the batch", X, beta_not_summed),
    Mistake(NAME, "dgamma = mean", "a mean for a sum", X, gamma_mean),
    Mistake(NAME, "dx without gamma", "factor gamma is missing", X, gamma_forgotten),
    Mistake(NAME, "eps not in backward", "an eps that forward has", X, eps_forgotten),
    Mistake(NAME, "1/N forgotten", "missing 1/N, N = 6", X, sums_for_means),
    Mistake(
        NAME, "mean, variance constant", "treated as constants", X[:1], None, NormalizedConstants
    ),
    Mistake(
        NAME,
        "path of the variance left out",
        "through the variance",
        X[:1],
        None,
        NormalizedMeanOnly,
    ),
    Mistake(
        NAME,
        "a mean kept on the layer",
        "other numbers when called again",
        X[:1],
        None,
        NormalizedRunning,
    ),
)


def batches(random: Any) -> tuple[Any, ...]:
    """Draw the shape of x and of what belongs to its columns."""
    count, channels = int(random.integers(3, 9)), int(random.integers(1, 6))
    return (count, channels), (channels,), (channels,)


RIGHT: tuple[Right, ...] = (
    Right(NAME, batches, right),
    Right(NAME, lambda random: ((int(random.integers(3, 9)), 3),), None, Normalized),
)
