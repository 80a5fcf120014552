"""Question `depth`: what one more layer costs.

2 to 64 Linear layers, all 64 wide but the last with its 10 classes, at a batch of 32: small enough
that what a framework does between the products is most of the cost.
"""

from __future__ import annotations

from benchmarks.growth import Growth
from benchmarks.problem import Problem, random_problem
from benchmarks.question import Question

__all__ = ["QUESTION", "problem"]

BATCH, WIDTH, CLASSES = 32, 64, 10
# With this gain (He's) numbers keep their size from layer to layer, forward and backward.
GAIN = 6**0.5


def problem(layers: int) -> Problem:
    """Return a network of so many Linear layers."""
    # So many layers multiply a step's effect, and with it what rounding differs by.
    return random_problem(BATCH, (WIDTH,) * layers + (CLASSES,), gain=GAIN, lr=1e-4)


QUESTION = Question(
    "depth",
    "a step of 2 to 64 layers of 64 units, and what one more layer costs",
    Growth("depth", "layer", (2, 4, 8, 16, 32, 64), (2, 8, 32), problem, {"torch": 5.0}),
)
