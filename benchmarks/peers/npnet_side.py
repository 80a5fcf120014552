"""npnet's side: the objective written as a Module, the step as a user writes it."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

import npnet
from benchmarks.problem import Array, Problem
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
            linear = Linear(inputs, outputs)
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
        self.optimizer = SGD(self.objective.parameters(), lr=problem.lr, momentum=problem.momentum)

    def convert(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Arrays are what npnet takes."""
        return x, y

    def step(self, x: Array, y: Array) -> Any:
        """Train on one batch; return the loss."""
        self.optimizer.zero_grad()
        loss = self.objective(x, y)
        self.objective.backward()
        self.optimizer.step()
        return loss

    def number(self, loss: Any) -> float:
        """Return a loss as a float."""
        return float(loss)

    def predict(self, x: Array) -> Array:
        """Return the class of every row."""
        classes: Array = self.objective.network(x).argmax(axis=1)
        return classes


def build(problem: Problem) -> Training:
    """Return the training of a problem."""
    return Training(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "npnet": getattr(npnet, "__version__", "unknown"),
        "numpy": np.__version__,
        "BLAS": f"{blas['name']} {blas['version']}",
    }


def threads() -> int:
    """Return the threads of NumPy's BLAS: asked where threadpoolctl is installed, else reckoned."""
    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped]
    except ImportError:
        named = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
        return int(named) if named and named.isdigit() else os.cpu_count() or 1
    return max((pool["num_threads"] for pool in threadpool_info()), default=1)
