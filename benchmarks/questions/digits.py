"""Question `digits`: the same training on both sides, to the same end, and how fast.

Two-layer MLP with a regularization path for each weight, on 8x8 digits. Same initial weights, same
batches (npnet's DataLoader draws them once for all sides), float32. Both must end at 97 % test
accuracy, and no step's losses may be further apart than 1e-4.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks.compare import Case, rows, time_in_turn
from benchmarks.plot import loss_curves
from benchmarks.problem import Array, Batch, Problem, initial_weights
from benchmarks.question import Answer, Effort, Processes, Question, progress
from benchmarks.statistics import Comparison, difference

__all__ = ["QUESTION", "digits_problem", "failures", "split", "train"]

ACCURACY = 0.97
LOSS_DIFFERENCE = 1e-4
HIDDEN = 64
EPOCHS = 12
BATCH = 32
# A ReLU whose input is within rounding of 0 may pass on one side and not on the other; from there
# on two equal trainings part. With these weights and batches no input comes nearer to 0 than 2e-6,
# ten times what rounding differs by, so the curves must agree on every machine.
SEED = 4
SPLIT_SEED = 0


def split() -> tuple[Batch, Batch]:
    """Return 80 % of the digits for training and 20 % for the test, always the same ones."""
    from npnet.data import load_digits, train_test_split
    from npnet.random import Generator

    return train_test_split(*load_digits(), test_fraction=0.2, generator=Generator(SPLIT_SEED))


def digits_problem(x: Array, y: Array, *, epochs: int = EPOCHS, seed: int = SEED) -> Problem:
    """Return the network, and the batches of all epochs as npnet's DataLoader shuffles them."""
    from npnet.data import DataLoader
    from npnet.random import Generator

    loader = DataLoader(x, y, batch_size=BATCH, shuffle=True, generator=Generator(seed))
    batches = [batch for _ in range(epochs) for batch in loader]
    sizes = (x.shape[1], HIDDEN, 10)
    return Problem(sizes, initial_weights(sizes, seed), batches, lr=0.1, momentum=0.9, penalty=1e-4)


def train(processes: Processes, problem: Problem, epochs: int = EPOCHS) -> dict[str, list[float]]:
    """Train every side, an epoch each in turn; return the loss of every step."""
    steps = len(problem.batches) // epochs
    curves: dict[str, list[float]] = {name: [] for name in processes}
    with progress(epochs * len(processes), "digits: training", "epoch") as bar:
        for process in processes.values():
            process.call("load", problem)
        for _ in range(epochs):
            for name, process in processes.items():
                curves[name] += process.call("losses", steps)
                bar.update()
            bar.set_postfix({name: f"{curve[-1]:.4f}" for name, curve in curves.items()})
    return curves


def failures(accuracies: Mapping[str, float], rows: list[Comparison]) -> list[str]:
    """Say what of accuracies and loss curves is not as it must be."""
    found = [
        f"digits: {name} reached {100 * share:.2f} % test accuracy, less than {100 * ACCURACY:g} %"
        for name, share in accuracies.items()
        if not share >= ACCURACY
    ]
    found += [
        f"digits: the loss curves of npnet and {row.peer} are {row.differs.absolute:.1e} apart, "
        f"more than {LOSS_DIFFERENCE:.0e}"
        for row in rows
        if row.differs is not None and not row.differs.absolute <= LOSS_DIFFERENCE
    ]
    return found


def answer(processes: Processes, effort: Effort) -> Answer:
    """Train, compare the curves, then time a step of the trained networks."""
    training, test = split()
    problem = digits_problem(*training)
    curves = train(processes, problem)
    accuracies = {name: process.call("accuracy", *test) for name, process in processes.items()}
    with progress(effort.rounds, "digits: timing") as bar:
        times = time_in_turn(processes, effort, bar)
    apart = {
        name: difference(curves["npnet"], curve)
        for name, curve in curves.items()
        if name != "npnet"
    }
    found = rows(Case("digits", problem), times, apart, accuracies)
    return Answer(
        found,
        failures(accuracies, found),
        {"losses": curves, "epochs": EPOCHS},
        partial(loss_curves, curves, accuracies, EPOCHS, LOSS_DIFFERENCE),
    )


QUESTION = Question(
    "digits", "train a two-layer MLP with two regularization paths on the digits", answer
)
