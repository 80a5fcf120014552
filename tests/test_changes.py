"""Changes: what a user changes between two calls counts from the next forward on, not before."""

import copy

import numpy as np
import pytest

import npnet
from npnet import Dropout, Linear, Module, Regularization, Scale, Sequential, Tanh
from npnet.optim import SGD

X = np.array([[-2.5, -1.5, 0.3], [0.4, 3.0, -0.7], [1.0, -1.0, 2.0]])
LABELS = np.array([0, 1, 2])


def strengthen(model):
    model[1].factor = 10.0


def evaluate(model):
    model.eval()


def move(model):
    SGD(model.parameters(), lr=1.0)  # packs them in memory of its own
    model[0].weight.data = 2 * model[0].weight.data


def replace(model):
    model[0].bias = npnet.Parameter(np.arange(16.0), dtype=np.float32)


@pytest.mark.parametrize("change", [strengthen, evaluate, move, replace])
def test_call_that_is_refused_does_not_hide_a_change_from_the_next(change):
    model = Sequential(Linear(2, 16), Scale(2.0), Dropout(0.5))
    x = np.array([[1.0, -3.0]], np.float32)
    model(x)
    change(model)
    fresh = copy.deepcopy(model)  # without plans
    for bad in (np.ones((1, 3), np.float32), "word"):
        with pytest.raises((ValueError, TypeError)):
            model(bad)
    found = []
    for each in (model, fresh):
        npnet.manual_seed(0)
        found.append(each(x))
        each.backward(np.ones((1, 16)))
        found.append(each[0].weight.grad)
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[3])


@pytest.mark.parametrize("training", [True, False])
def test_graph_that_refuses_a_call_sees_the_change_too(training):
    graph, scale = npnet.Graph(), Scale(2.0)
    graph.output(scale(graph.input("x")))
    graph.train(training)
    graph(np.ones(3))
    scale.factor = 10.0
    with pytest.raises(TypeError):
        graph("word")
    assert graph(np.ones(3)).tolist() == [10.0, 10.0, 10.0]


CHANGES = {
    "ELU": (npnet.ELU, "alpha", 3.0),
    "Softplus": (npnet.Softplus, "beta", 3.0),
    "Hardtanh": (npnet.Hardtanh, "min_val", -3.0),
    "LeakyReLU": (npnet.LeakyReLU, "negative_slope", 3.0),
    "GELU": (npnet.GELU, "approximate", "tanh"),
    "Scale": (lambda: Scale(2.0), "factor", 7.0),
    "Dropout": (Dropout, "p", 0.9),
    "Softmax": (lambda: npnet.Softmax(1), "dim", 0),
    "Sum": (lambda: npnet.Sum(axis=0), "axis", 1),
    "Mean": (lambda: npnet.Mean(axis=0), "axis", 1),
    "BatchNorm1d": (lambda: npnet.BatchNorm1d(3, dtype=np.float64), "eps", 0.1),
    "LayerNorm": (lambda: npnet.LayerNorm(3, dtype=np.float64), "eps", 0.1),
    "Regularization": (lambda: Regularization(1.0), "strength", 5.0),
    "Regularization p": (lambda: Regularization(1.0), "p", 1),
    "MSELoss": (npnet.MSELoss, "reduction", "sum"),
    "HuberLoss": (npnet.HuberLoss, "delta", 0.1),
    "CrossEntropyLoss": (npnet.CrossEntropyLoss, "label_smoothing", 0.5),
    "CrossEntropyLoss reduction": (npnet.CrossEntropyLoss, "reduction", "sum"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_backward_differentiates_what_forward_computed(name):
    """As torch saves it: an attribute set in between is for the next forward."""
    make, attribute, value = CHANGES[name]
    found = []
    for changed in (False, True):
        npnet.manual_seed(0)
        layer, operands = make(), [X]
        if name.endswith("Loss") or "reduction" in name:
            operands.append(LABELS if "Cross" in name else X[::-1] * 0.3)
        y = layer(*operands)
        if changed:
            setattr(layer, attribute, value)
        found.append(layer.backward(np.linspace(0.5, 1.5, np.size(y)).reshape(np.shape(y))))
    np.testing.assert_array_equal(*found)


def test_mode_set_between_forward_and_backward_is_for_the_next_forward():
    norm = npnet.BatchNorm1d(3, dtype=np.float64)
    norm(X)
    norm.eval()
    assert abs(norm.backward(np.ones((3, 3)))).max() < 1e-12
    norm(X)
    assert abs(norm.backward(np.ones((3, 3)))).max() > 0.1


def test_dtype_changed_between_forward_and_backward_is_an_error_that_says_so():
    model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    x, g = np.ones((4, 2)), np.ones((4, 1))
    model(x)
    model.double()
    with pytest.raises(TypeError, match=r"'weight' is float64 now, and was float32.*call it again"):
        model.backward(g)
    assert all(parameter.grad is None for parameter in model.parameters())
    model(x)
    model.backward(g)
    assert {parameter.grad.dtype.name for parameter in model.parameters()} == {"float64"}


def test_an_attribute_that_changes_in_every_step_keeps_no_old_plans():
    model = Sequential(Linear(2, 2), Dropout(0.5))
    for step in range(5):
        model[1].p = step / 10
        for rows in (1, 2):
            model(np.ones((rows, 2), np.float32))
        model.eval()
        model(np.ones((1, 2), np.float32))
        model.train()
    assert len(model.execution._plans) == 3


def test_module_that_changes_itself_in_forward_is_traced_and_right():
    class Counting(Module):
        def __init__(self):
            super().__init__()
            self.seen = 0

        def forward(self, x):
            self.seen += 1
            return x * 2.0

    model = Counting()
    for rows in (1, 2, 1, 2):
        assert model(np.ones(rows)).tolist() == [2.0] * rows
