"""What stands for a step or a value."""

import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, Parameter, ReLU, Scale, Sequential
from npnet.inspect import draw
from npnet.inspect.drawing.lettering import plain
from tests.support.figures import two_paths


def lines(shape):
    """Return what stands in a shape."""
    return [plain(line.words) for line in shape.lines]


def shapes(drawing):
    """Return the shapes by what they say they are."""
    return {shape.words: shape for shape in drawing.picture.shapes}


def test_layers_are_boxes_with_their_equation_and_sizes():
    graph, names = two_paths()
    found = shapes(draw(graph, names=names))
    linear = found["Linear: a = x Wᵀ + b"]
    assert (linear.kind, linear.id) == ("layer", "step0")
    assert lines(linear) == ["Linear", "x W⊤ + b", "(1, 2) → (1, 2)"]
    both = found["SoftmaxCrossEntropy: L = mean(−ln(o[y])), o = softmax(z)"]
    assert lines(both) == [
        "Softmax",
        "CrossEntropy",
        "L = mean(−ln(o[y]))",
        "o = softmax(z)",
        "(1, 3) → (), (1, 3)",
    ]


def test_operators_are_circles_with_their_equation_below():
    graph, names = two_paths()
    plus = shapes(draw(graph, names=names))["Sum: J = L + R"]
    assert (plus.kind, lines(plus), plain(plus.caption.words)) == ("operator", ["+"], "J = L + R")
    assert plus.width == plus.height


@pytest.mark.parametrize(
    ("record", "sign"),
    [
        (lambda a, b: a + b, "+"),
        (lambda a, b: a - b, "−"),
        (lambda a, b: a * b, "\u00d7"),
        (lambda a, b: a / b, "÷"),
        (lambda a, b: a**b, "xʸ"),
        (lambda a, b: a @ b, "@"),
        (lambda a, b: -(a + b), "−"),
        (lambda a, b: np.exp(a + b), "exp"),
        (lambda a, b: np.log(a + b), "ln"),
        (lambda a, b: np.sqrt(a + b), "√"),
        (lambda a, b: npnet.square(a + b), "x²"),
        (lambda a, b: abs(a + b), "|x|"),
        (lambda a, b: Scale(-0.25)(a + b), "\u00d7−0.25"),
        (lambda a, b: npnet.Sum()(a + b), "Σ"),
        (lambda a, b: npnet.Sum()(a, b), "+"),
    ],
)
def test_signs(record, sign):
    g = Graph()
    g.output(record(g.input("a"), g.input("b")))
    last = draw(g).picture
    shape = last.shapes[len(last.scene.operations) - 1]
    assert (shape.kind, lines(shape)) == ("operator", [sign])


def test_what_stands_at_the_ends():
    graph, names = two_paths()
    found = shapes(draw(graph, names=names))
    assert found["x: input of shape (1, 2)"].kind == "input"
    assert found["W: parameter of shape (2, 2)"].kind == "parameter"
    assert found["J: output"].kind == "output"
    assert found["o: read by nobody"].kind == "end"


def test_a_frozen_parameter_and_constants():
    g = Graph(dtype=np.float64)
    p = Parameter(np.ones(2), requires_grad=False)
    g.output(g.input("x") * p * 2.0 + np.ones(2))
    found = shapes(draw(g))
    assert found["parameter1: parameter that is not trained of shape (2,)"].kind == "frozen"
    assert found["2: constant"].kind == "constant"
    assert found["c1: constant of shape (2,)"].kind == "constant"


def test_a_place_in_the_model_is_told_where_it_says_more_than_the_class():
    class Net(npnet.Module):
        def __init__(self):
            super().__init__()
            self.encoder = Sequential(Linear(2, 2), ReLU())
            self.head = Linear(2, 1)

        def forward(self, x):
            return self.head(self.encoder(x))

    found = draw(Net(), np.ones((1, 2))).picture.shapes
    assert lines(found[2])[:2] == ["Linear", "head"]
    assert lines(found[1])[:2] == ["ReLU", "max(0, h1)"]


def test_an_equation_that_is_too_wide_is_left_to_the_words():
    net = Sequential(Linear(2, 2))
    net.a_very_long_name_for_an_encoder = Linear(2, 2)
    net.forward = lambda x: net.a_very_long_name_for_an_encoder(x)

    class Net(npnet.Module):
        def __init__(self):
            super().__init__()
            self.a_very_long_name_for_an_encoder = Linear(2, 2)

        def forward(self, x):
            return self.a_very_long_name_for_an_encoder(x)

    shape = draw(Net(), np.ones((1, 2))).picture.shapes[0]
    assert lines(shape) == ["Linear", "a_very_long_name_for_an_encoder", "(1, 2) → (1, 2)"]
    assert "a_very_long_name_for_an_encoder.weightᵀ" in shape.words
