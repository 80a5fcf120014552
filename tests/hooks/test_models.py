"""Hooks in models of every build: nested, shared, on graphs, copied, trained."""

import copy
import pickle

import numpy as np
import pytest

from npnet import (
    CrossEntropyLoss,
    Elementwise,
    GradientError,
    Graph,
    Linear,
    Module,
    Multiply,
    ReLU,
    Sequential,
    Tanh,
    functional,
    gradcheck,
)
from npnet.optim import SGD
from tests.support.reference import SinCos
from tests.support.watched import G, X, network, watch


def test_labels_pass_hooked_modules_as_they_are():
    class Objective(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.loss = Linear(2, 3, dtype=np.float64), CrossEntropyLoss()

        def forward(self, x, labels):
            return self.loss(self.fc(x), labels)

    plain, labels = Objective(), np.array([0, 2, 1])
    hooked, log = copy.deepcopy(plain), []
    watch(hooked, log)
    for model in (plain, hooked):
        assert model(X, labels) == pytest.approx(plain(X, labels), rel=1e-15)
        model.backward()
    np.testing.assert_allclose(hooked.fc.weight.grad, plain.fc.weight.grad, rtol=1e-14)
    assert ("before", "loss") in {entry[:2] for entry in log}
    integers = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(hooked(integers, labels), plain(integers, labels))


def test_several_outputs_and_replacing_one_of_them():
    model = Sequential(SinCos(), Multiply())
    model[0].register_forward_hook(lambda module, inputs, output: (output[0], output[1] * 3.0))
    x = np.array([0.4, -1.3])
    np.testing.assert_allclose(model(x), 1.5 * np.sin(2 * x), rtol=1e-14)
    found = model.backward(np.ones(2), input_grad=True)
    np.testing.assert_allclose(found, 3 * np.cos(2 * x), rtol=1e-13)


def test_nested_operands_and_outputs_come_as_they_are_built():
    class Inner(Module):
        def forward(self, pair, flag, options):
            assert isinstance(flag, bool)
            return {"sum": pair[0] + pair[1], "rest": [pair[0] * options["by"], flag]}

    class Outer(Module):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def forward(self, x):
            found = self.inner((x, x * 2.0), True, {"by": 5.0})
            return found["sum"] + found["rest"][0]

    model, seen = Outer(), []
    x = np.array([1.0, 2.0])
    model.inner.register_forward_hook(lambda module, inputs, output: seen.append((inputs, output)))
    assert model(x).tolist() == (8 * x).tolist()
    (((first, second), flag, options), output), *_ = seen
    assert (first.tolist(), second.tolist(), flag, options) == ([1, 2], [2, 4], True, {"by": 5.0})
    assert output["sum"].tolist() == [3, 6]
    assert output["rest"][0].tolist() == [5, 10]
    assert output["rest"][1] is True
    model.inner.register_forward_hook(lambda m, i, o: {**o, "sum": o["sum"] * 2.0})
    assert model(x).tolist() == (11 * x).tolist()
    assert model.backward(np.ones(2), input_grad=True).tolist() == [11, 11]


def test_shared_module_is_seen_each_time():
    class Twice(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(2, 2, bias=False, dtype=np.float64)

        def forward(self, x):
            return self.fc(self.fc(x))

    model, seen, back = Twice(), [], []
    model.fc.register_forward_hook(lambda module, inputs, output: seen.append(output))
    model.fc.register_full_backward_hook(lambda module, dx, dy: back.append((dx[0], dy[0])))
    y = model(X)
    assert len(seen) == 2
    np.testing.assert_array_equal(seen[1], y)
    np.testing.assert_allclose(seen[0], X @ model.fc.weight.data.T, rtol=1e-14)
    dx = model.backward(G, input_grad=True)
    assert len(back) == 2
    np.testing.assert_array_equal(back[0][1], G)
    np.testing.assert_array_equal(back[0][0], back[1][1])
    np.testing.assert_array_equal(back[1][0], dx)


def test_what_is_computed_for_nothing_is_looked_at_all_the_same():
    class Probed(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.probe = (Linear(2, 2, dtype=np.float64) for _ in range(2))

        def forward(self, x):
            self.probe(x)
            return self.fc(x)

    model, seen = Probed(), []
    model.probe.register_forward_hook(lambda module, inputs, output: seen.append(output))
    model(X)
    np.testing.assert_allclose(seen[0], X @ model.probe.weight.data.T + model.probe.bias.data)
    model.backward(G)
    assert model.probe.weight.grad is None
    np.testing.assert_allclose(model.fc.weight.grad, G.T @ X, rtol=1e-14)


def test_graph_and_its_layers_have_hooks_wherever_they_are_registered():
    graph, fc, tanh = Graph(dtype=np.float64), Linear(2, 2, dtype=np.float64), Tanh()
    early, late, whole = [], [], []
    fc.register_forward_hook(lambda m, i, o: early.append(o))
    x = graph.input("x", requires_grad=True)
    h = fc(x)
    y = tanh(h)
    graph.output(y)
    graph(X)
    tanh.register_forward_hook(lambda m, i, o: late.append(o))
    graph.register_forward_hook(lambda m, i, o: whole.append((i, o)))
    value = graph(x=X)
    a = X @ fc.weight.data.T + fc.bias.data
    assert (len(early), len(late), len(whole)) == (2, 1, 1)
    np.testing.assert_allclose(early[1], a, rtol=1e-14)
    np.testing.assert_array_equal(late[0], value)
    np.testing.assert_array_equal(whole[0][1], value)
    np.testing.assert_array_equal(whole[0][0][0], X)
    np.testing.assert_allclose(graph.value(h), a, rtol=1e-14)
    graph.backward(G)
    da = G * (1 - np.tanh(a) ** 2)
    np.testing.assert_allclose(graph.grad(h), da, rtol=1e-13)
    np.testing.assert_allclose(graph.grad(x), da @ fc.weight.data, rtol=1e-13)
    handle = fc.register_forward_hook(lambda m, i, o: o * 2.0)
    np.testing.assert_allclose(graph(X), np.tanh(2 * a), rtol=1e-13)
    np.testing.assert_allclose(graph.value(h), 2 * a, rtol=1e-14)
    handle.remove()
    np.testing.assert_array_equal(graph(X), value)


def test_a_graphs_own_pre_hook_stands_between_what_is_fed_and_what_is_read():
    graph = Graph(dtype=np.float64)
    x = graph.input("x", requires_grad=True)
    y = np.square(x)
    graph.output(y)
    graph.register_forward_pre_hook(lambda m, i: (i[0] * 3.0,))
    assert graph(2.0) == 36
    graph.backward()
    assert (graph.value(x), graph.value(y), graph.grad(x)) == (2, 36, 36)


def test_a_module_that_became_a_graphs_layers_keeps_the_hooks_it_had():
    graph, seen = Graph(dtype=np.float64), []
    model = Sequential(Tanh(), Tanh())
    handle = model.register_forward_hook(lambda m, i, o: seen.append(o))
    graph.output(model(graph.input("x")))
    for run in (graph, copy.deepcopy(graph)):
        np.testing.assert_allclose(run(X), np.tanh(np.tanh(X)), rtol=1e-14)
        run.backward(G)
    assert len(seen) == 2
    handle.remove()
    graph(X)
    assert len(seen) == 2
    assert [name for name, _ in graph.named_modules()] == ["", "tanh1", "tanh2"]


def test_a_graph_inside_another_module_calls_its_layers_hooks():
    graph, seen = Graph(dtype=np.float64), []
    tanh = Tanh()
    graph.output(tanh(graph.input("x")))
    model = Sequential(graph, ReLU())
    model(X)
    tanh.register_forward_hook(lambda m, i, o: seen.append(o))
    model(X)
    np.testing.assert_allclose(seen[0], np.tanh(X), rtol=1e-14)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_have_the_hooks_and_handles_of_their_own(copied):
    model = Sequential(Tanh())
    model.handle = model[0].register_forward_hook(doubled)
    other = copied(model)
    np.testing.assert_array_equal(other(X), model(X))
    np.testing.assert_allclose(other(X), 2 * np.tanh(X), rtol=1e-14)
    other.handle.remove()
    np.testing.assert_allclose(other(X), np.tanh(X), rtol=1e-14)
    np.testing.assert_allclose(model(X), 2 * np.tanh(X), rtol=1e-14)


def doubled(module, inputs, output):
    """Double the output; a function of a module, so that it can be pickled."""
    return output * 2.0


def test_gradcheck_looks_through_hooks():
    model = network()
    model[1].register_forward_hook(lambda m, i, o: functional.tanh(o * i[0]))
    model[2].register_forward_pre_hook(lambda m, i: i[0] * 1.5)
    assert gradcheck(model, X)


def test_gradcheck_finds_the_wrong_layer_among_hooks():
    class Wrong(Elementwise):
        def forward_kernel(self, x, *, out, scratch):
            np.multiply(x, 3.0, out=out)

        def backward_kernel(self, dy, x, y, *, dx, scratch):
            np.copyto(dx, dy)

    model = Sequential(Tanh(), Wrong(), Tanh())
    watch(model, [])
    with pytest.raises(GradientError, match="the fault is in step"):
        gradcheck(model, X)


def test_training_with_hooks_is_the_training_without():
    plain = network()
    watched = copy.deepcopy(plain)
    watch(watched, [])
    for model in (plain, watched):
        optimizer = SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(5):
            optimizer.zero_grad()
            model(X)
            model.backward(G)
            optimizer.step()
    for a, b in zip(plain.parameters(), watched.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_parameters_as_operands_of_hooked_modules():
    class Penalty(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.square = Linear(2, 2, dtype=np.float64), Squared()

        def forward(self, x):
            return self.fc(x) + self.square(self.fc.weight)

    model, seen = Penalty(), []
    model.square.register_forward_hook(lambda m, i, o: seen.append(i[0]))
    model.square.register_full_backward_hook(lambda m, dx, dy: seen.append(dx[0]))
    w = model.fc.weight.data
    x, g = X[:2], G[:2]
    np.testing.assert_allclose(model(x), x @ w.T + model.fc.bias.data + w * w, rtol=1e-14)
    model.backward(g)
    np.testing.assert_array_equal(seen[0], w)
    np.testing.assert_allclose(seen[1], 2 * w * g, rtol=1e-14)
    np.testing.assert_allclose(model.fc.weight.grad, g.T @ x + 2 * w * g, rtol=1e-13)


class Squared(Module):
    def forward(self, weight):
        assert not isinstance(weight, np.ndarray)
        return weight * weight
