"""What every question shares: the sides it asks, how long it may take, and its answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from benchmarks.peers import Side
from benchmarks.plot import ratio_plot
from benchmarks.process import Process
from benchmarks.statistics import Comparison
from benchmarks.table import Table, comparisons

__all__ = ["Answer", "Answerer", "Effort", "Processes", "Question", "progress"]

T = TypeVar("T")

#: The running sides of a question by name, npnet's first.
Processes: TypeAlias = Mapping[str, Process]


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Parameters
    ----------
    rounds : of each side
    limit : seconds after which no round begins
    short : leave out cases too
    seconds : what a round is to last: short, for a machine's speed drifts within seconds
    mnist : the folder with the IDX files of MNIST's test set, where there is one
    """

    rounds: int = 120
    limit: float = 15.0
    short: bool = False
    seconds: float = 0.03
    mnist: Path | None = None

    @classmethod
    def quick(cls) -> Effort:
        """Return what a first look takes."""
        return cls(rounds=8, limit=1.5, short=True)

    def part(self, share: float) -> Effort:
        """Return an effort with a share of the rounds and of the time, for one of many cases."""
        rounds = max(5, round(share * self.rounds))
        return replace(self, rounds=rounds, limit=share * self.limit)

    def pick(self, cases: Sequence[T], few: Sequence[T]) -> Sequence[T]:
        """Return the cases, or the few for a first look."""
        return few if self.short else cases


@dataclass
class Answer:
    """What a question found.

    Parameters
    ----------
    rows : comparisons, the first table
    failures : what is not equal and should be
    extra : further content of the JSON file
    draw : draws a picture into a file, with one line on the machine
    tables : further tables
    unit : what the rows' times are times of
    peer : what the rows' other side is called
    """

    rows: list[Comparison] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    draw: Callable[[Path, str], None] | None = None
    tables: list[Table] = field(default_factory=list)
    unit: str = "step"
    peer: str = "peer"

    def add(self, part: Answer) -> None:
        """Take over rows and failures of a part."""
        self.rows += part.rows
        self.failures += part.failures

    def draw_ratios(self, title: str) -> Answer:
        """Have the rows drawn, where there is a peer to be compared with; return the answer."""
        if any(row.ratios for row in self.rows):
            self.draw = partial(ratio_plot, self.rows, title)
        return self

    def markdown(self) -> str:
        """Return all tables."""
        first = [comparisons(self.rows, self.unit, self.peer)] if self.rows else []
        return "\n".join(table.markdown() for table in [*first, *self.tables])


#: Answers a question with the processes of the sides that take part.
Answerer: TypeAlias = Callable[[Processes, Effort], Answer]


@dataclass(frozen=True)
class Question:
    """What can be named on the command line.

    Parameters
    ----------
    name, about : as ``--help`` shows them
    answer : measures
    beside : sides that it needs beside npnet and the peers asked for
    """

    name: str
    about: str
    answer: Answerer
    beside: tuple[Side, ...] = ()


def progress(total: int, description: str, unit: str = "round") -> Any:
    """Return a progress bar on stderr."""
    from tqdm import tqdm

    seconds = 0.1 if sys.stderr.isatty() else 5.0  # a log file keeps every redrawing
    return tqdm(total=total, desc=description, unit=unit, dynamic_ncols=True, mininterval=seconds)
