"""Sweep: the tape read backward; every contribution counted once, none nobody asked for."""

import numpy as np
import pytest

from npnet import Add, Graph, Linear, Module, Multiply, Parameter, ReLU, Scale, Sequential, Square
from npnet.layers.base import Layer
from tests.support.reference import SinCos, Spy, Strict, Total


class Given(Layer):
    """x w + b that notes which gradients it was asked for, and by which arrays."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = Parameter(np.full(2, 3.0)), Parameter(np.ones(2))
        self.__dict__["asked"] = []

    def infer(self, x, weight, bias):
        return x

    def forward_kernel(self, x, weight, bias, *, out, scratch):
        np.multiply(x, weight, out=out)
        np.add(out, bias, out=out)

    def backward_kernel(self, dy, x, weight, bias, y, *, dx, dweight, dbias, scratch):
        given = {"x": dx, "weight": dweight, "bias": dbias}
        self.asked.append({name for name, array in given.items() if array is not None})
        for array, slope in ((dx, weight), (dweight, x), (dbias, 1.0)):
            if array is not None:
                array[...] = np.nan
                np.multiply(dy, slope, out=array)


def run(build, **inputs):
    """Return the graph of `build` after forward and backward, and its nodes."""
    graph = Graph(dtype=np.float64)
    nodes = [graph.input(name, requires_grad=True) for name in inputs]
    graph.output(build(*nodes))
    graph(**inputs)
    graph.backward()
    return graph, nodes


@pytest.mark.parametrize("times", [1, 2, 3, 10])
def test_slot_read_n_times_receives_the_sum_of_n(times):
    def build(x):
        total = x
        for _ in range(times - 1):
            total = total + x
        return Total()(total)

    graph, (x,) = run(build, x=np.array([1.0, 2.0]))
    np.testing.assert_array_equal(graph.grad(x), [times, times])


def test_operand_read_twice_by_one_step():
    graph, (x,) = run(lambda x: Total()(x * x), x=np.array([3.0, -4.0]))
    np.testing.assert_array_equal(graph.grad(x), [6, -8])
    graph, (x,) = run(lambda x: x @ x, x=np.array([3.0, -4.0]))
    np.testing.assert_array_equal(graph.grad(x), [6, -8])
    graph, (x,) = run(lambda x: Total()(x - x), x=np.array([3.0, -4.0]))
    np.testing.assert_array_equal(graph.grad(x), [0, 0])
    graph, (x,) = run(lambda x: x**x, x=2.0)
    assert graph.grad(x) == pytest.approx(4 * (1 + np.log(2)), rel=1e-15)


def test_gradient_is_complete_before_its_producer_runs():
    spy = Spy()

    def build(x):
        h = spy(x)
        return Total()(h * h + h + np.exp(h * 0.0) * h)

    run(build, x=np.array([1.0, 2.0]))
    backward = [array for what, array in spy.seen if what == "backward"]
    assert [array.tolist() for array in backward] == [[4, 6]]


def test_parallel_paths_into_one_parameter():
    weight = Parameter(np.array([[1.0, -2.0], [3.0, 0.5]]))

    class Paths(Module):
        def __init__(self):
            super().__init__()
            self.weight, self.total = weight, Total()

        def forward(self, x):
            w = self.weight
            return self.total(x @ w) + self.total(w * w) * 0.5 + self.total(w)

    x = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    paths = Paths()
    paths(x)
    paths.backward()
    data = np.array([9 + 1.0 + 1, 9 - 2.0 + 1, 12 + 3.0 + 1, 12 + 0.5 + 1]).reshape(2, 2)
    np.testing.assert_array_equal(weight.grad, data)


@pytest.mark.parametrize("column_order", [False, True])
def test_shared_weight_counts_in_every_layer_and_in_any_memory_order(column_order):
    data = np.arange(4.0).reshape(2, 2)
    weight = Parameter(np.asfortranarray(data) if column_order else data)
    first, second = (Linear(2, 2, bias=False, dtype=np.float64) for _ in range(2))
    first.weight = second.weight = weight
    model = Sequential(first, second)
    x, g = np.array([[1.0, 2.0]]), np.array([[1.0, 10.0]])
    model(x)
    dx = model.backward(g, input_grad=True)
    hidden = x @ data.T
    np.testing.assert_array_equal(weight.grad, g.T @ hidden + (g @ data).T @ x)
    np.testing.assert_array_equal(dx, g @ data @ data)


def test_only_what_is_asked_for_is_computed():
    layer = Given()
    model = Sequential(layer)
    model(np.ones(2))

    def asked(**keywords):
        layer.asked.clear()
        model.backward(np.ones(2), **keywords)
        return layer.asked

    assert asked() == [{"weight", "bias"}]
    assert asked(input_grad=True) == [{"x", "weight", "bias"}]
    layer.weight.requires_grad = False
    assert asked() == [{"bias"}]
    layer.bias.requires_grad = False
    assert asked() == []
    assert asked(input_grad=True) == [{"x"}]
    layer.weight.requires_grad = True
    assert asked() == [{"weight"}]


def test_frozen_branch_is_not_walked():
    spy = Spy()

    class Branches(Module):
        def __init__(self):
            super().__init__()
            self.weight, self.spy = Parameter([1.0, 2.0]), spy

        def forward(self, x):
            return Total()(self.spy(np.exp(x)) * self.weight)

    model = Branches()
    model(np.zeros(2, np.float32))
    model.backward()
    assert [what for what, _ in spy.seen] == ["forward"]
    assert model.weight.grad.tolist() == [1, 1]


def test_steps_that_reach_no_output_take_no_part():
    spy = Spy()

    class Dead(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.unused = Linear(2, 2), Linear(2, 2)

        def forward(self, x):
            spy(self.unused(x))
            return self.fc(x)

    model = Dead()
    model(np.ones((1, 2), np.float32))
    model.backward(np.ones((1, 2)))
    assert spy.seen == []
    assert model.unused.weight.grad is None


class Outputs(Module):
    """Three outputs, the third an integer combination of the first two's parts."""

    def __init__(self):
        super().__init__()
        self.weight = Parameter(np.array([2.0, 3.0]))

    def forward(self, x):
        a = x * self.weight
        b = np.square(a)
        return a, b, Total()(a + b)


SEEDS = [np.array([1.0, 2.0]), np.array([3.0, 4.0]), 5.0]


@pytest.mark.parametrize("given", [1, 2, 3, 4, 5, 6, 7])
def test_several_outputs_with_any_of_their_gradients(given):
    model, x = Outputs(), np.array([0.5, -1.0])
    model(x)
    seeds = [seed if given >> place & 1 else None for place, seed in enumerate(SEEDS)]
    dx = model.backward(*seeds, input_grad=True)
    da, db, total = (np.zeros(2) if seed is None else seed for seed in seeds)
    a = x * model.weight.data
    expected = da + total + (db + total) * 2 * a
    np.testing.assert_allclose(dx, expected * model.weight.data, rtol=1e-15)
    np.testing.assert_allclose(model.weight.grad, expected * x, rtol=1e-15)


def test_same_value_as_two_outputs_gets_both_gradients():
    class Twice(Module):
        def forward(self, x):
            h = np.exp(x)
            return h, h, x

    model = Twice()
    for training in (True, False):
        model.train(training)
        model(np.zeros(2))
        dx = model.backward([1.0, 2.0], [10.0, 20.0], [100.0, 200.0], input_grad=True)
        assert dx.tolist() == [111, 222]
        assert model.backward(None, [1.0, 2.0], None, input_grad=True).tolist() == [1, 2]


def test_layer_with_two_outputs_gets_none_where_nothing_arrives():
    x = np.array([0.3, -0.8])
    for picked, slope in ((0, np.cos(x)), (1, -np.sin(x))):
        graph, (node,) = run(lambda x, p=picked: Total()(SinCos()(x)[p]), x=x)
        np.testing.assert_allclose(graph.grad(node), slope, rtol=1e-15)
    graph, (node,) = run(lambda x: Total()(Multiply()(*SinCos()(x))), x=x)
    np.testing.assert_allclose(graph.grad(node), np.cos(2 * x), rtol=1e-14)


def test_gradient_written_over_its_outputs_does_not_reach_another_reader():
    """Scale and ReLU may write dx over dy; a later reader must still see whole gradients."""

    class Tangle(Module):
        def __init__(self):
            super().__init__()
            self.fc, self.relu, self.scale = Linear(2, 2, dtype=np.float64), ReLU(), Scale(3.0)

        def forward(self, x):
            h = self.fc(x)
            s = self.scale(self.relu(h))
            return Total()(s + h), s

    model, x = Tangle(), np.array([[1.0, -2.0], [0.5, 4.0]])
    model.fc.weight.data = [[1.0, 2.0], [-1.0, 0.5]]
    model.fc.bias.data = [0.25, 0.25]
    model(x)
    h = x @ model.fc.weight.data.T + 0.25
    seed = np.array([[1.0, 2.0], [3.0, 4.0]])
    for _ in range(3):
        model.zero_grad()
        dx = model.backward(7.0, seed, input_grad=True)
        dh = 7.0 + (7.0 + seed) * 3 * (h > 0)
        np.testing.assert_allclose(dx, dh @ model.fc.weight.data, rtol=1e-15)
        np.testing.assert_allclose(model.fc.weight.grad, dh.T @ x, rtol=1e-15)


def test_failing_backward_leaves_gradients_as_they_were():
    class Late(Module):
        def __init__(self):
            super().__init__()
            self.first, self.strict, self.last = Linear(2, 2), Strict(), Linear(2, 2)

        def forward(self, x):
            h = self.first(x)
            return self.strict(h * h) + self.last(h)

    model, x = Late(), np.ones((1, 2), np.float32)
    model(x)
    model.backward([[1.0, 2.0]])
    before = [p.grad.copy() for p in model.parameters()]
    fresh = Late()
    fresh(x)
    for broken in (model, fresh):
        with pytest.raises(ValueError, match="other than 13"):
            broken.backward([[13.0, 1.0]])
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.grad, gradient)
    assert all(p.grad is None for p in fresh.parameters())
    model.backward([[1.0, 2.0]])
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        np.testing.assert_allclose(parameter.grad, 2 * gradient, rtol=1e-6)
    model.zero_grad()
    model.backward([[1.0, 2.0]])
    with pytest.raises(ValueError, match="other than 13"):
        model.backward([[13.0, 1.0]])
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.grad, gradient)


def test_frozen_parameter_as_output_gets_no_gradient():
    class Shows(Module):
        def __init__(self):
            super().__init__()
            self.weight = Parameter([1.0, 2.0], requires_grad=False)

        def forward(self, x):
            return x * self.weight, self.weight

    model = Shows()
    shown = model(np.ones(2, np.float32))[1]
    assert model.backward([1.0, 1.0], [5.0, 5.0], input_grad=True).tolist() == [1, 2]
    assert model.weight.grad is None
    model.weight.requires_grad = True
    model.backward(None, [5.0, 6.0])
    assert model.weight.grad.tolist() == [5, 6]
    model.backward([1.0, 1.0], [5.0, 6.0])
    assert model.weight.grad.tolist() == [11, 13]
    shown += 1
    assert model.weight.data.tolist() == [1, 2]


def test_broadcast_operands_get_their_own_size():
    shapes = [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3)), ((1, 1), (3,)), ((2, 3), (2, 1))]
    for a_shape, b_shape in shapes:
        graph, (a, b) = run(
            lambda a, b: Total()(Add()(a, b) * Square()(b)), a=np.ones(a_shape), b=np.ones(b_shape)
        )
        full = np.prod(np.broadcast_shapes(a_shape, b_shape))
        assert graph.grad(a).shape == a_shape
        assert graph.grad(b).shape == b_shape
        np.testing.assert_array_equal(graph.grad(a), np.full(a_shape, full / np.prod(a_shape)))
        slope = full / np.prod(b_shape) * (1 + 2 * 2)
        np.testing.assert_array_equal(graph.grad(b), np.full(b_shape, slope))


@pytest.mark.parametrize("order", ["C", "F"])
def test_parameter_of_three_axes_as_the_input_of_a_layer(order):
    """A layer that takes rows sees the newest numbers of a cube, however it lies in memory."""
    data = np.random.default_rng(0).normal(size=(2, 3, 4))

    class Cube(Module):
        def __init__(self):
            super().__init__()
            self.cube = Parameter(np.array(data, order=order))
            self.fc = Linear(4, 2, dtype=np.float64)

        def forward(self):
            return self.fc(self.cube)

    model, g = Cube(), np.random.default_rng(1).normal(size=(2, 3, 2))
    for step in range(3):
        model.zero_grad()
        cube, weight = model.cube.data, model.fc.weight.data
        expected = np.einsum("abi,oi->abo", cube, weight) + model.fc.bias.data
        # Terms of about 1 may cancel each other, so errors are those of the terms.
        np.testing.assert_allclose(model(), expected, rtol=1e-13, atol=1e-14)
        model.backward(g)
        dcube = np.einsum("abo,oi->abi", g, weight)
        np.testing.assert_allclose(model.cube.grad, dcube, rtol=1e-13, atol=1e-14)
        dweight = np.einsum("abo,abi->oi", g, cube)
        np.testing.assert_allclose(model.fc.weight.grad, dweight, rtol=1e-12, atol=1e-14)
        model.cube.data += step + 1.0
