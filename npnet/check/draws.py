"""Draws: where the numbers of an operand come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from npnet.parameter import Array

__all__ = [
    "Draw",
    "Given",
    "Sample",
    "away",
    "distributions",
    "fractions",
    "labels",
    "large",
    "normal",
    "positive",
    "spread",
]

Sample: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], Array]
Shape: TypeAlias = tuple[int | str, ...]


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw standard normal numbers."""
    return np.asarray(random.normal(size=shape))


def away(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw numbers of either sign between 0.1 and 2, away from a kink at 0."""
    return np.asarray(random.uniform(0.1, 2.0, shape) * random.choice([-1.0, 1.0], shape))


def spread(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw numbers of either sign up to 2, no two the same and none near a multiple of 1/2.

    There the functions that have kinks have them: at 0, 1, -1, at 0.5 for a threshold.
    """
    cells = random.integers(-4, 4, shape)
    return np.asarray((cells + random.uniform(0.1, 0.9, shape)) / 2)


def positive(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw numbers between 0.2 and 2."""
    return np.asarray(random.uniform(0.2, 2.0, shape))


def fractions(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw numbers between 0.1 and 0.9."""
    return np.asarray(random.uniform(0.1, 0.9, shape))


def large(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw logits between -40 and 40, where exponentials have to be shifted."""
    return np.asarray(random.uniform(-40.0, 40.0, shape))


def distributions(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw probabilities of classes on axis 1."""
    drawn = random.uniform(0.1, 1.0, shape)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


class Draw(NamedTuple):
    """An operand: its shape, in which "B" is the number of rows, and where numbers come from."""

    shape: Shape
    sample: Sample = normal

    @property
    def batched(self) -> bool:
        """Whether it has rows."""
        return "B" in self.shape

    def __call__(self, random: np.random.Generator, batch: int, seed: int = 0) -> Array:
        """Draw it for so many rows."""
        shape = tuple(batch if isinstance(n, str) else n for n in self.shape)
        return np.asarray(self.sample(random, shape))


class Given(NamedTuple):
    """An operand whose numbers are given: seed 0 has them as they are, others move them round.

    `batched` says that its first axis are rows, of which there may be more or fewer.
    """

    array: Array
    batched: bool = False

    @property
    def shape(self) -> Shape:
        """Its shape, in which "B" is the number of rows."""
        shape: Shape = self.array.shape
        return ("B", *shape[1:]) if self.batched else shape

    def __call__(self, random: np.random.Generator, batch: int, seed: int = 0) -> Array:
        """Return its rows, as often as it takes."""
        array = self.array
        if not array.ndim or not array.size:
            return array.copy()
        if seed and len(array) == 1:
            array = np.roll(array, seed, axis=-1)
        rows = batch if self.batched else len(array)
        shift = 1 + (seed - 1) % max(len(array) - 1, 1) if seed else 0
        return np.asarray(array[(np.arange(rows) + shift) % len(array)])


def labels(classes: int, shape: Shape = ("B",), *, dtype: Any = np.int64) -> Draw:
    """Return an operand of integer labels from 0 to classes - 1, to be drawn.

    Parameters
    ----------
    classes : int
        How many there are, 1 or more.
    shape : tuple, default ("B",)
        "B" stands for the number of rows.
    dtype : integer dtype, default int64

    Errors
    ------
    ValueError
        For no class.

    Examples
    --------
    >>> import npnet
    >>> report = npnet.check_layer(npnet.CrossEntropyLoss(), (6, 4), npnet.check.labels(4))
    >>> report.ok
    True
    """
    if classes < 1:
        raise ValueError(f"labels: expected 1 class or more, got {classes}")

    def sample(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        """Draw labels."""
        return np.asarray(random.integers(0, classes, shape)).astype(dtype)

    return Draw(tuple(shape), sample)
