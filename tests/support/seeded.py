"""Holds a family of seeded mistakes to what the table says of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from npnet.check import check_gradients, check_layer
from npnet.check.mistakes.table import examine

__all__ = ["accused", "hold"]


def hold(mistake: Any) -> None:
    """Have a mistake caught, and named by its words."""
    (outcome,) = examine([mistake])
    assert outcome.caught
    assert outcome.named, f"{mistake.words!r} is not in {outcome.said!r}"


def accused(right: Any, times: int = 4) -> list[Any]:
    """Return the reports that accuse what is right, for several sizes."""
    found, random = [], np.random.default_rng(0)
    for _ in range(times):
        check = check_layer if right.layer else check_gradients
        subject, operands = right.layer or right.function, right.operands(random)
        found.append(check(subject, *operands, raise_exception=False))
    return [report for report in found if not report]
