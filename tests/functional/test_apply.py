import inspect

import numpy as np
import pytest

import npnet.functional as F
from npnet import Graph, Parameter
from npnet.tape import Node
from tests.functional import (
    test_activation,
    test_arithmetic,
    test_elementwise,
    test_loss,
    test_parametric,
)
from tests.layers import test_methods

FACTS = [
    *test_activation.FACTS,
    *test_arithmetic.FACTS,
    *test_elementwise.FACTS,
    *test_loss.FACTS,
    *test_methods.FACTS,
    *test_parametric.FACTS,
]
#: What cannot be differentiated by its first operand has tests of its own.
OF_INTEGERS = {"embedding", "one_hot"}
#: So has what no gradient goes through, ...
CONSTANT = {"detach", "rand_like", "randn_like"}
#: ... and what takes or returns several.
OF_LISTS = {"cat", "chunk", "split", "stack", "unbind"}
every_fact = pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)


def test_every_function_has_a_fact():
    assert {fact.name for fact in FACTS} | OF_INTEGERS | CONSTANT | OF_LISTS == set(F.__all__)


@pytest.mark.parametrize("name", F.__all__)
def test_the_first_operand_has_torchs_name(name):
    named = {"cat": "tensors", "stack": "tensors", "bilinear": "input1"}
    named |= {"one_hot": "tensor", "split": "tensor"}
    first = next(iter(inspect.signature(getattr(F, name)).parameters))
    assert first == named.get(name, "input")


@every_fact
def test_records_on_nodes_and_parameters(fact):
    first, *rest = fact.arrays(np.float64)
    g = Graph(dtype=np.float64)
    w = g.parameter("w", first)
    outputs = fact(g.input("x"), *rest), fact(w, *rest)
    assert all(isinstance(node, Node) for node in outputs)
    g.output(*outputs)
    for found in g(first):
        np.testing.assert_allclose(found, np.asarray(fact.value), rtol=4e-15)
    g.backward(None, np.ones(np.shape(fact.value)))
    assert w.grad.shape == first.shape


@every_fact
def test_lists_and_numbers_become_float32(fact):
    assert fact(*fact.operands).dtype == np.float32


@every_fact
def test_what_it_returns_belongs_to_the_caller(fact):
    first, *rest = fact.arrays(np.float64)
    found = fact(first, *rest)
    before = found.copy()
    first *= 0.5
    assert (fact(first, *rest) != before).any()
    found += 1.0
    np.testing.assert_array_equal(found, before + 1.0)


@pytest.mark.parametrize("name", ["exp", "relu", "tanh"])
def test_a_number_gives_a_number(name):
    assert isinstance(getattr(F, name)(np.float64(0.5)), np.float64)


def test_refuses_what_has_no_numbers():
    with pytest.raises(TypeError, match="real numbers"):
        F.exp("a")
    assert isinstance(F.exp(Parameter([1.0])), Node)
