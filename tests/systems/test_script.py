"""A script that seeds once, builds, splits, shuffles and trains: one curve in both libraries."""

from types import SimpleNamespace

import numpy as np
import pytest

import npnet
from npnet import data, optim

COUNT, EPOCHS = 150, 6


class Step(npnet.Module):
    """Model and loss as one Module, which torch builds on the fly."""

    def __init__(self, model, loss):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, x, y):
        return self.loss(self.model(x), y)


def ours():
    """Return what the script needs of npnet."""

    def objective(model, loss):
        step = Step(model, loss)

        def backward(x, y):
            value = step(x, y)
            step.backward()
            return float(value)

        return backward

    return SimpleNamespace(
        nn=npnet,
        optim=optim,
        data=data,
        seed=npnet.manual_seed,
        double=np.float64,
        tensor=np.asarray,
        objective=objective,
        labels=lambda model, x: model(x).argmax(axis=1).tolist(),
    )


def theirs(torch):
    """Return what the script needs of torch."""

    def objective(model, loss):
        def backward(x, y):
            value = loss(model(x), y)
            value.backward()
            return value.item()

        return backward

    return SimpleNamespace(
        nn=torch.nn,
        optim=torch.optim,
        data=torch.utils.data,
        seed=torch.manual_seed,
        double=torch.float64,
        tensor=torch.from_numpy,
        objective=objective,
        labels=lambda model, x: model(x).argmax(dim=1).tolist(),
    )


def deep(lib):
    """Return a Module with a list of layers and a dict of functions, read in its forward."""
    nn = lib.nn

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(4, 8, dtype=lib.double)
            self.hidden = nn.ModuleList(nn.Linear(8, 8, dtype=lib.double) for _ in range(3))
            self.functions = nn.ModuleDict({"even": nn.Tanh(), "odd": nn.ReLU()})
            self.last = nn.Linear(8, 3, dtype=lib.double)

        def forward(self, x):
            x = self.first(x)
            for number, layer in enumerate(self.hidden):
                x = x + self.functions["odd" if number % 2 else "even"](layer(x))
            return self.last(x)

    return Deep()


def plain(lib):
    """Return a Sequential."""
    nn = lib.nn
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)).double()


def script(lib, build, seed):
    """Train from one seed; return the curve of losses, what is predicted, and the weights."""
    random = np.random.default_rng(0)
    x = random.normal(size=(COUNT, 4))
    y = (x @ random.normal(size=(4, 3))).argmax(axis=1)
    lib.seed(seed)
    samples = lib.data.TensorDataset(lib.tensor(x), lib.tensor(y))
    train, test = lib.data.random_split(samples, [0.8, 0.2])
    model = build(lib)
    model.apply(lambda m: lib.nn.init.zeros_(m.bias) if isinstance(m, lib.nn.Linear) else None)
    optimizer = lib.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-3)
    backward = lib.objective(model, lib.nn.CrossEntropyLoss())
    losses = []
    model.train()
    for _ in range(EPOCHS):
        for inputs, targets in lib.data.DataLoader(train, 16, shuffle=True):
            optimizer.zero_grad()
            losses.append(backward(inputs, targets))
            optimizer.step()
    model.eval()
    inputs, _ = next(iter(lib.data.DataLoader(test, len(test))))
    state = {name: np.asarray(array) for name, array in model.state_dict().items()}
    return losses, lib.labels(model, inputs), state


@pytest.mark.torch
@pytest.mark.parametrize("build", [plain, deep])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_script_gives_the_same_curve(build, seed):
    torch = pytest.importorskip("torch")
    losses, labels, state = script(ours(), build, seed)
    curve, classes, weights = script(theirs(torch), build, seed)
    assert len(losses) == EPOCHS * 8
    assert losses[-1] < losses[0] / 2
    np.testing.assert_allclose(losses, curve, rtol=1e-10, atol=1e-12)
    assert labels == classes
    assert list(state) == list(weights)
    for name, array in state.items():
        np.testing.assert_allclose(array, weights[name], rtol=1e-9, atol=1e-11)
