"""Schedules along a cosine: CosineAnnealingLR, CosineAnnealingWarmRestarts."""

from __future__ import annotations

import math

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import LRScheduler, unchanged

__all__ = ["CosineAnnealingLR", "CosineAnnealingWarmRestarts"]


class CosineAnnealingLR(LRScheduler):
    """Lowers the rates along half a cosine to eta_min, in T_max epochs; then up again, and so on.

    With t = last_epoch::

        lr = eta_min + (initial_lr - eta_min) * (1 + cos(pi * t / T_max)) / 2

    computed from epoch to epoch, so that other schedules of the same optimizer keep their effect.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    T_max : int
        How many epochs half a cosine takes.
    eta_min : float, default 0
        The lowest rate.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    ValueError
        For a T_max of 0. For others see LRScheduler.

    Source: torch.optim.lr_scheduler.CosineAnnealingLR; I. Loshchilov and F. Hutter, SGDR:
    stochastic gradient descent with warm restarts, 2017, without the restarts.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = CosineAnnealingLR(optimizer, T_max=2)
    >>> for _ in range(3):
    ...     print(*[round(lr, 9) for lr in scheduler.get_last_lr()])
    ...     optimizer.step()
    ...     scheduler.step()
    1.0
    0.5
    0.0
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        if T_max == 0:
            raise ValueError(f"{self._who}: T_max must not be 0: the number of epochs down")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        rates: list[float] = self._each("lr")
        if self._is_initial:
            return rates
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:
            # From the lowest point, where the ratio below has no value.
            rise = 1 - math.cos(math.pi / self.T_max)
            pairs = zip(self.base_lrs, rates, strict=True)
            return [lr + (base - self.eta_min) * rise / 2 for base, lr in pairs]
        ratio = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / (
            1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        )
        return [ratio * (lr - self.eta_min) + self.eta_min for lr in rates]

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Lowers the rates along half a cosine, then restarts; each time T_mult times as long.

    With T_cur epochs since the last restart, of T_i = T_0, T_0 * T_mult, T_0 * T_mult ** 2, ...::

        lr = eta_min + (initial_lr - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    T_0 : int
        How many epochs the first cosine takes.
    T_mult : int, default 1
        How many times longer each takes than the one before.
    eta_min : float, default 0
        The lowest rate.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    ValueError
        For a T_0 or T_mult that is no whole number above 0, an eta_min that is no number, and a
        step to a negative epoch. For others see LRScheduler.

    Source: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; I. Loshchilov and F. Hutter, SGDR:
    stochastic gradient descent with warm restarts, 2017.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for batch in range(5):
    ...     scheduler.step(batch / 2)
    ...     print(*[round(lr, 4) for lr in scheduler.get_last_lr()])
    1.0
    0.8536
    0.5
    0.1464
    1.0
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        for name, value in (("T_0", T_0), ("T_mult", T_mult)):
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{self._who}: {name} must be an int of at least 1, got {value!r}")
        if not isinstance(eta_min, float | int):
            raise ValueError(f"{self._who}: expected a number as eta_min, got {eta_min!r}")
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Return the rate of each group after `T_cur` of `T_i` epochs."""
        self._within_step()
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (lr - self.eta_min) * height / 2 for lr in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on by an epoch, or to `epoch`, which may be a fraction: within one, by batches."""
        with unchanged(vars(self), *self.optimizer.param_groups):
            if epoch is None and self.last_epoch < 0:
                epoch = 0
            if epoch is None:
                epoch = self.last_epoch + 1
                self.T_cur += 1
                if self.T_cur >= self.T_i:
                    self.T_cur %= self.T_i
                    self.T_i *= self.T_mult
            else:
                self._jump(epoch)
            self.last_epoch = math.floor(epoch)
            self._get_lr_called_within_step = True
            try:
                rates = self.get_lr()
            finally:
                self._get_lr_called_within_step = False
            self._set(rates)

    def _jump(self, epoch: float) -> None:
        """Find the cosine that an epoch lies in."""
        if epoch < 0:
            raise ValueError(f"{self._who}: expected an epoch of at least 0, got {epoch}")
        if epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            ratio = self.T_mult
            restarts = int(math.log(epoch / self.T_0 * (ratio - 1) + 1, ratio))
            self.T_cur = epoch - self.T_0 * (ratio**restarts - 1) / (ratio - 1)
            self.T_i = self.T_0 * ratio**restarts
