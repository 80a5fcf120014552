"""Module: what is written in forward is traced, run, differentiated, copied."""

import copy
import pickle

import numpy as np
import pytest

from npnet import Graph, Linear, Module, Parameter, ReLU, Scale, Sequential, Tanh
from npnet.layers.base import Layer
from npnet.tape import Node
from tests.support.reference import SinCos, Spy, Total

X = np.array([[1.0, -2.0], [0.5, 3.0], [-1.0, 0.25]])
G = np.array([[1.0, 2.0], [3.0, -4.0], [0.5, 1.0]])


class Residual(Module):
    """x + tanh(W x + b) * gain, the gain a Parameter of its own."""

    def __init__(self, dtype=np.float64):
        super().__init__()
        self.fc, self.tanh = Linear(2, 2, dtype=dtype), Tanh()
        self.gain = Parameter(np.array([1.0, 2.0], dtype))

    def forward(self, x):
        return x + self.tanh(self.fc(x)) * self.gain


def residual(model, x, g):
    """Return value and gradients of x, gain, weight, bias by hand."""
    w, b, gain = model.fc.weight.data, model.fc.bias.data, model.gain.data
    t = np.tanh(x @ w.T + b)
    da = g * gain * (1 - t * t)
    return x + t * gain, [g + da @ w, (g * t).sum(0), da.T @ x, da.sum(0)]


def check(model, x=X, g=G):
    model.zero_grad()
    value, gradients = residual(model, x, g)
    np.testing.assert_allclose(model(x), value, rtol=1e-14)
    got = [model.backward(g, input_grad=True)]
    got += [model.gain.grad, model.fc.weight.grad, model.fc.bias.grad]
    for a, b in zip(got, gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_forward_is_all_a_module_writes():
    check(Residual())


def test_container_returns_input_gradients_only_on_request():
    model = Residual()
    model(X)
    assert model.backward(G) is None
    assert model.backward(G, input_grad=True).shape == X.shape
    fc = Linear(2, 2, dtype=np.float64)
    fc(X)
    assert fc.backward(G).shape == X.shape
    assert fc.backward(G, input_grad=False) is None


def test_several_inputs_in_order_by_name_and_with_defaults():
    class Several(Module):
        def forward(self, x, y, factor=2):
            return (x - y) * factor

    model = Several()
    assert model(5.0, 3.0) == 4
    assert model.backward(input_grad=True) == (2, -2)
    assert model(y=5.0, x=3.0) == -4
    assert model(5.0, factor=10, y=3.0) == 20
    assert model.backward(input_grad=True) == (10, -10, 2)
    with pytest.raises(TypeError, match="missing a required argument: 'y'"):
        model(x=1.0)
    with pytest.raises(TypeError, match=r"Several: got .* 'z'; forward has x, y, factor"):
        model(1.0, 2.0, z=3.0)


def test_keyword_only_operands_are_refused():
    class Keyword(Module):
        def forward(self, x, *, scale=1.0):
            return x * scale

    with pytest.raises(TypeError, match=r"Keyword: expected positional .*keyword-only \['scale'\]"):
        Keyword()(1.0, scale=2.0)


def test_integer_inputs_have_no_gradient():
    class Pick(Module):
        def forward(self, x, y):
            return x * 2.0, y

    pick = Pick()
    pick(np.ones(2), np.arange(2))
    dx, dy = pick.backward([1.0, 2.0], None, input_grad=True)
    assert dx.tolist() == [2, 4]
    assert dy is None


def test_any_number_of_inputs():
    class Together(Module):
        def forward(self, *terms):
            result = terms[0]
            for term in terms[1:]:
                result = result * term
            return result

    together = Together()
    for count in (1, 3, 2):
        assert together(*[2.0] * count) == 2**count
        gradient = together.backward(input_grad=True)
        assert np.ravel(gradient).tolist() == [2 ** (count - 1)] * count


@pytest.mark.parametrize("kind", [tuple, list])
def test_outputs_may_be_a_tuple_or_list(kind):
    class Outputs(Module):
        def forward(self, x):
            return kind(SinCos()(x))

    sine, cosine = Outputs()(np.array([0.0]))
    assert (sine.tolist(), cosine.tolist()) == ([0], [1])


@pytest.mark.parametrize("wrong", [lambda x: 3.0, lambda x: {"x": x}, lambda x: np.ones(2)])
def test_forward_must_return_what_it_recorded(wrong):
    class Wrong(Module):
        def forward(self, x):
            return wrong(x)

    with pytest.raises(TypeError, match=r"^Wrong: forward must return what it recorded"):
        Wrong()(1.0)


def test_forward_must_be_there_and_return_something():
    class Nothing(Module):
        def forward(self, x):
            return ()

    with pytest.raises(ValueError, match=r"^Nothing: forward returned no output"):
        Nothing()(1.0)
    with pytest.raises(NotImplementedError, match=r"^Module: has no forward; write forward"):
        Module()(1.0)


def test_modules_are_recorded_inside_a_forward_whatever_they_are_called_on():
    class Offset(Module):
        def __init__(self):
            super().__init__()
            self.value = Parameter(np.array([1.0, 2.0]))

        def forward(self):
            return self.value * 2.0

    class Positions(Module):
        def __init__(self):
            super().__init__()
            self.table, self.offset = Linear(1, 2, dtype=np.float64), Offset()

        def forward(self, x):
            return x * self.table(np.ones((3, 1))) + self.offset()

    for through_graph in (False, True):
        model = run = Positions()
        if through_graph:
            run = Graph()
            run.output(model(run.input("x")))
        for _ in range(2):
            model.zero_grad()
            row = model.table.weight.data[:, 0] + model.table.bias.data
            expected = X * row + 2 * model.offset.value.data
            np.testing.assert_allclose(run(X), expected, rtol=1e-14)
            run.backward(G)
            np.testing.assert_allclose(model.table.bias.grad, (G * X).sum(0), rtol=1e-14)
            np.testing.assert_allclose(model.offset.value.grad, 2 * G.sum(0), rtol=1e-14)
            model.table.bias.data += 1
            model.offset.value.data -= 1


def test_module_without_operands_runs_and_differentiates():
    class Bias(Layer):
        def __init__(self):
            super().__init__()
            self.bias = Parameter(np.array([1.0, 2.0]))

        def infer(self, bias):
            return bias

        def forward_kernel(self, bias, *, out, scratch):
            np.copyto(out, bias)

        def backward_kernel(self, dy, bias, y, *, dbias, scratch):
            np.copyto(dbias, dy)

    bias = Bias()
    assert bias().tolist() == [1, 2]
    assert bias.backward([3.0, 4.0]) is None
    assert bias.bias.grad.tolist() == [3, 4]
    assert bias.backward([1.0, 1.0], input_grad=True) == ()


@pytest.mark.parametrize("how", ["traced", "graph"])
@pytest.mark.parametrize("part", [lambda b: b, lambda b: b[:2], lambda b: b.T, lambda b: b[0]])
def test_buffers_are_read_live(how, part):
    class Buffered(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", np.arange(4.0).reshape(2, 2))

        def forward(self, x):
            return x * part(self.table)

    model = run = Buffered()
    if how == "graph":
        run = Graph()
        run.output(model(run.input("x")))
    x = np.ones((2, 2))
    np.testing.assert_array_equal(run(x), x * part(model.table))
    model.load_state_dict({"table": np.full((2, 2), 9.0) + np.eye(2)})
    np.testing.assert_array_equal(run(x), x * part(model.table))
    model.table[0, 1] = -5
    np.testing.assert_array_equal(run(x), x * part(model.table))
    assert run(x.astype(np.float32)).dtype == np.float32
    model.table = np.zeros((2, 2))
    if how == "traced":
        np.testing.assert_array_equal(run(x), 0 * x)


def test_a_failing_trace_leaves_no_trace():
    class Fails(Module):
        def forward(self, x):
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        Fails()(1.0)
    assert type(ReLU()(np.ones(2))) is np.ndarray


def test_changes_after_the_first_call_are_followed():
    model = Residual()
    check(model)
    model.gain = Parameter(np.array([5.0, 0.5]))
    check(model)
    model.fc = Linear(2, 2, dtype=np.float64)
    check(model)
    model.fc.weight = Parameter(np.eye(2))
    check(model)
    model.tanh = Tanh()
    check(model)


def test_plain_attributes_are_followed():
    class Powers(Module):
        def __init__(self):
            super().__init__()
            self.factor, self.both = 2.0, True
            self.fc = Linear(1, 1, dtype=np.float64)

        def forward(self, x):
            return x * self.factor if self.both else x

    model = Powers()
    assert model(np.ones(1)) == 2
    model.factor = 5
    assert model(np.ones(1)) == 5
    model.both = False
    assert model(np.ones(1)) == 1
    del model.both
    with pytest.raises(AttributeError, match="both"):
        model(np.ones(1))


def test_training_flag_is_followed_everywhere():
    class Switch(Module):
        def forward(self, x):
            return x * 2.0 if self.training else x * 3.0

    model = Sequential(Switch(), Sequential(Switch()))
    assert model(np.float64(1)) == 4
    assert model.eval()(np.float64(1)) == 9
    model[1].train()
    assert model(np.float64(1)) == 6
    assert model.train()(np.float64(1)) == 4


def test_weights_tied_before_or_after_the_first_call():
    for late in (False, True):
        first, second = (Linear(2, 2, dtype=np.float64) for _ in range(2))
        model = Sequential(first, Tanh(), second)
        if late:
            model(X)
        second.weight = first.weight
        w = first.weight.data
        t = np.tanh(X @ w.T + first.bias.data)
        np.testing.assert_allclose(model(X), t @ w.T + second.bias.data, rtol=1e-14)
        model.backward(G)
        da = G @ w * (1 - t * t)
        np.testing.assert_allclose(first.weight.grad, G.T @ t + da.T @ X, rtol=1e-13)
        assert len(list(model.parameters())) == 3
    second.weight = Parameter(np.eye(2))
    np.testing.assert_allclose(model(X), t + second.bias.data, rtol=1e-14)


def test_freezing_between_steps():
    model = Residual()
    for frozen in ({"gain"}, set(), {"fc.weight", "fc.bias"}, {"gain", "fc.weight", "fc.bias"}):
        model.zero_grad()
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name not in frozen
        model(X)
        model.backward(G)
        without = {name for name, p in model.named_parameters() if p.grad is None}
        assert without == frozen
    dx = model.backward(G, input_grad=True)
    np.testing.assert_allclose(dx, residual(model, X, G)[1][0], rtol=1e-13)


def test_evaluation_differentiates_the_same():
    model = Residual()
    for mode in (True, False, True, False, False):
        check(model.train(mode))


def test_parameters_as_operands_of_other_layers():
    class Penalized(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.total = Linear(2, 2, dtype=np.float64), Total()

        def forward(self, x):
            square = np.square(self.fc.weight)
            return self.total(self.fc(x)) + self.total(square) * 0.5 + self.total(self.fc.bias)

    model = Penalized()
    w, b = model.fc.weight.data, model.fc.bias.data
    expected = (X @ w.T + b).sum() + (w**2).sum() / 2 + b.sum()
    assert model(X) == pytest.approx(expected, rel=1e-14)
    model.backward()
    np.testing.assert_allclose(model.fc.weight.grad, np.ones((2, 3)) @ X + w, rtol=1e-14)
    np.testing.assert_allclose(model.fc.bias.grad, [4, 4], rtol=1e-15)


def test_called_on_nodes_or_parameters_it_records():
    model, weight = Residual(), Parameter(X)
    assert isinstance(model(weight), Node)
    assert model(weight).shape == (3, 2)
    graph = Graph()
    assert isinstance(model(x=graph.input("x")), Node)


COPIES = [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]


@pytest.mark.parametrize("copied", COPIES)
def test_copies_in_the_middle_of_training_are_independent(copied):
    model = Residual()
    check(model)
    gradient = model.fc.weight.grad.copy()
    other = copied(model)
    np.testing.assert_array_equal(other.fc.weight.grad, gradient)
    with pytest.raises(RuntimeError, match="before forward"):
        other.backward(G)
    other(X)
    other.backward(G)
    np.testing.assert_allclose(other.fc.weight.grad, 2 * gradient, rtol=1e-14)
    np.testing.assert_array_equal(model.fc.weight.grad, gradient)
    other.fc.weight.data += 1
    check(other)
    check(model)


@pytest.mark.parametrize("copied", COPIES)
def test_copies_keep_ties_buffers_modes_and_freezing(copied):
    model = Sequential(Linear(2, 2), Linear(2, 2), Spy())
    model[1].weight = model[0].weight
    model[0].bias.requires_grad = False
    model.register_buffer("seen", np.arange(3))
    model[1].eval()
    other = copied(model)
    assert other[1].weight is other[0].weight
    assert other[0].weight is not model[0].weight
    assert not other[0].bias.requires_grad
    assert other.seen is not model.seen
    assert other.state_dict()["seen"].tolist() == [0, 1, 2]
    assert [module.training for module in other.modules()] == [True, True, False, True]
    np.testing.assert_array_equal(other(np.ones((1, 2))), model(np.ones((1, 2))))


def test_inputs_are_named_by_forward():
    assert Residual()._names(1) == ["x"]
    assert Scale(1.0)._names(1) == ["x"]

    class Rest(Module):
        def forward(self, first, *rest):
            return first

    assert Rest()._names(3) == ["first", "x1", "x2"]
