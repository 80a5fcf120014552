"""S3: the forward and back algorithm for deep MLPs, written out here as the oracle.

Forward: a^k = b^k + W^k h^(k-1), h^k = f(a^k), J = L + lambda Omega. Backward: g = dL/dy; for k
from the last layer: g = g f'(a^k), db = g + lambda dOmega/db, dW = g h^T + lambda dOmega/dW,
g = W^T g. Weights AND biases are regularized; rows are the samples of a minibatch.
"""

import itertools

import numpy as np
import pytest

from npnet import (
    Graph,
    Identity,
    Linear,
    Module,
    MSELoss,
    Regularization,
    ReLU,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
    Sum,
    Tanh,
)
from npnet.optim import SGD

FUNCTIONS = {
    "relu": (ReLU, lambda a: np.where(a > 0, a, 0), lambda a: (a > 0) * 1.0),
    "tanh": (Tanh, np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "sigmoid": (
        Sigmoid,
        lambda a: 1 / (1 + np.exp(-a)),
        lambda a: np.exp(-a) / (1 + np.exp(-a)) ** 2,
    ),
    "identity": (Identity, lambda a: a, np.ones_like),
}
LAMBDA = 0.01


def forward_and_back(weights, biases, f, slope, x, y, power):
    """Return J, the h^k and a^k, the gradients of W^k and b^k, and dJ/dx, in plain NumPy."""
    h, a = [x], []
    for w, b in zip(weights, biases, strict=True):
        a.append(b + h[-1] @ w.T)
        h.append(f(a[-1]))
    omega = sum((np.abs(p) ** power).sum() for p in (*weights, *biases))
    objective = ((h[-1] - y) ** 2).mean() + LAMBDA * omega
    g = 2 * (h[-1] - y) / y.size

    def penalty(p):
        return LAMBDA * (2 * p if power == 2 else np.sign(p))

    dw, db = [], []
    for k in reversed(range(len(weights))):
        g = g * slope(a[k])
        db.insert(0, g.sum(0) + penalty(biases[k]))
        dw.insert(0, g.T @ h[k] + penalty(weights[k]))
        g = g @ weights[k]
    return objective, h, a, dw, db, g


class DeepMLP(Module):
    """The objective of the algorithm: layers of any depth, weights and biases regularized."""

    def __init__(self, widths, kind, power):
        super().__init__()
        pairs = itertools.pairwise(widths)
        self.linears = Sequential(*[Linear(i, o, dtype=np.float64) for i, o in pairs])
        self.f, self.loss, self.add = kind(), MSELoss(), Sum()
        self.penalty = Regularization(LAMBDA, p=power)

    def forward(self, x, y):
        h = x
        for linear in self.linears:
            h = self.f(linear(h))
        return self.add(self.loss(h, y), *[self.penalty(p) for p in self.linears.parameters()])


def numbers(model):
    weights = [linear.weight.data.copy() for linear in model.linears]
    return weights, [linear.bias.data.copy() for linear in model.linears]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("power", [1, 2])
def test_traced_module_is_the_algorithm(depth, name, power):
    kind, f, slope = FUNCTIONS[name]
    random = np.random.default_rng(depth)
    widths = [3, *random.integers(2, 6, depth - 1), 2]
    model = DeepMLP(widths, kind, power)
    optimizer = SGD(model.parameters(), lr=0.1)
    for batch in (8, 8, 5, 1, 8, 5):
        x, y = random.normal(size=(batch, 3)), random.uniform(0, 1, (batch, 2))
        weights, biases = numbers(model)
        objective, _, _, dw, db, g = forward_and_back(weights, biases, f, slope, x, y, power)
        assert model(x, y) == pytest.approx(objective, rel=1e-13)
        optimizer.zero_grad()
        dx, dy = model.backward(input_grad=True)
        np.testing.assert_allclose(dx, g, rtol=1e-11, atol=1e-15)
        assert dy.shape == y.shape
        for linear, w, b in zip(model.linears, dw, db, strict=True):
            np.testing.assert_allclose(linear.weight.grad, w, rtol=1e-11, atol=1e-15)
            np.testing.assert_allclose(linear.bias.grad, b, rtol=1e-11, atol=1e-15)
        optimizer.step()
        for linear, w, gradient in zip(model.linears, weights, dw, strict=True):
            np.testing.assert_allclose(linear.weight.data, w - 0.1 * gradient, rtol=1e-12)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_tape_shows_every_line_of_the_algorithm(depth):
    random = np.random.default_rng(10 + depth)
    widths = [3, *random.integers(2, 6, depth - 1), 2]
    graph = Graph(dtype=np.float64)
    h, y = graph.input("x", requires_grad=True), graph.input("y")
    nodes, layers = [h], []
    for inputs, outputs in itertools.pairwise(widths):
        layers.append(Linear(inputs, outputs, dtype=np.float64))
        nodes.append(layers[-1](nodes[-1]))
        nodes.append(Tanh()(nodes[-1]))
    parameters = [p for layer in layers for p in layer.parameters()]
    penalties = [Regularization(LAMBDA)(p) for p in parameters]
    graph.output(Sum()(MSELoss()(nodes[-1], y), Sum()(*penalties)))
    given, target = random.normal(size=(6, 3)), random.normal(size=(6, 2))
    weights, biases = [p.data for p in parameters[::2]], [p.data for p in parameters[1::2]]
    _, f, slope = FUNCTIONS["tanh"]
    objective, hs, a, dw, db, g = forward_and_back(weights, biases, f, slope, given, target, 2)
    assert graph(x=given, y=target) == pytest.approx(objective, rel=1e-14)
    graph.backward()
    for k in range(depth):
        np.testing.assert_allclose(graph.value(nodes[2 * k]), hs[k], rtol=1e-13)
        np.testing.assert_allclose(graph.value(nodes[2 * k + 1]), a[k], rtol=1e-13)
        np.testing.assert_allclose(graph.grad(layers[k].weight), dw[k], rtol=1e-12)
        np.testing.assert_allclose(graph.grad(layers[k].bias), db[k], rtol=1e-12)
        da = graph.grad(nodes[2 * k + 1])
        np.testing.assert_allclose(da.sum(0) + 2 * LAMBDA * biases[k], db[k], rtol=1e-12)
        np.testing.assert_allclose(da @ weights[k], graph.grad(nodes[2 * k]), rtol=1e-12)
    np.testing.assert_allclose(graph.grad(nodes[0]), g, rtol=1e-12)


def test_cached_values_are_not_computed_again():
    calls = []

    class Counting(Tanh):
        def forward_kernel(self, x, *, out, scratch):
            calls.append("forward")
            super().forward_kernel(x, out=out, scratch=scratch)

        def backward_kernel(self, dy, x, y, *, dx, scratch):
            calls.append("backward")
            super().backward_kernel(dy, x, y, dx=dx, scratch=scratch)

    model = DeepMLP([3, 4, 4, 2], Counting, 2)
    x, y = np.ones((5, 3)), np.zeros((5, 2))
    for _ in range(3):
        calls.clear()
        model(x, y)
        model.backward()
        assert calls == ["forward"] * 3 + ["backward"] * 3


def test_minibatch_is_the_mean_of_its_samples():
    model = DeepMLP([3, 4, 2], Tanh, 2)
    random = np.random.default_rng(3)
    x, y = random.normal(size=(7, 3)), random.normal(size=(7, 2))
    objective = model(x, y)
    model.backward()
    whole = [p.grad.copy() for p in model.parameters()]
    model.zero_grad()
    parts = []
    for row in range(7):
        parts.append(model(x[row : row + 1], y[row : row + 1]))
        model.backward(1 / 7)
    assert np.mean(parts) == pytest.approx(objective, rel=1e-13)
    for parameter, gradient in zip(model.parameters(), whole, strict=True):
        np.testing.assert_allclose(parameter.grad, gradient, rtol=1e-11, atol=1e-15)


def test_any_loss_gives_the_first_gradient():
    """g = dL/dy may come from outside: o - one_hot(y) over the batch, for the softmax."""
    random = np.random.default_rng(4)
    model, loss = Sequential(Linear(3, 4, dtype=np.float64), Tanh()), SoftmaxCrossEntropy()
    x, labels = random.normal(size=(6, 3)), random.integers(0, 4, 6)
    z = model(x)
    _, o = loss(z, labels)
    model.backward(loss.backward(1.0, None))
    g = (o - np.eye(4)[labels]) / 6 * (1 - z * z)
    np.testing.assert_allclose(model[0].weight.grad, g.T @ x, rtol=1e-12)
    np.testing.assert_allclose(model[0].bias.grad, g.sum(0), rtol=1e-12, atol=1e-15)
