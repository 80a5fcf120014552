"""Layers by inheritance: whose kernels they have, and what a copy of one holds."""

import copy
from functools import partial

import numpy as np
import pytest

from npnet import Parameter, Regularization, ReLU, Sigmoid, Sum


class Twice:
    """Kernels that stand in no Layer."""

    def forward_kernel(self, x, *, out, scratch):
        np.multiply(x, 2, out=out)

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        np.multiply(dy, 2, out=dx)


class TwiceListed:
    backward_reads = frozenset()

    def forward_calls(self, operand, *, out, scratch):
        yield partial(np.multiply, operand, 2, out)

    def backward_calls(self, dy, operand, y, *, doperand, scratch):
        yield partial(np.multiply, dy, 2, doperand)


@pytest.mark.parametrize("mixin", [Twice, TwiceListed])
@pytest.mark.parametrize("layer", [Sigmoid, ReLU, Sum])
def test_kernels_of_a_mixin_are_those_of_the_first_class_looked_at(mixin, layer):
    class Mixed(mixin, layer):
        def infer(self, x):
            return x

    class Heir(Mixed):
        pass

    class Behind(ReLU, mixin):
        pass

    x = np.array([-1.0, 2.0])
    for made in (Mixed(), Heir()):
        assert made(x).tolist() == [-2, 4]
        assert made.backward(np.array([3.0, 5.0])).tolist() == [6, 10]
        assert made.operand_names == (("x",) if mixin is Twice else ("operand",))
        assert made.backward_reads == ({"x", "y"} if mixin is Twice else frozenset())
        assert made.adding_calls is None and not made.variadic
        out = np.empty(2)
        made.forward_kernel(x, out=out, scratch=None)
        assert out.tolist() == [-2, 4]
        [call() for call in made.forward_calls(-x, out=out, scratch=None)]
        assert out.tolist() == [2, -4]
    assert Behind()(x).tolist() == [0, 2] and Behind.backward_reads == {"y"}


def test_a_backward_of_a_mixin_is_not_gone_around_by_one_that_adds():
    class Mixed(Twice, Regularization):
        pass

    class Adding(Twice, Regularization):
        adding_calls = Regularization.adding_calls

    assert Regularization.adding_calls is not None and Mixed.adding_calls is None
    assert Adding.adding_calls is Regularization.adding_calls


class Counting(ReLU):
    """A layer that writes its buffers: one in place, the other not."""

    def __init__(self):
        super().__init__()
        self.register_buffer("count", np.zeros(1))
        self.register_buffer("other", np.zeros(1), persistent=False)

    def forward_kernel(self, x, *, out, scratch):
        self.count[...] += 1
        self.other = self.other + 1
        np.copyto(out, x)


def test_what_a_kernel_keeps_on_its_copy_reaches_neither_the_layer_nor_its_state():
    layer, other = Counting(), np.zeros(1)
    layer.other = other
    for _ in range(2):
        layer(np.ones(1))
    assert layer.count.tolist() == layer.state_dict()["count"].tolist() == [2]
    assert layer.other.tolist() == layer._buffers["other"].tolist() == [0]


def test_a_copy_has_the_same_parts_and_replaces_them_alone():
    layer = Counting()
    layer.scale, layer.inner = Parameter([1.0]), ReLU()
    other = copy.copy(layer)
    assert type(other) is Counting and other.scale is layer.scale and other.count is layer.count
    other.scale, other.count, other.inner = Parameter([2.0]), [3.0], None
    other.register_buffer("other", np.ones(1))
    assert layer.scale.data == 1 and next(layer.parameters()) is layer.scale
    assert layer.count is layer.state_dict()["count"] and [*layer.children()] == [layer.inner]
    assert list(layer.state_dict()) == ["scale", "count"]
    assert list(other.state_dict()) == ["scale", "count", "other"]
