"""Schedules that begin with a factor and end it: ConstantLR, LinearLR."""

from __future__ import annotations

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import LRScheduler

__all__ = ["ConstantLR", "LinearLR"]


class ConstantLR(LRScheduler):
    """Multiplies the rates by a factor, until total_iters epochs are over.

    With t = last_epoch::

        lr = initial_lr * factor        where t < total_iters, then initial_lr

    computed from epoch to epoch, so that other schedules of the same optimizer keep their effect.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    factor : float, default 1/3
        The factor.
    total_iters : int, default 5
        How many epochs it lasts.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    ValueError
        For a factor outside (0, 1]: that of 0, which torch takes, fails there when it is undone.

    Source: torch.optim.lr_scheduler.ConstantLR.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = ConstantLR(optimizer, factor=0.5, total_iters=2)
    >>> for _ in range(3):
    ...     print(*scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    0.5
    0.5
    1.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0.0 < factor <= 1.0:
            raise ValueError(f"{self._who}: factor must be in (0, 1], got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        rates: list[float] = self._each("lr")
        if self.last_epoch == 0:
            return [lr * self.factor for lr in rates]
        if self.last_epoch != self.total_iters:
            return rates
        return [lr * (1.0 / self.factor) for lr in rates]

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        over = self.last_epoch >= self.total_iters
        return [lr * (self.factor + over * (1 - self.factor)) for lr in self.base_lrs]


class LinearLR(LRScheduler):
    """Multiplies the rates by a factor that goes on a line from one value to another.

    With t = last_epoch up to total_iters::

        lr = initial_lr * (start_factor + (end_factor - start_factor) * t / total_iters)

    computed from epoch to epoch, so that other schedules of the same optimizer keep their effect.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    start_factor, end_factor : float, default 1/3 and 1
        The factor of the first epoch, and of total_iters and all later ones.
    total_iters : int, default 5
        How many epochs the line has.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    ValueError
        For a start_factor outside (0, 1], and an end_factor outside [0, 1].

    Source: torch.optim.lr_scheduler.LinearLR.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> for _ in range(3):
    ...     print(*scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    0.5
    0.75
    1.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0.0 < start_factor <= 1.0:
            raise ValueError(f"{self._who}: start_factor must be in (0, 1], got {start_factor}")
        if not 0.0 <= end_factor <= 1.0:
            raise ValueError(f"{self._who}: end_factor must be in [0, 1], got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        rates: list[float] = self._each("lr")
        if self.last_epoch == 0:
            return [lr * self.start_factor for lr in rates]
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates
        slope = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * slope
        return [lr * (1.0 + slope / before) for lr in rates]

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        slope = self.end_factor - self.start_factor
        gone = min(self.total_iters, self.last_epoch)
        factor = self.start_factor + slope * gone / (self.total_iters or 1)
        return [lr * factor for lr in self.base_lrs]
