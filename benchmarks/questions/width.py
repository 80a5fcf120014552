"""Question `width`: what one more hidden unit costs, from 8 units to 2,048.

One hidden layer between 784 inputs and 10 classes: a unit adds as many products whatever the width.
"""

from __future__ import annotations

from benchmarks.growth import Growth
from benchmarks.problem import Problem, random_problem
from benchmarks.question import Question

__all__ = ["QUESTION", "problem"]

BATCH, INPUTS, CLASSES = 128, 784, 10


def problem(width: int) -> Problem:
    """Return a network with so many hidden units."""
    return random_problem(BATCH, (INPUTS, width, CLASSES))


QUESTION = Question(
    "width",
    "a step at 8 to 2,048 hidden units",
    Growth("width", "unit", (8, 16, 32, 64, 128, 256, 512, 1024, 2048), (8, 128, 1024), problem),
)
