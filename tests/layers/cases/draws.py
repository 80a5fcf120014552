"""Where operands of the cases come from."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.check.draws import away, distributions, fractions, large, positive
from tests.support.case import Draw, Sample

__all__ = [
    "CUBE",
    "ROWS",
    "SCALAR",
    "away",
    "distributions",
    "fractions",
    "labels",
    "large",
    "positive",
]


def labels(classes: int, dtype: Any = np.int64, ignored: int | None = None) -> Sample:
    """Return a way to draw labels, some of them `ignored`."""

    def sample(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Draw labels."""
        drawn = random.integers(0, classes, shape).astype(dtype)
        if ignored is not None:
            drawn[random.uniform(size=shape) < 0.3] = ignored
        return drawn

    return sample


ROWS, CUBE, SCALAR = Draw(("B", 4)), Draw(("B", 3, 4)), Draw(())
