"""Question `step`: what a training step costs, from the smallest network to a large one.

Forward, backward and one SGD step of a two-layer network. Before a time counts, the sides' losses
over the first steps must agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from benchmarks.compare import Case, compare
from benchmarks.problem import random_problem
from benchmarks.question import Answer, Effort, Processes, Question, progress

__all__ = ["GOALS", "PENALTY_GOALS", "QUESTION", "SIZES", "VARIANTS", "case", "places"]

#: (batch, inputs, hidden units, classes)
SIZES = (
    (1, 16, 32, 4),
    (32, 64, 64, 10),
    (128, 784, 128, 10),
    (512, 784, 512, 10),
    (2048, 784, 1024, 10),
)
#: A peer's time over npnet's that is to be reached, one a size: plain network in float32.
GOALS = {
    "torch": (8, 6.5, 2.2, 1.25, 1.05),
    "compile": (10, 9, 2.2, 1.1, 1.02),
    "jax": (1.05, 2, 1.2, 1.0, 1.0),
    "sklearn": (3, 3, 1.8, 1.5, 1.3),
}
#: The same with a regularization path for each weight.
PENALTY_GOALS = {"torch": (9, 8, 2.5, 1.4, 1.05)}
PENALTY, MOMENTUM = 1e-3, 0.9


class Variant(NamedTuple):
    """A way to train: what is different from the plain one, its goals, and the peers asked."""

    run: str
    change: dict[str, Any]
    goals: Mapping[str, Sequence[float]]
    peers: tuple[str, ...] | None = ("torch",)


VARIANTS = (
    Variant("plain", {}, GOALS, None),
    Variant("two penalties", {"penalty": PENALTY}, PENALTY_GOALS),
    Variant("momentum", {"momentum": MOMENTUM}, {}),
    Variant("float64", {"dtype": np.float64}, {}),
)
#: Of the variants a first look takes the plain one in all sizes, the others in this one.
FEW = 1


def places(effort: Effort) -> list[tuple[Variant, int]]:
    """Return every variant with every size; for a first look most variants with one size only."""
    sizes = range(len(SIZES))
    return [
        (variant, place)
        for variant in VARIANTS
        for place in effort.pick(sizes, sizes if variant.run == "plain" else [FEW])
    ]


def case(variant: Variant, place: int) -> Case:
    """Return a variant in one of the sizes."""
    batch, *sizes = SIZES[place]
    problem = random_problem(batch, tuple(sizes), **variant.change)
    goals = {peer: float(ratios[place]) for peer, ratios in variant.goals.items()}
    return Case(variant.run, problem, goals, variant.peers)


def answer(processes: Processes, effort: Effort) -> Answer:
    """Compare all sizes and variants."""
    whole = Answer()
    todo = places(effort)
    with progress(len(todo) * effort.rounds, "step") as bar:
        for variant, place in todo:
            whole.add(compare(case(variant, place), processes, effort, bar))
    return whole.draw_ratios("A training step")


QUESTION = Question("step", "a training step of a two-layer network in five sizes", answer)
