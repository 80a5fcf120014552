"""npnet's side: the objective written as a Module, the step as a user writes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import npnet
from benchmarks.machine import blas_threads, blas_version
from benchmarks.problem import Array, Problem, softmax
from benchmarks.stopwatch import Stopwatch
from npnet import CrossEntropyLoss, Linear, Module, Regularization, ReLU, Sequential
from npnet.optim import SGD

__all__ = ["Objective", "build", "threads", "versions"]


class Objective(Module):
    """Cross-entropy of a multi-layer perceptron, and a parallel penalty path for every weight."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.network = Sequential()
        self.weights = []
        for weight, bias in problem.weights:
            if len(self.network):
                self.network.append(ReLU())
            outputs, inputs = weight.shape
            linear = Linear(inputs, outputs, dtype=problem.dtype)
            for parameter, value in zip(linear.parameters(), (weight, bias), strict=True):
                parameter.data = value
            self.network.append(linear)
            self.weights.append(linear.weight)
        self.loss = CrossEntropyLoss()
        self.penalty = Regularization(problem.penalty) if problem.penalty else None

    def forward(self, x: Any, y: Any) -> Any:
        """Record J = loss + penalties."""
        value = self.loss(self.network(x), y)
        if self.penalty is not None:
            for weight in self.weights:
                value = value + self.penalty(weight)
        return value


class Training:
    """The objective with its optimizer."""

    def __init__(self, problem: Problem) -> None:
        self.objective = Objective(problem)
        self.network = self.objective.network
        self.optimizer = SGD(self.objective.parameters(), lr=problem.lr, momentum=problem.momentum)

    def convert(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Arrays are what npnet takes."""
        return x, y

    whole = convert

    def loader(self, x: Array, y: Array, rows: int, seed: int) -> Any:
        """Return npnet's DataLoader."""
        from npnet.data import DataLoader

        generator = npnet.Generator(seed)
        return DataLoader(x, y, batch_size=rows, shuffle=True, generator=generator)

    def step(self, x: Array, y: Array) -> Any:
        """Train on one batch; return the loss."""
        self.optimizer.zero_grad()
        loss = self.objective(x, y)
        self.objective.backward()
        self.optimizer.step()
        return loss

    def profile(self, batches: Iterable[tuple[Array, Array]]) -> dict[str, float]:
        """Train on each batch twice; return the median seconds of each part of a step, and of it.

        The whole step is timed in steps of its own, which carry no watch.
        """
        watch, given = Stopwatch(), [*batches]
        for x, y in given:
            with watch.measuring("step"):
                self.step(x, y)
        # In turn with steps that are not watched Python would look up anew what it runs.
        with watch.watching():
            for x, y in given:
                self.optimizer.zero_grad()
                self.objective(x, y)
                self.objective.backward()
                with watch.measuring("SGD"):
                    self.optimizer.step()
        found = watch.medians()
        whole = found.pop("step")
        return {**found, "around them": whole - sum(found.values()), "step": whole}

    def wait(self, result: Any) -> None:
        """Nothing runs on."""

    def number(self, loss: Any) -> float:
        """Return a loss as a float."""
        return float(loss)

    def evaluate(self) -> None:
        """Prepare for inference."""
        self.objective.eval()

    def infer(self, x: Array) -> Array:
        """Return the logits."""
        logits: Array = self.network(x)
        return logits

    def probabilities(self, x: Array) -> Array:
        """Return the probability of every class in every row."""
        return softmax(self.network(x))


def build(problem: Problem) -> Training:
    """Return the training of a problem."""
    return Training(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    return {
        "npnet": getattr(npnet, "__version__", "unknown"),
        "numpy": np.__version__,
        "BLAS": blas_version(),
    }


threads = blas_threads
