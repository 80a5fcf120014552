"""What `depth`, `batch` and `width` share: the cost of a step as one size of the network grows.

Each side's times are fitted by a line: what a step costs in any case, and what one more layer, row
or unit adds to it. The line lies nearest to the times relatively, so that small sizes count as much
as large ones; how far off it the farthest time lies says how good a description it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

from benchmarks.compare import Case, compare
from benchmarks.plot import growth_plot
from benchmarks.problem import Problem
from benchmarks.question import Answer, Effort, Processes, progress
from benchmarks.statistics import Comparison, Line, fit_line, reached
from benchmarks.table import Table, micros, times

__all__ = ["Fit", "Growth", "fits"]

# Of the effort for one case: there are many sizes, and the line is drawn through all of them.
SHARE = 1 / 3


@dataclass(frozen=True)
class Fit:
    """One side's times, and the lines through those of the best rounds and through the medians."""

    seconds: list[float]
    best: Line
    median: Line

    @classmethod
    def through(cls, sizes: Sequence[int], rounds: Sequence[Sequence[float]]) -> Fit:
        """Fit the rounds of every size."""
        best = [min(times) for times in rounds]
        median = [float(np.median(times)) for times in rounds]
        return cls(best, fit_line(sizes, best), fit_line(sizes, median))

    def over(self, ours: Fit) -> tuple[float, ...]:
        """Return by how much a piece costs more here: best and median; () where one is free."""
        pairs = ((self.best.slope, ours.best.slope), (self.median.slope, ours.median.slope))
        return tuple(a / b for a, b in pairs) if min(map(min, pairs)) > 0 else ()


def fits(sizes: Sequence[int], rows: Sequence[Comparison]) -> dict[str, Fit]:
    """Return the fit of npnet and of every peer that was timed at every size."""
    rounds: dict[str, list[list[float]]] = {"npnet": []}
    networks = list(dict.fromkeys(row.run for row in rows))
    for run in networks:
        of_size = [row for row in rows if row.run == run]
        rounds["npnet"].append(of_size[0].ours)
        for row in of_size:
            if row.peer and row.theirs:
                rounds.setdefault(row.peer, []).append(row.theirs)
    return {
        name: Fit.through(sizes, times)
        for name, times in rounds.items()
        if len(times) == len(sizes)
    }


@dataclass(frozen=True)
class Growth:
    """A size that grows; called with processes and effort it answers the question.

    Parameters
    ----------
    name : of the question
    piece : what one more of it is called
    sizes, few : its values, and those for a first look
    problem : makes the problem for a value
    goals : peer -> what a piece costs there over what it costs npnet, to be reached
    """

    name: str
    piece: str
    sizes: Sequence[int]
    few: Sequence[int]
    problem: Callable[[int], Problem]
    goals: Mapping[str, float] = field(default_factory=dict)

    def __call__(self, processes: Processes, effort: Effort) -> Answer:
        """Compare at all sizes, and fit lines."""
        whole = Answer()
        sizes, effort = effort.pick(self.sizes, self.few), effort.part(SHARE)
        with progress(len(sizes) * effort.rounds, self.name) as bar:
            for size in sizes:
                case = Case(f"{self.name} {size}", self.problem(size))
                whole.add(compare(case, processes, effort, bar))
        found = fits(sizes, whole.rows)
        whole.tables.append(self.table(found))
        whole.extra = {
            "sizes": list(sizes),
            "fits": {name: asdict(fit) for name, fit in found.items()},
        }
        series = {name: fit.seconds for name, fit in found.items()}
        whole.draw = partial(growth_plot, sizes, series, f"{self.name} ({self.piece}s)")
        return whole

    def table(self, found: Mapping[str, Fit]) -> Table:
        """Return one line a side."""
        heads = ["side", ">µs fixed", f">µs a {self.piece}", ">farthest off"]
        heads += [f">{self.piece}: side / npnet: best", ">median", ">goal", "reached"]
        body = []
        for name, fit in found.items():
            line, ratios = fit.best, () if name == "npnet" else fit.over(found["npnet"])
            goal = self.goals.get(name)
            cells = [name, micros(line.fixed), micros(line.slope), f"{100 * line.off:.0f} %"]
            body.append(cells + times(ratios, goal, reached(ratios, goal)))
        return Table(heads, body, f"What one more {self.piece} costs, by a line through all sizes:")
