"""Question `batch`: what one more row costs, from a batch of 1 to one of 8,192.

At a batch of 1 a step costs what the framework's calls cost, at 8,192 what the machine's arithmetic
and memory allow.
"""

from __future__ import annotations

from benchmarks.growth import Growth
from benchmarks.problem import Problem, random_problem
from benchmarks.question import Question

__all__ = ["QUESTION", "problem"]

SIZES = (64, 64, 10)


def problem(batch: int) -> Problem:
    """Return a network fed with batches of so many rows."""
    return random_problem(batch, SIZES)


QUESTION = Question(
    "batch",
    "a step at batches of 1 to 8,192",
    Growth("batch", "row", (1, 4, 16, 64, 256, 1024, 4096, 8192), (1, 64, 1024), problem),
)
