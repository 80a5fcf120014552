"""Adagrad: steps divided by the root of the sum of all squared gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from npnet.optim.arithmetic import decayed_gradient, step_by_quotient
from npnet.optim.base import Optimizer, Options
from npnet.optim.groups import Group
from npnet.parameter import Array

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Adagrad: each element steps by its gradient over the root of its summed squared gradients.

    For each parameter p with gradient g at its step t = 1, 2, ..., in this order::

        g = -g                                                   if maximize
        g = g + weight_decay * p
        s = s + g * g                                            from initial_accumulator_value
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    The learning rate of a step is computed in double precision, the rest in the parameter's dtype.
    Shapes and dtypes: any; each parameter keeps its own, and counts its own steps: those where it
    had a gradient.

    Parameters
    ----------
    params : iterable
        Of Parameters, of ``(name, Parameter)`` pairs, or of dicts with "params" and own options.
    lr : float, default 1e-2
        The learning rate.
    lr_decay : float, default 0
        How fast the learning rate falls with the steps.
    weight_decay : float, default 0
        The factor of the L2 penalty ``weight_decay / 2 * sum(p ** 2)``, by its gradient.
    initial_accumulator_value : float, default 0
        What the sums begin with, in all groups: as in torch no group has its own.
    eps : float, default 1e-10
        Added to the root, against division by zero.
    maximize : bool, default False
        Whether to step up the gradient instead of down.
    foreach, fused, differentiable : optional
        For scripts written for torch; None or False.

    Errors
    ------
    ValueError
        For an lr, lr_decay, weight_decay, initial_accumulator_value or eps that is negative or not
        finite.
    TypeError
        For options that are no numbers. For errors in `params` see Optimizer.

    Source: torch.optim.Adagrad; J. Duchi et al., Adaptive subgradient methods for online learning
    and stochastic optimization, 2011.

    Examples
    --------
    >>> from npnet.parameter import Parameter
    >>> weight = Parameter([1.0])
    >>> optimizer = Adagrad([weight], lr=0.5)
    >>> for grad in (3.0, 4.0):
    ...     weight.grad = [grad]
    ...     optimizer.step()
    ...     print(weight.data.round(4))
    [0.5]
    [0.1]
    """

    state_kinds: ClassVar[tuple[str, ...]] = ("sum",)
    counts_steps: ClassVar[bool] = True
    scratches: ClassVar[int] = 2

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        **execution: bool | None,
    ) -> None:
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, options, execution)

    def check(self, options: Group) -> None:
        """Raise where options are out of range."""
        super().check(options)
        for name in ("lr_decay", "weight_decay", "initial_accumulator_value", "eps"):
            self.check_number(options, name)

    def options(self, group: Group) -> Options:
        """Return lr, its decay and that of the parameters, then eps and whether to maximize."""
        return (
            (float(group["lr"]), float(group["lr_decay"]), float(group["weight_decay"])),
            float(group["eps"]),
            bool(group["maximize"]),
        )

    def initial_state(self) -> dict[str, float]:
        """Return the sum, which is there before the first step."""
        return {"sum": float(self.defaults["initial_accumulator_value"])}

    def spans_gaps(self, options: tuple[Any, ...]) -> bool:
        """Return whether eps keeps 0 / 0 away from the gaps."""
        return bool(options[1] > 0)

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
        (lr, lr_decay, decay), eps, maximize = options
        size = lr / (1.0 + age * lr_decay)
        (total,) = state
        spare, root = scratch
        direction = decayed_gradient(data, grad, decay, maximize, spare)
        np.multiply(direction, direction, root)
        np.add(total, root, total)
        np.sqrt(total, root)
        np.add(root, eps, root)
        step_by_quotient(data, size, direction, root, spare)
