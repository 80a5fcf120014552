import numpy as np
import pytest

from npnet import Dropout, Layer, Linear, SoftmaxCrossEntropy, Tanh
from npnet.check.case import Case
from npnet.check.checks.joined import check_parameters, check_parts, check_used_twice
from npnet.check.comparing import Disagreement, Skipped
from npnet.check.draws import Draw, labels
from npnet.check.function import Function
from tests.support import broken

ROWS = (Draw(("B", 3)),)


def case(make, **options):
    return Case("case", make, ROWS, **options)


def function(call):
    return Case("function", lambda: Function(call), ROWS, dtype=np.float64, is_function=True)


class Assigns(broken.Sine):
    """Writes where it is asked to add."""

    def adding_calls(self, dy, x, y, *, dx, scratch):
        yield lambda: np.multiply(np.cos(x), dy, out=dx)


class Kept:
    """A function that keeps the last x."""

    def __call__(self, x):
        self.x = x
        return x * x, lambda dy: 2 * self.x * dy

    def backward(self, dy):
        return 2 * self.x * dy

    def forward(self, x):
        return self(x)[0]


def test_gradients_add_up_where_a_layer_is_used_twice():
    check_used_twice(case(Tanh))
    check_used_twice(case(lambda: Linear(3, 2)))
    with pytest.raises(Disagreement, match="beside other uses: gradient of x") as raised:
        check_used_twice(case(broken.KeepsActivations))
    assert "kept" in raised.value.cause
    with pytest.raises(Disagreement, match="read twice: gradient of x") as raised:
        check_used_twice(case(Assigns))
    assert raised.value.cause.startswith("`=` where `+=` is meant")


def test_a_function_remembers_each_of_its_calls():
    check_used_twice(function(lambda x: (x * x, lambda dy: 2 * x * dy)))
    with pytest.raises(Disagreement, match="backward after another forward") as raised:
        check_used_twice(function(Kept()))
    assert "kept where the next call writes" in raised.value.cause


def test_what_draws_and_what_keeps_the_last_call_is_not_asked():
    kept = Kept()
    for skipped in (case(Dropout, draws=True), function((kept.forward, kept.backward))):
        with pytest.raises(Skipped):
            check_used_twice(skipped)


def test_operands_may_be_parameters():
    check_parameters(case(lambda: Linear(3, 2)))
    with pytest.raises(Disagreement, match="gradient of a Parameter as operand"):
        check_parameters(case(broken.AssumesOrder))


class LastOfTwo(Layer):
    """y = x and z = 2 x, whose gradient is that of the last one that has one."""

    output_count = 2

    def infer(self, x):
        return x, x

    def forward_kernel(self, x, *, out, scratch):
        out[0][...], out[1][...] = x, 2 * x

    def backward_kernel(self, dy, x, y, *, dx, scratch):
        dx[...] = dy[0] if dy[1] is None else 2 * dy[1]


def test_gradients_of_several_outputs_add_up():
    with pytest.raises(Disagreement, match="one output's gradient each"):
        check_parts(case(LastOfTwo))


def test_each_gradient_is_the_same_alone():
    check_parts(case(lambda: Linear(3, 2)))
    check_parts(Case("", SoftmaxCrossEntropy, (Draw(("B", 3)), labels(3)), rows_interact=True))
    with pytest.raises(Disagreement):
        check_parts(case(broken.AllOrNothing))
