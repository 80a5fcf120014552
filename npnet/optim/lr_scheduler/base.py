"""LRScheduler: sets the learning rates of an optimizer's groups, epoch by epoch."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from npnet.optim.base import Optimizer
from npnet.optim.groups import plain

__all__ = [
    "LRScheduler",
    "cycles_beta1",
    "optimizer_of",
    "per_group",
    "set_momentum",
    "unchanged",
    "warn_of_epoch",
]


class LRScheduler:
    """Base of all schedules: sets the learning rate of every group, first at once, then each step.

    A schedule is a subclass that gives `get_lr`: the rates of epoch `last_epoch`, computed from
    those that the groups have, or from `base_lrs`, those they began with. Where it computes from
    the former, `_get_closed_form_lr` computes them from the latter, for a jump to another epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set. Each keeps the rate it began with as "initial_lr".
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Attributes
    ----------
    base_lrs : list of float
        The rate each group began with.
    last_epoch : int
        The epoch whose rates are set: 0 at first, one more after each step.

    Errors
    ------
    TypeError
        For what is no optimizer.
    KeyError
        For a last_epoch to go on from and groups without "initial_lr".
    ValueError
        In a step, where the optimizer got other groups meanwhile.

    Source: torch.optim.lr_scheduler.LRScheduler.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> class Halving(LRScheduler):
    ...     def get_lr(self):
    ...         return [lr / 2**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = SGD([Parameter([1.0])], lr=0.5)
    >>> scheduler = Halving(optimizer)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr(), optimizer.param_groups[0]["lr"]
    ([0.125], 0.125)
    """

    #: The attributes that `state_dict` leaves out.
    unsaved: ClassVar[tuple[str, ...]] = ("optimizer",)
    #: The attributes that states from older versions of torch lack.
    recent: ClassVar[tuple[str, ...]] = ()

    base_lrs: list[float]
    last_epoch: int
    _last_lr: list[float]
    _step_count: int
    _is_initial = False
    _get_lr_called_within_step = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = optimizer_of(self, optimizer)
        with unchanged(*optimizer.param_groups):
            for index, group in enumerate(optimizer.param_groups):
                if last_epoch == -1:
                    group.setdefault("initial_lr", group["lr"])
                elif "initial_lr" not in group:
                    raise KeyError(
                        f"{self._who}: expected 'initial_lr' in group {index} to go on from epoch "
                        f"{last_epoch}; load the optimizer's state first, or leave last_epoch out"
                    )
            self.base_lrs = self._each("initial_lr")
            self.last_epoch = last_epoch
            self._initial_step()
        if optimizer.scheduled_from is None:
            optimizer.scheduled_from = optimizer.steps

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`; called by `step` only."""
        raise NotImplementedError(f"{self._who}: gives no get_lr; call step and get_last_lr")

    def _get_closed_form_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`, whatever the rates are now."""
        return self.get_lr()

    def step(self, epoch: int | None = None) -> None:
        """Go on by an epoch, or to `epoch`, and set the rates; after the optimizer's step.

        Warnings
        --------
        UserWarning
            Where the optimizer made no step yet, since its first rates are then never used; and
            where `epoch` is given, which torch calls deprecated.
        """
        if self._step_count == 1 and self.optimizer.steps == self.optimizer.scheduled_from:
            warnings.warn(
                f"{self._who}: expected optimizer.step() before scheduler.step(); in this order "
                "the first value of the schedule is skipped",
                UserWarning,
                stacklevel=2,
            )
        if epoch is not None:
            warn_of_epoch(self)
        with unchanged(vars(self), *self.optimizer.param_groups):
            self._step_count += 1
            self._update_lr(epoch)

    def get_last_lr(self) -> list[float]:
        """Return the rate of each group as set last."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Return the state in torch's form, the caller's own: all attributes but the optimizer."""
        state = {name: value for name, value in vars(self).items() if name not in self.unsaved}
        return copy.deepcopy(state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, also torch's; the optimizer's rates stay.

        Errors
        ------
        TypeError
            For what is no dict.
        ValueError
            For the state of another schedule, or for another number of groups.
        """
        self._check_state(state_dict)
        state = {name: value for name, value in state_dict.items() if name not in self.unsaved}
        vars(self).update(copy.deepcopy(state))

    def _check_state(self, state_dict: Any) -> None:
        """Raise unless a state has what this schedule needs."""
        if not isinstance(state_dict, dict):
            kind = type(state_dict).__name__
            raise TypeError(f"{self._who}: expected a state_dict, got {kind}")
        # What begins with an underscore may be another in the next version of torch.
        needed = [
            name
            for name in vars(self)
            if name != "optimizer" and name[0] != "_" and name not in self.recent
        ]
        if not state_dict.keys() >= set(needed):
            raise ValueError(
                f"{self._who}: expected {needed} in the state, got {[*state_dict]}; is it the "
                "state of another schedule?"
            )
        own, rates = len(self.optimizer.param_groups), state_dict.get("base_lrs")
        if rates is not None and len(rates) != own:
            raise ValueError(
                f"{self._who}: expected a state for {own} parameter groups, got {len(rates)}"
            )

    @property
    def _who(self) -> str:
        """The name for messages."""
        return type(self).__name__

    def _each(self, name: str) -> list[Any]:
        """Return an option of each group."""
        return [group[name] for group in self.optimizer.param_groups]

    def _initial_step(self) -> None:
        """Set the first rates."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def _update_lr(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of the one given."""
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                rates = self._get_closed_form_lr()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: Iterable[float]) -> None:
        """Give each group its rate."""
        rates, groups = [*map(plain, rates)], self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(
                f"{self._who}: expected the {len(rates)} parameter groups it was made for, the "
                f"optimizer has {len(groups)}; make the schedule after add_param_group"
            )
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = rates

    def _within_step(self) -> None:
        """Warn where somebody asks `get_lr` for the rates that are set."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                f"{self._who}: get_lr computes the rates of a step; call get_last_lr() for those "
                "that are set",
                UserWarning,
                stacklevel=3,
            )


def optimizer_of(scheduler: Any, optimizer: Any) -> Optimizer:
    """Return a schedule's optimizer, or say why it is none."""
    if not isinstance(optimizer, Optimizer):
        who, kind = type(scheduler).__name__, type(optimizer).__name__
        raise TypeError(f"{who}: expected an Optimizer, got {kind}")
    return optimizer


def per_group(scheduler: Any, optimizer: Optimizer, name: str, value: Any) -> list[Any]:
    """Return a value for each group: those listed, or the same one for all."""
    count = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{type(scheduler).__name__}: expected {count} values as {name}, one for each "
            f"parameter group, got {len(value)}"
        )
    return list(value)


def cycles_beta1(scheduler: Any, optimizer: Optimizer) -> bool:
    """Return whether the momentum to cycle is the first of "betas"."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            f"{type(scheduler).__name__}: expected an optimizer with momentum or betas, got "
            f"{type(optimizer).__name__}; it takes cycle_momentum=False"
        )
    return "betas" in optimizer.defaults


def set_momentum(group: dict[str, Any], momentum: float, beta1: bool) -> None:
    """Give a group its momentum, or the first of its "betas"."""
    if beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def warn_of_epoch(scheduler: Any) -> None:
    """Say that `step` with an epoch is deprecated, to who called the caller."""
    warnings.warn(
        f"{type(scheduler).__name__}: step(epoch) is deprecated in torch; step() goes on by one",
        UserWarning,
        stacklevel=3,
    )


@contextmanager
def unchanged(*holders: dict[str, Any]) -> Iterator[None]:
    """Set dicts back to what they were where the block raises."""
    kept = [dict(holder) for holder in holders]
    try:
        yield
    except BaseException:
        for holder, before in zip(holders, kept, strict=True):
            holder.clear()
            holder.update(before)
        raise
