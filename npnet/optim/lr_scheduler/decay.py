"""Schedules by a factor: StepLR, MultiStepLR, ExponentialLR, PolynomialLR."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import LRScheduler

__all__ = ["ExponentialLR", "MultiStepLR", "PolynomialLR", "StepLR"]


class StepLR(LRScheduler):
    """Multiplies the rates by gamma every step_size epochs.

    With t = last_epoch::

        lr = lr * gamma        where t is a multiple of step_size, not 0

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    step_size : int
        How many epochs a rate lasts.
    gamma : float, default 0.1
        The factor.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    ValueError
        For a step_size below 1. For others see LRScheduler.

    Source: torch.optim.lr_scheduler.StepLR.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(*scheduler.get_last_lr())
    1.0
    0.5
    0.5
    0.25
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        if step_size < 1:
            raise ValueError(f"{self._who}: step_size must be at least 1, got {step_size}")
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self._each("lr")
        return [lr * self.gamma for lr in self._each("lr")]

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        return [lr * self.gamma ** (self.last_epoch // self.step_size) for lr in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiplies the rates by gamma at some epochs.

    With t = last_epoch::

        lr = lr * gamma ** n        where t is n times among the milestones

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    milestones : iterable of int
        The epochs.
    gamma : float, default 0.1
        The factor.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    TypeError, KeyError, ValueError
        See LRScheduler.

    Source: torch.optim.lr_scheduler.MultiStepLR.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    ...     print(*scheduler.get_last_lr())
    0.5
    0.5
    0.25
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        if self.last_epoch not in self.milestones:
            return self._each("lr")
        factor = self.gamma ** self.milestones[self.last_epoch]
        return [lr * factor for lr in self._each("lr")]

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [lr * self.gamma**passed for lr in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiplies the rates by gamma every epoch.

    After the first epoch::

        lr = lr * gamma

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    gamma : float
        The factor.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    TypeError, KeyError, ValueError
        See LRScheduler.

    Source: torch.optim.lr_scheduler.ExponentialLR.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        rates: list[float] = self._each("lr")
        return rates if self._is_initial else [lr * self.gamma for lr in rates]

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        return [lr * self.gamma**self.last_epoch for lr in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Lowers the rates to 0 along a power of the epochs left, in total_iters epochs.

    With t = last_epoch up to total_iters::

        lr = initial_lr * (1 - t / total_iters) ** power

    computed from epoch to epoch, so that other schedules of the same optimizer keep their effect.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    total_iters : int, default 5
        How many epochs it takes.
    power : float, default 1
        The power: 1 is a line.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    TypeError, KeyError, ValueError
        See LRScheduler.

    Source: torch.optim.lr_scheduler.PolynomialLR.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = PolynomialLR(optimizer, total_iters=2, power=2)
    >>> for _ in range(3):
    ...     print(*scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    1.0
    0.25
    0.0
    """

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        rates: list[float] = self._each("lr")
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates
        left = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        factor = (left / before) ** self.power
        return [lr * factor for lr in rates]

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        gone = min(self.total_iters, self.last_epoch) / (self.total_iters or 1)
        return [lr * (1.0 - gone) ** self.power for lr in self.base_lrs]
