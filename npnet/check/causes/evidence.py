"""Evidence: a wrong gradient, the right one, and who can be asked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from npnet.check.subject import Operand, Subject
from npnet.parameter import Array

__all__ = ["Evidence", "alike", "multiple", "ratio"]

_STEP = 1e-6
_NEAR = 1e-5  # what central differences can tell apart, relative to the largest element


class Evidence:
    """A gradient that is wrong, with everything that may say why.

    Parameters
    ----------
    subject : Subject
    place : int
        Which of its operands.
    analytic, numeric : arrays of the operand's shape
        What backward gave and what is right, NaN where nobody looked.
    seeds : the output gradients, None for none
    """

    def __init__(
        self,
        subject: Subject,
        place: int,
        analytic: Array,
        numeric: Array,
        seeds: Sequence[Any],
    ) -> None:
        self.subject, self.place, self.seeds = subject, place, seeds
        self.analytic, self.numeric = analytic, numeric

    @property
    def operand(self) -> Operand:
        """What is differentiated by."""
        return self.subject.operands[self.place]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of operand and gradient."""
        return self.analytic.shape

    @cached_property
    def complete(self) -> bool:
        """Whether every element was looked at."""
        return bool(np.isfinite(self.numeric).all())

    @cached_property
    def seed(self) -> Array | None:
        """The one output gradient there is; None with several."""
        seeds = [s for s in self.seeds if s is not None]
        return seeds[0] if len(seeds) == 1 else None

    @cached_property
    def output(self) -> Array | None:
        """The one output that a gradient arrives at; None with several."""
        asked = [y for y, s in zip(self.subject.first, self.seeds, strict=True) if s is not None]
        return asked[0] if len(asked) == 1 else None

    def slopes(self, several: Sequence[Sequence[Any]]) -> list[Array]:
        """Return the right gradient for each of several sets of output gradients."""
        found = [np.zeros(self.shape) for _ in several]
        for at in np.ndindex(self.shape):
            step = np.zeros(self.shape)
            step[at] = _STEP * max(1.0, abs(float(self.operand.array[at])))
            low, high, way = self.subject.both_sides(self.place, step, step)
            for gradient, seeds in zip(found, several, strict=True):
                parts = zip(seeds, low, high, strict=True)
                gradient[at] = sum(float(np.sum(s * (h - y))) for s, y, h in parts if s is not None)
                gradient[at] /= way[at]
        return found

    def again(self, seeds: Sequence[Any], fill: float = math.nan, byte: int = 255) -> Array:
        """Return the operand's gradient for another output gradient, or other left-overs."""
        found: Array = self.subject.gradients(seeds, fill, byte)[self.place]
        return found

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield every floating array that forward sees or gives, by name: operands, outputs."""
        for operand in self.subject.operands:
            yield operand.name, operand.array
        known = {operand.position for operand in self.subject.operands}
        for position, name in enumerate(self.subject.input_names()):
            array = self.subject.inputs[position]
            if position not in known and array.dtype.kind == "f":
                yield name, array
        several = len(self.subject.first) > 1
        for number, y in enumerate(self.subject.first):
            yield f"y{number}" if several else "y", y

    def labels(self) -> Iterator[tuple[str, Array]]:
        """Yield every operand of integers, by name."""
        for name, array in zip(self.subject.input_names(), self.subject.inputs, strict=True):
            if array.dtype.kind in "iu":
                yield name, array

    def of_shape(self) -> Iterator[tuple[str, Array]]:
        """Yield the arrays that have the operand's shape; the operand itself first."""
        yield self.operand.name, self.operand.array
        for name, array in self.arrays():
            if array.shape == self.shape and array is not self.operand.array:
                yield name, array


def alike(a: Array, b: Array) -> bool:
    """Whether two arrays are the same up to what differences can tell."""
    if a.shape != b.shape or not a.size:
        return False
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return False
    return bool(np.max(np.abs(a - b)) <= _NEAR * np.max(np.abs(b)))


def multiple(a: Array, b: Array) -> float:
    """Return the number that b times gives a; 0.0 where there is none, or it could be chance."""
    if a.shape != b.shape or a.size < 3 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return 0.0
    square = float(np.sum(b * b))
    factor = float(np.sum(a * b)) / square if square else 0.0
    return factor if factor and alike(a, factor * b) else 0.0


def ratio(a: Array, b: Array) -> Array | None:
    """Return a / b where they can be divided, NaN where both are small; None where one is alone."""
    size = max(float(np.max(np.abs(a), initial=0.0)), float(np.max(np.abs(b), initial=0.0)))
    small = (np.abs(a) <= 1e-3 * size) & (np.abs(b) <= 1e-3 * size)
    if small.all() or ((np.abs(a) <= 1e-7 * size) != (np.abs(b) <= 1e-7 * size))[~small].any():
        return None
    with np.errstate(all="ignore"):
        return np.where(small, math.nan, a / b)
