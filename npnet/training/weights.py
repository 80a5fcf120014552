"""Weights: what each sample of a batch counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from npnet.parameter import Array

__all__ = ["SampleWeights"]


class SampleWeights:
    """What each sample of a batch counts: its own weight, times that of its class.

    Parameters
    ----------
    own : bool
        A batch ends with the weights of its samples.
    by_class : mapping of labels to weights, or sequence of the weights of labels 0, 1, ...; or None
        What a mapping does not name weighs 1.
    ignored : int or None
        A label that counts nothing.
    """

    def __init__(self, own: bool, by_class: Any, ignored: int | None) -> None:
        self.own, self.ignored = own, ignored
        self.named: dict[int, float] | None = None
        self.listed: Array | None = None
        if isinstance(by_class, Mapping):
            self.named = {int(label): float(weight) for label, weight in by_class.items()}
            weights = [*self.named.values()]
        else:
            self.listed = None if by_class is None else np.asarray(by_class, np.float64)
            weights = [] if self.listed is None else [*self.listed.reshape(-1)]
        if not all(0 <= weight < np.inf for weight in weights):
            raise ValueError(
                f"Trainer: expected class weights that are finite and >= 0, got {by_class}"
            )
        if self.listed is not None and self.listed.ndim != 1:
            raise ValueError(
                "Trainer: expected class weights as a mapping or of shape (C,), got shape "
                f"{self.listed.shape}"
            )

    @property
    def needed(self) -> bool:
        """Whether samples count differently."""
        return self.own or self.named is not None or self.listed is not None

    def split(self, batch: tuple[Any, ...]) -> tuple[tuple[Any, ...], Array]:
        """Return a batch without weights, and what each of its samples counts.

        Errors
        ------
        ValueError
            For weights that are negative, not finite, all 0, or not one a sample.
        IndexError
            For a label that has no weight.
        """
        *rest, last = batch
        given = (*rest,) if self.own else batch
        target = np.asarray(given[-1])
        count = len(target)
        weights = np.array(last, np.float64) if self.own else np.ones(count)
        if weights.shape != (count,):
            raise ValueError(
                f"Trainer: expected weights of shape ({count},) at the end of the batch, one a "
                f"sample, got {weights.shape}"
            )
        if self.named is not None or self.listed is not None:
            weights *= self._of_classes(target)
        if self.ignored is not None and target.dtype.kind in "iu":
            weights *= self._counting(target, self.ignored)
        if not (weights.min(initial=0) >= 0 and 0 < weights.sum() < np.inf):
            raise ValueError(
                "Trainer: expected weights that are finite, >= 0 and not all 0, got "
                f"{np.array2string(weights, threshold=8, precision=4)}"
            )
        return given, weights

    def _of_classes(self, target: Array) -> Array:
        """Return the weight of each sample's class."""
        if target.ndim != 1 or target.dtype.kind not in "iu":
            raise ValueError(
                "Trainer: class_weight needs one label a sample, integers of shape (B,), got "
                f"{target.dtype} of shape {target.shape}; give the loss its own weight"
            )
        if self.named is not None:
            found = [self.named.get(label, 1.0) for label in target.tolist()]
            return np.array(found, np.float64)
        assert self.listed is not None
        counted = target if self.ignored is None else np.where(target == self.ignored, 0, target)
        wrong = np.flatnonzero((counted < 0) | (counted >= len(self.listed)))
        if wrong.size:
            raise IndexError(
                f"Trainer: label {target[wrong[0]]} in row {wrong[0]} has no class weight; there "
                f"are {len(self.listed)}, of the labels 0 to {len(self.listed) - 1}"
            )
        return np.asarray(self.listed[counted])

    @staticmethod
    def _counting(target: Array, ignored: int) -> Array:
        """Return 0 for the samples that count nothing, 1 for the others."""
        counts: Array = target != ignored
        if target.ndim == 1:
            return counts
        if not counts.all():
            raise ValueError(
                f"Trainer: samples with weights and several labels each cannot have the label "
                f"{ignored}, which the loss ignores; leave such samples out"
            )
        return np.ones(len(target))
