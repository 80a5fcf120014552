"""S1: a network with parallel regularization paths on one explicit tape.

x, W, b -> Linear -> ReLU -> Linear(M, c) -> [Softmax + Loss](y) -> Sum -> J, while W -> R and
M -> R join in a Sum that feeds the same last Sum.

The numbers, by hand. With x = (1, 2), W = [[1, -1], [0.5, 1]], b = (0.5, -1):
    a = x W^T + b = (1 - 2 + 0.5, 0.5 + 2 - 1) = (-0.5, 1.5),    h = relu(a) = (0, 1.5)
With M = [[1, 2], [-1, 2/3], [3, -2/3]], c = (-3, -1, 1):
    z = h M^T + c = (0, 0, 0),    o = (1/3, 1/3, 1/3),    L = -log o_y = log 3
With R(W) = 0.1 |W|^2: |W|^2 = 1 + 1 + 0.25 + 1 = 3.25; |M|^2 = 1 + 4 + 1 + 4/9 + 9 + 4/9 = 143/9
    J = log 3 + 0.325 + 14.3/9
Backward for y = 1: dz = o - one_hot(y) = (1/3, -2/3, 1/3), dc = dz, dM = dz^T h + 0.2 M
    dh = dz M = (1/3 + 2/3 + 1, 2/3 - 4/9 - 2/9) = (2, 0); da = dh [a > 0] = (0, 0): for dJ/da
    to differ from 0 the second case uses y = 0: dz = (-2/3, 1/3, 1/3),
    dh = (-2/3 - 1/3 + 1, -4/3 + 2/9 - 2/9) = (0, -4/3), da = (0, -4/3), db = da,
    dW = da^T x + 0.2 W = [[0, 0], [-4/3, -8/3]] + 0.2 W,  dx = da W = (-2/3, -4/3)
"""

import numpy as np
import pytest

from npnet import (
    CrossEntropyLoss,
    Graph,
    Linear,
    MSELoss,
    Regularization,
    ReLU,
    Scale,
    SoftmaxCrossEntropy,
    Sum,
)
from npnet.optim import SGD

X = np.array([[1.0, 2.0]])
W, B = np.array([[1.0, -1.0], [0.5, 1.0]]), np.array([0.5, -1.0])
M, C = np.array([[1.0, 2.0], [-1.0, 2 / 3], [3.0, -2 / 3]]), np.array([-3.0, -1.0, 1.0])
TIGHT = {"rtol": 1e-14, "atol": 1e-15}


class Network:
    """The graph of the figure, with a name for every node."""

    def __init__(self, dtype=np.float64):
        self.fc1, self.fc2 = Linear(2, 2, dtype=dtype), Linear(2, 3, dtype=dtype)
        self.fc1.weight.data, self.fc1.bias.data = W, B
        self.fc2.weight.data, self.fc2.bias.data = M, C
        self.graph = g = Graph(dtype=dtype)
        self.x, self.y = g.input("x", requires_grad=True), g.input("y")
        self.a = self.fc1(self.x)
        self.h = ReLU()(self.a)
        self.z = self.fc2(self.h)
        self.loss, self.o = SoftmaxCrossEntropy()(self.z, self.y)
        self.penalty_w = Regularization(0.1)(self.fc1.weight)
        self.penalty_m = Regularization(0.1)(self.fc2.weight)
        self.penalty = Sum()(self.penalty_w, self.penalty_m)
        self.objective = Sum()(self.loss, self.penalty)
        g.output(self.objective)

    def values(self):
        return [self.graph.value(n) for n in (self.a, self.h, self.z, self.o, self.loss)]


def test_every_value():
    net = Network()
    objective = net.graph(x=X, y=np.array([0]))
    assert objective == pytest.approx(np.log(3) + 0.325 + 14.3 / 9, rel=1e-15)
    expected = [[[-0.5, 1.5]], [[0, 1.5]], [[0, 0, 0]], [[1 / 3] * 3], np.log(3)]
    for value, wanted in zip(net.values(), expected, strict=True):
        np.testing.assert_allclose(value, wanted, **TIGHT)
    assert net.graph.value(net.penalty_w) == pytest.approx(0.325, rel=1e-15)
    assert net.graph.value(net.penalty_m) == pytest.approx(14.3 / 9, rel=1e-15)
    assert net.graph.value(net.penalty) == pytest.approx(0.325 + 14.3 / 9, rel=1e-15)
    assert net.graph.value(net.objective) == objective
    np.testing.assert_array_equal(net.graph.value(net.x), X)
    assert net.graph.value(net.y).tolist() == [0]
    np.testing.assert_array_equal(net.graph.value(net.fc2.weight), M)


CASES = [
    (0, [[-2 / 3, 1 / 3, 1 / 3]], [[0.0, -4 / 3]], [[0.0, -4 / 3]], [[-2 / 3, -4 / 3]]),
    (1, [[1 / 3, -2 / 3, 1 / 3]], [[2.0, 0.0]], [[0.0, 0.0]], [[0.0, 0.0]]),
]


@pytest.mark.parametrize(("label", "dz", "dh", "da", "dx"), CASES)
@pytest.mark.parametrize("seed", [1.0, -2.5])
def test_every_gradient_for_any_output_gradient(label, dz, dh, da, dx, seed):
    net = Network()
    net.graph(x=X, y=np.array([label]))
    net.graph.backward(seed)
    grad = net.graph.grad
    for node in (net.objective, net.loss, net.penalty, net.penalty_w, net.penalty_m):
        assert grad(node) == seed
    for node, wanted in ((net.z, dz), (net.h, dh), (net.a, da), (net.x, dx)):
        np.testing.assert_allclose(grad(node), seed * np.array(wanted), **TIGHT)
    dz, da = np.array(dz), np.array(da)
    np.testing.assert_allclose(grad(net.fc2.bias), seed * dz[0], **TIGHT)
    np.testing.assert_allclose(grad(net.fc1.bias), seed * da[0], **TIGHT)
    both_paths = np.array([[0.0, 1.5]]) * dz.T + 0.2 * M
    np.testing.assert_allclose(grad(net.fc2.weight), seed * both_paths, **TIGHT)
    np.testing.assert_allclose(grad(net.fc1.weight), seed * (da.T * X + 0.2 * W), **TIGHT)
    with pytest.raises(ValueError, match="no gradient reaches the output of SoftmaxCrossEntropy"):
        grad(net.o)
    with pytest.raises(ValueError, match="no gradient reaches input 'y'"):
        grad(net.y)


def test_weights_after_one_step_and_frozen_ones_stay():
    for frozen in (False, True):
        net = Network()
        net.fc2.weight.requires_grad = net.fc2.bias.requires_grad = not frozen
        optimizer = SGD(net.graph.parameters(), lr=0.3)
        net.graph(x=X, y=np.array([0]))
        net.graph.backward()
        optimizer.step()
        dw = np.array([[0.2, -0.2], [-4 / 3 + 0.1, -8 / 3 + 0.2]])
        np.testing.assert_allclose(net.fc1.weight.data, W - 0.3 * dw, **TIGHT)
        np.testing.assert_allclose(net.fc1.bias.data, [0.5, -1 + 0.4], **TIGHT)
        dz = np.array([[-2 / 3, 1 / 3, 1 / 3]])
        dm = np.array([[0.0, 1.5]]) * dz.T + 0.2 * M
        if frozen:
            assert net.fc2.weight.grad is None
            np.testing.assert_array_equal(net.fc2.weight.data, M)
            np.testing.assert_array_equal(net.fc2.bias.data, C)
        else:
            np.testing.assert_allclose(net.fc2.weight.data, M - 0.3 * dm, **TIGHT)
            np.testing.assert_allclose(net.fc2.bias.data, C - 0.3 * dz[0], **TIGHT)


def test_gradients_accumulate_and_clear_without_changing_size():
    net = Network()
    for times in (1, 2, 3):
        net.graph(x=X, y=np.array([0]))
        net.graph.backward()
        assert net.fc1.bias.grad.tolist() == pytest.approx([0, -4 / 3 * times])
        assert [p.grad.shape for p in net.graph.parameters()] == [(2, 2), (2,), (3, 2), (3,)]
    net.graph.zero_grad()
    assert all(p.grad is None for p in net.graph.parameters())


@pytest.mark.parametrize("size", [(1, 2), (2, 3), (4,), ()])
def test_a_parameter_keeps_its_size(size):
    net = Network()
    with pytest.raises(ValueError, match=r"^Parameter 'weight': expected data of shape \(2, 2\)"):
        net.fc1.weight.data = np.ones(size)
    with pytest.raises(ValueError, match=r"^Parameter 'weight': expected grad of shape \(2, 2\)"):
        net.fc1.weight.grad = np.ones(size)
    np.testing.assert_array_equal(net.fc1.weight.data, W)
    with pytest.raises(ValueError, match=r"^Linear: expected x of shape \(B, 2\), got"):
        net.graph(x=np.ones((1, 3)), y=np.array([0]))


def test_each_layer_alone_with_any_output_gradient():
    """Feed inputs, give an output gradient, read the input gradients."""
    g = np.array([[2.0, -3.0]])
    fc = Linear(2, 2, dtype=np.float64)
    fc.weight.data, fc.bias.data = W, B
    np.testing.assert_allclose(fc(X), [[-0.5, 1.5]])
    np.testing.assert_allclose(fc.backward(g), [[2 * 1 - 3 * 0.5, -2 - 3]])
    np.testing.assert_array_equal(fc.weight.grad, [[2, 4], [-3, -6]])
    np.testing.assert_array_equal(fc.bias.grad, g[0])
    relu = ReLU()
    assert relu(np.array([[-0.5, 1.5]])).tolist() == [[0, 1.5]]
    assert relu.backward(g).tolist() == [[0, -3]]
    layer = SoftmaxCrossEntropy()
    loss, o = layer(np.log([[1.0, 2.0, 5.0]]), np.array([1]))
    assert loss == pytest.approx(np.log(4), rel=1e-15)
    np.testing.assert_allclose(o, [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-15)
    np.testing.assert_allclose(layer.backward(4.0, None), [[0.5, -3, 2.5]], rtol=1e-14)
    # through the probabilities: do_i/dz_j = o_i ([i = j] - o_j), here for the first of them
    through = np.array([[7 / 64, -2 / 64, -5 / 64]])
    np.testing.assert_allclose(layer.backward(None, [[1.0, 0, 0]]), through, rtol=1e-14)
    both = layer.backward(4.0, [[64.0, 0, 0]])
    np.testing.assert_allclose(both, [[7.5, -5, -2.5]], rtol=1e-14)
    penalty = Regularization(0.5)
    assert penalty(W) == 0.5 * 3.25
    np.testing.assert_array_equal(penalty.backward(3.0), 3 * W)
    squared = MSELoss(reduction="sum")
    assert squared(X, np.array([[0.0, 5.0]])) == 10
    np.testing.assert_array_equal(squared.backward(0.5), [[1, -3]])
    scale = Scale(-2.0)
    assert scale(X).tolist() == [[-2, -4]]
    assert scale.backward(g).tolist() == [[-4, 6]]
    added = Sum()
    assert added(1.0, 2.0, 4.0) == 7
    assert added.backward(3.0, input_grad=True) == (3, 3, 3)


def test_loss_alone_agrees_with_the_layer_of_two_outputs():
    random = np.random.default_rng(5)
    z, y = random.normal(size=(7, 4)), random.integers(0, 4, 7)
    one, two = CrossEntropyLoss(), SoftmaxCrossEntropy()
    expected = np.log(np.exp(z).sum(1)) - z[np.arange(7), y]
    assert one(z, y) == pytest.approx(expected.mean(), rel=1e-14)
    assert two(z, y)[0] == pytest.approx(expected.mean(), rel=1e-14)
    o = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    dz = (o - np.eye(4)[y]) * 2 / 7
    np.testing.assert_allclose(one.backward(2.0), dz, rtol=1e-12)
    np.testing.assert_allclose(two.backward(2.0, None), dz, rtol=1e-12)


def test_toy_data_are_learned_step_by_step():
    """Two rings that no line separates, by batches, with L2; checked against plain NumPy."""
    random = np.random.default_rng(0)
    radius = np.repeat([0.5, 2.0], 50)
    angle = random.uniform(0, 2 * np.pi, 100)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    y = np.repeat([0, 1], 50)
    fc1, fc2 = Linear(2, 16, dtype=np.float64), Linear(16, 2, dtype=np.float64)
    w1, w2 = random.normal(size=(16, 2)), random.normal(size=(2, 16)) / 4
    fc1.weight.data, fc2.weight.data, fc1.bias.data, fc2.bias.data = w1, w2, [0.0] * 16, [0.0] * 2
    graph = Graph(dtype=np.float64)
    xn, yn = graph.input("x"), graph.input("y")
    loss, probabilities = SoftmaxCrossEntropy()(fc2(ReLU()(fc1(xn))), yn)
    penalties = [Regularization(1e-3)(fc.weight) for fc in (fc1, fc2)]
    graph.output(Sum()(loss, *penalties), probabilities)
    optimizer = SGD(graph.parameters(), lr=0.5)
    b1, b2 = np.zeros(16), np.zeros(2)
    for step in range(300):
        rows = np.arange(20) * 5 + step % 5
        objective, _ = graph(x=x[rows], y=y[rows])
        optimizer.zero_grad()
        graph.backward(1.0, None)
        optimizer.step()
        a = x[rows] @ w1.T + b1
        h = np.maximum(a, 0)
        p = np.exp(h @ w2.T + b2)
        p /= p.sum(1, keepdims=True)
        expected = -np.log(p[np.arange(20), y[rows]]).mean()
        expected += 1e-3 * ((w1**2).sum() + (w2**2).sum())
        assert objective == pytest.approx(expected, rel=1e-9)
        dz = (p - np.eye(2)[y[rows]]) / 20
        da = dz @ w2 * (a > 0)
        w1, w2 = w1 - 0.5 * (da.T @ x[rows] + 2e-3 * w1), w2 - 0.5 * (dz.T @ h + 2e-3 * w2)
        b1, b2 = b1 - 0.5 * da.sum(0), b2 - 0.5 * dz.sum(0)
    np.testing.assert_allclose(fc1.weight.data, w1, rtol=1e-6)
    assert (graph(x=x, y=y)[1].argmax(1) == y).mean() == 1
