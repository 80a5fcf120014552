"""What a forward computes within no_grad: a constant to backward, on every kind of tape."""

import copy
import pickle

import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, Module, Multiply, ReLU, Sequential

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
ONES = np.ones((6, 4), np.float32)


class Constant(Module):
    """An output that is constant to backward, and one that is not."""

    def forward(self, x):
        with npnet.no_grad():
            inner = Multiply()(x, x)
        return inner, ReLU()(x)


class Guided(Module):
    """A student, a teacher that no gradient goes through, and a straight way around a step."""

    def __init__(self):
        super().__init__()
        self.student, self.teacher = Linear(4, 4), Linear(4, 4)

    def forward(self, x):
        y = self.student(x)
        with npnet.no_grad():
            target = self.teacher(y)
            rounded = np.abs(y) - y
        return (y - target) * (y + rounded)


def guided_by_torch(torch, model, x):
    """Return output, input gradient and the student's gradients, of torch in float64."""
    weights = [torch.tensor(p.data, requires_grad=True) for p in model.parameters()]
    x = torch.tensor(x, requires_grad=True)
    y = torch.nn.functional.linear(x, *weights[:2])
    with torch.no_grad():
        target = torch.nn.functional.linear(y, *weights[2:])
        rounded = y.abs() - y
    output = (y - target) * (y + rounded)
    output.sum().backward()
    assert weights[2].grad is weights[3].grad is None
    return output.detach(), x.grad, weights[0].grad, weights[1].grad


@pytest.mark.torch
@pytest.mark.parametrize(
    "how", ["module", "graph", "copy", "pickle", "hooked", "nested", "inner graph"]
)
def test_no_gradient_goes_through_what_a_forward_computes_within(torch, how):
    model = Guided().double()
    called = model
    if how == "inner graph":
        graph = Graph(dtype=np.float64)
        graph.output(model.teacher(graph.input("x")))
        model.teacher = graph
    elif how != "module":
        called = Graph(dtype=np.float64)
        called.output(model(called.input("x")))
    if how == "copy":
        called = copy.deepcopy(called)
    elif how == "pickle":
        called = pickle.loads(pickle.dumps(called))
    elif how == "hooked":
        next(called.children()).register_forward_hook(lambda *given: None)
    elif how == "nested":
        called = Sequential(called)
    x = X.astype(np.float64)
    expected = guided_by_torch(torch, model, x)
    output = called(x)
    gradient = called.backward(ONES, input_grad=True)
    student, *teacher = [layer for layer in called.modules() if isinstance(layer, Linear)]
    found = output, gradient, student.weight.grad, student.bias.grad
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs.numpy(), rtol=1e-12, atol=1e-14)
    assert [p.grad for p in teacher[0].parameters()] == [None, None]


def test_an_output_computed_within_has_no_gradient_to_hand_on():
    model = Constant()
    model(X)
    assert model.backward(ONES, None, input_grad=True) is None
    np.testing.assert_array_equal(model.backward(ONES, ONES, input_grad=True), X > 0)


def test_what_is_constant_gets_no_gradient_computed():
    model = Guided().double()
    model(X)
    model.backward(ONES)
    plan = model.execution.ran
    constant = {i for n in plan.tape.detached for i in plan.tape.steps[n].writes}
    assert len(constant) == 3 and not constant & set(plan.swept.gradients)


def test_a_recording_sees_what_backward_does():
    model = Guided().double()
    x = X.astype(np.float64)
    recording = npnet.inspect.record(model, x, gradients=ONES.astype(np.float64))
    model(x)
    model.backward(ONES)
    for name in ("student.weight", "student.bias"):
        expected = model.get_parameter(name).grad
        np.testing.assert_allclose(recording[name].gradient, expected, rtol=1e-12, atol=1e-14)
    assert recording["teacher.weight"].gradient is None
    recording = npnet.inspect.record(Constant(), X, gradients=(ONES, None))
    assert [event.kind for event in recording.events] == ["forward", "forward", "seed"]


def test_a_graph_says_that_no_gradient_reaches_what_is_constant():
    g = Graph()
    x = g.input("x", requires_grad=True)
    with npnet.no_grad():
        constant = x * 2.0
    g.output(constant * x)
    g(X)
    g.backward(ONES)
    np.testing.assert_array_equal(g.grad(x), 2 * X)
    with pytest.raises(ValueError, match="no gradient"):
        g.grad(constant)
