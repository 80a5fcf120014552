"""Callbacks: what is done at a few places of a run, beside the training itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from npnet.training.monitor import Monitor

__all__ = ["Callback", "EarlyStopping", "overridden"]


class Callback:
    """Does something at the places that a subclass writes a method for.

    A step is one of the optimizer. To stop a run, set ``trainer.stopped = True``: the step or the
    epoch is finished first. What a callback must know to go on from a checkpoint it returns from
    `state_dict`, as dicts, lists, numbers, strings and arrays.

    Examples
    --------
    >>> class Loud(Callback):
    ...     def on_epoch_end(self, trainer, record):
    ...         print(record["epoch"], "is over")
    """

    def on_fit_start(self, trainer: Any) -> None:
        """Do something before the first step of a fit."""

    def on_step_end(self, trainer: Any) -> None:
        """Do something after each step; a run without such a method spends no time on it."""

    def on_epoch_end(self, trainer: Any, record: dict[str, Any]) -> None:
        """Do something after each epoch and its validation; `record` is its line of the history."""

    def on_fit_end(self, trainer: Any) -> None:
        """Do something after the last epoch; not where a fit ends by an exception."""

    def __repr__(self) -> str:
        """Return its class; a subclass with arguments says them too."""
        return f"{type(self).__name__}()"

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint must hold."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned."""


def overridden(callbacks: list[Callback], hook: str) -> list[Any]:
    """Return the methods of this name of those callbacks that write one of their own."""
    base = getattr(Callback, hook)
    return [
        getattr(callback, hook) for callback in callbacks if getattr(type(callback), hook) != base
    ]


class EarlyStopping(Callback):
    """Stops a run whose figure got no better for some epochs, and puts the best weights back.

    An epoch is better where its figure beats the best so far by more than `min_delta`; one that is
    not a number is not. The weights are put back when the run ends, in whatever epoch, and are part
    of the checkpoints.

    Parameters
    ----------
    monitor : str, optional
        Name in the record of an epoch; by default "val_loss" where there is validation, or "loss".
    patience : int, default 10
        How many epochs in a row without a better figure are borne.
    min_delta : float, default 0.0
    mode : {"min", "max"}, optional
        Whether lower or higher is better; by default "max" for accuracy, topk, precision, recall,
        f1 and r2, else "min".
    restore_best : bool, default True
        Put the parameters and buffers of the best epoch back.

    Errors
    ------
    ValueError
        For a patience below 1, a min_delta below 0 and another mode; in `fit`, for a figure that
        epochs do not have, before the first step where that is known.

    Examples
    --------
    >>> EarlyStopping("val_accuracy", patience=3).monitor
    Monitor(name='val_accuracy', mode='max')
    """

    def __init__(
        self,
        monitor: str | None = None,
        patience: int = 10,
        *,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best: bool = True,
    ) -> None:
        if patience < 1 or not 0 <= min_delta < math.inf:
            raise ValueError(
                "EarlyStopping: expected patience >= 1 and min_delta >= 0, got "
                f"patience={patience}, min_delta={min_delta}"
            )
        self.monitor = Monitor(monitor, mode, "EarlyStopping")
        self.patience, self.min_delta, self.restore_best = patience, float(min_delta), restore_best
        self.best: float | None = None
        self.best_epoch = 0
        self._weights: dict[str, Any] | None = None

    def __repr__(self) -> str:
        """Return its arguments."""
        shown = f"monitor={self.monitor.name!r}, mode={self.monitor.mode!r}"
        shown += f", patience={self.patience}, min_delta={self.min_delta:g}"
        return f"EarlyStopping({shown}, restore_best={self.restore_best})"

    def on_epoch_end(self, trainer: Any, record: dict[str, Any]) -> None:
        """Keep the best weights, or stop."""
        value = self.monitor.value(record)
        if self.monitor.better(value, self.best, self.min_delta):
            self.best, self.best_epoch = value, record["epoch"]
            if self.restore_best:
                state = trainer.model.state_dict()
                self._weights = {name: array.copy() for name, array in state.items()}
        elif record["epoch"] - self.best_epoch >= self.patience:
            trainer.stopped = True

    def on_fit_end(self, trainer: Any) -> None:
        """Put the best weights back."""
        if self._weights is not None:
            trainer.model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best so far, with its weights."""
        return {"best": self.best, "best_epoch": self.best_epoch, "weights": self._weights}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the best so far."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        weights = state["weights"]
        self._weights = None if weights is None else dict(weights)
