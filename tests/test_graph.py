"""Graph: a tape built by hand, with every value and gradient open."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from npnet import Graph, Linear, Module, Parameter, ReLU, Sequential, Tanh
from tests.support.reference import SinCos, Total


def expression():
    """Return the graph of f = (w e^(b x) + ln(w x)) b with its inputs and inner nodes."""
    graph = Graph(dtype=np.float64)
    w, b, x = (graph.input(name, requires_grad=True) for name in "wbx")
    power, product = b * x, w * x
    graph.output((w * np.exp(power) + np.log(product)) * b)
    return graph, (w, b, x), (power, product)


def test_expression_with_numbers_by_hand():
    graph, (w, b, x), (power, product) = expression()
    e = np.e**0.6
    assert graph(w=2.0, b=0.4, x=1.5) == pytest.approx(0.4 * (2 * e + np.log(3)), rel=1e-15)
    graph.backward()
    assert graph.value(power) == pytest.approx(0.6, rel=1e-15)
    assert graph.value(product) == 3
    assert graph.grad(w) == pytest.approx(0.4 * (e + 1 / 2), rel=1e-15)
    assert graph.grad(b) == pytest.approx(2 * e + np.log(3) + 0.4 * 2 * e * 1.5, rel=1e-15)
    assert graph.grad(x) == pytest.approx(0.4 * (2 * e * 0.4 + 1 / 1.5), rel=1e-15)
    assert graph.grad(power) == pytest.approx(0.4 * 2 * e, rel=1e-15)
    assert type(graph.grad(w)) is np.float64


def test_inputs_by_position_by_name_and_mixed():
    graph, _, _ = expression()
    expected = graph(2.0, 0.4, 1.5)
    assert graph(x=1.5, w=2.0, b=0.4) == expected
    assert graph(2.0, x=1.5, b=0.4) == expected


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        ((1.0,), {"x": 1.0}, r"missing input 'b'; its inputs are w, b, x"),
        ((1.0, 2.0), {"b": 3.0, "x": 1.0}, r"input 'b' given twice"),
        ((), {"w": 1.0, "b": 1.0, "x": 1.0, "z": 1.0}, r"unknown input 'z'"),
        ((1.0, 2.0, 3.0, 4.0), {"x": 1.0}, r"input 'x' given twice, 4 operands"),
        ((1.0, 2.0), {}, r"expected 3 inputs \(w, b, x\), got 2"),
        ((1.0, 2.0, 3.0, 4.0), {}, r"expected 3 inputs \(w, b, x\), got 4"),
    ],
)
def test_wrong_inputs_are_named(given, named, message):
    with pytest.raises(TypeError, match=rf"^Graph: .*{message}"):
        expression()[0](*given, **named)
    nodes = [Graph().input("n")] * len(given)
    if not named:
        with pytest.raises(TypeError, match=rf"^Graph: .*{message}"):
            expression()[0](*nodes)


def test_building_is_checked():
    graph, other = Graph(), Graph()
    x, foreign = graph.input("x"), other.input("y")
    with pytest.raises(ValueError, match=r"^Graph: input 'x' is there already"):
        graph.input("x")
    for name in ("", 3, None):
        with pytest.raises(ValueError, match=r"^Graph: expected a name for the input"):
            graph.input(name)
    with pytest.raises(ValueError, match=r"^Graph: has no output; say .* g\.output\(node\)"):
        graph(1.0)
    with pytest.raises(TypeError, match=r"^Graph: expected Nodes as outputs, got float"):
        graph.output(x, 2.0)
    with pytest.raises(ValueError, match=r"^Graph: input 'y' belongs to another graph"):
        graph.output(x * foreign)
    with pytest.raises(TypeError, match=r"^Graph: dtype must be floating, got int64"):
        Graph(dtype=int)
    graph.output(x * 2.0)
    assert graph(2.0) == 4


def test_unused_inputs_and_parameters_are_named():
    graph = Graph()
    x, _ = graph.input("x"), graph.input("y")
    graph.parameter("w", [1.0])
    graph.output(x * 2.0)
    for call in (lambda: graph(1.0, 2.0), lambda: Sequential(graph)(1.0, 2.0)):
        with pytest.raises(ValueError, match=r"^Graph: input 'y', parameter 'w' reaches no output"):
            call()
    graph.output(graph._inputs[1] * graph.w)
    assert [float(np.sum(part)) for part in graph(1.0, 2.0)] == [2, 2]


def test_looking_before_running_and_at_strangers_is_refused():
    graph, (w, _, _), _ = expression()
    with pytest.raises(RuntimeError, match=r"^Graph: value before forward"):
        graph.value(w)
    with pytest.raises(RuntimeError, match=r"^Graph: grad before forward"):
        graph.grad(w)
    with pytest.raises(RuntimeError, match=r"^Graph: backward before forward"):
        graph.backward()
    graph(1.0, 1.0, 1.0)
    with pytest.raises(RuntimeError, match=r"^Graph: grad before backward; call g\.backward"):
        graph.grad(w)
    graph.backward()
    graph(1.0, 1.0, 1.0)
    with pytest.raises(RuntimeError, match=r"^Graph: grad before backward"):
        graph.grad(w)
    stranger = Graph().input("stranger")
    for node, name in (
        (stranger, "input 'stranger'"),
        (np.exp(w), "the output of Exp"),
        (Parameter([1.0], name="p"), "parameter 'p'"),
    ):
        with pytest.raises(ValueError, match=rf"^Graph: {name} is not on this tape; it is of anot"):
            graph.value(node)


def test_gradients_nobody_asked_for_are_refused_by_name():
    graph = Graph(dtype=np.float64)
    x, y = graph.input("x"), graph.input("y", requires_grad=True)
    sine, cosine = SinCos()(y)
    graph.output(x * sine, cosine)
    graph(2.0, 3.0)
    graph.backward(1.0, None)
    for node, name in ((x, "input 'x'"), (cosine, "the output of SinCos")):
        with pytest.raises(ValueError, match=rf"^Graph: no gradient reaches {name}; it leads"):
            graph.grad(node)
    assert graph.grad(y) == pytest.approx(2 * np.cos(3), rel=1e-15)
    assert graph.grad(sine) == 2


def test_parameters_of_a_graph_train_and_show_their_sum():
    graph = Graph(dtype=np.float64)
    x, w = graph.input("x"), graph.parameter("w", [2.0, 3.0])
    frozen = graph.parameter("frozen", 5.0, requires_grad=False)
    y = x * w * frozen
    graph.output(Total()(y))
    assert graph([1.0, 1.0]) == 25
    graph.backward()
    graph.backward()
    assert w.grad.tolist() == [10, 10]
    assert graph.grad(w).tolist() == [10, 10]
    assert graph.grad(frozen) is None
    assert graph.value(w).tolist() == [2, 3]
    assert graph.grad(y).tolist() == [1, 1]
    assert dict(graph.named_parameters()) == {"w": w, "frozen": frozen}
    assert w.dtype == np.float64
    graph.zero_grad()
    assert graph.grad(w) is None


def test_what_is_shown_is_the_callers_own():
    graph, fc = Graph(dtype=np.float64), Linear(2, 2, dtype=np.float64)
    x = graph.input("x", requires_grad=True)
    h = ReLU()(fc(x))
    graph.output(Total()(h))
    given = np.ones((1, 2))
    graph(given)
    graph.backward()
    looks = [graph.value(x), graph.value(h), graph.grad(h), graph.grad(x), graph.grad(fc.weight)]
    kept = [look.copy() for look in looks]
    graph(np.full((1, 2), -3.0))
    graph.backward()
    for look, copy_ in zip(looks, kept, strict=True):
        np.testing.assert_array_equal(look, copy_)
        look[...] = 99
    assert given.tolist() == [[1, 1]]
    assert graph.value(x).tolist() == [[-3, -3]]


def test_layers_and_their_parameters_are_held_once_under_names():
    fc, loose = Linear(2, 2), Parameter(np.ones(2, np.float32), name="loose")
    graph = Graph()
    x = graph.input("x")
    graph.output(Tanh()(fc(fc(x))) * loose)
    graph.output(fc(x))
    names = [name for name, _ in graph.named_parameters()]
    assert names == ["loose1", "linear1.weight", "linear1.bias"]
    assert graph.linear1 is fc
    assert list(graph.state_dict()) == names


def test_a_parameter_of_another_model_is_held_under_a_name_without_dots():
    class Named(Graph):
        fc_weight1 = "taken"

    weight = Parameter([1.0, 2.0], name="fc.weight")
    g = Named()
    g.output(g.input("x") * weight)
    g.output(weight)
    assert list(g.state_dict()) == ["fc_weight2"]
    product, same = g([3.0, 4.0])
    assert product.tolist() == [3, 8] and same.tolist() == [1, 2]


def test_an_output_that_cannot_be_held_is_none(monkeypatch):
    g = Graph()
    x = g.input("x")
    g.output(x * 2.0)
    with monkeypatch.context() as patch:
        patch.setattr(Graph, "_free_name", lambda self, kind: "a.b")
        with pytest.raises(KeyError, match=r"expected a name without dots"):
            g.output(x * Parameter([1.0]))
    assert g([1.0]).tolist() == [2]


def test_the_value_of_a_parameter_is_what_it_holds_now():
    g = Graph(dtype=np.float64)
    weight = g.parameter("weight", [1.0])
    g.output(g.input("x") * weight)
    g([3.0])
    weight.data = [5.0]
    shown = g.value(weight)
    assert shown.tolist() == [5]
    weight.move(np.array([7.0]), np.empty(1))
    weight.data = [8.0]
    assert g.value(weight).tolist() == [8] and shown.tolist() == [5]


def test_outputs_may_be_added_later():
    graph = Graph(dtype=np.float64)
    x = graph.input("x", requires_grad=True)
    y = x * 2.0
    graph.output(y)
    assert graph(3.0) == 6
    z = y * x
    with pytest.raises(ValueError, match="made after the last call"):
        graph.value(z)
    graph.output(z, x)
    assert graph(3.0) == (6, 18, 3)
    graph.backward(1.0, 1.0, 1.0)
    assert graph.grad(x) == 2 + 12 + 1


def test_dtype_is_the_graphs_then_the_parameters_then_the_inputs():
    def graph(dtype, *layers):
        result = Graph(dtype)
        result.output(Sequential(*layers)(result.input("x")))
        return result

    assert graph(None, ReLU())(np.ones(2)).dtype == np.float64
    assert graph(np.float32, ReLU())(np.ones(2)).dtype == np.float32
    assert graph(None, Linear(2, 2))(np.ones((1, 2))).dtype == np.float32
    assert graph("float64", Linear(2, 2, dtype="float64"))(np.ones((1, 2), "f4")).dtype == "f8"
    with pytest.raises(TypeError, match=r"'weight' is float32 on a tape that computes in float64"):
        graph(np.float64, Linear(2, 2))(np.ones((1, 2)))


def test_print_shows_a_line_a_step():
    graph, fc = Graph(), Linear(2, 2)
    x = graph.input("x")
    sine, cosine = SinCos()(fc(x))
    assert repr(graph) == "Graph(x)\n  return nothing yet"
    graph.output(sine * cosine + 1.5, Linear(2, 1, bias=False)(x))
    assert repr(graph).splitlines() == [
        "Graph(x)                                             parameters",
        "    0  h1 = Linear(x, linear1.weight, linear1.bias)           6",
        "    1  h2, h3 = SinCos(h1)",
        "    2  h4 = Multiply(h2, h3)",
        "    3  h5 = Add(h4, 1.5)",
        "    4  h6 = Linear(x, linear2.weight, None)                   2",
        "  return h5, h6                                               8",
    ]


COPIES = [copy.deepcopy, lambda graph: pickle.loads(pickle.dumps(graph))]


@pytest.mark.parametrize("copied", COPIES)
def test_copies_are_graphs_of_their_own(copied):
    graph, fc = Graph(dtype=np.float64), Linear(2, 2, dtype=np.float64)
    x, w = graph.input("x", requires_grad=True), graph.parameter("w", [1.0, 2.0])
    h = fc(x)
    sine, cosine = SinCos()(h)
    graph.output(sine * w + 0.5, w, x, cosine)
    given, seeds = np.array([[0.3, -0.2]]), ([[1.0, 2.0]], None, None, [[0.5, 0.5]])
    expected = graph(given)
    graph.backward(*seeds)
    other = copied(graph)
    assert repr(other) == repr(graph)
    for result, wanted in zip(other(given), expected, strict=True):
        np.testing.assert_array_equal(result, wanted)
    np.testing.assert_array_equal(other.w.grad, w.grad)
    other.zero_grad()
    dx = other.backward(*seeds, input_grad=True)
    np.testing.assert_array_equal(dx, graph.grad(x))
    np.testing.assert_array_equal(other.linear1.weight.grad, fc.weight.grad)
    for node in (x, h, w):
        with pytest.raises(ValueError, match="not on this tape"):
            other.value(node)
    other.w.data += 1
    assert w.data.tolist() == [1, 2]
    np.testing.assert_array_equal(graph(given)[0], expected[0])


@pytest.mark.parametrize("copied", COPIES)
def test_long_graphs_are_copied(copied):
    graph = Graph(dtype=np.float64)
    node = graph.input("x")
    for _ in range(3000):
        node = node + 1.0
    graph.output(node)
    assert copied(graph)(2.0) == 3002


def test_graph_called_on_nodes_records_its_steps_with_shared_parameters():
    inner, outer = Graph(dtype=np.float64), Graph(dtype=np.float64)
    a, b = inner.input("a"), inner.input("b")
    fc = Linear(2, 2, bias=False, dtype=np.float64)
    inner.output(fc(a) * b, a)
    x = outer.input("x", requires_grad=True)
    first, same = inner(x, x)
    second, _ = inner(b=first, a=same)
    outer.output(Total()(second))
    given, w = np.array([[1.0, 2.0]]), fc.weight.data
    z = given @ w.T
    assert outer(given) == pytest.approx((z * z * given).sum(), rel=1e-14)
    outer.backward()
    dz = 2 * z * given
    np.testing.assert_allclose(outer.grad(x), z * z + dz @ w, rtol=1e-13)
    np.testing.assert_allclose(fc.weight.grad, dz.T @ given, rtol=1e-13)
    np.testing.assert_allclose(outer.value(first), z * given, rtol=1e-14)
    with pytest.raises(RuntimeError, match="value before forward"):
        inner.value(a)


def test_parameters_replaced_in_layers_are_followed_or_refused():
    first, second = (Linear(2, 2, dtype=np.float64) for _ in range(2))
    graph = Graph(dtype=np.float64)
    x = graph.input("x")
    graph.output(second(first(x)))
    given = np.array([[1.0, -2.0]])
    graph(given)
    second.weight = first.weight
    hidden = given @ first.weight.data.T + first.bias.data
    expected = hidden @ first.weight.data.T + second.bias.data
    np.testing.assert_allclose(graph(given), expected, rtol=1e-14)
    graph.backward([[1.0, 1.0]])
    np.testing.assert_allclose(graph.grad(second.bias), [1, 1])
    assert len(list(graph.parameters())) == 3
    graph.output(np.square(first.weight))
    graph(given)
    first.weight = second.weight = Parameter(np.eye(2))
    with pytest.raises(ValueError, match=r"^Graph: parameter 'weight' .* record the steps"):
        graph(given)


def test_removing_the_bias_after_the_tape_was_written():
    fc, graph = Linear(2, 2, dtype=np.float64), Graph()
    graph.output(fc(graph.input("x")))
    graph([[1.0, 1.0]])
    fc.bias = None
    np.testing.assert_allclose(graph([[1.0, 1.0]])[0], fc.weight.data.sum(1), rtol=1e-15)


def test_threads_look_at_their_own_numbers():
    graph = Graph(dtype=np.float64)
    x = graph.input("x", requires_grad=True)
    y = np.square(x)
    graph.output(Total()(y * x))

    def work(number):
        for step in range(100):
            value = np.full(number + 1, number + step / 100)
            assert graph(value) == pytest.approx((value**3).sum(), rel=1e-14)
            graph.backward()
            np.testing.assert_array_equal(graph.value(y), value**2)
            np.testing.assert_allclose(graph.grad(x), 3 * value**2, rtol=1e-14)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    with pytest.raises(RuntimeError, match="value before forward"):
        graph.value(y)


def test_a_graph_within_a_module_takes_numbers_and_buffers():
    class Within(Module):
        def __init__(self):
            super().__init__()
            self.graph = Graph()
            a, b = self.graph.input("a"), self.graph.input("b")
            self.graph.output(a * b)
            self.register_buffer("scale", np.full(1, 3.0))

        def forward(self, x):
            return self.graph(x, 2.0) + self.graph(x, self.scale)

    within = Within()
    assert within(np.ones(2)).tolist() == [5, 5]
    within.scale[...] = 4.0
    assert within(np.ones(2)).tolist() == [6, 6]
    assert within.backward(np.ones(2), input_grad=True).tolist() == [6, 6]
