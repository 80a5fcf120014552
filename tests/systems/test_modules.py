"""Modules a user writes: two inputs, loops over lists, shared parts, dicts in dicts."""

import copy
import pickle

import numpy as np
import pytest

import npnet
from npnet import (
    Linear,
    Module,
    ModuleDict,
    ModuleList,
    MSELoss,
    ParameterList,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
    gradcheck,
)
from npnet.optim import SGD

X = np.random.default_rng(0).normal(size=(5, 3))
Y = np.random.default_rng(1).normal(size=(5, 3))
TARGET = np.random.default_rng(2).normal(size=(5, 3))
DOUBLE = {"dtype": np.float64}


class Gated(Module):
    """g * a(x) + (1 - g) * b(y), g = sigmoid(gate(x + y)): two inputs meet."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.gate = (Linear(3, 3, **DOUBLE) for _ in range(3))
        self.sigmoid = Sigmoid()

    def forward(self, x, y):
        g = self.sigmoid(self.gate(x + y))
        return g * self.a(x) + (1.0 - g) * self.b(y)


class Looped(Module):
    """A list of layers in a loop, each followed by a learned share of the input."""

    def __init__(self, depth=3):
        super().__init__()
        self.layers = ModuleList(Sequential(Linear(3, 3, **DOUBLE), Tanh()) for _ in range(depth))
        self.shares = ParameterList(np.full(3, 0.5) for _ in range(depth))

    def forward(self, x, y):
        for layer, share in zip(self.layers, self.shares, strict=True):
            x = layer(x) + y * share
        return x


class Shared(Module):
    """One layer in three places: as an attribute, in a list and in a dict."""

    def __init__(self):
        super().__init__()
        self.fc = Linear(3, 3, **DOUBLE)
        self.again = ModuleList([self.fc, ReLU(), self.fc])
        self.named = ModuleDict({"fc": self.fc, "tanh": Tanh()})

    def forward(self, x, y):
        for module in self.again:
            x = module(x)
        return self.named["tanh"](self.named["fc"](x)) + self.fc(y)


class Branches(Module):
    """Dicts in a dict; which branch runs is read from an attribute."""

    def __init__(self):
        super().__init__()
        self.branches = ModuleDict(
            {
                name: ModuleDict({"in": Linear(3, 4, **DOUBLE), "out": Linear(4, 3, **DOUBLE)})
                for name in ("left", "right")
            }
        )
        self.function, self.use = Tanh(), ("left", "right")

    def forward(self, x, y):
        results = [
            self.branches[name]["out"](self.function(self.branches[name]["in"](given)))
            for name, given in zip(self.use, (x, y), strict=False)
        ]
        return sum(results[1:], results[0])


class Whole(Module):
    """All of them, one after the other and side by side."""

    def __init__(self):
        super().__init__()
        self.parts = ModuleDict({kind.__name__: kind() for kind in KINDS})
        self.loss = MSELoss()

    def forward(self, x, y, target):
        for part in self.parts.values():
            x, y = part(x, y), x
        return self.loss(x, target)


KINDS = (Gated, Looped, Shared, Branches)


def linear(layer, x):
    return x @ layer.weight.data.T + layer.bias.data


def by_hand(model, x, y):
    """Compute a Module's value in plain NumPy."""
    if isinstance(model, Gated):
        g = 1 / (1 + np.exp(-linear(model.gate, x + y)))
        return g * linear(model.a, x) + (1 - g) * linear(model.b, y)
    if isinstance(model, Looped):
        for layer, share in zip(model.layers, model.shares, strict=True):
            x = np.tanh(linear(layer[0], x)) + y * share.data
        return x
    if isinstance(model, Shared):
        hidden = linear(model.fc, np.maximum(linear(model.fc, x), 0))
        return np.tanh(linear(model.fc, hidden)) + linear(model.fc, y)
    parts = [model.branches[name] for name in model.use]
    pairs = zip(parts, (x, y), strict=False)
    return sum(linear(part["out"], np.tanh(linear(part["in"], given))) for part, given in pairs)


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_by_hand_and_gradients_those_of_differences(kind):
    npnet.manual_seed(0)
    model = kind()
    np.testing.assert_allclose(model(X, Y), by_hand(model, X, Y), rtol=1e-13, atol=1e-14)
    assert gradcheck(model, X, Y)
    np.testing.assert_allclose(model(y=X, x=Y), by_hand(model, Y, X), rtol=1e-13, atol=1e-14)


def train(model, steps=3):
    """Take steps; return the losses."""
    optimizer, losses = SGD(model.parameters(), lr=0.05, momentum=0.9), []
    for _ in range(steps):
        optimizer.zero_grad()
        losses.append(float(model(X, Y, TARGET)))
        model.backward()
        optimizer.step()
    return losses


def test_all_of_them_train_together():
    npnet.manual_seed(0)
    model = Whole()
    losses = train(model, 60)
    assert losses[-1] < losses[0] / 5
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("begun", [False, True])
def test_copies_train_as_the_model_does_and_apart_from_it(copied, begun):
    npnet.manual_seed(0)
    model = Whole()
    if begun:
        train(model)
    other = copied(model)
    assert repr(other) == repr(model)
    assert list(other.state_dict()) == list(model.state_dict())
    shared = other.parts["Shared"]
    assert shared.again[0] is shared.again[2] is shared.named["fc"] is shared.fc
    before = {name: array.copy() for name, array in model.state_dict().items()}
    losses = train(other)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    assert train(model) == losses
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name])


def test_what_is_read_in_forward_is_followed():
    model = Branches()
    for use in (("left", "right"), ("right",), ("right", "left")):
        model.use = use
        np.testing.assert_allclose(model(X, Y), by_hand(model, X, Y), rtol=1e-13, atol=1e-14)
    del model.branches["left"]
    model.use = ("right", "right")
    np.testing.assert_allclose(model(X, Y), by_hand(model, X, Y), rtol=1e-13, atol=1e-14)
    looped = Looped()
    looped(X, Y)
    looped.layers.append(Sequential(Linear(3, 3, **DOUBLE), Tanh()))
    looped.shares.append(np.ones(3))
    np.testing.assert_allclose(looped(X, Y), by_hand(looped, X, Y), rtol=1e-13, atol=1e-14)
    looped.layers.insert(0, looped.layers.pop())
    np.testing.assert_allclose(looped(X, Y), by_hand(looped, X, Y), rtol=1e-13, atol=1e-14)


def test_shared_parts_are_counted_once_and_written_down_by_every_name():
    model = Shared()
    assert [name for name, _ in model.named_parameters()] == ["fc.weight", "fc.bias"]
    assert [name for name in model.state_dict() if name.endswith("bias")] == [
        "fc.bias",
        "again.0.bias",
        "again.2.bias",
        "named.fc.bias",
    ]
