import math
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from npnet import (
    Add,
    Concatenate,
    Elementwise,
    Graph,
    Layer,
    Linear,
    Module,
    MSELoss,
    Regularization,
    ReLU,
    Sum,
)
from npnet.kernel import Spec
from npnet.layers.base import Reduced, broadcast_spec, real_number, sum_to
from npnet.tape import Node

FLOAT32 = np.dtype(np.float32)


class Hypotenuse(Layer):
    """y = (a^2 + b^2)^(1/2), as a user would write a layer."""

    def infer(self, a, b):
        return broadcast_spec("Hypotenuse", a, b)

    def forward_kernel(self, a, b, *, out, scratch):
        np.hypot(a, b, out=out)

    def backward_kernel(self, dy, a, b, y, *, da, db, scratch):
        for gradient, x in ((da, a), (db, b)):
            if gradient is not None:
                np.multiply(dy, x / y, out=gradient)


def test_a_layer_of_ones_own_is_two_kernels():
    layer = Hypotenuse()
    assert layer(np.array([3.0]), np.array([4.0])).tolist() == [5.0]
    assert layer.backward(np.array([10.0])).tolist() == [6.0]
    assert layer.backward(np.array([10.0]), input_grad=True)[1].tolist() == [8.0]


def test_operands_are_named_by_the_kernel():
    assert Hypotenuse.operand_names == ("a", "b") and not Hypotenuse.variadic
    assert Hypotenuse.backward_reads == {"a", "b", "y"}
    assert Linear.operand_names == ("x", "weight", "bias")
    assert Sum.operand_names == ("terms",) and Sum.variadic


def test_a_subclass_without_kernels_takes_over_the_names():
    class Named(Hypotenuse):
        pass

    assert Named.operand_names == ("a", "b") and Named.backward_reads == {"a", "b", "y"}


def test_a_subclass_with_another_kernel_reads_what_it_says():
    class Other(ReLU):
        def forward_kernel(self, x, *, out, scratch):
            np.copyto(out, x)

    assert ReLU.backward_reads == {"y"}
    assert Other.backward_reads == {"x", "y"}


def test_operands_may_be_named():
    layer = Hypotenuse()
    assert layer(b=np.array([4.0]), a=np.array([3.0])).tolist() == [5.0]
    assert layer(np.array([3.0]), b=np.array([4.0])).tolist() == [5.0]
    assert layer.backward(np.ones(1)).tolist() == [0.6]


def test_torchs_name_of_the_first_operand_is_taken_too():
    x, t = np.array([1.0, 2.0]), np.array([0.0, 4.0])
    assert MSELoss()(input=x, target=t) == MSELoss()(target=t, x=x) == 2.5
    with pytest.raises(TypeError, match="got 1 by position and input by name"):
        MSELoss()(x, input=t)
    with pytest.raises(TypeError, match="got 0 by position and x, input by name"):
        MSELoss()(x=x, input=t)


@pytest.mark.parametrize(
    "operands, named, message",
    [
        ((), {}, "Hypotenuse: expected 2 operands \\(a, b\\), got 0"),
        ((1.0,), {}, "Hypotenuse: expected 2 operands \\(a, b\\), got 1"),
        ((1.0, 2.0, 3.0), {}, "Hypotenuse: expected 2 operands \\(a, b\\), got 3"),
        ((1.0,), {"c": 2.0}, "Hypotenuse: expected operands a, b, got 1 by position and c by name"),
        ((1.0, 2.0), {"b": 2.0}, "got 2 by position and b by name"),
    ],
)
def test_refuses_another_number_of_operands(operands, named, message):
    with pytest.raises(TypeError, match=message):
        Hypotenuse()(*operands, **named)


def test_one_operand_is_no_plural():
    with pytest.raises(TypeError, match=r"ReLU: expected 1 operand \(x\), got 2"):
        ReLU()(np.ones(1), np.ones(1))


@pytest.mark.parametrize("kind", [Sum, Concatenate])
def test_a_layer_of_any_number_of_operands_needs_one(kind):
    with pytest.raises(TypeError, match=r"expected at least 1 operand \(terms\), got 0"):
        kind()()


@pytest.mark.parametrize("operand", ["text", [1.0, [2.0]], np.array([1j]), object()])
@pytest.mark.parametrize("recorded", [False, True])
def test_refuses_what_is_no_real_number(operand, recorded):
    other = Graph().input("x") if recorded else np.ones(1)
    with pytest.raises(TypeError, match=r"Add: expected \w+ of real numbers"):
        Add()(other, operand)


@pytest.mark.parametrize("method", ["infer", "forward_kernel", "backward_kernel"])
def test_says_what_a_layer_lacks(method):
    with pytest.raises(NotImplementedError, match=f"Layer: has no {method}; see npnet.Layer"):
        getattr(Layer(), method)()


class Doubled(Elementwise):
    """y = 2 x, stated as calls."""

    backward_reads = frozenset()

    def forward_calls(self, x, *, out, scratch):
        yield partial(np.add, x, x, out)

    def backward_calls(self, dy, x, y, *, dx, scratch):
        yield partial(np.add, dy, dy, dx)


class Tripled(Doubled):
    """y = 3 x, stated as kernels that go on from those of its base."""

    def forward_kernel(self, x, *, out, scratch):
        super().forward_kernel(x, out=out, scratch=scratch)
        np.add(out, x, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        super().backward_kernel(dy, x, y, dx=dx, scratch=scratch)
        np.add(dx, dy, out=dx)


class Halved(Tripled):
    """y = x / 2, stated as calls again."""

    def forward_calls(self, x, *, out, scratch):
        return [partial(np.multiply, x, 0.5, out)]

    def backward_calls(self, dy, x, y, *, dx, scratch):
        return [partial(np.multiply, dy, 0.5, dx)]


@pytest.mark.parametrize("layer, factor", [(Doubled, 2.0), (Tripled, 3.0), (Halved, 0.5)])
def test_the_last_to_state_kernels_or_calls_is_heard(layer, factor):
    module, x = layer(), np.array([1.0, -2.0])
    assert layer.operand_names == ("x",)
    assert module(x).tolist() == [factor, -2.0 * factor]
    assert module.backward(np.ones(2)).tolist() == [factor, factor]
    out = np.empty(2)
    module.forward_kernel(x, out=out, scratch=None)
    assert out.tolist() == [factor, -2.0 * factor]


def test_a_backward_of_ones_own_is_not_passed_over_for_an_inherited_sum():
    class Reversed(Regularization):
        def backward_kernel(self, dy, w, y, *, dw, scratch):
            np.multiply(w, -1.0, out=dw)

    g = Graph(dtype=np.float64)
    w = g.parameter("w", [1.0, 2.0])
    g.output(Regularization(1.0)(w) + Reversed(1.0)(w))
    g()
    g.backward()
    assert w.grad.tolist() == [1.0, 2.0]


def test_forward_on_arrays_computes_as_a_call_does():
    layer, x = Linear(3, 2), np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(layer.forward(x), layer(x))
    layer.forward(x[:1])
    assert layer.backward(np.ones((1, 2))).shape == (1, 3)
    assert isinstance(layer.forward(Graph().input("x")), Node)


def test_has_no_scratch_by_itself():
    assert Layer().scratch_specs() == {}


def test_an_array_given_to_a_recorded_layer_is_taken_as_it_is_then():
    g, array = Graph(), np.ones(2, np.float32)
    g.output(Add()(g.input("x"), array))
    array[...] = 100.0
    assert g(np.zeros(2, np.float32)).tolist() == [1.0, 1.0]


def test_a_buffer_of_the_module_that_is_traced_is_read_anew():
    class Shifted(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("shift", np.ones(2, np.float32))
            self.add = Add()

        def forward(self, x):
            return self.add(x, self.shift)

    model, x = Shifted(), np.zeros(2, np.float32)
    assert model(x).tolist() == [1.0, 1.0]
    model.shift[...] = 5.0
    assert model(x).tolist() == [5.0, 5.0]


def test_inputs_of_any_number_are_named_in_order():
    layer = Concatenate()
    layer(np.ones(1), np.ones(2))
    tape = layer.execution.ran.tape
    assert [tape.slots[slot].source.name for slot in tape.inputs] == ["terms0", "terms1"]


def test_elementwise_gives_what_it_is_given():
    class Cube(Elementwise):
        def forward_kernel(self, x, *, out, scratch):
            np.power(x, 3, out=out)

        def backward_kernel(self, dy, x, y, *, dx, scratch):
            np.multiply(dy, 3 * x * x, out=dx)

    cube = Cube()
    assert cube(np.full((1, 2), 2.0)).tolist() == [[8.0, 8.0]]
    assert cube.backward(np.ones((1, 2))).tolist() == [[12.0, 12.0]]


def test_a_failed_call_leaves_the_call_before():
    layer = Hypotenuse()
    layer(np.array([3.0]), np.array([4.0]))
    with pytest.raises(ValueError, match="Hypotenuse: expected shapes that broadcast"):
        layer(np.ones(2), np.ones(3))
    assert layer.backward(np.ones(1)).tolist() == [0.6]


def test_broadcast_spec_has_the_dtype_of_the_first():
    found = broadcast_spec("X", Spec((2, 1), FLOAT32), Spec((3,), np.dtype(np.float64)))
    assert found == Spec((2, 3), FLOAT32)
    with pytest.raises(ValueError, match=r"X: expected shapes .* got \(2,\) and \(3,\) and \(\)"):
        broadcast_spec("X", Spec((2,), FLOAT32), Spec((3,), FLOAT32), Spec((), FLOAT32))


@given(mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 4), max_dims=3))
def test_sum_to_is_the_transpose_of_broadcasting(shapes):
    (shape,) = shapes.input_shapes
    array = np.random.default_rng(0).integers(-9, 9, shapes.result_shape).astype(float)
    out = np.full(shape, np.nan)
    sum_to(array, out)
    v = np.random.default_rng(1).integers(-9, 9, shape).astype(float)
    assert np.sum(out * v) == np.sum(array * np.broadcast_to(v, array.shape))


def test_sum_to_of_no_rows_is_0():
    out = np.full((1, 3), np.nan)
    sum_to(np.ones((0, 3)), out)
    assert out.tolist() == [[0.0, 0.0, 0.0]]


@pytest.mark.parametrize("value", [2, 2.0, np.float64(2), np.float32(2), np.int8(2), np.array(2.0)])
def test_real_number_is_a_python_float(value):
    assert type(real_number(value, "X", "size")) is float and real_number(value, "X", "size") == 2


@pytest.mark.parametrize("value", ["2", b"2", 1j, np.complex64(1), [1.0], np.ones(1)])
def test_real_number_refuses_what_is_none(value):
    with pytest.raises(TypeError, match="X: expected size to be a real number, got"):
        real_number(value, "X", "size")


def test_reduced_knows_torchs_reductions():
    assert MSELoss().reduction == "mean" and Reduced("none").reduction == "none"
    assert repr(MSELoss("sum")) == "MSELoss()"
    with pytest.raises(ValueError, match="expected reduction 'none', 'mean' or 'sum', got 'max'"):
        MSELoss("max")


def test_kernels_see_rows_where_they_ask_for_them():
    seen = []

    class Rows(Elementwise):
        rows = frozenset({"x", "y"})

        def forward_kernel(self, x, *, out, scratch):
            seen.append((x.shape, out.shape))
            np.copyto(out, x)

        def backward_kernel(self, dy, x, y, *, dx, scratch):
            seen.append((dy.shape, x.shape, y.shape, dx.shape))
            np.copyto(dx, dy)

    layer = Rows()
    for shape in ((2, 3, 4), (4,), (2, 4)):
        layer(np.ones(shape))
        assert layer.backward(np.ones(shape)).shape == shape
        matrix = (math.prod(shape[:-1]), 4)
        assert seen[-2:] == [(matrix,) * 2, (matrix,) * 4]
