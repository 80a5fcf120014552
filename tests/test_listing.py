import numpy as np

import npnet
from npnet import Graph, Linear, ReLU
from npnet.kernel import Spec
from npnet.listing import inferred, listing

FLOAT = np.dtype(np.float32)


def test_print_shows_shapes_once_the_graph_has_run():
    g, fc = Graph(), Linear(3, 2)
    h = ReLU()(fc(g.input("x")))
    g.output(h * np.array([1.0, 2.0]), npnet.Regularization(0.1)(fc.weight))
    before = [
        "Graph(x)                                             parameters",
        "    0  h1 = Linear(x, linear1.weight, linear1.bias)           8",
        "    1  h2 = ReLU(h1)",
        "    2  h3 = Multiply(h2, c1)",
        "    3  h4 = Regularization(linear1.weight)",
        "  return h3, h4                                               8",
    ]
    assert str(g).splitlines() == before
    g(np.ones((5, 3)))
    assert str(g).splitlines() == [
        "Graph(x)                                             shape   parameters",
        "       x                                             (5, 3)",
        "       c1                                            (2,)",
        "    0  h1 = Linear(x, linear1.weight, linear1.bias)  (5, 2)           8",
        "    1  h2 = ReLU(h1)                                 (5, 2)",
        "    2  h3 = Multiply(h2, c1)                         (5, 2)",
        "    3  h4 = Regularization(linear1.weight)           ()",
        "  return h3, h4                                                       8",
    ]
    assert repr(g).splitlines() == before


def test_without_parameters_there_is_no_column_of_them():
    g = Graph()
    x = g.input("x")
    g.output(x * x)
    assert str(g) == "Graph(x)\n    0  p = Multiply(x, x)\n  return p"
    g(1.0)
    assert str(g).splitlines() == [
        "Graph(x)                   shape",
        "       x                   ()",
        "    0  p = Multiply(x, x)  ()",
        "  return p",
    ]


def test_shapes_go_where_they_do_not_fit_any_more():
    g = Graph()
    x, y = g.input("x"), g.input("y")
    g.output(x + y)
    g(np.ones(2), np.ones(2))
    assert "(2,)" in str(g)
    g.output(g.input("z") * x)
    assert "(2,)" not in str(g)
    specs = [Spec((2,), FLOAT), Spec((3,), FLOAT), Spec((), FLOAT)]
    assert inferred(g.tape, specs, None) is None


def test_several_outputs_and_an_absent_operand():
    g = Graph()
    loss, _ = npnet.SoftmaxCrossEntropy()(Linear(2, 3, bias=False)(g.input("x")), g.input("y"))
    g.output(loss)
    specs = g.tape.specs([Spec((4, 2), FLOAT), Spec((4,), np.dtype(int))], FLOAT)
    lines = listing("Graph", g.tape, ["x", "y", "W", "z", "loss", "p"], specs).splitlines()
    assert [line.split() for line in lines[3:5]] == [
        ["0", "z", "=", "Linear(x,", "W,", "None)", "(4,", "3)", "6"],
        ["1", "loss,", "p", "=", "SoftmaxCrossEntropy(z,", "y)", "(),", "(4,", "3)"],
    ]
