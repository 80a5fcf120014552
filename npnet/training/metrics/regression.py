"""Errors of numbers: mean absolute error, root mean squared error and R²."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from npnet.parameter import Array
from npnet.training.metrics.base import Metric, sample_weights

__all__ = ["R2", "MeanAbsoluteError", "RootMeanSquaredError"]

#: So many samples are summed up together, whatever batches they come in.
_BLOCK = 256
_MULTIOUTPUT = ("uniform_average", "raw_values")


class _Regression(Metric):
    """What the metrics of numbers share: samples gathered into blocks, which become a summary.

    Sums depend on how their terms are grouped. A block is a number of samples, not a batch, so they
    do not depend on the batches. A subclass says what of a sample is kept, how a block becomes a
    summary, how two summaries become one, and what that comes to.
    """

    state = ("block", "filled", "summary", "count", "origin")
    #: How many numbers of each output are kept.
    kept = 1

    def __init__(self, multioutput: str, name: str) -> None:
        if multioutput not in _MULTIOUTPUT:
            raise ValueError(
                f"{self._who}: expected multioutput as one of {_MULTIOUTPUT}, got {multioutput!r}"
            )
        self.multioutput = multioutput
        super().__init__(name)

    def reset(self) -> None:
        """Forget all batches."""
        #: (kept + 1, D, block): what is kept of each sample, and its weight.
        self.block: Array | None = None
        self.filled = self.count = 0
        self.summary: Array | None = None
        #: The first target, from which the others are counted.
        self.origin: Array | None = None

    def update(
        self, outputs: ArrayLike, targets: ArrayLike, weights: ArrayLike | None = None
    ) -> None:
        """Take a batch."""
        found, given = self._pair(np.asarray(outputs), np.asarray(targets))
        counted = sample_weights(self._who, weights, len(found))
        if not len(found):
            return
        with np.errstate(all="ignore"):
            origin = given[0].copy() if self.origin is None else self.origin
            columns = self.columns(found, given, origin)
            if self.block is None:
                self.block = np.ones((self.kept + 1, found.shape[1], _BLOCK))
            self.origin = origin
            self._take(self.block, [c.T for c in columns], counted)
        self.count += len(found)

    def _take(self, block: Array, columns: list[Array], weights: Array | None) -> None:
        """Put samples into the block, and sum it up when it is full."""
        start, count = 0, columns[0].shape[1]
        while start < count:
            stop = min(start + _BLOCK - self.filled, count)
            here = slice(self.filled, self.filled + stop - start)
            for place, column in enumerate(columns):
                block[place, :, here] = column[:, start:stop]
            block[-1, :, here] = 1.0 if weights is None else weights[start:stop]
            self.filled, start = here.stop, stop
            if self.filled == _BLOCK:
                self.summary, self.filled = self._summed(block), 0

    def _summed(self, block: Array) -> Array:
        """Return the summary of all so far, with that of a block."""
        fresh = self.summarize(block[:-1], block[-1])
        return fresh if self.summary is None else self.merge(self.summary, fresh)

    def compute(self) -> Any:
        """Return the figure of all batches since the last reset; NaN where there were none."""
        if self.block is None:
            return math.nan
        with np.errstate(all="ignore"):
            rest = self.block[..., : self.filled]
            summary = self._summed(rest) if self.filled else self.summary
            values: Array = self.result(summary)
        return values if self.multioutput == "raw_values" else float(values.mean())

    def _pair(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Return outputs and targets as float64 (B, D), or say what does not fit."""
        for name, array in (("outputs", outputs), ("targets", targets)):
            if array.dtype.kind not in "biuf":
                raise TypeError(f"{self._who}: expected {name} of real numbers, got {array.dtype}")
        if not outputs.ndim or not targets.ndim:
            raise ValueError(f"{self._who}: expected shapes (B, ...), got a single number")
        rows = [(len(a), math.prod(a.shape[1:])) for a in (outputs, targets)]
        # (B,) against (B, 1) would broadcast to (B, B).
        alike = outputs.shape == targets.shape or rows == [(len(outputs), 1)] * 2
        if not alike:
            raise ValueError(
                f"{self._who}: expected targets of shape {outputs.shape}, got {targets.shape}"
            )
        if self.block is not None and rows[0][1] != self.block.shape[1]:
            raise ValueError(
                f"{self._who}: expected {self.block.shape[1]} outputs a sample, as before, got "
                f"{rows[0][1]}"
            )
        found, given = (a.reshape(rows[0]).astype(np.float64) for a in (outputs, targets))
        return found, given

    def columns(self, outputs: Array, targets: Array, origin: Array) -> list[Array]:
        """Return what is kept of samples, (B, D) each."""
        raise NotImplementedError

    def summarize(self, kept: Array, weights: Array) -> Array:
        """Return the summary of a block: kept (kept, D, n), weights (D, n)."""
        return np.stack([(kept[0] * weights).sum(axis=-1), weights.sum(axis=-1)])

    def merge(self, one: Array, other: Array) -> Array:
        """Return the summary of two."""
        return one + other

    def result(self, summary: Any) -> Array:
        """Return the figure of each output, (D,)."""
        raise NotImplementedError


class MeanAbsoluteError(_Regression):
    """The mean distance of outputs from targets.

    MAE = sum_i w_i |output_i - target_i| / sum_i w_i, and the mean of this over several outputs

    Shapes: outputs (B,) or (B, ...), targets alike; (B, 1) is as good as (B,). weights (B,).
    Computed in float64.

    Parameters
    ----------
    multioutput : "uniform_average" or "raw_values", default "uniform_average"
        The mean over several outputs of a sample, or an array (D,) of all.
    name : str, default "mae"

    Errors
    ------
    ValueError
        For shapes that do not fit, and negative weights.
    TypeError
        For what are no real numbers.

    Source: sklearn.metrics.mean_absolute_error.

    Examples
    --------
    >>> mae = MeanAbsoluteError()
    >>> mae.update([1.0, 2.0], [1.0, 4.0])
    >>> mae.update([5.0], [4.0])
    >>> mae.compute()
    1.0
    """

    def __init__(self, multioutput: str = "uniform_average", name: str = "mae") -> None:
        super().__init__(multioutput, name)

    def columns(self, outputs: Array, targets: Array, origin: Array) -> list[Array]:
        """Return the distances."""
        return [np.abs(outputs - targets)]

    def result(self, summary: Any) -> Array:
        """Return their mean."""
        mean: Array = summary[0] / summary[1]
        return mean


class RootMeanSquaredError(_Regression):
    """The root of the mean squared distance of outputs from targets.

    RMSE = sqrt(sum_i w_i (output_i - target_i)² / sum_i w_i), and the mean of this over several
    outputs

    Shapes, parameters and errors are those of `MeanAbsoluteError`; name "rmse".

    Source: sklearn.metrics.root_mean_squared_error.

    Examples
    --------
    >>> rmse = RootMeanSquaredError()
    >>> rmse.update([1.0, 2.0], [4.0, 6.0])
    >>> round(rmse.compute() ** 2, 12)
    12.5
    """

    def __init__(self, multioutput: str = "uniform_average", name: str = "rmse") -> None:
        super().__init__(multioutput, name)

    def columns(self, outputs: Array, targets: Array, origin: Array) -> list[Array]:
        """Return the squared distances."""
        return [np.square(outputs - targets)]

    def result(self, summary: Any) -> Array:
        """Return the root of their mean."""
        root: Array = np.sqrt(summary[0] / summary[1])
        return root


class R2(_Regression):
    """The coefficient of determination: 1 for outputs that are right, 0 for the targets' mean.

    R² = 1 - sum_i w_i (output_i - target_i)² / sum_i w_i (target_i - mean)², and the mean of this
    over several outputs; where all targets are equal 1 if all outputs are right, else 0. NaN for
    fewer than two samples.

    Shapes, parameters and errors are those of `MeanAbsoluteError`; name "r2".

    Source: sklearn.metrics.r2_score; T. F. Chan, G. H. Golub, R. J. LeVeque, Algorithms for
    Computing the Sample Variance (1983), for the sums of squares of several parts.

    Examples
    --------
    >>> r2 = R2()
    >>> r2.update([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    >>> r2.compute()
    0.5
    """

    kept = 2

    def __init__(self, multioutput: str = "uniform_average", name: str = "r2") -> None:
        super().__init__(multioutput, name)

    def columns(self, outputs: Array, targets: Array, origin: Array) -> list[Array]:
        """Return the squared distances, and the targets from the first one on."""
        # Equal targets become zeros, whose squares are exact.
        return [np.square(outputs - targets), targets - origin]

    def summarize(self, kept: Array, weights: Array) -> Array:
        """Return sums of squared distances and weights, the mean, and squares around it."""
        total = weights.sum(axis=-1)
        some = np.where(total > 0, total, 1.0)
        mean = (kept[1] * weights).sum(axis=-1) / some
        around = (np.square(kept[1] - mean[:, None]) * weights).sum(axis=-1)
        return np.stack([(kept[0] * weights).sum(axis=-1), total, mean, around])

    def merge(self, one: Array, other: Array) -> Array:
        """Return the summary of two."""
        total = one[1] + other[1]
        share = other[1] / np.where(total > 0, total, 1.0)
        apart = other[2] - one[2]
        around = one[3] + other[3] + np.square(apart) * one[1] * share
        return np.stack([one[0] + other[0], total, one[2] + apart * share, around])

    def result(self, summary: Any) -> Array:
        """Return R² of each output."""
        residual, _, _, around = summary
        if self.count < 2:
            return np.full(len(residual), math.nan)
        plain = 1 - residual / np.where(around == 0, 1.0, around)
        # NaN, where it is one, stays.
        return np.where((around == 0) & (residual > 0), 0.0, plain)
