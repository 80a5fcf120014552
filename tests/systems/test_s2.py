"""S2: backpropagation on expressions, one operation a line, every number derived by hand.

Numbers are chosen so that sigmoids and exponentials are fractions: sigmoid(ln 3) = 3/4 with slope
3/4 * 1/4 = 3/16, sigmoid(0) = 1/2 with slope 1/4, e^(ln 3) = 3. "v, g" is value and gradient.
"""

import numpy as np
import pytest

import npnet
from npnet import Add, Divide, Graph, Module, Multiply, Sigmoid, Square, Subtract

LN3 = np.log(3)


class Worked:
    """A graph with inputs by name; `line` names a node with its value and gradient by hand."""

    def __init__(self, **inputs):
        self.graph, self.inputs = Graph(dtype=np.float64), inputs
        self.nodes = {name: self.graph.input(name, requires_grad=True) for name in inputs}
        self.expected = []

    def __getitem__(self, name):
        return self.nodes[name]

    def line(self, node, value, gradient):
        self.expected.append((node, value, gradient))
        return node

    def check(self, result, gradients, seed=1.0):
        """Run it; compare the result, every line, and the inputs' gradients."""
        self.graph.output(self.expected[-1][0])
        assert self.graph(**self.inputs) == pytest.approx(result, rel=1e-14)
        self.graph.backward(seed)
        for node, value, gradient in self.expected:
            np.testing.assert_allclose(self.graph.value(node), value, rtol=1e-14, atol=1e-15)
            np.testing.assert_allclose(self.graph.grad(node), seed * np.array(gradient), rtol=1e-14)
        for name, gradient in gradients.items():
            got = self.graph.grad(self.nodes[name])
            np.testing.assert_allclose(got, seed * np.array(gradient), rtol=1e-14, err_msg=name)


@pytest.mark.parametrize("seed", [1.0, -3.0])
def test_squared_error_of_a_line(seed):
    """L = ((w x + b) - y)^2 at w = 2, x = 3, b = 1, y = 5."""
    n = Worked(w=2.0, x=3.0, b=1.0, y=5.0)
    p = n.line(n["w"] * n["x"], 6, 4)  # dp = da
    a = n.line(p + n["b"], 7, 4)  # da = dd
    d = n.line(a - n["y"], 2, 4)  # dd = 2 d
    n.line(d**2, 4, 1)
    n.check(4, {"w": 4 * 3, "x": 4 * 2, "b": 4, "y": -4}, seed)


def test_squared_error_of_a_scalar_product():
    """The same with vectors w = (1, 2), x = (3, -1), b = 1/2, y = 2: d = 1 + 1/2 - 2 = -1/2."""
    n = Worked(w=[1.0, 2.0], x=[3.0, -1.0], b=0.5, y=2.0)
    p = n.line(n["w"] @ n["x"], 1, -1)
    a = n.line(p + n["b"], 1.5, -1)
    d = n.line(a - n["y"], -0.5, -1)
    n.line(npnet.square(d), 0.25, 1)
    n.check(0.25, {"w": [-3, 1], "x": [-1, -2], "b": -1, "y": 1})


@pytest.mark.parametrize("seed", [1.0, 0.25])
def test_squared_error_of_a_sigmoid(seed):
    """L = (sigmoid(w x + b) - y)^2 at w = 2, x = 1/2, b = ln 3 - 1, y = 1/4."""
    n = Worked(w=2.0, x=0.5, b=LN3 - 1, y=0.25)
    p = n.line(n["w"] * n["x"], 1, 3 / 16)
    a = n.line(p + n["b"], LN3, 3 / 16)  # da = ds * 3/16
    s = n.line(Sigmoid()(a), 3 / 4, 1)  # ds = dd = 2 d
    d = n.line(s - n["y"], 1 / 2, 1)
    n.line(d * d, 1 / 4, 1)
    n.check(1 / 4, {"w": 3 / 32, "x": 3 / 8, "b": 3 / 16, "y": -1}, seed)


@pytest.mark.parametrize("functions", [(np.exp, np.log), (npnet.exp, npnet.log)])
def test_exponential_and_logarithm_with_variables_used_several_times(functions):
    """f = (w e^(b x) + ln(w x)) b at w = 2, b = 1/2, x = 2 ln 3, so b x = ln 3."""
    exp, log = functions
    n = Worked(w=2.0, b=0.5, x=2 * LN3)
    u = n.line(n["b"] * n["x"], LN3, 3)  # du = de * 3
    e = n.line(exp(u), 3, 1)  # de = dm * w
    m = n.line(n["w"] * e, 6, 0.5)  # dm = ds
    q = n.line(n["w"] * n["x"], 4 * LN3, 0.5 / (4 * LN3))  # dq = dl / q
    logarithm = n.line(log(q), np.log(4 * LN3), 0.5)
    s = n.line(m + logarithm, 6 + np.log(4 * LN3), 0.5)  # ds = b
    n.line(s * n["b"], 3 + np.log(4 * LN3) / 2, 1)
    dw = 0.5 * 3 + 0.5 / (4 * LN3) * 2 * LN3  # through m and through q
    db = 6 + np.log(4 * LN3) + 3 * 2 * LN3  # at the end and through u
    dx = 3 * 0.5 + 0.5 / (4 * LN3) * 2  # through u and through q
    assert dw == pytest.approx(1.75, rel=1e-15)
    n.check(3 + np.log(4 * LN3) / 2, {"w": dw, "b": db, "x": dx})


@pytest.mark.parametrize("seed", [1.0, 2.0])
def test_two_sigmoids_with_a_penalty(seed):
    """[y - sigmoid(w2 sigmoid(w1 x + b1) + b2)]^2 + k (w1^2 + w2^2).

    At x = 2, w1 = 1/2, b1 = ln 3 - 1, w2 = 4, b2 = -3, y = 1, k = 1/10.
    """
    n = Worked(x=2.0, w1=0.5, b1=LN3 - 1, w2=4.0, b2=-3.0, y=1.0, k=0.1)
    a1 = n.line(n["w1"] * n["x"] + n["b1"], LN3, -3 / 16)  # da1 = dh * 3/16
    h = n.line(Sigmoid()(a1), 3 / 4, -1)  # dh = da2 * w2
    a2 = n.line(n["w2"] * h + n["b2"], 0, -1 / 4)  # da2 = do * 1/4
    o = n.line(Sigmoid()(a2), 1 / 2, -1)  # do = -dd
    d = n.line(n["y"] - o, 1 / 2, 1)  # dd = 2 d
    error = n.line(d**2, 1 / 4, 1)
    weights = n.line(n["w1"] ** 2 + n["w2"] ** 2, 16.25, 0.1)
    penalty = n.line(n["k"] * weights, 1.625, 1)
    n.line(error + penalty, 1.875, 1)
    gradients = {
        "w1": -3 / 16 * 2 + 2 * 0.1 * 0.5,  # through the sigmoids and through the penalty
        "w2": -1 / 4 * 3 / 4 + 2 * 0.1 * 4,
        "b1": -3 / 16,
        "b2": -1 / 4,
        "x": -3 / 16 / 2,
        "y": 1,
        "k": 16.25,
    }
    n.check(1.875, gradients, seed)


LOCAL = [
    (Multiply, (2.0, 3.0), 6, (3, 2)),  # d(wx)/dw = x, d(wx)/dx = w
    (Add, (2.0, 3.0), 5, (1, 1)),
    (Subtract, (2.0, 3.0), -1, (1, -1)),
    (Divide, (3.0, 2.0), 1.5, (1 / 2, -3 / 4)),
    (Square, (3.0,), 9, (6,)),
    (Sigmoid, (LN3,), 3 / 4, (3 / 16,)),
    (npnet.Exp, (LN3,), 3, (3,)),
    (npnet.Log, (4.0,), np.log(4), (1 / 4,)),
    (npnet.Sqrt, (9.0,), 3, (1 / 6,)),
    (npnet.Power, (3.0, 2.0), 9, (6, 9 * LN3)),
    (npnet.Negate, (3.0,), -3, (-1,)),
    (npnet.Tanh, (LN3 / 2,), 1 / 2, (3 / 4,)),  # tanh(a) = (e^2a - 1) / (e^2a + 1)
]


@pytest.mark.parametrize(("kind", "operands", "value", "slopes"), LOCAL)
def test_local_gradients_depend_on_forward_numbers_only(kind, operands, value, slopes):
    layer = kind()
    assert layer(*map(np.float64, operands)) == pytest.approx(value, rel=1e-14)
    got = layer.backward(1.0, input_grad=True)
    assert got == pytest.approx(slopes if len(slopes) > 1 else slopes[0], rel=1e-14)


def test_shared_subexpressions_are_computed_once():
    n = Worked(x=2.0)
    shared = n["x"] * n["x"]
    total = shared
    for _ in range(5):
        total = total + shared
    n.line(total, 24, 1)
    n.check(24, {"x": 6 * 2 * 2})
    kinds = [type(step.layer).__name__ for step in n.graph.tape.steps]
    assert kinds == ["Multiply"] + ["Add"] * 5


def test_same_expression_in_a_forward_over_a_minibatch():
    """Every row of a batch on its own: the numbers of two lines side by side."""

    class Line(Module):
        def forward(self, w, x, b, y):
            return npnet.square(w * x + b - y)

    line = Line()
    x, y = np.array([3.0, 1.0]), np.array([5.0, 0.0])
    assert line(2.0, x, 1.0, y).tolist() == [4, 9]  # d = (2, 3)
    dw, dx, db, dy = line.backward([1.0, 10.0], input_grad=True)
    assert dw == 4 * 3 + 10 * 6 * 1
    assert db == 4 + 10 * 6
    assert dx.tolist() == [8, 120]
    assert dy.tolist() == [-4, -60]
