"""Question `inference`: what a forward pass alone costs, for one sample and for many.

Every side's own way to run a trained network: npnet in evaluation mode, torch.inference_mode, a
jit-compiled function, predict_proba, an ONNX session. Before a time counts, the probabilities that
follow from the outputs must agree.
"""

from __future__ import annotations

from benchmarks.compare import Case, compare
from benchmarks.problem import random_problem
from benchmarks.question import Answer, Effort, Processes, Question, progress

__all__ = ["GOALS", "QUESTION", "SIZES", "cases"]

#: (batch, inputs, hidden units, classes)
SIZES = ((1, 16, 32, 4), (32, 64, 64, 10), (1024, 784, 512, 10))
#: A peer's time over npnet's that is to be reached, by batch.
GOALS = {1: {"torch": 3.5, "jax": 1.5, "onnx": 1.0}}


def cases() -> list[Case]:
    """Return one case a batch size."""
    return [
        Case(
            "forward",
            random_problem(size, tuple(sizes)),
            GOALS.get(size, {}),
            work="inference",
        )
        for size, *sizes in SIZES
    ]


def answer(processes: Processes, effort: Effort) -> Answer:
    """Compare all batch sizes."""
    whole = Answer(unit="pass")
    todo = cases()
    with progress(len(todo) * effort.rounds, "inference") as bar:
        for case in todo:
            whole.add(compare(case, processes, effort, bar))
    return whole.draw_ratios("A forward pass alone")


QUESTION = Question("inference", "a forward pass alone, for 1, 32 and 1,024 samples", answer)
