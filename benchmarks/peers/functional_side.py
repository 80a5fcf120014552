"""torch.compile at its best: a whole step as one function of tensors, compiled into one graph.

No Module, no autograd tape, no optimizer object: parameters are a list that the function updates,
which is how JAX's side is written too. Few users of torch write this; it is what its compiler can
do where they do.
"""

from __future__ import annotations

import os

# Compile in this process: what waits in a pool of processes would disturb the other sides.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

from typing import Any

import torch
from torch.func import grad_and_value
from torch.nn.functional import cross_entropy, linear, relu

from benchmarks.peers.torch_side import threads, versions
from benchmarks.problem import Array, Problem, softmax

__all__ = ["build", "threads", "versions"]


def logits(parameters: list[Any], x: Any) -> Any:
    """Return the network's output; parameters are weight, bias, weight, bias, ..."""
    *hidden, weight, bias = parameters
    for w, b in zip(hidden[::2], hidden[1::2], strict=True):
        x = relu(linear(x, w, b))
    return linear(x, weight, bias)


class Training:
    """Parameters, their momentum, and the compiled step."""

    def __init__(self, problem: Problem) -> None:
        self.parameters = [torch.tensor(array) for pair in problem.weights for array in pair]
        self.velocity = [torch.zeros_like(p) for p in self.parameters if problem.momentum]

        def objective(parameters: list[Any], x: Any, y: Any) -> Any:
            value = cross_entropy(logits(parameters, x), y)
            if problem.penalty:
                for weight in parameters[::2]:
                    value = value + problem.penalty * weight.square().sum()
            return value

        differentiate = grad_and_value(objective)

        def step(parameters: list[Any], velocity: list[Any], x: Any, y: Any) -> Any:
            gradients, loss = differentiate(parameters, x, y)
            for v, g in zip(velocity, gradients, strict=False):
                v.mul_(problem.momentum).add_(g)
            for p, g in zip(parameters, velocity or gradients, strict=True):
                p.sub_(g, alpha=problem.lr)
            return loss

        self.compiled = torch.compile(step, fullgraph=True)

    def convert(self, x: Array, y: Array) -> tuple[Any, Any]:
        """Return tensors of their own memory."""
        return torch.tensor(x), torch.tensor(y)

    def step(self, x: Any, y: Any) -> Any:
        """Train on one batch; return the loss."""
        return self.compiled(self.parameters, self.velocity, x, y)

    def wait(self, result: Any) -> None:
        """Nothing runs on."""

    def number(self, loss: Any) -> float:
        """Return a loss as a float."""
        return float(loss)

    def probabilities(self, x: Array) -> Array:
        """Return the probability of every class in every row."""
        return softmax(logits(self.parameters, torch.tensor(x)).numpy())


def build(problem: Problem) -> Training:
    """Return the training of a problem; what was compiled for the one before is forgotten."""
    torch.compiler.reset()
    return Training(problem)
