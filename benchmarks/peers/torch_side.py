"""torch's side, eager, everything at its defaults."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from benchmarks.problem import Array, Problem, softmax

__all__ = ["Training", "build", "threads", "versions"]


class Training:
    """nn.Sequential with CrossEntropyLoss, a penalty for every weight, and optim.SGD."""

    def __init__(self, problem: Problem) -> None:
        self.network = nn.Sequential()
        self.penalized = []
        for weight, bias in problem.weights:
            if len(self.network):
                self.network.append(nn.ReLU())
            outputs, inputs = weight.shape
            linear = nn.Linear(inputs, outputs, dtype=torch.from_numpy(weight).dtype)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(weight))
                linear.bias.copy_(torch.from_numpy(bias))
            self.network.append(linear)
            if problem.penalty:
                self.penalized.append(linear.weight)
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(
            self.network.parameters(), lr=problem.lr, momentum=problem.momentum
        )
        self.penalty = problem.penalty

    def objective(self, x: Any, y: Any) -> Any:
        """Return J = loss + penalties."""
        loss = self.criterion(self.network(x), y)
        for weight in self.penalized:
            loss = loss + self.penalty * weight.square().sum()
        return loss

    def convert(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return tensors of their own memory."""
        return torch.tensor(x), torch.tensor(y)

    whole = convert

    def loader(self, x: Array, y: Array, rows: int, seed: int) -> Any:
        """Return torch's DataLoader, in this process as it is by default."""
        from torch.utils.data import DataLoader, TensorDataset

        generator = torch.Generator().manual_seed(seed)
        data = TensorDataset(*self.convert(x, y))
        return DataLoader(data, batch_size=rows, shuffle=True, generator=generator)

    def step(self, x: Any, y: Any) -> Any:
        """Train on one batch; return the loss."""
        self.optimizer.zero_grad()
        loss = self.objective(x, y)
        loss.backward()
        self.optimizer.step()
        return loss

    def wait(self, result: Any) -> None:
        """Nothing runs on: on a CPU torch returns when the work is done."""

    def number(self, loss: Any) -> float:
        """Return a loss as a float."""
        return float(loss.detach())

    def evaluate(self) -> None:
        """Prepare for inference."""
        self.network.eval()

    def infer(self, x: Any) -> Any:
        """Return the logits."""
        with torch.inference_mode():
            return self.network(x)

    def probabilities(self, x: Array) -> Array:
        """Return the probability of every class in every row."""
        return softmax(self.infer(torch.tensor(x)).numpy())


def build(problem: Problem) -> Training:
    """Return the training of a problem."""
    return Training(problem)


def versions() -> dict[str, str]:
    """Return what the side's numbers depend on."""
    return {"torch": torch.__version__}


def threads() -> int:
    """Return torch's threads within an operation."""
    return torch.get_num_threads()
