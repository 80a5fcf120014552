"""What every question shares: the sides it asks, how long it may take, and its answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.process import Process, interleave
from benchmarks.statistics import Comparison

__all__ = ["Answer", "Answerer", "Effort", "Question", "progress", "time_in_turn"]


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds of each side, and seconds after which no round begins."""

    rounds: int = 120
    limit: float = 15.0

    @classmethod
    def quick(cls) -> Effort:
        """Return what a first look takes."""
        return cls(rounds=20, limit=4.0)


@dataclass
class Answer:
    """The rows of the table, what failed, and what draws a picture into a given file."""

    rows: list[Comparison] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    draw: Callable[[Path], None] | None = None


#: Answers a question with the processes of all sides (npnet first).
Answerer = Callable[[Mapping[str, Process], Effort], Answer]


class Question(Protocol):
    """A module of this package that can be named on the command line."""

    ABOUT: str
    answer: Answerer


def progress(total: int, description: str, unit: str) -> Any:
    """Return a progress bar on stderr."""
    from tqdm import tqdm

    seconds = 0.1 if sys.stderr.isatty() else 5.0  # a log file keeps every redrawing
    return tqdm(total=total, desc=description, unit=unit, dynamic_ncols=True, mininterval=seconds)


def time_in_turn(
    processes: Mapping[str, Process], effort: Effort, bar: Any
) -> dict[str, list[float]]:
    """Time what the processes have loaded, in interleaved rounds; return the seconds a step."""
    timers = {
        name: lambda steps, warm_up, p=process: p.call("seconds", steps, warm_up)
        for name, process in processes.items()
    }
    return interleave(timers, effort.rounds, limit=effort.limit, tick=bar.update)
