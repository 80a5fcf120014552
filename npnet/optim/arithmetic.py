"""Sums and products that several rules share, in torch's order of operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.blas import add_scaled
from npnet.parameter import Array

__all__ = ["average_squares", "decayed_gradient", "move_towards", "step_by_quotient"]


def decayed_gradient(data: Array, grad: Array, decay: float, maximize: bool, out: Array) -> Array:
    """Return the direction to step down, ``±grad + decay * data``: in `out`, or `grad` itself.

    The gradient's sign is turned where a rule maximizes.
    """
    if maximize:
        np.negative(grad, out)
    elif decay:
        np.copyto(out, grad)
    else:
        return grad
    if decay:
        add_scaled(out, decay, data)
    return out


def move_towards(mean: Array, value: Array, weight: float, spare: Array) -> None:
    """Move a running mean in place: ``mean + weight * (value - mean)``.

    From a weight of a half on it counts from the other end, ``value - (1 - weight) * (...)``:
    that end is nearer, so less is rounded away.
    """
    np.subtract(value, mean, spare)
    if abs(weight) >= 0.5:
        np.copyto(mean, value)
        weight = float(mean.dtype.type(weight) - 1)  # torch rounds the weight before it subtracts
    add_scaled(mean, weight, spare)


def average_squares(mean: Array, value: Array, keep: Any, gain: Any, spare: Array) -> None:
    """Renew a running mean of squares in place: ``keep * mean + gain * value * value``."""
    np.multiply(mean, keep, mean)
    np.multiply(value, gain, spare)
    np.multiply(spare, value, spare)
    np.add(mean, spare, mean)


def step_by_quotient(data: Array, size: float, above: Array, below: Array, out: Array) -> None:
    """Step `data` in place to ``data - size * above / below``; `out` may be `above`."""
    np.multiply(above, data.dtype.type(size), out)
    np.divide(out, below, out)
    np.subtract(data, out, data)
