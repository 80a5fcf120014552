"""Trouble: a run that met a number that is not finite says where it came from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from npnet.data import check_labels
from npnet.module import Module
from npnet.training.anomaly import Anomaly, detect_anomaly
from npnet.training.batches import batch_of
from npnet.training.objective import evaluating
from npnet.training.passes import Pass, numbers_of

__all__ = ["NonFiniteError", "add_wrong_labels", "check_parameters", "explained", "place_in_run"]

_FEW = 8


class NonFiniteError(ArithmeticError):
    """A loss, a gradient or a parameter is infinite or not a number.

    Attributes
    ----------
    step, epoch, batch : int
        Which step it was, counted from 1; the epoch, from 1; the batch in the epoch, from 0.
    anomaly : Anomaly or None
        What made the first such number.
    samples : list of int
        The numbers of the samples whose inputs or targets have such numbers.
    """

    def __init__(
        self,
        message: str,
        step: int = 0,
        epoch: int = 0,
        batch: int = 0,
        anomaly: Anomaly | None = None,
        samples: Iterable[int] = (),
    ) -> None:
        super().__init__(message)
        self.step, self.epoch, self.batch = step, epoch, batch
        self.anomaly, self.samples = anomaly, list(samples)


def place_in_run(trainer: Any, data: Pass, index: Any, batch: int) -> str:
    """Say in which step and batch something happened."""
    return f"step {trainer.steps + 1} (epoch {trainer.epoch + 1}, {data.name(index, batch)})"


def explained(
    trainer: Any,
    data: Pass,
    index: Any,
    batch: int,
    before: Any,
    what: str,
    anomaly: Anomaly | None = None,
) -> NonFiniteError:
    """Return the error for a batch; put back what the last forward changed.

    Parameters
    ----------
    trainer : Trainer
    data : Pass
    index, batch : of the batch, and its number
    before : index of the batch before, None where there is none
    what : is not finite
    anomaly : what made it so, if known; by default that of the batch that ran last
    """
    objective: Module = trainer.objective
    anomaly = anomaly or detect_anomaly(objective)
    plan = objective.execution.ran
    if plan is not None:
        plan.undo()
    samples: list[int] = []
    reason = "no step of the tape explains it" if anomaly is None else str(anomaly)
    if anomaly is not None and anomaly.kind == "input":
        samples = data.numbers(index, anomaly.rows)
        if data.numbered:
            several = len(samples) > 1
            reason += f": sample{'s' * several} {_few(samples)}"
    elif anomaly is not None and anomaly.kind == "parameter":
        reason += ", since an earlier step whose gradient was not finite"
        samples = _bad_samples(data, before)
        if samples:
            reason += f"; the batch before had such numbers in sample {_few(samples)}"
        if not trainer.check_gradients:
            reason += ". Trainer(..., check_gradients=True) stops at the step that makes them"
    if anomaly is None or anomaly.kind not in ("input", "constant"):
        reason += _rates(trainer)
    message = f"Trainer: {what} in {place_in_run(trainer, data, index, batch)}: {reason}"
    place = (trainer.steps + 1, trainer.epoch + 1, batch)
    return NonFiniteError(message, *place, anomaly, samples)


def add_wrong_labels(error: Exception, trainer: Any, data: Pass, index: Any) -> None:
    """Say in an error about a label which samples of the batch have labels of no class."""
    ignored = getattr(trainer.loss, "ignore_index", None)
    if trainer.loss is None or not data.numbered:
        return
    with suppress(Exception):
        batch, _, _ = batch_of(data.gather(index), trainer.weights)
        *inputs, target = batch[: len(batch) - trainer.weights.needed]
        with evaluating(trainer.model):
            scores = trainer.model(*inputs)
        labels = np.asarray(target)
        known = labels if ignored is None else np.where(labels == ignored, 0, labels)
        try:
            check_labels(known, scores.shape[1], "labels", numbers_of(index))
        except ValueError as wrong:
            error.add_note(f"Trainer: {wrong} (rows are the numbers of samples)")


def check_parameters(trainer: Any, when: str) -> None:
    """Raise a NonFiniteError unless all parameters that the optimizer has are finite."""
    for parameter in trainer.trained:
        if not np.isfinite(parameter.data).all():
            names = {id(p): name for name, p in trainer.objective.named_parameters()}
            raise NonFiniteError(
                f"Trainer: parameter {names.get(id(parameter), parameter.name)!r} is not finite "
                f"{when}, though every loss was; Trainer(..., check_gradients=True) stops at the "
                f"step that makes it so{_rates(trainer)}"
            )


def _bad_samples(data: Pass, index: Any) -> list[int]:
    """Return the samples of a batch whose inputs or targets are not finite."""
    if index is None or not data.numbered:
        return []
    batch = data.gather(index)
    rows: set[int] = set()
    for part in batch if isinstance(batch, tuple | list) else (batch,):
        array = np.asarray(part)
        if array.dtype.kind == "f" and array.ndim:
            rows.update(np.argwhere(~np.isfinite(array))[:, 0].tolist())
    return data.numbers(index, sorted(rows))


def _rates(trainer: Any) -> str:
    """Return what there is to say of the learning rates, once they have changed anything."""
    if not trainer.steps:
        return ""
    rates = [*dict.fromkeys(f"{rate:g}" for rate in trainer.optimizer.learning_rates)]
    said = f"rate is {rates[0]}: lower it" if len(rates) == 1 else f"rates are {', '.join(rates)}"
    said += ": lower them" * (len(rates) > 1)
    return f". The learning {said} where numbers grow from step to step"


def _few(numbers: list[int]) -> str:
    """Return the first few numbers as text."""
    return ", ".join(map(str, numbers[:_FEW])) + ", ..." * (len(numbers) > _FEW)
