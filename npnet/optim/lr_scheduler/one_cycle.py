"""OneCycleLR: up to the highest rate and down to the lowest, once, step by step."""

from __future__ import annotations

import math
from typing import Any

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import (
    LRScheduler,
    cycles_beta1,
    optimizer_of,
    per_group,
    set_momentum,
    unchanged,
)

__all__ = ["OneCycleLR"]


class OneCycleLR(LRScheduler):
    """Moves the rates up to max_lr, then far down, while the momentum goes down and up again.

    Between two points of the cycle, from `start` to `end`, with p from 0 to 1::

        cos:     end + (start - end) / 2 * (1 + cos(pi * p))
        linear:  start + (end - start) * p

    The points, at n = total_steps::

        step pct_start * n - 1       lr = max_lr, momentum = base_momentum
        step 2 * pct_start * n - 2   lr = initial_lr, momentum = max_momentum (three_phase only)
        step n - 1                   lr = initial_lr / final_div_factor, momentum = max_momentum

    from initial_lr = max_lr / div_factor and max_momentum at step 0. Where two points fall on one
    step, the later one holds. (torch divides by zero there.)

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    max_lr : float or list of float
        The highest rate; of all groups, or of each.
    total_steps : int, optional
        How many steps the cycle has. Else `epochs` times `steps_per_epoch`.
    epochs, steps_per_epoch : int, optional
        What `total_steps` is computed from.
    pct_start : float, default 0.3
        Which part of the steps goes up.
    anneal_strategy : {"cos", "linear"}, default "cos"
        How to go from point to point.
    cycle_momentum : bool, default True
        Whether to set "momentum", or where there is none the first of "betas".
    base_momentum, max_momentum : float or list of float, default 0.85 and 0.95
        The lowest and the highest momentum.
    div_factor, final_div_factor : float, default 25 and 1e4
        How many times smaller the first rate is than the highest, and the last than the first.
    three_phase : bool, default False
        Whether to come back to the first rate before going down.
    last_epoch : int, default -1
        The step to go on from; -1 begins anew.

    Errors
    ------
    ValueError
        For numbers of steps that are no whole numbers above 0, pct_start outside [0, 1],
        another anneal_strategy, div factors not above 0, lists that do not fit the groups, a
        momentum to cycle that the optimizer has not, and a step beyond the last.

    Source: torch.optim.lr_scheduler.OneCycleLR; L. Smith and N. Topin, Super-convergence: very fast
    training of neural networks using large learning rates, 2018.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], momentum=0.9)
    >>> scheduler = OneCycleLR(
    ...     optimizer, max_lr=1.0, total_steps=5, pct_start=0.6, div_factor=2, final_div_factor=2
    ... )
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(*[round(lr, 4) for lr in scheduler.get_last_lr()])
    0.75
    1.0
    0.625
    0.25
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        optimizer = optimizer_of(self, optimizer)
        self.total_steps = self._total(total_steps, epochs, steps_per_epoch)
        self._check_shape(pct_start, anneal_strategy, div_factor, final_div_factor)
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(pct_start * self.total_steps, self.total_steps, three_phase)
        self.cycle_momentum = cycle_momentum
        points = {"max_lr": per_group(self, optimizer, "max_lr", max_lr)}
        if cycle_momentum:
            self.use_beta1 = cycles_beta1(self, optimizer)
            for name, value in (("max_momentum", max_momentum), ("base_momentum", base_momentum)):
                points[name] = per_group(self, optimizer, name, value)
        with unchanged(*optimizer.param_groups):
            if last_epoch == -1:
                for index, group in enumerate(optimizer.param_groups):
                    group.update({name: values[index] for name, values in points.items()})
                    group["initial_lr"] = group["max_lr"] / div_factor
                    group["min_lr"] = group["initial_lr"] / final_div_factor
            super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at step `last_epoch`, and set the momentum."""
        self._within_step()
        if self.last_epoch > self.total_steps:
            raise ValueError(
                f"{self._who}: expected at most {self.total_steps} steps, got {self.last_epoch}; "
                "step once a batch, and give the number of all batches as total_steps"
            )
        phase, part = self._place()
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group, phase["start_lr"], phase["end_lr"], part))
            if self.cycle_momentum:
                momentum = self._between(
                    group, phase["start_momentum"], phase["end_momentum"], part
                )
                set_momentum(group, momentum, self.use_beta1)
        return rates

    def _total(self, total_steps: Any, epochs: Any, steps_per_epoch: Any) -> int:
        """Return the number of steps."""
        given = {"total_steps": total_steps}
        if total_steps is None:
            given = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        for name, value in given.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"{self._who}: expected total_steps, or epochs and steps_per_epoch, as whole "
                    f"numbers above 0; got {name}={value!r}"
                )
        return math.prod(given.values())

    def _check_shape(
        self, pct_start: float, anneal_strategy: str, div_factor: float, final_div_factor: float
    ) -> None:
        """Raise unless the cycle has a shape."""
        if not 0.0 <= pct_start <= 1.0:
            raise ValueError(f"{self._who}: pct_start must be in [0, 1], got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"{self._who}: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        for name, value in (("div_factor", div_factor), ("final_div_factor", final_div_factor)):
            if not value > 0:
                raise ValueError(f"{self._who}: {name} must be above 0, got {value}")

    def _place(self) -> tuple[dict[str, Any], float]:
        """Return the phase that `last_epoch` lies in, and which part of it is over."""
        start = 0.0
        *others, last = self._schedule_phases
        for phase in others:
            if self.last_epoch <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = last
        length = phase["end_step"] - start
        return phase, (self.last_epoch - start) / length if length else 1.0

    def _between(self, group: dict[str, Any], start: str, end: str, part: float) -> float:
        """Return what lies between two options of a group."""
        first, last = float(group[start]), float(group[end])
        if self._anneal_func_type == "linear":
            return (last - first) * part + first
        return last + (first - last) / 2.0 * (math.cos(math.pi * part) + 1)


def _phases(peak: float, total: int, three_phase: bool) -> list[dict[str, Any]]:
    """Return the phases of a cycle, as torch keeps them: where each ends, and between what."""

    def phase(end: float, rates: tuple[str, str], momenta: tuple[str, str]) -> dict[str, Any]:
        names = dict(zip(("start_lr", "end_lr"), rates, strict=True))
        names |= zip(("start_momentum", "end_momentum"), momenta, strict=True)
        return {"end_step": end, **names}

    up = phase(float(peak) - 1, ("initial_lr", "max_lr"), ("max_momentum", "base_momentum"))
    if not three_phase:
        down = phase(total - 1, ("max_lr", "min_lr"), ("base_momentum", "max_momentum"))
        return [up, down]
    back = phase(float(2 * peak) - 2, ("max_lr", "initial_lr"), ("base_momentum", "max_momentum"))
    out = phase(total - 1, ("initial_lr", "min_lr"), ("max_momentum", "max_momentum"))
    return [up, back, out]
