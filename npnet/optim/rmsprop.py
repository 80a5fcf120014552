"""RMSprop: steps divided by the root of a running mean of squared gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from npnet.blas import add_scaled
from npnet.optim.arithmetic import (
    average_squares,
    decayed_gradient,
    move_towards,
    step_by_quotient,
)
from npnet.optim.base import Optimizer, Options
from npnet.optim.groups import Group
from npnet.parameter import Array

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """RMSprop: each element steps by its gradient over the root of its mean squared gradient.

    For each parameter p with gradient g, in this order::

        g = -g                                   if maximize
        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g * g      from v = 0
        m = m + (1 - alpha) * (g - m)            from m = 0, if centered
        r = sqrt(v - m * m) + eps                if centered, else sqrt(v) + eps
        b = momentum * b + g / r                 from b = 0, if momentum
        p = p - lr * b                           if momentum, else p - lr * g / r

    Shapes and dtypes: any; each parameter keeps its own, and all is computed in it.

    Parameters
    ----------
    params : iterable
        Of Parameters, of ``(name, Parameter)`` pairs, or of dicts with "params" and own options.
    lr : float, default 1e-2
        The learning rate.
    alpha : float, default 0.99
        How much of the mean square is kept from step to step.
    eps : float, default 1e-8
        Added to the root, against division by zero.
    weight_decay : float, default 0
        The factor of the L2 penalty ``weight_decay / 2 * sum(p ** 2)``, by its gradient.
    momentum : float, default 0
        How much of the last direction is kept.
    centered : bool, default False
        Whether to divide by the standard deviation of the gradient instead.
    maximize : bool, default False
        Whether to step up the gradient instead of down.
    foreach, capturable, differentiable : optional
        For scripts written for torch; None or False.

    Errors
    ------
    ValueError
        For an lr, alpha, eps, weight_decay or momentum that is negative or not finite.
    TypeError
        For options that are no numbers. For errors in `params` see Optimizer.

    Source: torch.optim.RMSprop; G. Hinton, Neural networks for machine learning, lecture 6e, 2012;
    for centered A. Graves, Generating sequences with recurrent neural networks, 2013, in torch's
    form, where eps stands outside the root.

    Examples
    --------
    >>> from npnet.parameter import Parameter
    >>> weight = Parameter([1.0, 2.0])
    >>> optimizer = RMSprop([weight], lr=0.5, alpha=0.75)
    >>> weight.grad = [10.0, -0.1]
    >>> optimizer.step()
    >>> weight.data.round(4).tolist()
    [0.0, 3.0]
    """

    state_kinds: ClassVar[tuple[str, ...]] = ("square_avg", "momentum_buffer", "grad_avg")
    counts_steps: ClassVar[bool] = True
    scratches: ClassVar[int] = 2

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        *,
        maximize: bool = False,
        **execution: bool | None,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options, execution)

    def check(self, options: Group) -> None:
        """Raise where options are out of range."""
        super().check(options)
        for name in ("alpha", "eps", "weight_decay", "momentum"):
            self.check_number(options, name)

    def options(self, group: Group) -> Options:
        """Return what `update` scales by, then what it multiplies and adds; no momentum is None."""
        alpha = float(group["alpha"])
        return (
            (float(group["lr"]), 1.0 - alpha, float(group["weight_decay"])),
            alpha,
            1.0 - alpha,
            float(group["eps"]),
            float(group["momentum"]) or None,
            bool(group["centered"]),
            bool(group["maximize"]),
        )

    def state_names(self, options: tuple[Any, ...]) -> tuple[str, ...]:
        """Return the mean square, and what momentum and centering keep."""
        square, buffer, mean = self.state_kinds
        momentum, centered = options[4:6]
        names = (square,) if momentum is None else (square, buffer)
        return (*names, mean) if centered else names

    def spans_gaps(self, options: tuple[Any, ...]) -> bool:
        """Return whether eps keeps 0 / 0 away from the gaps."""
        return bool(options[3] > 0)

    def update(
        self,
        options: tuple[Any, ...],
        age: int,
        data: Array,
        grad: Array,
        state: tuple[Array, ...],
        scratch: tuple[Array, ...],
    ) -> None:
        """Step one vector."""
        (lr, weight, decay), alpha, gain, eps, momentum, centered, maximize = options
        square = state[0]
        spare, root = scratch
        direction = decayed_gradient(data, grad, decay, maximize, spare)
        average_squares(square, direction, alpha, gain, root)
        if centered:
            mean = state[-1]
            move_towards(mean, direction, weight, root)
            np.multiply(mean, mean, root)
            np.subtract(square, root, root)
            np.sqrt(root, root)
        else:
            np.sqrt(square, root)
        np.add(root, eps, root)
        if momentum is None:
            step_by_quotient(data, lr, direction, root, spare)
        else:
            buffer = state[1]
            np.multiply(buffer, momentum, buffer)
            np.divide(direction, root, root)
            np.add(buffer, root, buffer)
            add_scaled(data, -lr, buffer)
