"""The confusion matrix, and what is computed from it: precision, recall and F1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.parameter import Array
from npnet.training.metrics.labels import Labelled

__all__ = ["F1", "ConfusionMatrix", "Precision", "Recall"]

_AVERAGES = ("macro", "micro", "weighted", "binary", None)
_NORMALIZE = ("true", "pred", "all", None)


class _Confusion(Labelled):
    """What the metrics of the confusion matrix share: counting it."""

    state = ("counts", "weights")

    def __init__(
        self, name: str, classes: int | None, threshold: float | None, ignore_index: int | None
    ) -> None:
        if classes is not None and classes < 2:
            raise ValueError(f"{self._who}: expected classes >= 2, got {classes}")
        if threshold is not None and classes not in (None, 2):
            raise ValueError(f"{self._who}: a threshold tells 2 classes apart, got {classes}")
        self.classes = 2 if threshold is not None else classes
        super().__init__(name, threshold, ignore_index)

    def reset(self) -> None:
        """Forget all batches."""
        #: What has no weight, counted, and what the rest weighs; None before there is any.
        self.counts: Array | None = None
        self.weights: Array | None = None

    def update(
        self, outputs: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None
    ) -> None:
        """Take a batch."""
        seen = self.classes if self.counts is None else len(self.counts)
        predicted, true, counted, classes = self.labels(outputs, targets, weights, seen)
        if classes is None:
            raise ValueError(
                f"{self._who}: labels do not tell how many classes there are; give classes"
            )
        cells = true.astype(np.intp) * classes + predicted.astype(np.intp, copy=False)
        if self.counts is None:
            self.counts = np.zeros((classes, classes), np.int64)
        if counted is None:
            self.counts += np.bincount(cells, minlength=classes**2).reshape(classes, classes)
            return
        if self.weights is None:
            self.weights = np.zeros((classes, classes))
        # One after the other: how the stream is cut does not show.
        np.add.at(self.weights.reshape(-1), cells, counted)

    def matrix(self) -> Array | None:
        """Return a new array of what was counted; None before there is any."""
        if self.counts is None:
            return None if self.classes is None else np.zeros((self.classes,) * 2, np.int64)
        return self.counts + (0 if self.weights is None else self.weights)


class ConfusionMatrix(_Confusion):
    """How many samples of each class are taken for each class.

    matrix[t, p] = sum_i w_i [target_i = t, predicted_i = p]

    Shapes: as for `Accuracy`; the matrix is (C, C), true classes down, int64, or float64 with
    weights or normalized.

    Parameters
    ----------
    classes : int, optional
        C; scores tell it, and a threshold makes it 2.
    normalize : "true", "pred", "all" or None, default None
        Divide by the sum of the row, the column or all; 0 where that is 0.
    threshold : number, optional
        As for `Accuracy`.
    ignore_index : int, optional
        Targets that do not count.
    name : str, default "confusion_matrix"

    Errors
    ------
    ValueError
        As for `Accuracy`, for another number of classes, and for labels without `classes`.
    TypeError
        For labels that are no integers.

    Source: sklearn.metrics.confusion_matrix.

    Examples
    --------
    >>> confusion = ConfusionMatrix(classes=2)
    >>> confusion.update(outputs=[0, 1, 1], targets=[0, 1, 0])
    >>> confusion.compute().tolist()
    [[1, 1], [0, 1]]
    """

    def __init__(
        self,
        classes: int | None = None,
        normalize: str | None = None,
        threshold: float | None = None,
        ignore_index: int | None = None,
        name: str = "confusion_matrix",
    ) -> None:
        if normalize not in _NORMALIZE:
            raise ValueError(
                f"ConfusionMatrix: expected normalize as one of {_NORMALIZE}, got {normalize!r}"
            )
        self.normalize = normalize
        super().__init__(name, classes, threshold, ignore_index)

    def compute(self) -> Array:
        """Return the matrix of all batches since the last reset, a new array."""
        matrix = self.matrix()
        if matrix is None:
            raise ValueError(
                "ConfusionMatrix: no batch has told how many classes there are; give classes"
            )
        if self.normalize is None:
            return matrix
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        return _ratio(matrix, matrix.sum(axis=axis, keepdims=True), 0.0)


class _Averaged(_Confusion):
    """A ratio for each class, and its average."""

    def __init__(
        self,
        average: str | None,
        classes: int | None,
        zero_division: float,
        threshold: float | None,
        ignore_index: int | None,
        name: str,
    ) -> None:
        if average not in _AVERAGES:
            raise ValueError(
                f"{self._who}: expected average as one of {_AVERAGES}, got {average!r}"
            )
        if average == "binary" and classes not in (None, 2):
            raise ValueError(
                f"{self._who}: average='binary' needs 2 classes, got {classes}; use 'macro'"
            )
        self.average, self.zero_division = average, float(zero_division)
        super().__init__(name, 2 if average == "binary" else classes, threshold, ignore_index)

    def fraction(self, right: Any, predicted: Any, true: Any) -> tuple[Any, Any]:
        """Return what is divided by what."""
        raise NotImplementedError

    def compute(self) -> Any:
        """Return the average as a float, for average=None an array (C,); NaN without a batch."""
        matrix = self.matrix()
        if matrix is None:
            return math.nan
        right, predicted, true = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
        missing = self.zero_division if matrix.any() else math.nan
        if self.average == "micro":
            right, predicted, true = (part.sum(keepdims=True) for part in (right, predicted, true))
        ratios = _ratio(*self.fraction(right, predicted, true), missing)
        if self.average is None:
            return ratios
        if self.average in ("micro", "binary"):
            return float(ratios[-1])
        # Classes that do not occur have no part in an average, nor has what is not defined.
        occur = (true + predicted > 0) & ~np.isnan(ratios)
        share = true[occur] if self.average == "weighted" else np.ones(occur.sum())
        # As in scikit-learn, weights that are all 0 do not count.
        share = share if share.any() else np.ones(len(share))
        return float((ratios[occur] * share).sum() / share.sum()) if len(share) else math.nan


class Precision(_Averaged):
    """Of what is taken for a class, the share that is of it: right_c / predicted_c.

    Here right_c is what is of class c and taken for it, predicted_c all that is taken for it, and
    true_c all that is of it: diagonal, column sum and row sum of the confusion matrix.

    Shapes: as for `Accuracy`.

    Parameters
    ----------
    average : "macro", "micro", "weighted", "binary" or None, default "macro"
        The mean over the classes that occur; the ratio of the sums; the mean weighted by true_c;
        class 1 of two; or an array (C,) of all.
    classes : int, optional
        C; scores tell it, and a threshold or average="binary" makes it 2.
    zero_division : float, default 0
        What 0 / 0 stands for; NaN leaves it out of averages.
    threshold : number, optional
        As for `Accuracy`.
    ignore_index : int, optional
        Targets that do not count.
    name : str, default "precision"

    Errors
    ------
    ValueError
        As for `Accuracy`, for another number of classes, and for labels without `classes`.
    TypeError
        For labels that are no integers.

    Source: sklearn.metrics.precision_score.

    Examples
    --------
    >>> precision = Precision(average=None, classes=3)
    >>> precision.update(outputs=[0, 1, 1, 2], targets=[0, 1, 0, 1])
    >>> precision.compute().tolist()
    [1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        average: str | None = "macro",
        classes: int | None = None,
        zero_division: float = 0.0,
        threshold: float | None = None,
        ignore_index: int | None = None,
        name: str = "precision",
    ) -> None:
        super().__init__(average, classes, zero_division, threshold, ignore_index, name)

    def fraction(self, right: Any, predicted: Any, true: Any) -> tuple[Any, Any]:
        """Return what is divided by what."""
        return right, predicted


class Recall(_Averaged):
    """Of what is of a class, the share that is taken for it: right_c / true_c.

    Shapes, parameters, symbols and errors are those of `Precision`; name "recall".

    Source: sklearn.metrics.recall_score.

    Examples
    --------
    >>> recall = Recall(average=None, classes=3)
    >>> recall.update(outputs=[0, 1, 1, 2], targets=[0, 1, 0, 1])
    >>> recall.compute().tolist()
    [0.5, 0.5, 0.0]
    """

    def __init__(
        self,
        average: str | None = "macro",
        classes: int | None = None,
        zero_division: float = 0.0,
        threshold: float | None = None,
        ignore_index: int | None = None,
        name: str = "recall",
    ) -> None:
        super().__init__(average, classes, zero_division, threshold, ignore_index, name)

    def fraction(self, right: Any, predicted: Any, true: Any) -> tuple[Any, Any]:
        """Return what is divided by what."""
        return right, true


class F1(_Averaged):
    """The harmonic mean of precision and recall: 2 right_c / (predicted_c + true_c).

    Shapes, parameters, symbols and errors are those of `Precision`; name "f1".

    Source: sklearn.metrics.f1_score.

    Examples
    --------
    >>> f1 = F1(average=None, classes=3)
    >>> f1.update(outputs=[0, 1, 1, 2], targets=[0, 1, 0, 1])
    >>> [round(value, 3) for value in f1.compute().tolist()]
    [0.667, 0.5, 0.0]
    """

    def __init__(
        self,
        average: str | None = "macro",
        classes: int | None = None,
        zero_division: float = 0.0,
        threshold: float | None = None,
        ignore_index: int | None = None,
        name: str = "f1",
    ) -> None:
        super().__init__(average, classes, zero_division, threshold, ignore_index, name)

    def fraction(self, right: Any, predicted: Any, true: Any) -> tuple[Any, Any]:
        """Return what is divided by what."""
        return 2 * right, predicted + true


def _ratio(above: Array, below: Array, missing: float) -> Array:
    """Return above / below as float64, `missing` where below is 0."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    found: Array = np.full(shape, missing, np.float64)
    np.divide(above, below, out=found, where=below != 0)
    return found
