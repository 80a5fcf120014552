"""Question `floor`: how near npnet's step is to what the machine can do at all.

The limit is what no NumPy program can do without, in a process of its own and in turn with npnet:

- the step's matrix products through np.matmul(out=), each layer in the better memory layout;
- the bytes that the work on elements must move, at the speed that NumPy moves them. Elements that
  are worked on one after the other count as read and written once, as if all of it were fused;
- in the two smallest networks, where calls cost more than arithmetic: as many calls as that work
  takes when it is written out by hand, each at the price of the cheapest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from benchmarks.compare import time_in_turn
from benchmarks.peers import FLOOR
from benchmarks.problem import Problem, random_problem
from benchmarks.process import Process
from benchmarks.question import Answer, Effort, Processes, Question, progress
from benchmarks.questions.step import SIZES
from benchmarks.statistics import Comparison
from benchmarks.table import NONE, Table, micros

__all__ = ["GOALS", "QUESTION", "Limit", "Work", "compare", "work"]

#: The limit over npnet's step that is to be reached, one a size; None only reports.
GOALS = (None, None, 0.85, 0.90, 0.93)
# In so many of the sizes, the smallest, calls count.
CALLS_COUNT = 2
# One measured move reads two arrays and writes one.
MOVED = 3


@dataclass(frozen=True)
class Work:
    """Work on elements: its NumPy calls, and how often how many items are read or written."""

    calls: tuple[str, ...]
    moves: int
    items: int


HIDDEN = ("add the bias", "clip at 0")
HIDDEN_GRADIENT = ("compare with 0", "multiply by the mask", "sum the bias gradient")
SOFTMAX = ("add the bias", "row maximum", "subtract it", "exp", "row sum", "divide by it")
LOSS = ("take the labels' probabilities", "log", "mean")
LOSS_GRADIENT = ("subtract 1 at the labels", "divide by the batch", "sum the bias gradient")
UPDATE = ("scale the gradient", "subtract it")


def work(problem: Problem) -> list[Work]:
    """Return what a step does beside its products, by hand: in place and on flat vectors."""
    *hidden, classes = problem.sizes[1:]
    batch = problem.batch
    found = []
    for units in hidden:
        found.append(Work(HIDDEN, 2, batch * units))
        # reads the gradient and the units, writes the gradient
        found.append(Work(HIDDEN_GRADIENT, 3, batch * units))
    found.append(Work(SOFTMAX + LOSS + LOSS_GRADIENT, 2, batch * classes))
    parameters = sum(outputs * (inputs + 1) for inputs, outputs in pairwise(problem.sizes))
    found.append(Work(UPDATE, 3, parameters))
    return found


@dataclass(frozen=True)
class Limit:
    """What a step cannot do without, in seconds: its products, its bytes and its calls."""

    products: list[float]
    moves: float
    calls: float

    @classmethod
    def measure(cls, process: Process, problem: Problem, products: list[float]) -> Limit:
        """Ask the floor's process for the machine's speed at this problem's sizes."""
        todo = work(problem)
        kind = problem.dtype.name
        seconds = {
            items: process.call("ask", "move_seconds", items, kind)
            for items in {part.items for part in todo}
        }
        moves = sum(part.moves / MOVED * seconds[part.items] for part in todo)
        count = sum(len(part.calls) for part in todo)
        return cls(products, moves, count * process.call("ask", "call_seconds"))

    def whole(self, *, calls: bool) -> list[float]:
        """Return the limit in every round."""
        extra = self.moves + (self.calls if calls else 0.0)
        return [products + extra for products in self.products]


def compare(place: int, processes: Processes, effort: Effort, bar: Any) -> tuple[Comparison, Limit]:
    """Return npnet's step beside the limit, for one of the sizes."""
    batch, *sizes = SIZES[place]
    problem = random_problem(batch, tuple(sizes))
    bar.set_postfix_str(f"{problem.network}, batch {batch}")
    for process in processes.values():
        process.call("load", problem)
    times = time_in_turn(processes, effort, bar)
    limit = Limit.measure(processes[FLOOR.name], problem, times[FLOOR.name])
    seconds = limit.whole(calls=place < CALLS_COUNT)
    ours, goal = times["npnet"], GOALS[place]
    row = Comparison("plain", problem.network, batch, ours, "limit", seconds, goal=goal)
    return row, limit


def parts(found: Sequence[tuple[Comparison, Limit]]) -> Table:
    """Return what every limit is made of."""
    heads = [">batch", "network", ">µs: products", ">elements", ">calls", ">limit"]
    body = [
        [
            str(row.batch),
            row.network,
            micros(min(limit.products)),
            micros(limit.moves),
            micros(limit.calls) if place < CALLS_COUNT else NONE,
            micros(min(row.theirs)),
        ]
        for place, (row, limit) in enumerate(found)
    ]
    return Table(heads, body, "What the limit is made of:")


def answer(processes: Processes, effort: Effort) -> Answer:
    """Measure all sizes; for a first look the smaller ones."""
    places = range(len(SIZES) if not effort.short else CALLS_COUNT + 1)
    with progress(len(places) * effort.rounds, "floor") as bar:
        found = [compare(place, processes, effort, bar) for place in places]
    whole = Answer(
        [row for row, _ in found],
        tables=[parts(found)],
        extra={"limits": [asdict(limit) for _, limit in found]},
        peer="limit",
    )
    return whole.draw_ratios("The machine's limit over npnet's step")


QUESTION = Question("floor", "npnet's step beside what the machine can do at all", answer, (FLOOR,))
