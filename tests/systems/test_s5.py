"""S5: the design card's own use, and training in step with torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import npnet
from npnet import (
    CrossEntropyLoss,
    Graph,
    Linear,
    Module,
    Regularization,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Sum,
)
from npnet.optim import SGD


def data(seed=0):
    random = np.random.default_rng(seed)
    return random.random((16, 64)).astype(np.float32), np.arange(16) % 10


def test_linear_and_relu_are_imported_from_the_top():
    code = "from npnet import Linear, ReLU; print(ReLU()(Linear(2, 3)([[1.0, 2.0]])).shape)"
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("(1, 3)\n", "")


def test_module_by_module():
    npnet.manual_seed(0)
    x, y = data()
    model, criterion = Sequential(Linear(64, 32), ReLU(), Linear(32, 10)), CrossEntropyLoss()
    optimizer = SGD(model.parameters(), lr=0.1)
    logits = model(x)
    assert (logits.shape, logits.dtype) == ((16, 10), np.float32)
    loss = criterion(logits, y)
    optimizer.zero_grad()
    model.backward(criterion.backward())
    w1, b1, w2, b2 = (p.data.astype(np.float64) for p in model.parameters())
    h = np.maximum(x @ w1.T + b1, 0)
    p = np.exp(h @ w2.T + b2)
    p /= p.sum(1, keepdims=True)
    assert loss == pytest.approx(-np.log(p[np.arange(16), y]).mean(), rel=1e-6)
    dz = (p - np.eye(10)[y]) / 16
    dh = dz @ w2 * (h > 0)
    expected = [dh.T @ x, dh.sum(0), dz.T @ h, dz.sum(0)]
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        np.testing.assert_allclose(parameter.grad, gradient, atol=1e-7)
    optimizer.step()
    for parameter, before, gradient in zip(
        model.parameters(), (w1, b1, w2, b2), expected, strict=True
    ):
        np.testing.assert_allclose(parameter.data, before - 0.1 * gradient, atol=1e-7)


class Objective(Module):
    def __init__(self, fc1, fc2):
        super().__init__()
        self.fc1, self.relu, self.fc2 = fc1, ReLU(), fc2
        self.loss, self.penalty = CrossEntropyLoss(), Regularization(1e-3)

    def forward(self, x, y):
        z = self.fc2(self.relu(self.fc1(x)))
        return self.loss(z, y) + self.penalty(self.fc1.weight) + self.penalty(self.fc2.weight)


def test_objective_as_a_module_and_the_tape_by_hand_are_one():
    npnet.manual_seed(0)
    x, y = data()
    fc1, fc2 = Linear(64, 32), Linear(32, 10)
    objective = Objective(fc1, fc2)
    first = objective(x, y)
    objective.backward()
    gradients = [p.grad.copy() for p in objective.parameters()]
    objective.zero_grad()
    g = Graph()
    xn, yn = g.input("x"), g.input("y")
    h = ReLU()(fc1(xn))
    z = fc2(h)
    ce, probabilities = SoftmaxCrossEntropy()(z, yn)
    g.output(Sum()(ce, Regularization(1e-3)(fc1.weight), Regularization(1e-3)(fc2.weight)))
    assert g(x=x, y=y) == pytest.approx(first, rel=1e-6)
    g.backward()
    for parameter, gradient in zip(objective.parameters(), gradients, strict=True):
        np.testing.assert_allclose(parameter.grad, gradient, atol=1e-7)
    np.testing.assert_allclose(g.value(probabilities).sum(1), np.ones(16), rtol=1e-6)
    w = fc1.weight.data
    np.testing.assert_allclose(
        fc1.weight.grad, (g.grad(h) * (g.value(h) > 0)).T @ x + 2e-3 * w, atol=1e-7
    )
    assert g.grad(z).shape == (16, 10)
    assert len(repr(g).splitlines()) == 9


@pytest.fixture
def torch():
    """Give torch one thread: its pool and NumPy's would take turns at the same cores."""
    module = pytest.importorskip("torch")
    threads = module.get_num_threads()
    module.set_num_threads(1)
    yield module
    module.set_num_threads(threads)


@pytest.mark.torch
@pytest.mark.parametrize("penalized", [False, True])
def test_in_step_with_torch_over_a_thousand_minibatches(penalized, torch):
    torch.manual_seed(7)
    random = np.random.default_rng(7)
    x, y = random.normal(size=(500, 8)), random.integers(0, 3, 500)
    theirs = torch.nn.Sequential(
        torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)
    ).double()
    fc1, fc2 = Linear(8, 16, dtype=np.float64), Linear(16, 3, dtype=np.float64)
    for parameter, tensor in zip(
        (*fc1.parameters(), *fc2.parameters()), theirs.parameters(), strict=True
    ):
        parameter.data = tensor.detach().numpy()
    ours = Objective(fc1, fc2)
    ours.penalty.strength = 1e-3 if penalized else 0.0
    options = {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}
    optimizer, other = (
        SGD(ours.parameters(), **options),
        torch.optim.SGD(theirs.parameters(), **options),
    )
    worst = 0.0
    for step in range(1000):
        rows = np.arange(step * 32, step * 32 + (17 if step % 10 == 9 else 32)) % 500
        loss = ours(x[rows], y[rows])
        optimizer.zero_grad()
        ours.backward()
        optimizer.step()
        expected = torch.nn.functional.cross_entropy(
            theirs(torch.from_numpy(x[rows])), torch.from_numpy(y[rows])
        )
        if penalized:
            expected = expected + 1e-3 * sum((theirs[i].weight ** 2).sum() for i in (0, 2))
        other.zero_grad()
        expected.backward()
        other.step()
        worst = max(worst, abs(loss - expected.item()) / abs(expected.item()))
    assert worst < 1e-10
    for parameter, tensor in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(parameter.data, tensor.detach().numpy(), rtol=1e-8, atol=1e-10)


FACE = """
import numpy as np, npnet
from npnet import (Graph, Linear, Module, ReLU, Sequential, CrossEntropyLoss, SoftmaxCrossEntropy,
                   Regularization, Sum, Scale)
from npnet.optim import SGD

npnet.manual_seed(0)
x, y = np.random.rand(16, 64).astype(np.float32), np.arange(16) % 10
fc1, fc2 = Linear(64, 32), Linear(32, 10)
# A. module by module
model, criterion = Sequential(Linear(64, 32), ReLU(), Linear(32, 10)), CrossEntropyLoss()
optimizer = SGD(model.parameters(), lr=0.1)
logits = model(x)
loss = criterion(logits, y)
optimizer.zero_grad()
model.backward(criterion.backward())
optimizer.step()

# B. an objective with parallel regularization paths, written as a PyTorch user writes a module
class Objective(Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.relu, self.fc2 = Linear(64, 32), ReLU(), Linear(32, 10)
        self.loss, self.penalty = CrossEntropyLoss(), Regularization(1e-3)
    def forward(self, x, y):
        z = self.fc2(self.relu(self.fc1(x)))
        return self.loss(z, y) + self.penalty(self.fc1.weight) + self.penalty(self.fc2.weight)
objective = Objective()
J = objective(x, y); objective.backward()

# C. the tape built by hand, every value and gradient open
g = Graph()
xn, yn = g.input("x"), g.input("y")
h = ReLU()(fc1(xn)); z = fc2(h)
ce, probabilities = SoftmaxCrossEntropy()(z, yn)
Jn = Sum()(ce, Regularization(1e-3)(fc1.weight), Regularization(1e-3)(fc2.weight))
g.output(Jn)
Jg = g(x=x, y=y); g.backward()
looked = g.value(h), g.grad(h), g.grad(z), fc1.weight.grad, g.value(probabilities); print(g)

# D. any expression
e = Graph(dtype=np.float64)
w, b, xe = (e.input(n, requires_grad=True) for n in ("w", "b", "x"))
e.output((w * npnet.exp(b * xe) + npnet.log(w * xe)) * b)
f = e(w=2.0, b=0.4, x=1.5); e.backward(); slope = e.grad(w)
"""


def test_the_face_runs_as_written(capsys):
    names = {"__name__": "face"}
    exec(FACE, names)
    for number in (names["loss"], names["J"], names["Jg"]):
        assert type(number) is np.float32
        assert 1 < number < 4
    for parameter in (*names["objective"].parameters(), *names["g"].parameters()):
        assert parameter.grad.shape == parameter.shape
    assert names["f"] == pytest.approx((2 * np.e**0.6 + np.log(3)) * 0.4, rel=1e-14)
    assert names["slope"] == pytest.approx((np.e**0.6 + 0.5) * 0.4, rel=1e-14)
    shapes = [np.shape(array) for array in names["looked"]]
    assert shapes == [(16, 32), (16, 32), (16, 10), (32, 64), (16, 10)]
    assert "SoftmaxCrossEntropy(" in capsys.readouterr().out
