import numpy as np
import pytest

import npnet.functional as F
from npnet import Graph, Module, Parameter, Square
from tests.support.facts import Fact, check_value

FACTS = [
    Fact("add", ([1.0, 2.0], [3.0, 5.0]), [4.0, 7.0]),
    Fact("sub", ([1.0, 2.0], [3.0, 5.0]), [-2.0, -3.0]),
    Fact("add", ([1.0, 2.0], [3.0, 5.0]), [2.5, 4.5], {"alpha": 0.5}),
    Fact("sub", ([1.0, 2.0], [3.0, 5.0]), [-5.0, -8.0], {"alpha": 2}),
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


@pytest.mark.torch
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["add", "sub"])
def test_a_second_operand_times_alpha_is_torchs_whatever_it_is(name, dtype):
    torch = pytest.importorskip("torch")
    x = np.linspace(0.5, 3.0, 4).astype(dtype)
    for other in (x[::-1], 3, 0.1, np.arange(4), dtype(0.3)):
        for alpha in (1, 0.1, -3, np.float64(0.7)):
            found = getattr(F, name)(x, other, alpha=alpha)
            second = torch.tensor(other.copy()) if isinstance(other, np.ndarray) else float(other)
            expected = getattr(torch, name)(torch.tensor(x), second, alpha=float(alpha))
            assert found.dtype == dtype
            room = 4 * np.finfo(dtype).eps
            np.testing.assert_allclose(found, expected.numpy(), rtol=room, atol=room)


def test_a_buffer_times_alpha_is_read_live():
    class Shifted(Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("shift", np.ones(1))

        def forward(self, x):
            return F.add(x, self.shift, alpha=2.0)

    model = Shifted()
    assert model(np.ones(1)).tolist() == [3.0]
    model.shift[...] = 5.0
    assert model(np.ones(1)).tolist() == [11.0]


@pytest.mark.parametrize("mode", ["floor", "trunc", "x"])
def test_a_quotient_is_not_rounded(mode):
    assert F.div([1.0], 2.0, rounding_mode=None).tolist() == [0.5]
    with pytest.raises(ValueError, match=f"div: expected rounding_mode None, got '{mode}'"):
        F.div([1.0], 2.0, rounding_mode=mode)


def test_a_square_is_recorded_as_one():
    graph = Graph()
    graph.output(F.pow(graph.input("x"), 2))
    assert type(graph.tape.steps[0].layer) is Square
