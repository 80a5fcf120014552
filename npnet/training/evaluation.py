"""Evaluation: figures and outputs of a model that is not trained meanwhile."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from npnet.module import Module
from npnet.parameter import Array
from npnet.training.batches import batch_of, update
from npnet.training.interrupt import Interrupt
from npnet.training.objective import evaluating
from npnet.training.passes import Pass, no_batches

__all__ = ["evaluated", "figures", "predicted"]


def figures(metrics: Iterable[Any]) -> dict[str, Any]:
    """Return what metrics come to: floats and arrays."""
    found = {metric.name: metric.compute() for metric in metrics}
    return {name: v if np.ndim(v) else float(v) for name, v in found.items()}


def evaluated(
    trainer: Any,
    loader: Iterable[Any],
    interrupt: Interrupt | None = None,
    who: str = "Trainer.evaluate",
    what: str = "the data",
) -> dict[str, Any]:
    """Return the mean loss and the metrics over a loader; see `Trainer.evaluate`."""
    metrics = copy.deepcopy(trainer.metrics)
    for metric in metrics:
        metric.reset()
    data, total, weight = Pass(loader), 0.0, 0.0
    with evaluating(trainer.objective), np.errstate(all="ignore"):
        for number, index in enumerate(data.order):
            try:
                batch, weights, count = batch_of(data.gather(index), trainer.weights, trainer.loss)
                found = trainer.objective(*batch)
                loss = float(found[0] if isinstance(found, tuple) else found)
                if metrics:
                    update(metrics, found, batch, weights)
            except Exception as error:
                error.add_note(f"Trainer: in evaluation, {data.name(index, number)}")
                raise
            total += loss * count
            weight += count
            if interrupt is not None and interrupt.requested:
                break
    if not weight and not math.isnan(total):
        raise no_batches(who, what)
    return {"loss": total / weight if weight else math.nan, **figures(metrics)}


def predicted(model: Module, inputs: Any, batch_size: int, extra: int) -> Any:
    """Return what a model makes of arrays or of the batches of a loader; see `Trainer.predict`."""
    found: list[Any] = []
    with evaluating(model):
        for number, operands in enumerate(_operands(inputs, batch_size, extra)):
            try:
                found.append(model(*operands))
            except Exception as error:
                error.add_note(f"Trainer: in prediction, batch {number}")
                raise
    if not found:
        raise ValueError("Trainer.predict: expected at least one batch, got none")
    if isinstance(found[0], tuple):
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))
    return np.concatenate(found)


def _operands(inputs: Any, batch_size: int, extra: int) -> Iterator[Sequence[Array]]:
    """Yield the operands of the model, batch by batch."""
    if isinstance(inputs, np.ndarray | tuple):
        arrays = inputs if isinstance(inputs, tuple) else (inputs,)
        lengths = [len(array) for array in arrays]
        if len(set(lengths)) > 1:
            raise ValueError(f"Trainer.predict: expected inputs of one length, got {lengths}")
        for start in range(0, lengths[0], batch_size):
            yield [array[start : start + batch_size] for array in arrays]
        # Nothing to go through is still something to predict: no rows.
        if not lengths[0]:
            yield arrays
        return
    for batch in inputs:
        if isinstance(batch, tuple | list):
            yield batch[: len(batch) - extra] if len(batch) > 1 else batch
        else:
            yield (batch,)
