import numpy as np
import pytest

import npnet.functional as F
from npnet import Graph, Parameter, Square
from tests.support.facts import Fact, check_value

FACTS = [
    Fact("add", ([1.0, 2.0], [3.0, 5.0]), [4.0, 7.0]),
    Fact("sub", ([1.0, 2.0], [3.0, 5.0]), [-2.0, -3.0]),
    Fact("mul", ([1.0, 2.0], [3.0, 5.0]), [3.0, 10.0]),
    Fact("div", ([1.0, 2.0], [4.0, 5.0]), [0.25, 0.4]),
    Fact("pow", ([3.0, 2.0], [2.0, 3.0]), [9.0, 8.0]),
    Fact("matmul", ([[1.0, 2.0]], [3.0, 5.0]), [13.0]),
    Fact("maximum", ([1.0, 5.0], [3.0, 4.0]), [3.0, 5.0]),
    Fact("minimum", ([1.0, 5.0], [3.0, 4.0]), [1.0, 4.0]),
    Fact("neg", ([1.0, -5.0],), [-1.0, 5.0]),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_values(fact, dtype):
    check_value(fact, dtype)


@pytest.mark.parametrize("fact", FACTS[:-1], ids=lambda fact: fact.name)
def test_either_operand_may_be_an_expression(fact):
    left, right = fact.arrays(np.float64)
    weight = Parameter(right)
    graph = Graph(dtype=np.float64)
    graph.output(fact(left, graph.input("x")), fact(left, weight))
    for found in graph(right):
        np.testing.assert_allclose(found, np.asarray(fact.value), rtol=4e-15)


def test_a_square_is_recorded_as_one():
    graph = Graph()
    graph.output(F.pow(graph.input("x"), 2))
    assert type(graph.tape.steps[0].layer) is Square
