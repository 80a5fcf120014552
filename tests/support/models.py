"""Models as they are rightly written, each with its loss, what it is fed, and its optimizer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np

import npnet
from npnet import (
    BatchNorm1d,
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    Dropout,
    Embedding,
    Flatten,
    Graph,
    Identity,
    LayerNorm,
    Linear,
    LogSoftmax,
    Module,
    MSELoss,
    NLLLoss,
    Parameter,
    Regularization,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    Sum,
    Tanh,
)
from npnet.optim import SGD, Adam, AdamW, RMSprop

__all__ = ["RIGHT", "Objective", "Right"]

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(6, 4)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, 6)
TARGETS = RANDOM.normal(size=(6, 3)).astype(np.float32)
BITS = RANDOM.integers(0, 2, (6, 1)).astype(np.float32)


class Right(NamedTuple):
    """A model; its loss, None where it has it in it; inputs, then targets; its optimizer."""

    name: str
    model: Callable[[], Any]
    loss: Callable[[], Any] | None
    inputs: tuple[Any, ...]
    targets: tuple[Any, ...] = ()
    optimizer: Callable[[Any], Any] = lambda parameters: SGD(parameters, lr=0.1)


class Objective(Module):
    """A classifier with parallel regularization paths, its loss in it."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.relu, self.fc2 = Linear(4, 8), ReLU(), Linear(8, 3)
        self.loss, self.penalty = CrossEntropyLoss(), Regularization(1e-3)

    def forward(self, x: Any, y: Any) -> Any:
        z = self.fc2(self.relu(self.fc1(x)))
        return self.loss(z, y) + self.penalty(self.fc1.weight) + self.penalty(self.fc2.weight)


class Residual(Module):
    """A block that adds to what it is given, with shapes asked for in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.fc1, self.fc2 = LayerNorm(4), Linear(4, 8), Linear(8, 4)
        self.scale = Parameter([1.0])

    def forward(self, x: Any) -> Any:
        assert x.shape[-1] == 4
        return x + self.scale * self.fc2(npnet.functional.gelu(self.fc1(self.norm(x))))


class Attention(Module):
    """Softmax in the middle of a model, where it belongs."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = Linear(4, 4), Linear(4, 4), Linear(4, 4)
        self.softmax, self.out = Softmax(dim=-1), Linear(4, 3)

    def forward(self, x: Any) -> Any:
        weights = self.softmax(self.q(x) * self.k(x))
        return self.out(weights * self.v(x))


class Bottleneck(Module):
    """A product of low rank: two Linears with a narrow place between them."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = Linear(4, 2, bias=False), Linear(2, 3)

    def forward(self, x: Any) -> Any:
        return self.up(self.down(x))


def tape() -> Graph:
    """Return the network of the figure, built by hand."""
    g = Graph()
    x, y = g.input("x"), g.input("y")
    fc1, fc2 = Linear(4, 8), Linear(8, 3)
    loss, _ = SoftmaxCrossEntropy()(fc2(ReLU()(fc1(x))), y)
    penalties = Sum()(Regularization(0.1)(fc1.weight), Regularization(0.1)(fc2.weight))
    g.output(Sum()(loss, penalties))
    return g


def expression() -> Graph:
    """Return f = (w e^(bx) + ln(wx)) b."""
    g = Graph()
    w, b, x = g.parameter("w", 2.0), g.parameter("b", 0.4), g.input("x")
    g.output((w * np.exp(b * x) + np.log(w * x)) * b)
    return g


def distances() -> Graph:
    """Return squared distances of all pairs: broadcasting on purpose."""
    g = Graph()
    a, b = g.input("a"), g.input("b")
    w = g.parameter("w", np.ones((4, 1)))
    g.output(np.square(a @ w - b * 2.0 * np.ones((1, 1))))
    return g


BY_HAND = [
    Right(
        f"{f.__name__} {g.__name__} {loss.__name__}",
        lambda f=f, g=g: Sequential(Linear(4, 8), f(), Linear(8, 3), g()),
        loss,
        (X,),
        (TARGETS,) if loss is MSELoss else (np.abs(np.sign(TARGETS)),),
    )
    for f, g, loss in product((ReLU, Sigmoid, Tanh), (ReLU, Sigmoid, Identity), (MSELoss, BCELoss))
    if (g is Sigmoid) or loss is MSELoss
]

RIGHT: list[Right] = [
    Right(
        "classifier",
        lambda: Sequential(Linear(4, 8), ReLU(), Dropout(0.2), Linear(8, 3)),
        CrossEntropyLoss,
        (X,),
        (LABELS,),
        lambda p: Adam(p, lr=1e-3),
    ),
    Right(
        "log-probabilities",
        lambda: Sequential(Linear(4, 8), Tanh(), Linear(8, 3), LogSoftmax(dim=1)),
        NLLLoss,
        (X,),
        (LABELS,),
    ),
    Right(
        "batch norm",
        lambda: Sequential(Linear(4, 8, bias=False), BatchNorm1d(8), ReLU(), Linear(8, 3)),
        CrossEntropyLoss,
        (X,),
        (LABELS,),
        lambda p: RMSprop(p, lr=1e-3),
    ),
    Right(
        "logits",
        lambda: Sequential(Linear(4, 8), ReLU(), Linear(8, 1)),
        BCEWithLogitsLoss,
        (X,),
        (BITS,),
        lambda p: AdamW(p, lr=1e-2, weight_decay=0.1),
    ),
    Right(
        "embedding",
        lambda: Sequential(Embedding(5, 4), Flatten(), Linear(8, 3)),
        CrossEntropyLoss,
        (np.arange(12).reshape(6, 2) % 5,),
        (LABELS,),
    ),
    Right("objective", Objective, None, (X, LABELS)),
    Right("residual", Residual, MSELoss, (X,), (X,)),
    Right("attention", Attention, CrossEntropyLoss, (X,), (LABELS,)),
    Right("bottleneck", Bottleneck, MSELoss, (X,), (TARGETS,)),
    Right("linear", lambda: Linear(4, 1), MSELoss, (X,), (BITS,)),
    Right("tape", tape, None, (X, LABELS)),
    Right("expression", expression, None, (np.float32(1.5),)),
    Right("distances", distances, None, (X, np.ones((1, 5), np.float32))),
    *BY_HAND,
]
