"""What is reported of rounds and of loss curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

__all__ = ["ALONE", "Comparison", "Difference", "difference", "ratios", "spread"]

#: The peers of a run without any.
ALONE: Sequence[str | None] = (None,)


@dataclass(frozen=True)
class Difference:
    """How far two loss curves are apart, at the step where they are farthest."""

    absolute: float
    relative: float


def difference(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    """Return the largest |a - b| and the largest |a - b| / |b| of two curves.

    A number that is not finite makes both infinite.
    """
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if a.shape != b.shape or not a.size:
        raise ValueError(f"expected two curves of one length, got {a.size} and {b.size} steps")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return Difference(float("inf"), float("inf"))
    apart = np.abs(a - b)
    scale = np.maximum(np.abs(b), np.finfo(np.float32).tiny)
    return Difference(float(apart.max()), float((apart / scale).max()))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Return theirs / ours of the best rounds, and the median over rounds that belong together."""
    a, b = np.asarray(ours), np.asarray(theirs)
    return float(b.min() / a.min()), float(np.median(b / a))


def spread(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the distance between the quartiles of the ratios, relative to their median."""
    low, middle, high = np.quantile(np.asarray(theirs) / np.asarray(ours), [0.25, 0.5, 0.75])
    return float((high - low) / middle)


@dataclass(frozen=True)
class Comparison:
    """One row of the table: npnet beside one peer (or alone) on one problem.

    Accuracies are shares of one; times are seconds a step, one a round.
    """

    question: str
    network: str
    batch: int
    ours: list[float]
    peer: str | None = None
    theirs: list[float] = field(default_factory=list)
    accuracy: float | None = None
    peer_accuracy: float | None = None
    differs: Difference | None = None
    goal: float | None = None

    def record(self) -> dict[str, Any]:
        """Return everything, with what is worked out from it, for a JSON file."""
        row = asdict(self)
        for name in ("ours", "theirs"):
            times = row.pop(name)
            if times:
                row[f"{name}_us"] = [round(1e6 * t, 3) for t in times]
                row[f"{name}_best_us"] = min(row[f"{name}_us"])
        if self.ours and self.theirs:
            row["ratio_best"], row["ratio_median"] = ratios(self.ours, self.theirs)
            row["ratio_spread"] = spread(self.ours, self.theirs)
        return row
