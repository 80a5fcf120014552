"""Right layers and functions of random sizes, with operands for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import npnet
from npnet import Elementwise
from npnet.check import labels
from npnet.check.draws import Draw
from npnet.check.mistakes.mistake import Right
from npnet.check.mistakes.table import RIGHT
from npnet.layers.loss import Pointwise
from tests.layers.cases import CASES
from tests.support.case import Case

__all__ = ["MAKERS", "public_layers"]

Random = np.random.Generator
#: A name, and what makes a layer (or a function) and its operands.
Maker = tuple[str, Callable[[Random], tuple[Any, tuple[Any, ...]]]]


def public_layers() -> list[type]:
    """Return every public layer."""
    kinds = [getattr(npnet.layers, name) for name in npnet.layers.__all__]
    return [kind for kind in kinds if kind not in (npnet.Elementwise, npnet.Layer)]


def size(random: Random, least: int = 1) -> int:
    """Draw a size."""
    return int(random.integers(least, 8))


def shape(random: Random, axes: int | None = None) -> tuple[int, ...]:
    """Draw a shape of up to three axes."""
    count = int(random.integers(0, 4)) if axes is None else axes
    return tuple(size(random) for _ in range(count))


def like(kind: type) -> Maker:
    """Return a maker of a layer of one operand of any shape."""
    return kind.__name__, lambda random: (kind(), (shape(random),))


def loss(kind: Any) -> Maker:
    """Return a maker of a loss of two operands of one shape."""

    def make(random: Random) -> Any:
        of = shape(random)
        return kind(reduction=str(random.choice(kind.reductions[:3]))), (of, of)

    return kind.__name__, make


def classified(kind: Any) -> Maker:
    """Return a maker of a loss of logits and labels."""

    def make(random: Random) -> Any:
        rows, classes, more = size(random), size(random), shape(random, int(random.integers(0, 2)))
        return kind(), ((rows, classes, *more), labels(classes, (rows, *more)))

    return kind.__name__, make


def linear(random: Random) -> Any:
    """Make a Linear behind any number of axes."""
    inputs, bias = size(random), bool(random.integers(2))
    return npnet.Linear(inputs, size(random), bias), ((*shape(random), inputs),)


def bilinear(random: Random) -> Any:
    """Make a Bilinear."""
    first, second, lead = size(random), size(random), shape(random, 1)
    return npnet.Bilinear(first, second, size(random)), ((*lead, first), (*lead, second))


def batch_norm(random: Random) -> Any:
    """Make a BatchNorm1d in either mode."""
    channels, more = size(random), shape(random, int(random.integers(0, 2)))
    layer = npnet.BatchNorm1d(channels, affine=bool(random.integers(2)))
    return layer.train(bool(random.integers(2))), ((size(random, 2), channels, *more),)


def row_norm(kind: Any) -> Maker:
    """Return a maker of a norm of the last axes."""

    def make(random: Random) -> Any:
        of = (size(random, 2), *shape(random, 1))
        return kind(of), ((*shape(random, 1), *of),)

    return kind.__name__, make


def soft(kind: Any) -> Maker:
    """Return a maker of a softmax along any axis."""

    def make(random: Random) -> Any:
        of = shape(random, size(random) % 3 + 1)
        return kind(int(random.integers(-len(of), len(of)))), (of,)

    return kind.__name__, make


def broadcast(kind: Any) -> Maker:
    """Return a maker of arithmetic on two shapes that broadcast."""

    def make(random: Random) -> Any:
        whole = shape(random)
        other = tuple(n if random.integers(2) else 1 for n in whole)[int(random.integers(0, 3)) :]
        both = (whole, other) if random.integers(2) else (other, whole)
        return kind(), both

    return kind.__name__, make


def reduction(kind: Any) -> Maker:
    """Return a maker of a sum or mean over one axis or all."""

    def make(random: Random) -> Any:
        of = shape(random, size(random) % 3 + 1)
        axis = None if random.integers(2) else int(random.integers(len(of)))
        return kind(axis=axis, keepdims=bool(random.integers(2))), (of,)

    return kind.__name__, make


def of_case(case: Case) -> Maker:
    """Return a maker of a case of the contract, with any number of rows."""

    def make(random: Random) -> Any:
        rows = size(random, 2)
        operands = tuple(
            Draw(tuple(rows if n == "B" else n for n in draw.shape), draw.sample)
            for draw in case.operands
        )
        return case.make(), operands

    return f"case {case.name}", make


def of_right(right: Right) -> Maker:
    """Return a maker of what the seeded mistakes are made from."""

    def make(random: Random) -> Any:
        operands = right.operands(random)
        return right.function or right.layer, operands

    return f"{right.family} by hand", make


def constructible(kind: type) -> bool:
    """Whether it can be made without arguments, and has no parameter."""
    try:
        return not list(kind().parameters())
    except (TypeError, ValueError):  # it asks for something
        return False


SIZED: list[Maker] = [
    *(like(k) for k in public_layers() if issubclass(k, Elementwise) and constructible(k)),
    *(loss(k) for k in public_layers() if issubclass(k, Pointwise)),
    *(map(classified, (npnet.CrossEntropyLoss, npnet.SoftmaxCrossEntropy, npnet.NLLLoss))),
    *(map(row_norm, (npnet.LayerNorm, npnet.RMSNorm))),
    *(map(soft, (npnet.Softmax, npnet.LogSoftmax))),
    *(map(broadcast, (npnet.Add, npnet.Subtract, npnet.Multiply, npnet.Divide, npnet.Power))),
    *(map(reduction, (npnet.Sum, npnet.Mean))),
    ("Linear", linear),
    ("Bilinear", bilinear),
    ("BatchNorm1d", batch_norm),
    ("Regularization", lambda random: (npnet.Regularization(size(random)), (shape(random),))),
    ("Dropout", lambda random: (npnet.Dropout(0.5), (shape(random),))),
    ("Flatten", lambda random: (npnet.Flatten(), (shape(random, size(random) % 2 + 2),))),
    ("Embedding", lambda random: (npnet.Embedding(9, size(random)), (labels(9, shape(random)),))),
    (
        "Sequential",
        lambda random: (
            npnet.Sequential(npnet.Linear(3, 4), npnet.Tanh(), npnet.Linear(4, size(random))),
            ((size(random), 3),),
        ),
    ),
]
sized = {name for name, _ in SIZED}
REST: list[Maker] = [of_case(c) for c in CASES if type(c.make()).__name__ not in sized]

#: All of them: those of any size, and of each other layer its cases.
MAKERS: list[Maker] = [*SIZED, *map(of_right, RIGHT), *REST]
