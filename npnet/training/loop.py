"""Loop: epochs of steps, and what is done between them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sized
from typing import Any

import numpy as np

from npnet.optim.lr_scheduler import ReduceLROnPlateau
from npnet.training.callbacks import overridden
from npnet.training.evaluation import evaluated, figures
from npnet.training.interrupt import Interrupt
from npnet.training.keeper import Keeper
from npnet.training.passes import Pass, no_batches, shape_of
from npnet.training.progress import Bar, bar_for
from npnet.training.snapshot import OpenEpoch
from npnet.training.steps import stepper
from npnet.training.trouble import check_parameters

__all__ = ["Run"]


class Run:
    """One fit: what the epochs need, and the loop.

    Parameters
    ----------
    trainer : Trainer
    loader, validation : loaders of batches; None for no validation
    epochs : int
        Of the whole run.
    keeper : Keeper or None
    interrupt : Interrupt
    progress : bool or None
    """

    def __init__(
        self,
        trainer: Any,
        loader: Iterable[Any],
        validation: Iterable[Any] | None,
        epochs: int,
        keeper: Keeper | None,
        interrupt: Interrupt,
        progress: bool | None,
    ) -> None:
        self.trainer, self.loader, self.validation = trainer, loader, validation
        self.epochs, self.keeper = epochs, keeper
        self.interrupt, self.progress = interrupt, progress
        self.after_step = overridden(trainer.callbacks, "on_step_end")

    def train(self) -> None:
        """Train epoch by epoch."""
        trainer = self.trainer
        while trainer.epoch < self.epochs and not trainer.stopped:
            data = self._open()
            self._steps(data)
            if not trainer.stopped:
                self._close()

    def _open(self) -> Pass:
        """Begin an epoch, or go on in the middle of one."""
        trainer, epoch = self.trainer, self.trainer.open_epoch
        if epoch is not None:
            last = epoch.last if epoch.numbered else None
            return Pass.resumed(self.loader, trainer.streams, epoch.start, epoch.place, last)
        start = trainer.streams.marks()
        data = Pass(self.loader)
        trainer.open_epoch = OpenEpoch(start, shape_of(self.loader), data.numbered)
        for metric in trainer.metrics:
            metric.reset()
        return data

    def _steps(self, data: Pass) -> None:
        """Take the steps of an epoch."""
        trainer, epoch, hooks = self.trainer, self.trainer.open_epoch, self.after_step
        due = math.inf if self.keeper is None else self.keeper.due(trainer.steps)
        bar, now = self._bar(), time.monotonic
        step = stepper(trainer, data)
        try:
            for index in data.order:
                step(index)  # forward, backward, optimizer
                for hook in hooks:
                    hook(trainer)
                if trainer.steps >= due and self.keeper is not None:
                    self.keeper.save(trainer)
                    due = self.keeper.due(trainer.steps)
                if bar is not None and now() >= bar.due:
                    bar.show(epoch.place, epoch.weight, self._running)
                if self.interrupt.requested:
                    self._interrupted()
                if trainer.stopped:
                    break
            if not epoch.place:
                raise no_batches("Trainer.fit", "an epoch")
            if bar is not None:
                bar.show(epoch.place, epoch.weight, self._running)
        finally:
            if bar is not None:
                bar.close()

    def _close(self) -> None:
        """End an epoch: validate, note, go on with the schedule, call back, save."""
        trainer, epoch = self.trainer, self.trainer.open_epoch
        check_parameters(trainer, f"at the end of epoch {trainer.epoch + 1}")
        record = {"epoch": trainer.epoch + 1, **self._running(), "lr": trainer.learning_rate}
        if self.validation is not None:
            record |= {
                f"val_{name}": value for name, value in self._validated(self.validation).items()
            }
        record = {name: value for name, value in record.items() if np.ndim(value) == 0}
        record["seconds"] = epoch.seconds
        if isinstance(trainer.schedule, ReduceLROnPlateau):
            trainer.schedule.step(trainer.monitor.value(record))
        elif trainer.schedule is not None and not trainer.schedule_steps:
            trainer.schedule.step()
        trainer.history.append(record)
        trainer.epoch, trainer.open_epoch = trainer.epoch + 1, None
        for hook in overridden(trainer.callbacks, "on_epoch_end"):
            hook(trainer, record)
        if self.keeper is not None:
            self.keeper.after_epoch(trainer, trainer.history.records)
        if self.interrupt.requested:
            self._interrupted()

    def _validated(self, loader: Iterable[Any]) -> dict[str, Any]:
        """Return the figures of the validation; on Ctrl-C leave the run as it was before it."""
        before = self.trainer.streams.marks()
        found = evaluated(self.trainer, loader, self.interrupt, "Trainer.fit", "the validation")
        if self.interrupt.requested:
            self.trainer.streams.rewind(before)
            self._interrupted()
        return found

    def _interrupted(self) -> None:
        """Save, and raise what Ctrl-C stands for, with a word on how to go on."""
        trainer, interrupt = self.trainer, KeyboardInterrupt()
        elsewhere = "; give it checkpoint=folder to go on in another process too"
        if self.keeper is not None and self.keeper.finish(trainer):
            folder = str(self.keeper.folder)
            elsewhere = f", in another process after trainer.resume({folder!r})"
        ended = trainer.open_epoch is None
        place = f"at the end of epoch {trainer.epoch}" if ended else f"in epoch {trainer.epoch + 1}"
        interrupt.add_note(
            f"Trainer: stopped after step {trainer.steps}, {place}; fit goes on from there"
            f"{elsewhere}"
        )
        raise interrupt

    def _running(self) -> dict[str, Any]:
        """Return loss and metrics of the epoch so far."""
        epoch = self.trainer.open_epoch
        loss = epoch.loss / epoch.weight if epoch.weight else math.nan
        return {"loss": loss, **figures(self.trainer.metrics)}

    def _bar(self) -> Bar | None:
        """Return the bar of the epoch, if one is wanted."""
        epoch = self.trainer.open_epoch
        title = f"epoch {self.trainer.epoch + 1}/{self.epochs}"
        batches = len(self.loader) if isinstance(self.loader, Sized) else None
        return bar_for(self.progress, title, batches, epoch.place, epoch.weight)
