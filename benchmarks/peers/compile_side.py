"""torch.compile's side: network, loss and penalties compiled, backward with them, SGD eager.

Of the ways that torch's guides show, this was the fastest at every size; compiling the optimizer's
step as well, or the whole Python function around it, cost up to a sixth more.
"""

from __future__ import annotations

import os

# Compile in this process: what waits in a pool of processes would disturb the other sides.
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import torch

from benchmarks.peers.torch_side import Training as Eager
from benchmarks.peers.torch_side import threads, versions
from benchmarks.problem import Problem

__all__ = ["build", "threads", "versions"]


class Training(Eager):
    """torch's training with a compiled objective."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.objective = torch.compile(self.objective)  # type: ignore[method-assign]


def build(problem: Problem) -> Training:
    """Return the training of a problem; what was compiled for the one before is forgotten."""
    torch.compiler.reset()
    return Training(problem)
