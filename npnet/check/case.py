"""Case: what is checked, how to make one, and what to feed it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from npnet.check.draws import Draw, Given
from npnet.parameter import Array

__all__ = ["BATCH", "Case"]

BATCH = 5


@dataclass(frozen=True)
class Case:
    """A layer, or a `Function`, and operands for it.

    `rows_interact` says that an output row depends on other rows, or that outputs have no rows;
    `empty_is_nan` that without rows the outputs are NaN; `draws` that forward draws random numbers;
    `modes_differ` that training and evaluation give other numbers. Values that are computed in two
    ways agree within `ulps` units in the last place of `dtype`, which it is run in. `anew`, where
    `make` copies, makes one as it is first made.
    """

    name: str
    make: Callable[[], Any]
    operands: tuple[Draw | Given, ...]
    rows_interact: bool = False
    empty_is_nan: bool = False
    draws: bool = False
    modes_differ: bool = False
    batch: int = BATCH
    dtype: Any = np.float32
    ulps: int = 64
    is_function: bool = False
    anew: Callable[[], Any] | None = None

    @property
    def batched(self) -> bool:
        """Whether there are rows."""
        return any(draw.batched for draw in self.operands)

    def arrays(self, batch: int | None = None, dtype: Any = None, seed: int = 0) -> list[Array]:
        """Return operands; integer ones stay integers."""
        random = np.random.default_rng(seed)
        rows = self.batch if batch is None else batch
        drawn = [draw(random, rows, seed) for draw in self.operands]
        wanted = self.dtype if dtype is None else dtype
        return [a.astype(wanted) if a.dtype.kind == "f" else a for a in drawn]
