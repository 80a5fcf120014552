import math

import numpy as np
import pytest

import npnet
import npnet.functional as F
from tests.support.facts import Fact, check_value

THIRD = math.log(3.0)
GAUSS = math.sqrt(2 / math.pi)
FACTS = [
    Fact("relu", ([-1.0, 2.0],), [0.0, 2.0]),
    Fact("sigmoid", ([THIRD, 0.0],), [0.75, 0.5]),
    Fact("tanh", ([THIRD, 0.0],), [0.8, 0.0]),
    Fact("leaky_relu", ([-2.0, 2.0],), [-0.02, 2.0]),
    Fact("leaky_relu", ([-2.0, 2.0],), [-1.0, 2.0], {"negative_slope": 0.5}),
    Fact("prelu", ([-2.0, 2.0], [0.5]), [-1.0, 2.0]),
    Fact("prelu", ([-2.0, 2.0], 0.5), [-1.0, 2.0]),
    Fact("prelu", ([[-2.0, -2.0]], [0.5, -3.0]), [[-1.0, 6.0]]),
    Fact("elu", ([-THIRD, 2.0],), [-2 / 3, 2.0]),
    Fact("elu", ([-THIRD, 2.0],), [-1.0, 2.0], {"alpha": 1.5}),
    Fact("selu", ([-THIRD, 1.0],), [-1.7580993408473766 * 2 / 3, 1.0507009873554805]),
    Fact("hardtanh", ([-2.0, 0.5, 2.0],), [-1.0, 0.5, 1.0]),
    Fact("hardtanh", ([-2.0, 0.5, 4.0],), [0.0, 0.5, 3.0], {"min_val": 0, "max_val": 3}),
    Fact("relu6", ([-2.0, 0.5, 7.0],), [0.0, 0.5, 6.0]),
    Fact("gelu", ([1.0, -1.0],), [0.841344746068543, -0.158655253931457]),
    Fact("gelu", ([1.0],), [1 / (1 + math.exp(-2.08943 * GAUSS))], {"approximate": "tanh"}),
    Fact("silu", ([THIRD, -THIRD],), [0.75 * THIRD, -0.25 * THIRD]),
    Fact("mish", ([THIRD, 0.0],), [THIRD * 15 / 17, 0.0]),
    Fact("hardswish", ([-4.0, 1.5, 4.0],), [0.0, 1.125, 4.0]),
    Fact("softplus", ([THIRD, 30.0],), [2 * math.log(2.0), 30.0]),
    Fact("softplus", ([THIRD / 2, 5.0],), [math.log(2.0), 5.0], {"beta": 2, "threshold": 9}),
    Fact("logsigmoid", ([THIRD, -200.0],), [math.log(0.75), -200.0]),
    Fact("softsign", ([-3.0, 1.0],), [-0.75, 0.5]),
    Fact("softmax", ([[THIRD, 0.0]],), [[0.75, 0.25]], {"dim": 1}),
    Fact("log_softmax", ([[THIRD, 0.0]],), [[math.log(0.75), math.log(0.25)]], {"dim": 1}),
]

INPLACE = ["relu", "leaky_relu", "elu", "selu", "hardtanh", "relu6", "silu", "mish", "hardswish"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_values(fact, dtype):
    check_value(fact, dtype)


def test_the_axis_may_be_left_to_torchs_choice():
    with pytest.warns(UserWarning, match="give dim"):
        assert F.softmax(np.array([1.0, 1.0])).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_is_accepted_and_changes_nothing(name):
    x = np.array([-1.0, 2.0], np.float32)
    np.testing.assert_array_equal(getattr(F, name)(x, inplace=True), getattr(F, name)(x))
    assert x.tolist() == [-1.0, 2.0]


def test_the_weight_of_prelu_may_be_a_parameter():
    weight = npnet.Parameter([0.5, 2.0])
    graph = npnet.Graph()
    graph.output(F.prelu(graph.input("x"), weight))
    graph(x=np.array([[-1.0, -3.0], [4.0, -5.0]], np.float32))
    graph.backward(np.ones((2, 2)))
    assert weight.grad.tolist() == [-1.0, -8.0]


@pytest.mark.parametrize("call", [F.softmax, F.log_softmax])
def test_results_have_the_dtype_of_the_operand(call):
    assert call(np.zeros(2), 0, dtype=None).dtype == np.float64
    with pytest.raises(TypeError, match=f"{call.__name__}: expected no dtype, got .*float32"):
        call(np.zeros(2), 0, dtype=np.float32)
