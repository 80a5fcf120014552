"""Steps: one step of the optimizer, on one batch or on several."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, NoReturn

import numpy as np

from npnet.parameter import Parameter
from npnet.training.anomaly import Anomaly, detect_anomaly
from npnet.training.batches import batch_of, update, weighs_labels
from npnet.training.passes import Pass
from npnet.training.trouble import NonFiniteError, add_wrong_labels, explained, place_in_run
from npnet.utils import clip_grad_norm_

__all__ = ["stepper"]


def stepper(trainer: Any, data: Pass) -> Callable[[Any], None]:
    """Return what takes a step: a function of the index of its batch, or of the first of several.

    What takes several takes the others from the pass.
    """
    steps = _Steps(trainer, data)
    return steps.take_several if trainer.accumulate > 1 else _single(steps)


def _single(steps: _Steps) -> Callable[[Any], None]:
    """Return what takes a step on one batch; all that it looks up each time is at hand."""
    trainer, epoch, gather = steps.trainer, steps.epoch, steps.data.gather
    objective, optimizer, look = trainer.objective, trainer.optimizer, steps.look
    plain = not trainer.weights.needed and not weighs_labels(trainer.loss)
    looks = trainer.clip is not None or trainer.check_gradients
    metrics, schedule = trainer.metrics, steps.schedule

    def step(index: Any) -> None:
        """Take a step: the loop of README, with a look at the loss."""
        try:
            batch, weights = gather(index), None
            if plain and batch.__class__ is tuple:
                count: float = len(batch[0])
            else:
                batch, weights, count = batch_of(batch, trainer.weights, trainer.loss)
            found = objective(*batch)
            loss = float(found[0] if found.__class__ is tuple else found)
            if not isfinite(loss):
                steps.stop(index, 0, f"the loss is {loss}")
            optimizer.zero_grad()
            objective.backward()
            if looks:
                look([index], [batch])
            optimizer.step()
        except Exception as error:
            steps.locate(error, index, 0)
            raise
        trainer.steps += 1
        epoch.place += 1
        epoch.last = index
        epoch.weight += count
        epoch.loss += loss * count
        if metrics:
            update(metrics, found, batch, weights)
        if schedule is not None:
            schedule.step()

    return step


class _Steps:
    """What the steps of one pass share."""

    def __init__(self, trainer: Any, data: Pass) -> None:
        self.trainer, self.data, self.epoch = trainer, data, trainer.open_epoch
        self.schedule = trainer.schedule if trainer.schedule_steps else None

    def take_several(self, first: Any) -> None:
        """Take a step on several batches, as on one of all their samples."""
        trainer, total, noted = self.trainer, 0.0, []
        indices: list[Any] = []
        rest = itertools.islice(self.data.order, trainer.accumulate - 1)
        trainer.optimizer.zero_grad()
        for ahead, index in enumerate(itertools.chain((first,), rest)):
            try:
                gathered = self.data.gather(index)
                batch, weights, count = batch_of(gathered, trainer.weights, trainer.loss)
                found = trainer.objective(*batch)
                several = isinstance(found, tuple)
                loss = float(found[0] if several else found)
                if not isfinite(loss):
                    self.stop(index, ahead, f"the loss is {loss}")
                # Each batch's mean counts as often as it has terms; their sum is divided below.
                seed = np.asarray(1.0 if trainer.adds_up else count)
                trainer.objective.backward(seed, *[None] * (len(found) - 1 if several else 0))
            except Exception as error:
                self.locate(error, index, ahead)
                raise
            total += count
            indices.append(index)
            noted.append((found, batch, weights, loss * count))
        if not trainer.adds_up:
            _divide(trainer.trained, total)
        if trainer.clip is not None or trainer.check_gradients:
            self.look(indices, [batch for _, batch, _, _ in noted])
        trainer.optimizer.step()
        trainer.steps += 1
        epoch = self.epoch
        epoch.place, epoch.last = epoch.place + len(noted), indices[-1]
        epoch.weight += total
        for found, batch, weights, loss in noted:
            epoch.loss += loss
            if trainer.metrics:
                update(trainer.metrics, found, batch, weights)
        if self.schedule is not None:
            self.schedule.step()

    def look(self, indices: list[Any], batches: list[tuple[Any, ...]]) -> None:
        """Clip the gradients, and stop where they are not finite."""
        limit = self.trainer.clip
        norm = clip_grad_norm_(self.trainer.trained, math.inf if limit is None else limit)
        if isfinite(norm):
            return
        what, last = f"the norm of the gradients is {norm}", len(indices) - 1
        for ahead, batch in enumerate(batches[:-1]):
            anomaly = detect_anomaly(self.trainer.objective, *batch)
            if anomaly is not None:
                self.stop(indices[ahead], ahead, what, anomaly)
        self.stop(indices[last], last, what)

    def stop(self, index: Any, ahead: int, what: str, anomaly: Anomaly | None = None) -> NoReturn:
        """Raise what explains the number that is not finite."""
        place, before = self.epoch.place + ahead, self.epoch.last
        raise explained(self.trainer, self.data, index, place, before, what, anomaly)

    def locate(self, error: Exception, index: Any, ahead: int) -> None:
        """Say in an error which batch failed."""
        if not isinstance(error, NonFiniteError):
            place = self.epoch.place + ahead
            error.add_note(f"Trainer: in {place_in_run(self.trainer, self.data, index, place)}")
            if isinstance(error, IndexError):
                add_wrong_labels(error, self.trainer, self.data, index)


def _divide(parameters: Iterable[Parameter], by: float) -> None:
    """Divide the gradients in place."""
    for parameter in parameters:
        if parameter.has_grad:
            grad = parameter.settle()
            np.multiply(grad, parameter.dtype.type(1.0 / by), out=grad)
            parameter.publish()
