"""Accuracy and top-k accuracy: how many samples are right."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from npnet.parameter import Array
from npnet.training.metrics.labels import Labelled, check_range

__all__ = ["Accuracy", "TopK"]


class _Share(Labelled):
    """The share of samples, or of their weights, that are right."""

    state = ("counts", "weights")

    def reset(self) -> None:
        """Forget all batches."""
        #: Of wrong and right ones: how many have no weight, and what the others weigh.
        self.counts, self.weights = np.zeros(2, np.int64), np.zeros(2)

    def _add(self, right: Array, weights: Array | None) -> None:
        """Take samples of which it is known whether they are right."""
        if weights is None:
            hits = np.count_nonzero(right)
            self.counts[0] += right.size - hits
            self.counts[1] += hits
        else:
            # One after the other: how the stream is cut does not show.
            np.add.at(self.weights, right.astype(np.intp), weights)

    def compute(self) -> float:
        """Return the share of all batches since the last reset; NaN where there were none."""
        wrong, right = (self.counts + self.weights).tolist()
        return right / (wrong + right) if wrong + right else math.nan


class Accuracy(_Share):
    """The share of samples whose class is predicted.

    accuracy = sum_i w_i [predicted_i = target_i] / sum_i w_i

    Shapes: outputs (B, C, ...), scores of C classes of which the largest is predicted (NaN is
    larger than all, as in torch); or integers (B, ...), the classes themselves; or with a threshold
    (B, ...), numbers one by one. targets (B, ...), integers; with scores also probabilities of
    their shape, of which the largest is true; with a threshold also floats, 1 above 0.5. weights
    (B,). A last axis of 1 may be there or not: (B, 1) is (B,).

    Parameters
    ----------
    threshold : number, optional
        Outputs above it predict class 1, others class 0: 0.5 for probabilities, 0 for logits.
    ignore_index : int, optional
        Targets that do not count.
    name : str, default "accuracy"

    Errors
    ------
    ValueError
        For shapes that do not fit, labels outside the classes, and negative weights.
    TypeError
        For labels that are no integers.

    Source: sklearn.metrics.accuracy_score; torchmetrics.Accuracy(average="micro").

    Examples
    --------
    >>> accuracy = Accuracy()
    >>> accuracy.update([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    >>> accuracy.update([[0.3, 0.7], [0.6, 0.4]], [1, 0])
    >>> accuracy.compute()
    0.75
    """

    def __init__(
        self,
        threshold: float | None = None,
        ignore_index: int | None = None,
        name: str = "accuracy",
    ) -> None:
        super().__init__(name, threshold, ignore_index)

    def update(
        self, outputs: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None
    ) -> None:
        """Take a batch."""
        predicted, true, counted, _ = self.labels(outputs, targets, weights, None)
        self._add(predicted == true, counted)


class TopK(_Share):
    """The share of samples whose class is among the k that score highest.

    Of classes that score the same the first counts as higher, as in Accuracy, which is TopK(1). A
    target whose score is NaN is not among them.

    Shapes: outputs (B, C, ...), scores of C >= k classes; targets (B, ...), integers, or
    probabilities like the outputs; weights (B,).

    Parameters
    ----------
    k : int, default 5
    ignore_index : int, optional
        Targets that do not count.
    name : str, default "top5" for k = 5

    Errors
    ------
    ValueError
        For k below 1 or above the number of classes, shapes that do not fit, labels outside the
        classes, and negative weights.
    TypeError
        For labels that are no integers.

    Source: sklearn.metrics.top_k_accuracy_score, where no scores are equal.

    Examples
    --------
    >>> top = TopK(2)
    >>> top.update([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]], [1, 0])
    >>> top.name, top.compute()
    ('top2', 0.5)
    """

    def __init__(
        self, k: int = 5, ignore_index: int | None = None, name: str | None = None
    ) -> None:
        if k < 1:
            raise ValueError(f"TopK: expected k >= 1, got {k}")
        self.k = k
        super().__init__(name or f"top{k}", None, ignore_index)

    def update(
        self, outputs: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None
    ) -> None:
        """Take a batch."""
        scores, given = np.asarray(outputs), np.asarray(targets)
        true, classes = self.classes_of(scores, given), scores.shape[1]
        if self.k > classes:
            raise ValueError(f"TopK: expected outputs of {self.k} classes or more, got {classes}")
        check_range(self._who, true, classes, "targets", self.ignore_index)
        counted = self.counted(weights, len(scores), true.size)
        rows = np.moveaxis(scores, 1, -1).reshape(-1, classes)
        rows, true, counted = self.kept(rows, true.reshape(-1), counted)
        own = np.take_along_axis(rows, true[:, None].astype(np.intp), axis=1)
        # Comparisons with NaN are false, so that it is ahead of all.
        ahead = ~(rows <= own)
        ahead |= (rows == own) & (np.arange(classes) < true[:, None])
        self._add(np.count_nonzero(ahead, axis=1) < self.k, counted)
