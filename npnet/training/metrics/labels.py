"""Labels: the classes that outputs predict, beside those that are true."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from npnet.data.checks import check_labels
from npnet.parameter import Array
from npnet.training.metrics.base import Metric, sample_weights

__all__ = ["Labelled", "Labels", "check_range"]


class Labels(NamedTuple):
    """Classes of a batch (M,), weights (M,) or None, and how many classes there are, if known."""

    predicted: Array
    true: Array
    weights: Array | None
    classes: int | None


class Labelled(Metric):
    """What the metrics of labels share: which class an output predicts.

    Parameters
    ----------
    threshold : number or None
        Outputs above it predict class 1, others class 0, one by one; None for scores of classes.
    ignore_index : int or None
        Targets that do not count.
    """

    def __init__(self, name: str, threshold: float | None, ignore_index: int | None) -> None:
        self.threshold, self.ignore_index = threshold, ignore_index
        super().__init__(name)

    def labels(
        self, outputs: ArrayLike, targets: ArrayLike, weights: ArrayLike | None, classes: int | None
    ) -> Labels:
        """Return predicted and true classes; labels outside the classes are errors."""
        scores, given = np.asarray(outputs), np.asarray(targets)
        if not scores.ndim:
            raise ValueError(
                f"{self._who}: expected outputs of shape (B, ...), got a single number"
            )
        known: int | None = classes
        if self.threshold is not None:
            known, true, predicted = 2, self._by_threshold(scores, given), scores > self.threshold
        elif scores.dtype.kind in "biu":
            true, predicted = _fitting(self._who, given, scores.shape), scores
        else:
            true, predicted = self.classes_of(scores, given), scores.argmax(axis=1)
            known = scores.shape[1]
        if classes is not None and known != classes:
            raise ValueError(f"{self._who}: expected outputs of {classes} classes, got {known}")
        if known is not None:
            check_range(self._who, true, known, "targets", self.ignore_index)
            if scores.dtype.kind in "iu" and self.threshold is None:
                check_range(self._who, predicted, known, "outputs")
        counted = self.counted(weights, len(scores), predicted.size)
        kept = self.kept(predicted.reshape(-1), true.reshape(-1), counted)
        return Labels(*kept, known)

    def classes_of(self, scores: Array, targets: Array) -> Array:
        """Return the true classes beside scores (B, C, ...), of labels or of probabilities."""
        if scores.dtype.kind != "f" or scores.ndim < 2 or scores.shape[1] < 2:
            raise ValueError(
                f"{self._who}: expected scores of classes, (B, C, ...), or labels, got outputs of "
                f"{scores.dtype} and shape {scores.shape}; for two classes and one output give "
                "threshold=0.5 with probabilities, threshold=0 with logits"
            )
        if targets.dtype.kind == "f" and targets.shape == scores.shape:
            true: Array = targets.argmax(axis=1)
            return true
        return _fitting(self._who, targets, (scores.shape[0], *scores.shape[2:]))

    def _by_threshold(self, scores: Array, targets: Array) -> Array:
        """Return the true classes beside numbers one by one."""
        if targets.size != scores.size or _bare(targets.shape) != _bare(scores.shape):
            raise ValueError(
                f"{self._who}: expected targets of shape {scores.shape}, got {targets.shape}; with "
                "a threshold each output has its target"
            )
        # Probabilities of class 1 are what BCELoss takes as targets.
        return np.greater(targets, 0.5) if targets.dtype.kind == "f" else targets

    def counted(self, weights: ArrayLike | None, samples: int, count: int) -> Array | None:
        """Return the weight of each label."""
        found = sample_weights(self._who, weights, samples)
        if found is None or count == samples:
            return found
        return np.repeat(found, count // max(samples, 1))

    def kept(
        self, rows: Array, true: Array, weights: Array | None
    ) -> tuple[Array, Array, Array | None]:
        """Return what counts of outputs, targets and weights."""
        if self.ignore_index is None:
            return rows, true, weights
        kept = true != self.ignore_index
        return rows[kept], true[kept], None if weights is None else weights[kept]


def check_range(
    who: str, labels: Array, classes: int, name: str, ignored: int | None = None
) -> None:
    """Raise for labels outside the classes; one pass where there are none."""
    # Seen as unsigned, what is negative is large.
    seen = labels.view(f"u{labels.itemsize}") if labels.dtype.kind == "i" else labels
    if labels.size and seen.max() >= classes:
        whole = labels.astype(np.uint8) if labels.dtype.kind == "b" else labels
        if ignored is not None:
            whole = np.where(whole == ignored, 0, whole)
        try:
            check_labels(whole, classes, name)
        except ValueError as error:
            raise ValueError(f"{who}: {error}") from None


def _fitting(who: str, labels: Array, shape: tuple[int, ...]) -> Array:
    """Return labels of a shape, or say what is wrong with them."""
    if labels.dtype.kind not in "biu":
        raise TypeError(
            f"{who}: expected integer labels of shape {shape}, got {labels.dtype} of shape "
            f"{labels.shape}; labels are integers: targets.astype(np.int64)"
        )
    if _bare(labels.shape) != _bare(shape):
        raise ValueError(f"{who}: expected labels of shape {shape}, got {labels.shape}")
    return labels


def _bare(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a shape of a batch without a last axis of 1: (B, 1) is as good as (B,)."""
    return shape[:-1] if len(shape) == 2 and shape[1] == 1 else shape
