"""Schedules made of schedules: SequentialLR, ChainedScheduler."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import LRScheduler, optimizer_of, unchanged
from npnet.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = ["ChainedScheduler", "SequentialLR"]


class Composite(LRScheduler):
    """Base of schedules that step others of the same optimizer."""

    unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "_schedulers")

    _schedulers: Sequence[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Return the state in torch's form, with those of all schedules."""
        states = [scheduler.state_dict() for scheduler in self._schedulers]
        return {**super().state_dict(), "_schedulers": states}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state, and those of all schedules."""
        self._check_state(state_dict)
        states = state_dict.get("_schedulers")
        if not isinstance(states, list | tuple) or len(states) != len(self._schedulers):
            raise ValueError(
                f"{self._who}: expected the states of {len(self._schedulers)} schedules as "
                "'_schedulers'"
            )
        with unchanged(*map(vars, self._all())):
            for scheduler, state in zip(self._schedulers, states, strict=True):
                scheduler.load_state_dict(state)
            super().load_state_dict(state_dict)

    def _checked(self, schedulers: Sequence[Any], optimizer: Any) -> Sequence[LRScheduler]:
        """Return schedules, or say why they cannot be combined."""
        for index, scheduler in enumerate(schedulers):
            place, kind = f"schedulers[{index}]", type(scheduler).__name__
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"{self._who}: expected a schedule as {place}, got {kind}")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{self._who}: {place} is a {kind}, which needs a metric in step")
            if scheduler.optimizer is not optimizer:
                raise ValueError(
                    f"{self._who}: expected schedules of one optimizer, but {place}, a {kind}, has "
                    "another"
                )
        return schedulers

    def _all(self) -> Iterator[LRScheduler]:
        """Yield this schedule and all that it is made of."""
        yield self
        for scheduler in self._schedulers:
            if isinstance(scheduler, Composite):
                yield from scheduler._all()
            else:
                yield scheduler


class SequentialLR(Composite):
    """Follows one schedule after another: the next begins at each milestone, as if at epoch 0.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    schedulers : list of LRScheduler
        One after another, all of this optimizer.
    milestones : list of int
        The epochs where the second and the later ones begin.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    TypeError
        For what is no optimizer or no schedule.
    ValueError
        For no schedules, another number of milestones than one less, schedules of another
        optimizer, a ReduceLROnPlateau, and schedules of schedules later than first, which have no
        epoch 0 to go to.

    Source: torch.optim.lr_scheduler.SequentialLR.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> schedulers = [ConstantLR(optimizer, factor=0.25), ExponentialLR(optimizer, gamma=0.5)]
    >>> scheduler = SequentialLR(optimizer, schedulers, milestones=[2])
    >>> for _ in range(4):
    ...     print(*scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    0.25
    0.25
    1.0
    0.5
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        self.optimizer = optimizer_of(self, optimizer)
        if not schedulers:
            raise ValueError(f"{self._who}: expected at least one schedule, got none")
        self._schedulers = self._checked(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"{self._who}: expected {len(schedulers) - 1} milestones between {len(schedulers)} "
                f"schedules, got {len(milestones)}"
            )
        later = [type(s).__name__ for s in schedulers[1:] if isinstance(s, Composite)]
        if later:
            raise ValueError(f"{self._who}: a {later[0]} must come first, it cannot begin later")
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        with unchanged(*map(vars, self._all()), *optimizer.param_groups):
            # All have made their first step already, one on top of the other.
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"]
            for scheduler in self._all():
                if not isinstance(scheduler, Composite):
                    scheduler.last_epoch -= 1
            first = self._schedulers[bisect_right(self._milestones, 0)]
            first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go on by an epoch, and set the rates; after the optimizer's step."""
        with unchanged(*map(vars, self._all()), *self.optimizer.param_groups):
            self.last_epoch += 1
            index = bisect_right(self._milestones, self.last_epoch)
            scheduler = self._schedulers[index]
            if index > 0 and self._milestones[index - 1] == self.last_epoch:
                scheduler._update_lr(0)
            else:
                scheduler.step()
            self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(Composite):
    """Steps several schedules at once: each changes the rates that the one before has set.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
        In order, all of one optimizer.
    optimizer : Optimizer, optional
        Whose groups are set; that of the first schedule.

    Errors
    ------
    TypeError
        For what is no schedule.
    ValueError
        For no schedules, schedules of another optimizer, and a ReduceLROnPlateau.

    Source: torch.optim.lr_scheduler.ChainedScheduler.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.optim.lr_scheduler import ConstantLR, ExponentialLR
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> schedulers = [ConstantLR(optimizer, 0.25, total_iters=2), ExponentialLR(optimizer, 0.5)]
    >>> scheduler = ChainedScheduler(schedulers)
    >>> for _ in range(3):
    ...     print(*scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    0.25
    0.125
    0.25
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if not schedulers:
            raise ValueError(f"{self._who}: expected at least one schedule, got none")
        if optimizer is None:
            optimizer = getattr(schedulers[0], "optimizer", None)
        self._schedulers = self._checked(schedulers, optimizer)
        self.optimizer = optimizer_of(self, optimizer)
        self._last_lr = self._each("lr")

    def step(self) -> None:  # type: ignore[override]
        """Go on by an epoch, and set the rates; after the optimizer's step."""
        with unchanged(*map(vars, self._all()), *self.optimizer.param_groups):
            for scheduler in self._schedulers:
                scheduler.step()
            self._last_lr = self._each("lr")
