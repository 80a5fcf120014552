"""Problem: what every side is given, as NumPy arrays: a network, its weights and its batches."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Batch", "Problem", "initial_weights", "random_problem"]

Array: TypeAlias = NDArray[Any]
Batch: TypeAlias = tuple[Array, Array]


@dataclass(frozen=True)
class Problem:
    """A classifier of Linear layers with ReLU between them, trained by SGD on a cycle of batches.

    Objective: J = cross-entropy(logits, labels) + penalty * (sum of all squared weights)

    Parameters
    ----------
    sizes : inputs, hidden units of each layer, classes
    weights : one (weight (O, I), bias (O,)) a layer
    batches : (inputs (B, I), labels (B,) int64), taken in turn, from the first again at the end
    lr, momentum : the optimizer's
    penalty : strength of the regularization paths; 0 records none
    """

    sizes: tuple[int, ...]
    weights: list[tuple[Array, Array]]
    batches: list[Batch]
    lr: float
    momentum: float = 0.0
    penalty: float = 0.0

    @property
    def network(self) -> str:
        """The sizes as a table shows them: 784-128-10."""
        return "-".join(map(str, self.sizes)) + (" L2" if self.penalty else "")

    @property
    def batch(self) -> int:
        """Rows of a full batch."""
        return len(self.batches[0][0])


def initial_weights(sizes: Sequence[int], seed: int) -> list[tuple[Array, Array]]:
    """Draw float32 weights and biases uniformly from +-1/sqrt(inputs), as torch's Linear does."""
    generator = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        bound = inputs**-0.5
        weight, bias = (
            generator.uniform(-bound, bound, shape).astype(np.float32)
            for shape in ((outputs, inputs), (outputs,))
        )
        layers.append((weight, bias))
    return layers


def random_problem(
    batch: int, sizes: tuple[int, ...], *, batches: int = 8, seed: int = 0
) -> Problem:
    """Return a plain network on a few different batches of normal inputs and random labels."""
    generator = np.random.default_rng(seed + 1)
    drawn = [
        (
            generator.standard_normal((batch, sizes[0]), dtype=np.float32),
            generator.integers(0, sizes[-1], batch),
        )
        for _ in range(batches)
    ]
    # A small step: thousands of timed steps on few batches must stay ordinary training, far from
    # numbers so small that arithmetic slows down.
    return Problem(sizes, initial_weights(sizes, seed), drawn, lr=0.01)
