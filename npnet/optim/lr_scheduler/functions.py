"""Schedules by functions of the epoch: LambdaLR, MultiplicativeLR."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, ClassVar

from npnet.optim.base import Optimizer
from npnet.optim.lr_scheduler.base import LRScheduler, optimizer_of, per_group

__all__ = ["LambdaLR", "MultiplicativeLR", "attributes_of"]


class Lambdas(LRScheduler):
    """Base of schedules that have a function of the epoch for each group."""

    unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "lr_lambdas")

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        optimizer = optimizer_of(self, optimizer)
        self.lr_lambdas = per_group(self, optimizer, "lr_lambda", lr_lambda)
        for function in self.lr_lambdas:
            if not callable(function):
                kind = type(function).__name__
                raise TypeError(f"{self._who}: expected a function as lr_lambda, got {kind}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return the state in torch's form; of functions it says nothing."""
        kept = [attributes_of(function) for function in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state, and its attributes of callable objects."""
        self._check_state(state_dict)
        saved = state_dict["lr_lambdas"]
        if len(saved) != len(self.lr_lambdas):
            raise ValueError(
                f"{self._who}: expected a state of {len(self.lr_lambdas)} functions, got "
                f"{len(saved)}"
            )
        super().load_state_dict(state_dict)
        for function, attributes in zip(self.lr_lambdas, saved, strict=True):
            if attributes is not None:
                vars(function).update(attributes)


class LambdaLR(Lambdas):
    """Multiplies each initial rate by a function of the epoch.

    With t = last_epoch::

        lr = initial_lr * lr_lambda(t)

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    lr_lambda : callable or list of callables
        From an epoch to a factor; one for all groups, or one for each.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    TypeError
        For what is no optimizer, and what cannot be called.
    ValueError
        For another number of functions than of groups.

    Source: torch.optim.lr_scheduler.LambdaLR. As there a state holds the attributes of callable
    objects, and None for functions.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=0.5)
    >>> scheduler = LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step()
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        pairs = zip(self.base_lrs, self.lr_lambdas, strict=True)
        return [lr * function(self.last_epoch) for lr, function in pairs]


class MultiplicativeLR(Lambdas):
    """Multiplies the rates by a function of the epoch, in every step.

    With t = last_epoch, after the first epoch::

        lr = lr * lr_lambda(t)

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups are set.
    lr_lambda : callable or list of callables
        From an epoch to a factor; one for all groups, or one for each. It is not asked for epoch 0.
    last_epoch : int, default -1
        The epoch to go on from; -1 begins anew.

    Errors
    ------
    TypeError
        For what is no optimizer, and what cannot be called.
    ValueError
        For another number of functions than of groups.

    Source: torch.optim.lr_scheduler.MultiplicativeLR. As there a state holds the attributes of
    callable objects, and None for functions.

    Examples
    --------
    >>> from npnet.optim import SGD
    >>> from npnet.parameter import Parameter
    >>> optimizer = SGD([Parameter([1.0])], lr=1.0)
    >>> scheduler = MultiplicativeLR(optimizer, lambda epoch: 1 / 2**epoch)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def get_lr(self) -> list[float]:
        """Return the rate of each group at `last_epoch`."""
        self._within_step()
        rates: list[float] = self._each("lr")
        if self._is_initial:
            return rates
        # Where groups were added, there are too few rates, and who sets them says so.
        pairs = zip(rates, self.lr_lambdas, strict=False)
        return [lr * function(self.last_epoch) for lr, function in pairs]


def attributes_of(function: Any) -> dict[str, Any] | None:
    """Return what a state keeps of a callable: None for a function, or what is built in."""
    if isinstance(function, types.FunctionType) or not hasattr(function, "__dict__"):
        return None
    return dict(vars(function))
