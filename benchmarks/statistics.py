"""What is reported of rounds, of loss curves and of costs that grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

__all__ = [
    "ALONE",
    "Comparison",
    "Difference",
    "Line",
    "difference",
    "fit_line",
    "ratios",
    "reached",
    "spread",
]

#: The peers of a run without any.
ALONE: Sequence[str | None] = (None,)


@dataclass(frozen=True)
class Difference:
    """How far two curves are apart, at the place where they are farthest."""

    absolute: float
    relative: float


def difference(ours: Any, theirs: Any) -> Difference:
    """Return the largest |a - b| and the largest |a - b| / |b| of two curves or arrays.

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


def reached(found: Sequence[float], goal: float | None) -> bool | None:
    """Say whether every one of these ratios is at least the goal; None without ratios or goal."""
    return None if goal is None or not found else min(found) >= goal


@dataclass(frozen=True)
class Line:
    """A cost that grows: seconds = fixed + slope * size; `off` is the largest relative miss."""

    fixed: float
    slope: float
    off: float


def fit_line(sizes: Sequence[float], seconds: Sequence[float]) -> Line:
    """Return the line with the smallest squares of relative misses: small sizes count as large."""
    x, t = np.asarray(sizes, np.float64), np.asarray(seconds, np.float64)
    terms = np.stack([1 / t, x / t], axis=1)
    (fixed, slope), *_ = np.linalg.lstsq(terms, np.ones_like(t), rcond=None)
    off = np.abs((fixed + slope * x) / t - 1).max()
    return Line(float(fixed), float(slope), float(off))


@dataclass(frozen=True)
class Comparison:
    """One row of the table: npnet beside one peer (or alone) on one problem.

    Accuracies are shares of one; times are seconds a piece of work, one a round.
    """

    run: str
    network: str
    batch: int
    ours: list[float]
    peer: str | None = None
    theirs: list[float] = field(default_factory=list)
    accuracy: float | None = None
    peer_accuracy: float | None = None
    differs: Difference | None = None
    goal: float | None = None

    @property
    def ratios(self) -> tuple[float, ...]:
        """The peer's time over npnet's: of the best rounds, and the median; () without a peer."""
        return ratios(self.ours, self.theirs) if self.ours and self.theirs else ()

    @property
    def reached(self) -> bool | None:
        """Whether both ratios are at least the goal."""
        return reached(self.ratios, self.goal)

    def record(self) -> dict[str, Any]:
        """Return everything, with what is worked out from it, for a JSON file."""
        row = asdict(self)
        for name in ("ours", "theirs"):
            times = row.pop(name)
            if times:
                row[f"{name}_us"] = [round(1e6 * t, 3) for t in times]
                row[f"{name}_best_us"] = min(row[f"{name}_us"])
        if self.ratios:
            row["ratio_best"], row["ratio_median"] = self.ratios
            row["ratio_spread"] = spread(self.ours, self.theirs)
        row["reached"] = self.reached
        return row
