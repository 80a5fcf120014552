"""Graphs to look at."""

import numpy as np

from npnet import CrossEntropyLoss, Graph, Linear, Regularization, ReLU, Sum
from npnet.inspect import record
from tests.systems.test_s1 import Network, X

__all__ = ["deep", "expression", "two_paths"]


def two_paths(run=True):
    """Return the graph of S1 and its names in the textbook."""
    net = Network()
    if run:
        net.graph(x=X, y=np.array([0]))
        net.graph.backward()
    names = {
        net.fc1.weight: "W",
        net.fc1.bias: "b",
        net.fc2.weight: "M",
        net.fc2.bias: "c",
        net.a: "a",
        net.h: "h",
        net.z: "z",
        net.loss: "L",
        net.o: "o",
        net.penalty_w: "R_W",
        net.penalty_m: "R_M",
        net.penalty: "R",
        net.objective: "J",
    }
    return net.graph, names


def expression(dtype=np.float64):
    """Return a recording of (w e^(b x) + ln(w x)) b, the expression of S2."""
    g = Graph(dtype=dtype)
    w, b, x = (g.input(name, requires_grad=True) for name in "wbx")
    f = (w * np.exp(b * x) + np.log(w * x)) * b
    g.output(f)
    g(w=2.0, b=0.5, x=2 * np.log(3))
    g.backward()
    return record(g, names={f: "f"})


def deep(steps, regularized=True):
    """Return a network of at least so many steps, which has run."""
    g = Graph(dtype=np.float64)
    x, y = g.input("x"), g.input("y")
    h, penalties, count = x, [], 2
    while count < steps:
        layer = Linear(4, 4, dtype=np.float64)
        h = ReLU()(layer(h))
        count += 2
        if regularized:
            penalties.append(Regularization(0.1)(layer.weight))
            count += 1
    loss = CrossEntropyLoss()(h, y)
    g.output(Sum()(loss, *penalties))
    g(x=np.linspace(-1, 1, 8).reshape(2, 4), y=np.array([0, 3]))
    g.backward()
    return g
