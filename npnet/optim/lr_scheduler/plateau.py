"""ReduceLROnPlateau: lowers the rates where a metric no longer improves."""

from __future__ import annotations

import math
from typing import Any, ClassVar, SupportsFloat

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import (
    LRScheduler,
    optimizer_of,
    per_group,
    unchanged,
    warn_of_epoch,
)

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by a factor where a metric got no better for `patience` epochs.

    An epoch is good where its metric beats the best so far by the threshold::

        rel:  metric < best * (1 - threshold)      (mode "min")
              metric > best * (1 + threshold)      (mode "max")
        abs:  metric < best - threshold, or > best + threshold

    After more than `patience` bad epochs in a row::

        lr = max(lr * factor, min_lr)        where that lowers it by more than eps

    and for the next `cooldown` epochs none counts as bad.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    mode : {"min", "max"}, default "min"
        Whether lower or higher is better.
    factor : float, default 0.1
        The factor.
    patience : int, default 10
        How many bad epochs in a row are borne.
    threshold : float, default 1e-4
        By how much the metric must beat the best.
    threshold_mode : {"rel", "abs"}, default "rel"
        Whether the threshold is a part of the best, or an amount.
    cooldown : int, default 0
        How many epochs after a reduction do not count.
    min_lr : float or list of float, default 0
        The lowest rate; of all groups, or of each.
    eps : float, default 1e-8
        The smallest reduction worth making.

    Errors
    ------
    TypeError
        For what is no optimizer.
    ValueError
        For a factor of 1 or more, another mode, and a list that does not fit the groups, at once or
        in a step after a group was added.

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.5):
    ...     scheduler.step(loss)
    ...     print(*scheduler.get_last_lr())
    1.0
    1.0
    1.0
    0.5
    """

    recent: ClassVar[tuple[str, ...]] = ("default_min_lr",)

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = optimizer_of(self, optimizer)
        if not factor < 1.0:
            raise ValueError(f"{self._who}: factor must be below 1, got {factor}")
        for name, value, known in (
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ):
            if value not in known:
                raise ValueError(f"{self._who}: {name} must be one of {known}, got {value!r}")
        self.factor = factor
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = per_group(self, optimizer, "min_lr", min_lr)
        self.patience, self.cooldown, self.eps = patience, cooldown, eps
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = self.last_epoch = 0
        self._last_lr = self._each("lr")

    @property
    def in_cooldown(self) -> bool:
        """Whether this epoch does not count, since the rates were just reduced."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Take in the metric of an epoch, and reduce the rates if it is time."""
        current = float(metrics)
        if epoch is not None:
            warn_of_epoch(self)
        with unchanged(vars(self), *self.optimizer.param_groups):
            self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
            if self._is_better(current):
                self.best, self.num_bad_epochs = current, 0
            else:
                self.num_bad_epochs += 1
            if self.in_cooldown:
                self.cooldown_counter -= 1
                self.num_bad_epochs = 0
            if self.num_bad_epochs > self.patience:
                self._reduce()
                self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
            self._last_lr = self._each("lr")

    def _is_better(self, metric: float) -> bool:
        """Return whether a metric beats the best so far."""
        sign = -1.0 if self.mode == "min" else 1.0
        if self.threshold_mode == "rel":
            bound = self.best * (1.0 + sign * self.threshold)
        else:
            bound = self.best + sign * self.threshold
        return metric < bound if self.mode == "min" else metric > bound

    def _reduce(self) -> None:
        """Lower the rate of each group."""
        groups: list[dict[str, Any]] = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise ValueError(
                    f"{self._who}: expected {len(self.min_lrs)} parameter groups, one for each "
                    f"min_lr, got {len(groups)}; set min_lrs anew"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                group["lr"] = new
