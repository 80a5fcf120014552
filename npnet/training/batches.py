"""Batches: what a loader gives, as operands of the objective and as what metrics see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from npnet.layers.categorical import Categorical
from npnet.training.weights import SampleWeights

__all__ = ["batch_of", "update", "weighs_labels"]


def batch_of(
    gathered: Any, weights: SampleWeights, loss: Any = None
) -> tuple[tuple[Any, ...], Any, float]:
    """Return the operands of the objective, the weights of the samples, and what all count."""
    if not isinstance(gathered, tuple | list | np.ndarray):
        raise TypeError(
            "Trainer: expected a batch as a tuple of arrays, inputs first and the target last, "
            f"got {type(gathered).__name__}; give the DataLoader a collate_fn"
        )
    batch = (gathered,) if isinstance(gathered, np.ndarray) else tuple(gathered)
    if not weights.needed:
        return batch, None, _terms(loss, batch)
    given, counts = weights.split(batch)
    return (*given, counts), counts, float(counts.sum())


def weighs_labels(loss: Any) -> bool:
    """Whether a mean loss was made to leave out some labels, or to weigh them."""
    if not isinstance(loss, Categorical):
        return False
    # The default, -100, is asked about only where that costs no time in a step.
    return loss.weight is not None or (loss.ignore_index is not None and loss.ignore_index >= 0)


def _terms(loss: Any, batch: tuple[Any, ...]) -> float:
    """Return how many samples a loss is the mean of, by the weights of the labels that count."""
    samples, target = len(batch[0]), np.asarray(batch[-1])
    labelled = isinstance(loss, Categorical) and target.dtype.kind in "iu" and len(batch) > 1
    if not labelled or loss.reduction != "mean" or not target.size:
        return samples
    counted = target != loss.ignore_index
    if loss.weight is None:
        count = float(np.count_nonzero(counted))
    else:
        # Labels outside of the classes are for the loss to refuse.
        count = float(np.sum(loss.weight.take(target[counted], mode="clip"), dtype=np.float64))
    return count * samples / target.size


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
