"""Lives of models and optimizers: built late, copied, frozen, replaced, shared, in any order."""

import copy
import pickle

import numpy as np
import pytest

from npnet import CrossEntropyLoss, Graph, Linear, Module, Parameter, ReLU, Sequential, Tanh
from npnet.data import DataLoader
from npnet.execution import Execution
from npnet.optim import SGD
from tests.support.reference import Total

TIGHT = {"rtol": 1e-11, "atol": 1e-13}


class ByHand:
    """tanh network with cross-entropy and SGD with momentum, in plain NumPy."""

    def __init__(self, model, lr, momentum=0.0):
        self.weights = [p.data.copy() for p in model.parameters()]
        self.buffers = [None] * len(self.weights)
        self.lr, self.momentum = lr, momentum

    def gradients(self, x, y):
        w1, b1, w2, b2 = self.weights
        h = np.tanh(x @ w1.T + b1)
        p = np.exp(h @ w2.T + b2)
        p /= p.sum(1, keepdims=True)
        dz = (p - np.eye(3)[y]) / len(x)
        da = dz @ w2 * (1 - h * h)
        return [da.T @ x, da.sum(0), dz.T @ h, dz.sum(0)]

    def step(self, gradients, frozen=()):
        for place, gradient in enumerate(gradients):
            if place in frozen:
                continue
            old = self.buffers[place]
            new = gradient if old is None else self.momentum * old + gradient
            self.buffers[place] = new
            self.weights[place] = self.weights[place] - self.lr * new

    def check(self, model):
        for parameter, weight in zip(model.parameters(), self.weights, strict=True):
            np.testing.assert_allclose(parameter.data, weight, **TIGHT)


def network():
    return Sequential(Linear(4, 6, dtype=np.float64), Tanh(), Linear(6, 3, dtype=np.float64))


def train(model, criterion, optimizer, x, y):
    criterion(model(x), y)
    optimizer.zero_grad()
    model.backward(criterion.backward())
    optimizer.step()


def data(count=10, seed=0):
    random = np.random.default_rng(seed)
    return random.normal(size=(count, 4)), random.integers(0, 3, count)


def test_optimizer_built_between_forward_and_backward():
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data()
    hand = ByHand(model, 0.3)
    criterion(model(x), y)
    optimizer = SGD(model.parameters(), lr=0.3)
    model.backward(criterion.backward())
    optimizer.step()
    hand.step(hand.gradients(x, y))
    hand.check(model)
    for _ in range(3):
        train(model, criterion, optimizer, x, y)
        hand.step(hand.gradients(x, y))
        hand.check(model)


def test_optimizer_replaced_by_another_between_backward_and_step():
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data()
    hand = ByHand(model, 0.3)
    first = SGD(model.parameters(), lr=100.0)
    criterion(model(x), y)
    first.zero_grad()
    model.backward(criterion.backward())
    second = SGD(list(model.parameters())[::-1], lr=0.3)
    second.step()
    hand.step(hand.gradients(x, y))
    hand.check(model)
    train(model, criterion, second, x, y)
    hand.step(hand.gradients(x, y))
    hand.check(model)
    hand.lr = 100.0
    criterion(model(x), y)
    first.zero_grad()
    model.backward(criterion.backward())
    first.step()
    hand.step(hand.gradients(x, y))
    hand.check(model)


def test_short_last_batches_with_evaluation_between():
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data(23)
    hand = ByHand(model, 0.1, momentum=0.9)
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(4):
        for xb, yb in DataLoader(x, y, batch_size=5, shuffle=True):
            train(model.train(), criterion, optimizer, xb, yb)
            hand.step(hand.gradients(xb, yb))
        w1, b1, w2, b2 = hand.weights
        expected = np.tanh(x @ w1.T + b1) @ w2.T + b2
        np.testing.assert_allclose(model.eval()(x), expected, **TIGHT)
        np.testing.assert_allclose(model(x[:1]), expected[:1], **TIGHT)
        assert model(x[:0]).shape == (0, 3)
        hand.check(model)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))], ids=["copy", "pickle"]
)
def test_model_and_optimizer_copied_together_go_on_apart(copied):
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    hand = ByHand(model, 0.1, momentum=0.9)
    for _ in range(3):
        train(model, criterion, optimizer, x, y)
        hand.step(hand.gradients(x, y))
    twin, twins_optimizer = copied((model, optimizer))
    twins_hand = copy.deepcopy(hand)
    other_x, other_y = data(seed=1)
    for _ in range(3):
        train(twin, criterion, twins_optimizer, other_x, other_y)
        twins_hand.step(twins_hand.gradients(other_x, other_y))
        train(model, criterion, optimizer, x, y)
        hand.step(hand.gradients(x, y))
    hand.check(model)
    twins_hand.check(twin)


def test_freezing_and_freeing_between_steps():
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data()
    optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
    hand, parameters = ByHand(model, 0.1, momentum=0.9), list(model.parameters())
    for frozen in ((), (0, 1), (3,), (0, 1, 2, 3), (), (2,)):
        for place, parameter in enumerate(parameters):
            parameter.requires_grad = place not in frozen
        train(model, criterion, optimizer, x, y)
        hand.step(hand.gradients(x, y), frozen)
        hand.check(model)


def test_state_loaded_in_the_middle_of_training_is_trained_on():
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data()
    optimizer = SGD(model.parameters(), lr=0.1)
    train(model, criterion, optimizer, x, y)
    fresh = network()
    model.load_state_dict(fresh.state_dict())
    hand = ByHand(fresh, 0.1)
    for _ in range(2):
        train(model, criterion, optimizer, x, y)
        hand.step(hand.gradients(x, y))
    hand.check(model)


def test_gradients_written_by_the_caller_are_stepped():
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data()
    optimizer, hand = SGD(model.parameters(), lr=0.1), ByHand(model, 0.1)
    criterion(model(x), y)
    model.backward(criterion.backward())
    gradients = hand.gradients(x, y)
    for place, parameter in enumerate(model.parameters()):
        if place % 2:
            parameter.grad *= 0.5
        else:
            parameter.grad = parameter.grad * 0.5
    model[0].weight.grad[0, 0] = 7.0
    halves = [gradient / 2 for gradient in gradients]
    halves[0][0, 0] = 7.0
    optimizer.step()
    hand.step(halves)
    hand.check(model)


def test_gradients_add_up_over_calls_batches_and_models():
    weight = Parameter(np.array([[1.0, -2.0], [0.5, 3.0]]))

    class Uses(Module):
        def __init__(self, power):
            super().__init__()
            self.weight, self.power, self.total = weight, power, Total()

        def forward(self, x):
            return self.total((x @ self.weight) ** self.power)

    one, two = Uses(1), Uses(3)
    x = np.array([[1.0, 2.0], [-1.0, 0.5], [2.0, 0.25]])
    expected = np.zeros((2, 2))
    for rows in (slice(0, 3), slice(0, 1), slice(1, 3)):
        for model, power in ((one, 1), (two, 3)):
            model(x[rows])
            model.backward()
            model.backward(2.0)
            slope = power * (x[rows] @ weight.data) ** (power - 1)
            expected += 3 * x[rows].T @ slope
            np.testing.assert_allclose(weight.grad, expected, **TIGHT)
    held = weight.grad
    one.zero_grad()
    assert weight.grad is None
    two(x)
    two.backward()
    np.testing.assert_allclose(held, expected, **TIGHT)


def test_replaced_layers_train_once_an_optimizer_has_them():
    model, criterion, (x, y) = network(), CrossEntropyLoss(), data()
    old = SGD(model.parameters(), lr=0.1)
    train(model, criterion, old, x, y)
    model[2] = Linear(6, 3, dtype=np.float64)
    before = model[2].weight.data.copy()
    train(model, criterion, old, x, y)
    np.testing.assert_array_equal(model[2].weight.data, before)
    model.zero_grad()
    hand = ByHand(model, 0.1)
    new = SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        train(model, criterion, new, x, y)
        hand.step(hand.gradients(x, y))
    hand.check(model)


def test_one_layer_in_a_graph_a_sequential_and_alone():
    """Every way of running a layer sees the same, newest numbers."""
    fc, x = Linear(2, 2, dtype=np.float64), np.array([[1.0, -1.0]])
    graph = Graph(dtype=np.float64)
    graph.output(ReLU()(fc(graph.input("x"))))
    ways = [graph, Sequential(fc, ReLU()), lambda given: np.maximum(fc(given), 0)]
    for change in (
        lambda: None,
        lambda: setattr(fc.weight, "data", np.eye(2)),
        lambda: SGD(fc.parameters(), lr=0.1),
        lambda: fc.weight.data.__imul__(2),
        lambda: setattr(fc, "bias", Parameter(np.array([0.25, 4.0]))),
        lambda: fc.load_state_dict({"weight": np.ones((2, 2)), "bias": np.ones(2)}),
        lambda: fc.eval(),
    ):
        change()
        expected = np.maximum(x @ fc.weight.data.T + fc.bias.data, 0)
        for way in ways:
            np.testing.assert_allclose(way(x), expected, rtol=1e-15)


def test_normalization_written_with_buffers_follows_a_loaded_state():
    class Normalize(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", np.zeros(2))
            self.register_buffer("variance", np.ones(2))

        def forward(self, x):
            return (x - self.mean) / np.sqrt(self.variance + 0.0)

    model, x = Normalize(), np.array([[1.0, 2.0]])
    outer = Sequential(Tanh(), model)
    np.testing.assert_array_equal(model(x), x)
    outer(x)
    model.load_state_dict({"mean": [1.0, 0.0], "variance": [4.0, 16.0]})
    np.testing.assert_array_equal(model(x), [[0.0, 0.5]])
    np.testing.assert_allclose(outer(x), (np.tanh(x) - [1, 0]) / [2, 4], rtol=1e-15)


def test_parameters_of_any_rank_and_memory_order_are_packed_and_trained():
    data, results = np.random.default_rng(0).normal(size=(2, 3, 4)), []
    for order in (
        lambda a: a,
        np.asfortranarray,
        lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    ):

        class Model(Module):
            def __init__(self, order=order):
                super().__init__()
                self.cube, self.scale = Parameter(order(data)), Parameter(np.float64(2.0))
                self.nothing, self.total = Parameter(np.ones((0, 3))), Total()

            def forward(self, x):
                return self.total(Tanh()(self.cube) * x * self.scale) + self.total(self.nothing)

        model, x = Model(), np.arange(24.0).reshape(2, 3, 4)
        optimizer, cube, scale = SGD(model.parameters(), lr=0.01), data, 2.0
        for _ in range(3):
            assert model(x) == pytest.approx((np.tanh(cube) * x * scale).sum(), rel=1e-12)
            optimizer.zero_grad()
            model.backward()
            optimizer.step()
            slope = (1 - np.tanh(cube) ** 2) * x * scale
            cube, scale = cube - 0.01 * slope, scale - 0.01 * (np.tanh(cube) * x).sum()
        results.append(model)
        np.testing.assert_allclose(model.cube.data, cube, rtol=1e-12)
        assert model.scale.data == pytest.approx(scale, rel=1e-12)
        assert model.nothing.grad.shape == (0, 3)
    assert len({model.cube.data.strides for model in results}) == 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_loop_looks_at_no_module_twice(dtype, monkeypatch):
    """From the second step on nothing is looked up, whatever stands in an ordinary loop."""
    looks, find = [], Execution._find
    monkeypatch.setattr(Execution, "_find", lambda *given: looks.append(1) or find(*given))
    model = Sequential(Linear(4, 6, dtype=dtype), Tanh(), Linear(6, 3, dtype=dtype))
    criterion, optimizer = CrossEntropyLoss(), SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = data(12)
    loader = DataLoader(x.astype(dtype), y, batch_size=4, shuffle=True)
    for _ in range(3):
        for xb, yb in loader:
            model.train()
            criterion(model(xb), yb)
            optimizer.zero_grad()
            model.backward(criterion.backward())
            optimizer.step()
            assert [p.grad.shape for p in model.parameters()] == [(6, 4), (6,), (3, 6), (3,)]
            model.state_dict()
    assert len(looks) == 2
