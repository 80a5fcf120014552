"""Question `epoch`: whole training runs, to the same accuracy, and what an epoch of them takes.

On the digits, and on data of MNIST's size made from a seed; batches of 32 and of 256; fed by each
side's own loader, which shuffles, and by plain slices of the arrays, in order. Where a folder has
MNIST's own test set, on these 10,000 digits too, with a penalty for each weight: 8,000 to train
with and 2,000 to test. All sides start from the same weights. Each trains as many epochs; all must
then know the test set as well, and only then is an epoch timed. Plain SGD.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compare import AGREEMENT_STEPS, Case, agreement, rows, time_in_turn, unequal
from benchmarks.problem import Batch, Problem, initial_weights
from benchmarks.question import Answer, Effort, Processes, Question, progress
from benchmarks.questions.digits import split
from benchmarks.statistics import Difference
from benchmarks.table import Table, number, percent

__all__ = ["FEW", "GOALS", "MNIST_FILES", "QUESTION", "REAL", "RUNS", "Run", "failures", "images"]

CLASSES = 10
#: How far below npnet's, or above, an accuracy may be: one point.
SAME = 0.01
#: (data, batch, feeding) -> peer's time over npnet's that is to be reached.
GOALS = {("digits", 32, "loader"): {"torch": 10.0}}
FEEDINGS = ("loader", "slices")
# MNIST's, and a tenth of them for a first look
SAMPLES, TEST_SAMPLES, PIXELS = 60_000, 10_000, 784
# So hard that a run ends about as near to all right as on MNIST itself.
CONTRAST = 0.6


def images(samples: int, seed: int) -> Batch:
    """Return so many random images of MNIST's size: a fixed one for each class, under noise."""
    generator = np.random.default_rng(seed)
    patterns = CONTRAST * (np.random.default_rng(0).random((CLASSES, PIXELS)) - 0.5)
    labels = generator.integers(0, CLASSES, samples)
    x = generator.standard_normal((samples, PIXELS), np.float32)
    x += patterns.astype(np.float32)[labels]
    return x, labels


@dataclass(frozen=True)
class Run:
    """One training: its data, network, batch, and how long and how fast it learns."""

    data: str
    hidden: int
    batch: int
    epochs: int
    lr: float
    accuracy: float
    penalty: float = 0.0

    def problem(self, training: Batch) -> Problem:
        """Return it as every side is given it."""
        sizes = (training[0].shape[1], self.hidden, CLASSES)
        weights = initial_weights(sizes, 0)
        return Problem(sizes, weights, [training], self.lr, penalty=self.penalty, rows=self.batch)


#: Epochs and rates that bring every side to its accuracy.
RUNS = (
    Run("digits", 64, 32, 30, 0.1, 0.95),
    Run("digits", 64, 256, 60, 0.3, 0.95),
    Run("images", 128, 32, 2, 0.02, 0.98),
    Run("images", 128, 256, 4, 0.1, 0.98),
)
#: For a first look: each data set and each batch once.
FEW = (RUNS[0], RUNS[-1])
#: Where there are MNIST's own digits.
REAL = Run("mnist", 256, 64, 15, 0.2, 0.94, penalty=1e-4)
MNIST_FILES = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
MNIST_TRAINING = 8000


def data(name: str, effort: Effort) -> tuple[Batch, Batch]:
    """Return data for training and for the test."""
    if name == "digits":
        return split()
    if name == "mnist" and effort.mnist is not None:
        return mnist(effort.mnist)
    part = 10 if effort.short else 1
    return images(SAMPLES // part, 1), images(TEST_SAMPLES // part, 2)


def mnist(folder: Path) -> tuple[Batch, Batch]:
    """Return the first of the digits in a folder to train with, and the others to test."""
    from npnet.data import Scaled, read_idx

    images, labels = (read_idx(folder / name) for name in MNIST_FILES)
    x = np.asarray(Scaled(images.reshape(len(images), -1)))
    y = labels.astype(np.int64)
    return (x[:MNIST_TRAINING], y[:MNIST_TRAINING]), (x[MNIST_TRAINING:], y[MNIST_TRAINING:])


def failures(name: str, accuracies: Mapping[str, float], wanted: float) -> dict[str, str]:
    """Say of every side that has not learned what it should, or not as much as npnet, why."""
    ours = accuracies["npnet"]
    found = {}
    for side, share in accuracies.items():
        said = f"{name}: {side} reached {100 * share:.2f} % test accuracy"
        if not share >= wanted:
            found[side] = f"{said}, less than {100 * wanted:g} %; not timed"
        elif not abs(share - ours) <= SAME:
            found[side] = f"{said}, npnet {100 * ours:.2f} %; not timed"
    return found


@dataclass(frozen=True)
class Trained:
    """All sides after one run: who may be timed, how far apart they are, and what failed."""

    case: Case
    run: Run
    timed: Processes
    apart: Mapping[str, Difference]
    seconds: Mapping[str, float]
    accuracies: Mapping[str, float]
    failures: list[str]

    def record(self) -> dict[str, Any]:
        """Return it as a JSON file holds it."""
        return {
            "run": self.case.run,
            "batch": self.run.batch,
            "epochs": self.run.epochs,
            "seconds": dict(self.seconds),
            "accuracies": dict(self.accuracies),
        }


def beginning(problem: Problem) -> Problem:
    """Return the problem with its first batches only, which the first steps are compared on."""
    ((x, y),) = problem.batches
    rows = AGREEMENT_STEPS * problem.batch
    return replace(problem, batches=[(x[:rows], y[:rows])])


def compare(run: Run, feeding: str, sets: tuple[Batch, Batch], asked: Processes) -> Trained:
    """Train all sides that can be fed so, from the same weights; say which may be timed."""
    problem = run.problem(sets[0])
    case = Case(
        f"{run.data}, {feeding}",
        problem,
        GOALS.get((run.data, run.batch, feeding), {}),
        work=feeding,
    )
    processes = {
        name: process
        for name, process in asked.items()
        if (process.side.loads or feeding != "loader")
        and (process.side.penalizes or not run.penalty)
    }
    apart = agreement(processes, beginning(problem))
    wrong = unequal(case, apart)
    equal = {name: process for name, process in processes.items() if name not in wrong}
    seconds, accuracies = {}, {}
    for name, process in equal.items():
        process.call("load", problem, feeding)
        seconds[name] = process.call("seconds", run.epochs, 0)
        accuracies[name] = process.call("accuracy", *sets[1])
    poor = failures(case.name, accuracies, run.accuracy)
    timed = {name: process for name, process in equal.items() if name not in poor}
    return Trained(case, run, timed, apart, seconds, accuracies, [*wrong.values(), *poor.values()])


def runs_table(found: Sequence[Trained]) -> Table:
    """Return what the whole runs took, one line a side."""
    heads = ["run", ">batch", "network", "side", ">epochs", ">accuracy %", ">seconds"]
    heads += [">side / npnet"]
    body = []
    for one in found:
        for name, seconds in one.seconds.items():
            problem, ratio = one.case.problem, seconds / one.seconds["npnet"]
            cells = [one.case.run, str(problem.batch), problem.network, name, str(one.run.epochs)]
            cells += [percent(one.accuracies[name]), f"{seconds:.3f}"]
            body.append([*cells, number(ratio if name != "npnet" else None)])
    title = "Whole runs to that accuracy, once each, from fresh weights, compilation and all:"
    return Table(heads, body, title)


def answer(processes: Processes, effort: Effort) -> Answer:
    """Train everything, and time epochs."""
    whole, found = Answer(unit="epoch"), []
    runs = [*effort.pick(RUNS, FEW), *([REAL] if effort.mnist else [])]
    with progress(len(runs) * len(FEEDINGS) * (effort.rounds + 1), "epoch") as bar:
        sets: dict[str, tuple[Batch, Batch]] = {}
        for run in runs:
            if run.data not in sets:
                sets = {run.data: data(run.data, effort)}
            for feeding in FEEDINGS:
                bar.set_postfix_str(f"{run.data}, {feeding}, batch {run.batch}")
                one = compare(run, feeding, sets[run.data], processes)
                bar.update()
                times = time_in_turn(one.timed, effort, bar) if "npnet" in one.timed else {}
                times = {"npnet": [], **times}
                whole.rows += rows(one.case, times, one.apart, one.accuracies)
                whole.failures += one.failures
                found.append(one)
    whole.tables.append(runs_table(found))
    whole.extra["whole_runs"] = [one.record() for one in found]
    return whole.draw_ratios("An epoch of training")


QUESTION = Question(
    "epoch", "whole training runs to the same accuracy, on digits and data of MNIST's size", answer
)
