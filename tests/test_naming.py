import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, Parameter
from npnet.naming import paths_of, slot_names


def names_of(graph, given=None):
    paths = paths_of(graph.named_parameters(), graph.named_buffers())
    return slot_names(graph.tape, paths, given)


def expression(steps):
    g = Graph()
    y = g.input("x")
    for _ in range(steps):
        y = -y
    g.output(y)
    return g


def test_short_expressions_have_letters_and_long_ones_numbers():
    assert names_of(expression(3)) == ["x", "p", "q", "r"]
    assert names_of(expression(9)) == ["x", *"pqrstuvwz"]
    assert names_of(expression(10))[1:4] == ["h1", "h2", "h3"]


def test_letters_of_inputs_are_left_out():
    g = Graph()
    p, w = g.input("p"), g.input("w")
    g.output((p + w) * w)
    assert names_of(g) == ["p", "w", "q", "r"]


def test_a_network_has_paths_and_numbered_values():
    g, fc = Graph(), Linear(2, 2)
    g.output(npnet.ReLU()(fc(g.input("h1"))))
    assert names_of(g) == ["h1", "linear1.weight", "linear1.bias", "h2", "h3"]


def test_constants_are_their_number_or_numbered():
    g = Graph()
    x = g.input("x")
    g.output(x * 2.0 + np.ones(3) * x - np.arange(3.0) + 0.5)
    assert names_of(g) == ["x", "2", "p", "c1", "q", "r", "c2", "s", "0.5", "t"]


def test_a_live_buffer_has_its_path():
    class Shifted(npnet.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("shift", np.ones(2, np.float32))

        def forward(self, x):
            return x + self.shift

    model = Shifted()
    model(np.zeros(2, np.float32))
    tape = model.execution.ran.tape
    assert slot_names(tape, paths_of((), model.named_buffers())) == ["x", "shift", "p"]


def test_names_can_be_given_to_nodes_parameters_and_names():
    g = Graph()
    x, w = g.input("x"), g.parameter("w", [1.0])
    y = x * w
    z = y + x
    g.output(z)
    given = {y: "a", w: "weight", "q": "J"}
    assert names_of(g, given) == ["x", "weight", "a", "J"]
    # What had the name that is given gets another.
    assert names_of(g, {z: "p"}) == ["x", "w", "r", "p"]
    assert names_of(g, {z: "x"}) == ["x_2", "w", "p", "x"]


def test_the_same_name_twice_is_told_apart():
    g = Graph()
    g.parameter("x", [1.0])
    g.output(g.input("y") * g.parameter("z", [2.0]) + g.x)
    g._inputs[0].source.name = "z"
    assert names_of(g) == ["z", "z_2", "p", "x", "q"]


def test_wrong_names_are_refused():
    g, other = expression(1), expression(1)
    with pytest.raises(ValueError, match=r"nothing is called 'k'; there are x, p"):
        names_of(g, {"k": "j"})
    with pytest.raises(ValueError, match="<Node Negate> is not on this tape"):
        names_of(g, {other._outputs[0]: "j"})
    with pytest.raises(ValueError, match="Parameter containing"):
        names_of(g, {Parameter([1.0]): "j"})
    with pytest.raises(TypeError, match=r"^names: expected a string as the name of 'x', got 3$"):
        names_of(g, {"x": 3})
    with pytest.raises(ValueError, match="'j' is given twice"):
        names_of(g, {"x": "j", "p": "j"})
