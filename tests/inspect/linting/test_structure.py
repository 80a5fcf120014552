import numpy as np
import pytest

import npnet
from npnet import (
    BatchNorm1d,
    Dropout,
    Graph,
    Linear,
    Log,
    Module,
    Negate,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
)
from npnet.inspect import lint


@pytest.mark.parametrize(
    "layer, code, better",
    [
        (Softmax(dim=1), "log-of-softmax", "LogSoftmax(dim=1)(x)"),
        (Sigmoid(), "log-of-sigmoid", "LogSigmoid()(x)"),
    ],
)
def test_finds_the_logarithm_of_probabilities(layer, code, better):
    (found,) = lint(Sequential(Linear(4, 3), layer, Log(), Negate()))
    assert (found.code, found.path) == (code, "2")
    assert found.instead.startswith(better)
    assert lint(Sequential(Linear(4, 3), layer, Negate())).ok


def test_finds_two_linears_without_an_activation():
    (found,) = lint(Sequential(Linear(4, 8), Linear(8, 3)))
    assert (found.code, found.path) == ("linear-after-linear", "1")
    assert found.instead == "model[1](ReLU()(model[0](x)))"


@pytest.mark.parametrize(
    "layers",
    [
        (Linear(4, 8), ReLU(), Linear(8, 3)),
        (Linear(4, 2), Linear(2, 3)),
        (Linear(4, 8), Dropout(0.5), Linear(8, 3)),
        (Linear(4, 8, bias=False), BatchNorm1d(8), Linear(8, 3)),
    ],
)
def test_two_linears_are_right_with_something_between_or_a_narrow_place(layers):
    assert lint(Sequential(*layers)).ok


def test_two_linears_are_right_where_others_read_what_is_between():
    class Model(Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = Linear(4, 4), Linear(4, 4)

        def forward(self, x):
            h = self.fc1(x)
            return self.fc2(h) * npnet.functional.sigmoid(h)

    assert lint(Model()).ok


def test_finds_a_bias_that_batch_norm_takes_away():
    (found,) = lint(Sequential(Linear(4, 8), BatchNorm1d(8), ReLU()))
    assert (found.code, found.path) == ("bias-before-batch-norm", "0")
    assert found.instead == "Linear(4, 8, bias=False)"


@pytest.mark.parametrize(
    "layers, shape",
    [
        ((Linear(4, 8, bias=False), BatchNorm1d(8)), (6, 4)),
        ((Linear(4, 8), ReLU(), BatchNorm1d(8)), (6, 4)),
        # Here the bias is one of the last axis, the mean that of the middle one.
        ((Linear(4, 8), BatchNorm1d(3)), (6, 3, 4)),
        ((Linear(4, 8), BatchNorm1d(8)), (6, 8, 4)),
    ],
)
def test_a_bias_is_right_where_it_is_not_taken_away(layers, shape):
    assert lint(Sequential(*layers), inputs=[shape]).ok


class Squared(Module):
    """The mean squared error, written by hand."""

    def __init__(self):
        super().__init__()
        self.fc = Linear(4, 1)

    def forward(self, x, y):
        return npnet.Mean()(npnet.square(self.fc(x) - y))


def test_finds_a_column_against_a_row_of_targets():
    model = Squared()
    (found,) = lint(model, inputs=[(6, 4), (6,)])
    assert (found.code, found.path) == ("rows-broadcast", "step 1 (Subtract)")
    assert "(6, 1) and (6,) is (6, 6)" in found.message
    assert found.instead.startswith("target.reshape((6, 1))")
    assert lint(model, inputs=[(6, 4), (6, 1)]).ok
    assert lint(model).ok


def test_finds_it_after_a_call_without_being_given_shapes():
    model = Squared()
    model(np.zeros((6, 4), np.float32), np.zeros(6, np.float32))
    assert lint(model).codes == ("rows-broadcast",)
    g = Graph()
    x, y, w = g.input("x"), g.input("y"), g.parameter("w", np.ones((4, 1)))
    g.output(npnet.Mean()(npnet.square(y - x @ w)))
    assert lint(g).ok
    g(np.zeros((6, 4)), np.zeros(6))
    assert lint(g).codes == ("rows-broadcast",)


def test_broadcasting_on_purpose_is_right():
    class Distances(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(4, 1)

        def forward(self, x):
            a = self.fc(x)
            return a - npnet.Reshape(-1)(a)

    assert lint(Distances(), inputs=[(6, 4)]).ok
