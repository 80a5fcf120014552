"""CyclicLR: up to a highest rate and down again, over and over, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import (
    LRScheduler,
    cycles_beta1,
    optimizer_of,
    per_group,
    set_momentum,
    unchanged,
)
from npnet.optim.lr_scheduler.functions import attributes_of

__all__ = ["CyclicLR"]

#: What each mode scales a cycle's height by, and whether by the cycle's number or the step's.
_MODES: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "triangular": ("cycle", lambda gamma, x: 1.0),
    "triangular2": ("cycle", lambda gamma, x: 1 / (2.0 ** (x - 1))),
    "exp_range": ("iterations", lambda gamma, x: gamma**x),
}


class CyclicLR(LRScheduler):
    """Moves the rates up to max_lr and down to base_lr in cycles, the momentum the other way.

    With t = last_epoch, n = step_size_up + step_size_down, cycle c = 1 + floor(t / n), and h from
    0 up to 1 in the first step_size_up steps of a cycle and down to 0 in the others::

        lr = base_lr + (max_lr - base_lr) * h * s
        momentum = max_momentum - (max_momentum - base_momentum) * h * s

        triangular:   s = 1
        triangular2:  s = 1 / 2 ** (c - 1)
        exp_range:    s = gamma ** t
        scale_fn:     s = scale_fn(c) or scale_fn(t), by scale_mode

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    base_lr, max_lr : float or list of float
        The lowest and the highest rate; of all groups, or of each.
    step_size_up : int, default 2000
        How many steps go up.
    step_size_down : int, optional
        How many go down; as many as go up.
    mode : {"triangular", "triangular2", "exp_range"}, default "triangular"
        How the height of a cycle is scaled, where there is no scale_fn.
    gamma : float, default 1
        The factor of "exp_range".
    scale_fn : callable, optional
        From the number of a cycle, or a step, to the scale.
    scale_mode : {"cycle", "iterations"}, default "cycle"
        Which of them scale_fn gets.
    cycle_momentum : bool, default True
        Whether to set "momentum", or where there is none the first of "betas".
    base_momentum, max_momentum : float or list of float, default 0.8 and 0.9
        The lowest and the highest momentum.
    last_epoch : int, default -1
        The step to go on from; -1 begins anew.

    Errors
    ------
    TypeError
        For what is no optimizer, and a scale_fn that cannot be called.
    ValueError
        For a step_size_up that is not above 0 and a step_size_down below 0, another mode or
        scale_mode, lists that do not fit the groups, and a momentum to cycle that the optimizer has
        not.

    Source: torch.optim.lr_scheduler.CyclicLR; L. Smith, Cyclical learning rates for training neural
    networks, 2017. As there a state holds the attributes of a callable object, and None for a
    function.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], momentum=0.9)
    >>> scheduler = CyclicLR(optimizer, base_lr=0.5, max_lr=1.5, step_size_up=2, mode="triangular2")
    >>> for _ in range(6):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(*scheduler.get_last_lr())
    1.0
    1.5
    1.0
    0.5
    0.75
    1.0
    """

    unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "_scale_fn_custom")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        optimizer = optimizer_of(self, optimizer)
        base_lrs = per_group(self, optimizer, "base_lr", base_lr)
        self.max_lrs = per_group(self, optimizer, "max_lr", max_lr)
        self._measure(step_size_up, step_size_down)
        self._check_scale(mode, scale_fn, scale_mode)
        self.mode, self.gamma = mode, gamma
        self._scale_fn_custom, self.scale_mode = scale_fn, scale_mode
        self._set_scale_mode()
        self.cycle_momentum = cycle_momentum
        begun = [{"lr": lr} for lr in base_lrs]
        if cycle_momentum:
            self.use_beta1 = cycles_beta1(self, optimizer)
            self.base_momentums = per_group(self, optimizer, "base_momentum", base_momentum)
            self.max_momentums = per_group(self, optimizer, "max_momentum", max_momentum)
            bounds = zip(begun, self.base_momentums, self.max_momentums, strict=True)
            for group, least, most in bounds:
                group |= {"max_momentum": most, "base_momentum": least}
        with unchanged(*optimizer.param_groups):
            if last_epoch == -1:
                for group, values in zip(optimizer.param_groups, begun, strict=True):
                    group.update(values)
            super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """Return the scale of a cycle or a step."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return _MODES[self.mode][1](self.gamma, x)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at step `last_epoch`, and set the momentum."""
        self._within_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        place = cycle if self.scale_mode == "cycle" else self.last_epoch
        rates = [
            least + (most - least) * height * self.scale_fn(place)
            for least, most in zip(self.base_lrs, self.max_lrs, strict=True)
        ]
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (least, most) in zip(self.optimizer.param_groups, bounds, strict=False):
                momentum = most - (most - least) * height * self.scale_fn(place)
                set_momentum(group, momentum, self.use_beta1)
        return rates

    def state_dict(self) -> dict[str, Any]:
        """Return the state in torch's form; of a function it says nothing."""
        kept = attributes_of(self._scale_fn_custom)
        return {**super().state_dict(), "_scale_fn_custom": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state, and its attributes of a callable object."""
        self._check_state(state_dict)
        attributes, own = state_dict.get("_scale_fn_custom"), self._scale_fn_custom
        if attributes is not None and not hasattr(own, "__dict__"):
            raise ValueError(
                f"{self._who}: expected a state without attributes of a scale_fn, got "
                f"{[*attributes]}; make the schedule with a scale_fn of that class"
            )
        super().load_state_dict(state_dict)
        if attributes is not None:
            vars(own).update(attributes)
        self._set_scale_mode()

    def _measure(self, up: float, down: float | None) -> None:
        """Set the length of a cycle, and which part of it goes up."""
        down = up if down is None else down
        if not (up > 0 and down >= 0):
            raise ValueError(
                f"{self._who}: expected step_size_up above 0 and step_size_down of 0 or more, got "
                f"{up} and {down}"
            )
        self.total_size = float(up) + float(down)
        self.step_ratio = float(up) / self.total_size

    def _check_scale(self, mode: str, scale_fn: Any, scale_mode: str) -> None:
        """Raise unless there is a way to scale."""
        if scale_fn is None and mode not in _MODES:
            raise ValueError(f"{self._who}: mode must be one of {(*_MODES,)}, got {mode!r}")
        if scale_fn is not None and not callable(scale_fn):
            kind = type(scale_fn).__name__
            raise TypeError(f"{self._who}: expected a function as scale_fn, got {kind}")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(
                f"{self._who}: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}"
            )

    def _set_scale_mode(self) -> None:
        """Let the mode say what it scales by."""
        if self._scale_fn_custom is None:
            self.scale_mode = _MODES[self.mode][0]
