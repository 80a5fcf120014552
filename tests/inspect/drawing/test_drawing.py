"""What a user draws, and what they are told where that cannot be."""

import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, ReLU, Sequential
from npnet.inspect import Drawing, draw, record
from tests.support.figures import deep, expression, two_paths


def test_a_drawing_shows_itself_in_a_notebook():
    drawing = draw(expression())
    assert isinstance(drawing, Drawing)
    assert drawing._repr_svg_() == drawing.svg()
    assert drawing.svg() in drawing._repr_html_()
    ElementTree.fromstring(drawing._repr_html_())
    assert repr(drawing) == "<Drawing of Graph: 7 steps>"


@pytest.mark.parametrize("name", ["graph.svg", "graph.SVG", "graph.dot", "graph.gv"])
def test_save_writes_what_the_name_says(tmp_path, name):
    drawing = draw(expression())
    path = drawing.save(tmp_path / name)
    wanted = drawing.svg() if name.lower().endswith("svg") else drawing.dot()
    assert path.read_text(encoding="utf-8") == wanted
    assert drawing.save(str(path)) == path


def test_save_refuses_other_endings(tmp_path):
    with pytest.raises(ValueError, match=r"^Drawing: expected a path that ends in \.svg, \.dot"):
        draw(expression()).save(tmp_path / "graph.png")
    assert [*tmp_path.iterdir()] == []


def test_a_module_is_drawn_on_arrays_or_as_it_ran_last():
    model = Sequential(Linear(2, 3), ReLU())
    x = np.ones((4, 2), np.float32)
    drawing = draw(model, x)
    model(x)
    assert draw(model).svg() == drawing.svg()
    assert "Linear" in drawing.svg()
    assert "(4, 3)" in drawing.svg()


def test_values_of_a_module_and_gradients_from_where_they_start():
    model = Sequential(Linear(2, 3, dtype=np.float64), ReLU())
    x, dy = np.ones((1, 2)), np.array([[1.0, 0.0, 2.0]])
    drawing = draw(model, x, values=True, gradients=dy)
    assert drawing.svg() == draw(record(model, x, gradients=dy), values=True, gradients=True).svg()
    with pytest.raises(ValueError, match=r"^draw: no output of Sequential is differentiated by it"):
        draw(model, x, gradients=True)


def test_inputs_by_name():
    g = Graph()
    g.output(g.input("graph") * g.input("module"))
    assert "(3,)" in draw(g, graph=np.ones(3), module=2.0).svg()


def test_a_graph_under_construction_is_drawn_as_far_as_it_is():
    g = Graph()
    x, _ = g.input("x"), g.input("unused")
    g.output(Linear(2, 2)(x))
    drawing = draw(g)
    assert "unused: input" in drawing.svg()
    assert len(drawing.picture.edges) == 4


def test_shapes_are_there_once_the_graph_has_run():
    g = Graph()
    g.output(Linear(2, 3)(g.input("x")))
    assert "(5, 2)" not in draw(g).svg()
    g(np.ones((5, 2)))
    assert "(5, 2) → (5, 3)" in draw(g).svg()


def test_nothing_changes_by_drawing():
    graph, names = two_paths()
    before = [parameter.grad.copy() for parameter in graph.parameters()]
    draw(graph, values=True, gradients=True, names=names)
    for parameter, gradient in zip(graph.parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.grad, gradient)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: draw(3), TypeError, "^draw: expected a Graph or another Module, got int"),
        (lambda: draw(3, values=True), TypeError, "^draw: expected a Graph or another Module"),
        (lambda: draw(Graph()), ValueError, "^draw: Graph has no output; say what is asked for"),
        (lambda: draw(Sequential(ReLU())), RuntimeError, "^draw: Sequential has not run"),
        (lambda: draw(ReLU(), values=True), RuntimeError, "^draw: ReLU has not run"),
        (lambda: draw(expression(), 1.0), TypeError, "^draw: a Recording has its inputs"),
        (lambda: draw(expression(), names={"w": "v"}), TypeError, "^draw: a Recording has its"),
        (lambda: draw(two_paths()[0], names={"none": "v"}), ValueError, "nothing is called 'none'"),
    ],
)
def test_errors_say_what_to_do(call, error, words):
    with pytest.raises(error, match=words):
        call()


def calls_of(function):
    """Return how many Python functions a call calls: its work, on any machine."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


def test_two_hundred_steps_are_drawn_in_little_work():
    """Here 200 steps with 66 penalties, all lines to one sum, take 0.4 s and 2 million calls.

    A call counts each time a generator goes on, too. Within 3 million, a machine has to be three
    times slower before this takes two seconds.
    """
    graph = deep(200)
    drawing = draw(graph)
    assert len(drawing.picture.scene.operations) >= 200
    assert drawing.picture.layout.bends > 4000
    assert calls_of(lambda: draw(graph).svg()) < 3_000_000


def test_a_chain_of_steps_takes_work_in_proportion():
    small, large = deep(100, False), deep(400, False)
    assert calls_of(lambda: draw(large).svg()) < 4.5 * calls_of(lambda: draw(small).svg())


def test_draw_is_where_the_documents_say():
    assert npnet.inspect.draw is draw
