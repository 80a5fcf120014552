"""Adam and AdamW: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from npnet.optim.arithmetic import (
    average_squares,
    decayed_gradient,
    move_towards,
    step_by_quotient,
)
from npnet.optim.base import Optimizer, Options
from npnet.optim.groups import Group
from npnet.parameter import Array

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adam: each element steps by its mean gradient over the root of its mean squared gradient.

    For each parameter p with gradient g at its step t = 1, 2, ..., with (b1, b2) = betas, in this
    order::

        g = -g                                         if maximize
        p = p - lr * weight_decay * p                  if decoupled_weight_decay, else
        g = g + weight_decay * p
        m = m + (1 - b1) * (g - m)                     from m = 0
        v = b2 * v + (1 - b2) * g * g                  from v = 0
        s = v, or the largest v so far                 if amsgrad
        p = p - lr / (1 - b1 ** t) * m / (sqrt(s) / sqrt(1 - b2 ** t) + eps)

    lr / (1 - b1 ** t), sqrt(1 - b2 ** t) and 1 - lr * weight_decay are computed in double
    precision, the rest in the parameter's dtype. Shapes and dtypes: any; each parameter keeps its
    own, and counts its own steps: those where it had a gradient.

    Parameters
    ----------
    params : iterable
        Of Parameters, of ``(name, Parameter)`` pairs, or of dicts with "params" and own options.
    lr : float, default 1e-3
        The learning rate.
    betas : (float, float), default (0.9, 0.999)
        How much of the mean gradient and of the mean square is kept from step to step.
    eps : float, default 1e-8
        Added to the root, against division by zero.
    weight_decay : float, default 0
        The factor of the L2 penalty ``weight_decay / 2 * sum(p ** 2)``, by its gradient.
    amsgrad : bool, default False
        Whether to divide by the root of the largest mean square so far.
    maximize : bool, default False
        Whether to step up the gradient instead of down.
    decoupled_weight_decay : bool, default False
        Whether weight_decay shrinks the parameter itself, past the means, as in AdamW.
    foreach, fused, capturable, differentiable : optional
        For scripts written for torch; None or False.

    Errors
    ------
    ValueError
        For an lr, eps or weight_decay that is negative or not finite, and betas outside [0, 1).
    TypeError
        For options that are no numbers. For errors in `params` see Optimizer.

    Source: torch.optim.Adam; D. Kingma and J. Ba, Adam: a method for stochastic optimization, 2015,
    algorithm 1; for amsgrad S. Reddi et al., On the convergence of Adam and beyond, 2018.

    Examples
    --------
    >>> from npnet.parameter import Parameter
    >>> weight = Parameter([1.0, 2.0])
    >>> optimizer = Adam([weight], lr=0.5)
    >>> weight.grad = [10.0, -0.1]
    >>> optimizer.step()
    >>> weight.data.round(4).tolist()
    [0.5, 2.5]
    """

    state_kinds: ClassVar[tuple[str, ...]] = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
    counts_steps: ClassVar[bool] = True
    scratches: ClassVar[int] = 2

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
        **execution: bool | None,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, options, execution)

    def check(self, options: Group) -> None:
        """Raise where options are out of range."""
        super().check(options)
        self.check_number(options, "eps")
        self.check_number(options, "weight_decay")
        betas = options["betas"]
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise TypeError(f"{self._who}: expected two numbers as betas, got {betas!r}")
        for index, beta in enumerate(betas):
            name = f"betas[{index}]"
            self.check_number({name: beta}, name, below=1.0)

    def options(self, group: Group) -> Options:
        """Return lr, betas and the decay of the gradient, then what `update` multiplies and adds.

        Of that the shrinking factor is None where the parameters do not shrink.
        """
        lr, decay = float(group["lr"]), float(group["weight_decay"])
        beta1, beta2 = map(float, group["betas"])
        if beta1 >= 1.0:
            self.check(group)  # it would divide by zero, but after other groups have stepped
        decoupled = bool(group["decoupled_weight_decay"])
        return (
            (lr, beta1, beta2, 0.0 if decoupled else decay),
            beta2,
            1.0 - beta2,
            float(group["eps"]),
            1.0 - lr * decay if decay and decoupled else None,
            bool(group["amsgrad"]),
            bool(group["maximize"]),
        )

    def state_names(self, options: tuple[Any, ...]) -> tuple[str, ...]:
        """Return both means, and the largest mean square under amsgrad."""
        return self.state_kinds if options[5] else self.state_kinds[:2]

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
        (lr, beta1, beta2, decay), keep, gain, eps, shrink, amsgrad, maximize = options
        size = lr / (1.0 - beta1 ** (age + 1))
        correction = np.array((1.0 - beta2 ** (age + 1)) ** 0.5, data.dtype)
        mean, square = state[:2]
        spare, root = scratch
        if shrink is not None:
            np.multiply(data, shrink, data)
        direction = decayed_gradient(data, grad, decay, maximize, spare)
        move_towards(mean, direction, 1.0 - beta1, root)
        average_squares(square, direction, keep, gain, root)
        if amsgrad:
            square = np.maximum(state[2], square, out=state[2])
        np.sqrt(square, root)
        np.divide(root, correction, root)
        np.add(root, eps, root)
        step_by_quotient(data, size, mean, root, spare)


class AdamW(Adam):
    """Adam with decoupled weight decay: it shrinks the parameters and stays out of the means.

    The rule is Adam's with decoupled_weight_decay; before the gradient's step::

        p = p - lr * weight_decay * p

    Parameters
    ----------
    params : iterable
        Of Parameters, of ``(name, Parameter)`` pairs, or of dicts with "params" and own options.
    lr : float, default 1e-3
        The learning rate.
    betas : (float, float), default (0.9, 0.999)
        How much of the mean gradient and of the mean square is kept from step to step.
    eps : float, default 1e-8
        Added to the root, against division by zero.
    weight_decay : float, default 1e-2
        By how much of lr the parameters shrink in a step.
    amsgrad : bool, default False
        Whether to divide by the root of the largest mean square so far.
    maximize : bool, default False
        Whether to step up the gradient instead of down.
    foreach, fused, capturable, differentiable : optional
        For scripts written for torch; None or False.

    Errors
    ------
    ValueError, TypeError
        As Adam's.

    Source: torch.optim.AdamW; I. Loshchilov and F. Hutter, Decoupled weight decay regularization,
    2019, algorithm 2, in torch's form, where lr scales the decay.

    Examples
    --------
    >>> from npnet.parameter import Parameter
    >>> weight = Parameter([1.0, 2.0])
    >>> optimizer = AdamW([weight], lr=0.5, weight_decay=0.5)
    >>> weight.grad = [10.0, -0.1]
    >>> optimizer.step()
    >>> weight.data.round(4).tolist()
    [0.25, 2.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        **execution: bool | None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
            **execution,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state as any optimizer does; the decay stays decoupled, as in torch."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
