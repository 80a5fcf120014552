"""torch's side, eager, everything at its defaults."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.problem import Array, Problem

__all__ = ["build", "threads", "versions"]


class Training:
    """nn.Sequential with CrossEntropyLoss and optim.SGD."""

    def __init__(self, problem: Problem) -> None:
        self.model = nn.Sequential()
        self.penalized = []
        for weight, bias in problem.weights:
            if len(self.model):
                self.model.append(nn.ReLU())
            outputs, inputs = weight.shape
            linear = nn.Linear(inputs, outputs)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weight))
                linear.bias.copy_(torch.from_numpy(bias))
            self.model.append(linear)
            if problem.penalty:
                self.penalized.append(linear.weight)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=problem.lr, momentum=problem.momentum
        )
        self.penalty = problem.penalty

    def convert(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return tensors of their own memory."""
        return torch.tensor(x), torch.tensor(y)

    def step(self, x: Any, y: Any) -> Any:
        """Train on one batch; return the loss."""
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(x), y)
        for weight in self.penalized:
            loss = loss + self.penalty * weight.square().sum()
        loss.backward()
        self.optimizer.step()
        return loss

    def number(self, loss: Any) -> float:
        """Return a loss as a float."""
        return float(loss.detach())

    def predict(self, x: Array) -> Array:
        """Return the class of every row."""
        with torch.inference_mode():
            classes: Array = self.model(torch.tensor(x)).argmax(dim=1).numpy()
        return classes


def build(problem: Problem) -> Training:
    """Return the training of a problem."""
    return Training(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    return {"torch": torch.__version__}


def threads() -> int:
    """Return torch's threads within an operation."""
    return torch.get_num_threads()
