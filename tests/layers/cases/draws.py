"""Where operands of the cases come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.support.case import Draw, Sample


def away(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw numbers of either sign between 0.1 and 2, away from a kink at 0."""
    return random.uniform(0.1, 2.0, shape) * random.choice([-1.0, 1.0], shape)


def positive(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw numbers between 0.2 and 2."""
    return random.uniform(0.2, 2.0, shape)


def fractions(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw numbers between 0.1 and 0.9."""
    return random.uniform(0.1, 0.9, shape)


def large(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw logits between -40 and 40, where exponentials have to be shifted."""
    return random.uniform(-40.0, 40.0, shape)


def labels(classes: int, dtype: Any = np.int64, ignored: int | None = None) -> Sample:
    """Return a way to draw labels, some of them `ignored`."""

    def sample(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draw labels."""
        drawn = random.integers(0, classes, shape).astype(dtype)
        if ignored is not None:
            drawn[random.uniform(size=shape) < 0.3] = ignored
        return drawn

    return sample


def distributions(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw probabilities of classes on axis 1."""
    drawn = random.uniform(0.1, 1.0, shape)
    return drawn / drawn.sum(axis=1, keepdims=True)


ROWS, CUBE, SCALAR = Draw(("B", 4)), Draw(("B", 3, 4)), Draw(())
