"""Expression: what operators and NumPy functions record."""

import copy
import math
import pickle

import numpy as np
import pytest

from npnet import Graph, Module, Parameter
from npnet.expression import recorders

OPERATORS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b,
}
FUNCTIONS = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "square": np.square,
    "negative": np.negative,
    "absolute": np.absolute,
    "abs": abs,
    "minus": lambda a: -a,
}
X = np.array([[0.5, 1.5], [2.5, 3.5]])


def run(function, *arrays, dtype=np.float64):
    graph = Graph(dtype=dtype)
    nodes = [graph.input(f"x{i}") for i in range(len(arrays))]
    graph.output(function(*nodes))
    return graph(*arrays)


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("other", [2, 2.0, -1.5, np.float32(3), np.int64(3), X[0], X.T], ids=repr)
def test_operators_take_numbers_and_arrays_on_either_side(name, other):
    operate = OPERATORS[name]
    np.testing.assert_allclose(run(lambda x: operate(x, other), X), operate(X, other), rtol=1e-14)
    if name == "power" and np.any(np.asarray(other) < 0):
        return
    np.testing.assert_allclose(run(lambda x: operate(other, x), X), operate(other, X), rtol=1e-14)


@pytest.mark.parametrize("name", OPERATORS)
def test_operators_take_two_nodes(name):
    operate = OPERATORS[name]
    got = run(operate, X, X[0] + 1)
    np.testing.assert_allclose(got, operate(X, X[0] + 1), rtol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_numpy_are_recorded(name):
    np.testing.assert_allclose(run(FUNCTIONS[name], X), FUNCTIONS[name](X), rtol=1e-15)


def test_matrix_product_on_either_side():
    np.testing.assert_allclose(run(lambda x: x @ X.T, X), X @ X.T, rtol=1e-14)
    np.testing.assert_allclose(run(lambda x: X.T @ x, X), X.T @ X, rtol=1e-14)
    np.testing.assert_allclose(run(lambda x, y: x @ y, X, X[1]), X @ X[1], rtol=1e-14)


def test_in_place_operators_bind_a_new_node():
    graph = Graph(dtype=np.float64)
    x = graph.input("x")
    y = x
    y += 1.0
    y *= x
    graph.output(y, x)
    product, same = graph(X)
    np.testing.assert_array_equal(product, (X + 1) * X)
    np.testing.assert_array_equal(same, X)


@pytest.mark.parametrize("number", [np.float64(2), np.array(2.0), 2.0, np.ones(2)], ids=repr)
def test_float64_constants_do_not_promote_float32(number):
    assert run(lambda x: x * number, X.astype(np.float32), dtype=None).dtype == np.float32


def test_constants_are_copied_when_recorded():
    constant = np.ones(2)
    graph = Graph(dtype=np.float64)
    graph.output(graph.input("x") * constant)
    constant[...] = 7
    np.testing.assert_array_equal(graph(X), X)


@pytest.mark.parametrize(
    "refused",
    [
        lambda x: np.fmax(x, 0),
        lambda x: np.add.reduce(x),
        lambda x: np.multiply.outer(x, x),
        lambda x: np.exp(x, out=np.empty((2, 2))),
        lambda x: np.add(x, 1.0, where=True),
        lambda x: np.equal(X, x),
        lambda x: x < 0.5,
    ],
)
def test_what_has_no_layer_is_refused(refused):
    with pytest.raises(TypeError, match=r"recorded|not supported"):
        refused(Graph().input("x"))


def test_refusal_names_the_function_and_what_is_recorded():
    with pytest.raises(TypeError, match=r"^Node: np\.sin cannot be recorded on a tape; recorded"):
        np.sin(Graph().input("x"))
    with pytest.raises(TypeError, match=r"^Parameter: np\.add\.reduce cannot .* use its \.data"):
        np.add.reduce(Parameter([1.0]))


@pytest.mark.parametrize(
    "use", [bool, float, int, len, lambda x: not x, lambda x: x and 1], ids=str
)
@pytest.mark.parametrize("make", [lambda: Graph().input("x"), lambda: Parameter([1.0])])
def test_an_expression_is_no_number(use, make):
    with pytest.raises(TypeError):
        use(make())


@pytest.mark.parametrize("compare", [lambda x: x == 0, lambda x: x != 0.0, lambda x: x == X])
def test_forward_cannot_branch_on_a_comparison(compare):
    class Branch(Module):
        def forward(self, x):
            return x if compare(x) else x * 2.0

    with pytest.raises(TypeError, match=r"(?i)truth value|recorded|compar"):
        Branch()(np.float32(0))


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x > 0,
        lambda x: x <= 0.5,
        lambda x: np.int64(0).__lt__(x),
        lambda x: x >= x,
        lambda x: np.less(X, x),
        lambda x: x > X,
        lambda x: np.equal(X, x),
        lambda x: np.not_equal(1.0, x),
        lambda x: max(x, 0),
        lambda x: not x,
        float,
        int,
        range,
        math.sqrt,
        lambda x: [1, 2][x],
    ],
)
def test_what_would_need_a_number_says_that_there_is_none(use):
    words = r"(cannot be (compared with|made an? )|has no truth value).*; a tape is recorded before"
    with pytest.raises(
        TypeError, match=rf"(?s)^Node: {words} .*, so forward cannot branch on one$"
    ):
        use(Graph().input("x"))
    with pytest.raises(TypeError, match=rf"(?s)^Parameter: {words} .* numbers are its \.data$"):
        use(Parameter([1.0]))


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("item", r"read them from what the model returns"),
        ("tolist", r"read them from what the model returns"),
        ("numpy", r"a Parameter's from its \.data"),
        ("cpu", r"a Parameter's from its \.data"),
        ("backward", r"the Module or Graph that gave the loss: loss\.backward\(\)"),
    ],
)
@pytest.mark.parametrize("make", [lambda: Graph().input("x"), lambda: Parameter([1.0])])
def test_what_torchs_tensors_have_says_what_to_do_instead(name, mend, make):
    value = make()
    with pytest.raises(
        AttributeError, match=rf"^{type(value).__name__}: has no {name}\(\); .*{mend}"
    ):
        getattr(value, name)
    assert not hasattr(value, name) and getattr(value, name, None) is None


def test_numpy_and_copies_see_a_parameter_as_before():
    parameter = Parameter([1.0, 2.0])
    np.testing.assert_array_equal(np.asarray(parameter), [1.0, 2.0])
    np.testing.assert_array_equal(np.array([parameter, parameter]), [[1.0, 2.0]] * 2)
    assert np.float32(Parameter([3.0])) == [3.0] and np.asarray(Parameter(3.0)) == 3.0
    for other in (copy.copy(parameter), copy.deepcopy(parameter)):
        np.testing.assert_array_equal(other.data, parameter.data)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(parameter)).data, parameter.data)


def test_expressions_are_found_by_identity():
    first, second = Graph().input("x"), Parameter([1.0])
    assert first in [second, first]
    assert {first: 1, second: 2}[second] == 2


def test_every_recorder_is_differentiable_by_torchs_rule_at_a_point():
    slopes = {
        np.negative: -1.0,
        np.absolute: 1.0,
        np.exp: np.e**1.5,
        np.log: 1 / 1.5,
        np.square: 3.0,
        np.sqrt: 0.5 / 1.5**0.5,
    }
    unary = {ufunc for ufunc in recorders if ufunc.nin == 1}
    assert unary >= set(slopes)
    for ufunc, slope in slopes.items():
        graph = Graph(dtype=np.float64)
        x = graph.input("x", requires_grad=True)
        graph.output(ufunc(x))
        graph(1.5)
        graph.backward()
        assert graph.grad(x) == pytest.approx(slope, rel=1e-14)
