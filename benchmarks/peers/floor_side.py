"""The machine's limit: a step's matrix products alone, through np.matmul(out=).

And how fast a pass over memory and how cheap a NumPy call can be. Each layer's weight lies in
memory as rows or as columns, whichever makes its products faster here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.machine import blas_threads, blas_version
from benchmarks.problem import Array, Problem

__all__ = ["Layer", "Products", "build", "call_seconds", "move_seconds", "threads", "versions"]

# What a measurement repeats, and for how long: the best of many short rounds.
ROUNDS, ROUND_SECONDS = 30, 0.001


class Layer:
    """The products of one Linear layer: y = x W', dW = dy' x, and dx = dy W where it is needed.

    Shapes: x (B, I), W (O, I), y (B, O).
    """

    def __init__(self, x: Array, weight: Array, *, columns: bool, first: bool) -> None:
        batch, (outputs, inputs) = len(x), weight.shape
        self.weight = np.asfortranarray(weight) if columns else np.ascontiguousarray(weight)
        self.dweight = np.empty_like(self.weight)
        self.y = np.empty((batch, outputs), weight.dtype)
        # Any finite numbers do: a product takes as long whatever it multiplies.
        self.dy = np.resize(x, (batch, outputs)).astype(weight.dtype)
        self.dx = None if first else np.empty((batch, inputs), weight.dtype)
        self.columns = columns
        self.x = x

    def forward(self, x: Array) -> None:
        """Multiply by the weight."""
        np.matmul(x, self.weight.T, out=self.y)

    def backward(self, x: Array) -> None:
        """Multiply by the output's gradient."""
        # A product written in the order its result has in memory.
        if self.columns:
            np.matmul(x.T, self.dy, out=self.dweight.T)
        else:
            np.matmul(self.dy.T, x, out=self.dweight)
        if self.dx is not None:
            np.matmul(self.dy, self.weight, out=self.dx)


class Products:
    """The products of all layers, each in its faster layout."""

    def __init__(self, problem: Problem) -> None:
        batch = problem.cut()[0][0]
        self.layers: list[Layer] = []
        for weight, _ in problem.weights:
            x = self.layers[-1].dy if self.layers else batch
            first = not self.layers
            self.layers.append(
                faster(*(Layer(x, weight, columns=c, first=first) for c in (False, True)))
            )

    def convert(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Arrays as they are."""
        return x, y

    def step(self, x: Array, y: Array) -> None:
        """Do what a step must multiply."""
        self.layers[0].forward(x)
        for layer in self.layers[1:]:
            layer.forward(layer.x)
        for layer in reversed(self.layers[1:]):
            layer.backward(layer.x)
        self.layers[0].backward(x)

    def wait(self, result: Any) -> None:
        """Nothing runs on."""


def faster(*layers: Layer) -> Layer:
    """Return the one whose products take less time, measured in turn."""

    def products(layer: Layer) -> Callable[[], None]:
        def both() -> None:
            layer.forward(layer.x)
            layer.backward(layer.x)

        return both

    calls = [products(layer) for layer in layers]
    times = best(*calls)
    return layers[times.index(min(times))]


def best(*calls: Callable[[], Any]) -> list[float]:
    """Return the seconds that each call takes in its best round; rounds in turn."""
    counts, times = [], [float("inf")] * len(calls)
    for call in calls:
        call()
        start = time.perf_counter()
        call()
        counts.append(max(1, round(ROUND_SECONDS / (time.perf_counter() - start))))
    for _ in range(ROUNDS):
        for place, (call, count) in enumerate(zip(calls, counts, strict=True)):
            start = time.perf_counter()
            for _ in range(count):
                call()
            times[place] = min(times[place], (time.perf_counter() - start) / count)
    return times


def call_seconds() -> float:
    """Return what the cheapest call of a NumPy function costs: two numbers added into a third."""
    a = np.zeros(1, np.float32)
    add = np.add
    return best(lambda: add(a, a, a))[0]


def move_seconds(items: int, dtype: str) -> float:
    """Return what it takes to read two arrays of so many items and to write a third.

    Without what the call itself costs; measured on arrays of that size, so at the speed of the
    caches that they fit in.
    """
    a, b, c = (np.ones(items, dtype) for _ in range(3))
    one, add = np.zeros(1, dtype), np.add
    whole, call = best(lambda: add(a, b, c), lambda: add(one, one, one))
    return max(0.0, whole - call)


def build(problem: Problem) -> Products:
    """Return the products of a problem."""
    return Products(problem)


def versions() -> dict[str, str]:
    """Return what the numbers depend on."""
    return {"numpy": np.__version__, "BLAS": blas_version()}


threads = blas_threads
