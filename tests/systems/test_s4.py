"""S4: a two-layer MLP by hand beside torch: Linear1 -> f -> Linear2 -> g, with MSE or BCE."""

import numpy as np
import pytest

from npnet import BCELoss, Identity, Linear, MSELoss, ReLU, Sequential, Sigmoid
from npnet.optim import SGD

FUNCTIONS = {
    "relu": (ReLU, lambda a: np.maximum(a, 0), lambda a: (a > 0).astype(float)),
    "sigmoid": (
        Sigmoid,
        lambda a: 1 / (1 + np.exp(-a)),
        lambda a: 1 / (1 + np.exp(-a)) * (1 - 1 / (1 + np.exp(-a))),
    ),
    "identity": (Identity, lambda a: a, np.ones_like),
}
LOSSES = {
    "mse": (
        MSELoss,
        lambda p, y: ((p - y) ** 2).mean(),
        lambda p, y: 2 * (p - y) / p.size,
    ),
    "bce": (
        BCELoss,
        lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(),
        lambda p, y: (p - y) / (p * (1 - p)) / p.size,
    ),
}
#: BCE takes probabilities, which only a sigmoid at the end gives for any input.
COMBINATIONS = [
    (f, g, loss)
    for f in FUNCTIONS
    for g in FUNCTIONS
    for loss in LOSSES
    if loss == "mse" or g == "sigmoid"
]


def problem(seed=0, batch=9):
    """Return weights of both layers, inputs and targets from 0 to 1."""
    random = np.random.default_rng(seed)
    shapes = ((5, 4), (5,), (3, 5), (3,))
    weights = [random.normal(size=shape) for shape in shapes]
    return weights, random.normal(size=(batch, 4)), random.uniform(0, 1, (batch, 3))


def network(weights, f, g):
    """Step one, set up: the model with given weights."""
    model = Sequential(
        Linear(4, 5, dtype=np.float64),
        FUNCTIONS[f][0](),
        Linear(5, 3, dtype=np.float64),
        FUNCTIONS[g][0](),
    )
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.data = weight
    return model


def by_hand(weights, f, g, loss, x, y):
    """Return prediction, loss, the four gradients and dJ/dx from the formulas of the homework."""
    (_, f, df), (_, g, dg), (_, cost, dcost) = FUNCTIONS[f], FUNCTIONS[g], LOSSES[loss]
    w1, b1, w2, b2 = weights
    s1 = x @ w1.T + b1
    a1 = f(s1)
    s2 = a1 @ w2.T + b2
    prediction = g(s2)
    ds2 = dcost(prediction, y) * dg(s2)
    ds1 = ds2 @ w2 * df(s1)
    gradients = [ds1.T @ x, ds1.sum(0), ds2.T @ a1, ds2.sum(0)]
    return prediction, cost(prediction, y), gradients, ds1 @ w1


@pytest.mark.parametrize(("f", "g", "loss"), COMBINATIONS)
def test_against_the_formulas(f, g, loss):
    weights, x, y = problem()
    model, criterion = network(weights, f, g), LOSSES[loss][0]()
    expected, cost, gradients, dx = by_hand(weights, f, g, loss, x, y)
    prediction = model(x)
    np.testing.assert_allclose(prediction, expected, rtol=1e-13, atol=1e-15)
    assert criterion(prediction, y) == pytest.approx(cost, rel=1e-13)
    got = model.backward(criterion.backward(), input_grad=True)
    np.testing.assert_allclose(got, dx, rtol=1e-11, atol=1e-15)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        np.testing.assert_allclose(parameter.grad, gradient, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize(("f", "g", "loss"), COMBINATIONS)
def test_five_programming_steps_as_a_loop(f, g, loss):
    """Set up, predict, loss, gradient and update, repeat: the oracle does the same by hand."""
    weights, x, y = problem(1)
    model, criterion = network(weights, f, g), LOSSES[loss][0]()
    optimizer = SGD(model.parameters(), lr=0.05)
    costs = []
    for _ in range(20):
        prediction = model(x)
        costs.append(criterion(prediction, y))
        optimizer.zero_grad()
        model.backward(criterion.backward())
        optimizer.step()
        _, cost, gradients, _ = by_hand(weights, f, g, loss, x, y)
        assert costs[-1] == pytest.approx(cost, rel=1e-10)
        weights = [w - 0.05 * d for w, d in zip(weights, gradients, strict=True)]
    assert costs[-1] < costs[0]
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        np.testing.assert_allclose(parameter.data, weight, rtol=1e-9, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize(("f", "g", "loss"), COMBINATIONS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_against_torch_autograd(f, g, loss, dtype):
    torch = pytest.importorskip("torch")
    nn, kind = torch.nn, getattr(torch, dtype)
    names = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "identity": nn.Identity}
    theirs = nn.Sequential(nn.Linear(4, 5), names[f](), nn.Linear(5, 3), names[g]()).to(kind)
    ours = Sequential(
        Linear(4, 5, dtype=dtype), FUNCTIONS[f][0](), Linear(5, 3, dtype=dtype), FUNCTIONS[g][0]()
    )
    ours.load_state_dict({name: t.detach().numpy() for name, t in theirs.state_dict().items()})
    criterion, reference = LOSSES[loss][0](), {"mse": nn.MSELoss, "bce": nn.BCELoss}[loss]()
    _, x, y = problem(2)
    x, y = x.astype(dtype), y.astype(dtype)
    tensor = torch.tensor(x, requires_grad=True)
    prediction = theirs(tensor)
    cost = reference(prediction, torch.tensor(y))
    cost.backward()
    tolerance = {"rtol": 1e-11, "atol": 1e-13} if dtype == "float64" else {"atol": 2e-6}
    result = ours(x)
    np.testing.assert_allclose(result, prediction.detach().numpy(), **tolerance)
    np.testing.assert_allclose(criterion(result, y), cost.item(), **tolerance)
    dx = ours.backward(criterion.backward(), input_grad=True)
    np.testing.assert_allclose(dx, tensor.grad.numpy(), **tolerance)
    for parameter, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert parameter.grad.dtype == dtype
        np.testing.assert_allclose(parameter.grad, other.grad.numpy(), **tolerance)


def test_binary_cross_entropy_by_hand():
    """-(1 log 3/4 + 0) = log 4/3 and -(0 + 1 log 1/2) = log 2; slopes -1/p and 1/(1 - p)."""
    loss = BCELoss()
    assert loss(np.array([0.75, 0.5]), np.array([1.0, 0.0])) == pytest.approx(np.log(8 / 3) / 2)
    np.testing.assert_allclose(loss.backward(), [-2 / 3, 1], rtol=1e-14)
    np.testing.assert_allclose(loss.backward(-3.0), [2, -3], rtol=1e-14)
