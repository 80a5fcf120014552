"""Batches: what a loader gives, as operands of the objective and as what metrics see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from npnet.training.weights import SampleWeights

__all__ = ["batch_of", "update"]


def batch_of(gathered: Any, weights: SampleWeights) -> tuple[tuple[Any, ...], Any, float]:
    """Return the operands of the objective, the weights of the samples, and what all count."""
    if not isinstance(gathered, tuple | list | np.ndarray):
        raise TypeError(
            "Trainer: expected a batch as a tuple of arrays, inputs first and the target last, "
            f"got {type(gathered).__name__}; give the DataLoader a collate_fn"
        )
    batch = (gathered,) if isinstance(gathered, np.ndarray) else tuple(gathered)
    if not weights.needed:
        return batch, None, len(batch[0])
    given, counts = weights.split(batch)
    return (*given, counts), counts, float(counts.sum())


def update(metrics: Iterable[Any], found: Any, batch: tuple[Any, ...], weights: Any) -> None:
    """Show metrics what the objective returned for a batch, and its target."""
    if not isinstance(found, tuple):
        raise TypeError(
            "Trainer: metrics need the outputs of the model; let the objective return the loss "
            "and the outputs, or give a model and a loss"
        )
    outputs = found[1] if len(found) == 2 else found[1:]
    target = batch[-1] if weights is None else batch[-2]
    for metric in metrics:
        metric.update(outputs, target, weights)
