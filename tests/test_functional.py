import math

import numpy as np
import pytest

import npnet.functional as F
from npnet import Graph, Parameter
from npnet.tape import Node

#: x and y by hand; for the last two x stands beside a zero.
FACTS = {
    "abs": (-2.0, 2.0),
    "exp": (1.0, math.e),
    "log": (math.e, 1.0),
    "sqrt": (9.0, 3.0),
    "square": (3.0, 9.0),
    "relu": (-1.0, 0.0),
    "sigmoid": (math.log(3.0), 0.75),
    "tanh": (math.log(3.0), 0.8),
    "softmax": (math.log(3.0), 0.75),
    "log_softmax": (math.log(3.0), math.log(0.75)),
}


def call(name, x):
    """Call a function, along the last axis where it takes one."""
    return getattr(F, name)(x, **({"dim": 1} if name.endswith("softmax") else {}))


def operand(name, x, dtype):
    """Return x alone, or beside a zero."""
    return np.array([[x, 0.0]] if name.endswith("softmax") else [[x]], dtype)


def test_every_function_has_a_fact():
    assert sorted(FACTS) == sorted(F.__all__)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FACTS)
def test_computes_on_arrays(name, dtype):
    x, y = FACTS[name]
    found = call(name, operand(name, x, dtype))
    assert found.dtype == dtype
    np.testing.assert_allclose(found[0, 0], y, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", FACTS)
def test_records_on_nodes_and_parameters(name):
    x, y = FACTS[name]
    given = operand(name, x, np.float64)
    g = Graph(dtype=np.float64)
    w = g.parameter("w", given)
    outputs = call(name, g.input("x")), call(name, w)
    assert all(isinstance(node, Node) for node in outputs)
    g.output(*outputs)
    for found in g(given):
        np.testing.assert_allclose(found[0, 0], y, rtol=1e-15)
    g.backward(None, np.ones(given.shape))
    assert w.grad.shape == given.shape


@pytest.mark.parametrize("name", FACTS)
def test_lists_and_numbers_become_float32(name):
    assert call(name, [[1, 2]]).dtype == np.float32


@pytest.mark.parametrize("name", sorted(set(FACTS) - {"softmax", "log_softmax"}))
def test_a_number_gives_a_number(name):
    found = call(name, np.float64(0.5))
    assert isinstance(found, np.float64)


@pytest.mark.parametrize("name", FACTS)
def test_what_it_returns_belongs_to_the_caller(name):
    x = operand(name, 0.5, np.float64)
    first = call(name, x)
    before = first.copy()
    x *= 2.0
    assert (call(name, x) != before).any()
    first += 1.0
    np.testing.assert_array_equal(first, before + 1.0)


def test_the_axis_may_be_left_to_torchs_choice():
    with pytest.warns(UserWarning, match="give dim"):
        assert F.softmax(np.array([1.0, 1.0])).tolist() == [0.5, 0.5]


def test_refuses_what_has_no_numbers():
    with pytest.raises(TypeError, match="real numbers"):
        F.exp("a")
    assert isinstance(F.exp(Parameter([1.0])), Node)
