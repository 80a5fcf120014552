"""Problem: what every side is given, as NumPy arrays: a network, its weights and its batches."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Array", "Batch", "Problem", "initial_weights", "random_problem", "softmax"]

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
    rows : where given, `batches` is one whole data set, to be cut into batches of so many rows
    """

    sizes: tuple[int, ...]
    weights: list[tuple[Array, Array]]
    batches: list[Batch]
    lr: float
    momentum: float = 0.0
    penalty: float = 0.0
    rows: int | None = None

    @property
    def network(self) -> str:
        """The sizes as a table shows them: 784-128-10, or 64^8-10 for many equal ones."""
        names = []
        for size, run in itertools.groupby(self.sizes):
            count = len(list(run))
            names += [f"{size}^{count}"] if count > 3 else [str(size)] * count
        return "-".join(names) + (" L2" if self.penalty else "")

    @property
    def batch(self) -> int:
        """Rows of a full batch."""
        return self.rows or len(self.batches[0][0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """What all floating arrays are."""
        return self.weights[0][0].dtype

    def cut(self) -> list[Batch]:
        """Return the batches; of a whole data set, its slices in order."""
        if self.rows is None:
            return self.batches
        ((x, y),) = self.batches
        starts = range(0, len(x), self.rows)
        return [(x[start : start + self.rows], y[start : start + self.rows]) for start in starts]


def initial_weights(
    sizes: Sequence[int], seed: int, *, gain: float = 1.0, dtype: DTypeLike = np.float32
) -> list[tuple[Array, Array]]:
    """Draw weights and biases uniformly from +-gain/sqrt(inputs); torch's Linear has gain 1."""
    generator = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in itertools.pairwise(sizes):
        bound = gain * inputs**-0.5
        weight, bias = (
            generator.uniform(-bound, bound, shape).astype(dtype)
            for shape in ((outputs, inputs), (outputs,))
        )
        layers.append((weight, bias))
    return layers


def random_problem(
    batch: int,
    sizes: tuple[int, ...],
    *,
    batches: int = 8,
    seed: int = 0,
    gain: float = 1.0,
    dtype: DTypeLike = np.float32,
    lr: float = 0.01,
    momentum: float = 0.0,
    penalty: float = 0.0,
) -> Problem:
    """Return a network on a few different batches of normal inputs and random labels.

    The step is small: thousands of timed steps on few batches must stay ordinary training, far from
    numbers so small that arithmetic slows down.
    """
    generator = np.random.default_rng(seed + 1)
    drawn = [
        (
            generator.standard_normal((batch, sizes[0]), np.float32).astype(dtype),
            generator.integers(0, sizes[-1], batch),
        )
        for _ in range(batches)
    ]
    weights = initial_weights(sizes, seed, gain=gain, dtype=dtype)
    return Problem(sizes, weights, drawn, lr, momentum=momentum, penalty=penalty)


def softmax(logits: Array) -> Array:
    """Return the probabilities of classes, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    probabilities: Array = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
