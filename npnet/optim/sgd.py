"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from npnet.blas import add_scaled
from npnet.optim.base import Optimizer
from npnet.optim.groups import Group
from npnet.parameter import Array

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov momentum and L2 weight decay.

    For each parameter p with gradient g, in this order::

        g = -g                                  if maximize
        g = g + weight_decay * p
        b = g                                   on the first step, later
        b = momentum * b + (1 - dampening) * g  if momentum
        g = g + momentum * b                    if nesterov, with momentum else
        g = b                                   if momentum
        p = p - lr * g

    A sum with a product in it is rounded once where BLAS fuses the two, as torch does: the numbers
    are torch's to the bit then. Shapes and dtypes: any; each parameter keeps its own.

    Parameters
    ----------
    params : iterable
        Of Parameters, of ``(name, Parameter)`` pairs, or of dicts with "params" and own options.
    lr : float, default 1e-3
        The learning rate.
    momentum : float, default 0
        How much of the last direction is kept.
    dampening : float, default 0
        How much of the gradient is held back from the momentum; not on the first step.
    weight_decay : float, default 0
        The factor of the L2 penalty ``weight_decay / 2 * sum(p ** 2)``, by its gradient.
    nesterov : bool, default False
        Whether to look ahead along the momentum.
    maximize : bool, default False
        Whether to step up the gradient instead of down.
    foreach, fused, differentiable : optional
        For scripts written for torch; None or False.

    Errors
    ------
    ValueError
        For an lr, momentum or weight_decay that is negative or not finite, a dampening that is not
        finite, and Nesterov without momentum or with dampening.
    TypeError
        For options that are no numbers. For errors in `params` see Optimizer.

    Source: torch.optim.SGD; I. Sutskever et al., On the importance of initialization and momentum
    in deep learning, 2013, in torch's form, where lr scales the momentum too.

    Examples
    --------
    >>> from npnet.parameter import Parameter
    >>> weight = Parameter([1.0, 2.0])
    >>> optimizer = SGD([weight], lr=0.5, momentum=0.5)
    >>> for _ in range(2):
    ...     weight.grad = [1.0, 0.0]
    ...     optimizer.step()
    >>> weight.data.tolist()
    [-0.25, 2.0]
    """

    state_kinds: ClassVar[tuple[str, ...]] = ("momentum_buffer",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        **execution: bool | None,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        self.check(options)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                "SGD: nesterov needs momentum above 0 and no dampening, got "
                f"momentum={momentum}, dampening={dampening}"
            )
        super().__init__(params, options, execution)

    def check(self, options: Group) -> None:
        """Raise where options are out of range."""
        super().check(options)
        self.check_number(options, "momentum")
        self.check_number(options, "dampening", -math.inf)
        self.check_number(options, "weight_decay")

    def state_names(self, options: tuple[Any, ...]) -> tuple[str, ...]:
        """Return the momentum buffer, where there is momentum."""
        return () if options[1] is None else self.state_kinds

    def options(self, group: Group) -> tuple[float | bool | None, ...]:
        """Return lr, momentum, 1 - dampening, weight decay (None where 0), and flags."""
        dampening = float(group["dampening"])
        return (
            float(group["lr"]),
            float(group["momentum"]) or None,
            1.0 - dampening,
            float(group["weight_decay"]) or None,
            bool(group["nesterov"]),
            bool(group["maximize"]),
        )

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
        lr, momentum, gain, decay, nesterov, maximize = options
        (direction,) = scratch
        if maximize:
            np.negative(grad, direction)
        elif decay is not None or nesterov:
            np.copyto(direction, grad)
        else:
            direction = grad
        if decay is not None:
            add_scaled(direction, decay, data)
        if momentum is not None:
            (buffer,) = state
            if age == 0:
                np.copyto(buffer, direction)
            else:
                np.multiply(buffer, momentum, buffer)
                add_scaled(buffer, gain, direction)
            if nesterov:
                add_scaled(direction, momentum, buffer)
            else:
                direction = buffer
        add_scaled(data, -lr.item(), direction)
