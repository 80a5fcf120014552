"""Backward passes that a hook disturbs: by an error, or by moving what they write into."""

import copy

import numpy as np
import pytest

from npnet import Graph, Linear, ReLU, Sequential
from npnet.optim import SGD


def test_a_gradient_of_a_pass_that_failed_is_not_shown():
    graph, fail = Graph(dtype=np.float64), []
    x = graph.input("x", requires_grad=True)
    layer = ReLU()
    layer.register_full_backward_hook(lambda *given: 1 / 0 if fail else None)
    graph.output(layer(x).sum())
    graph(np.ones(2))
    graph.backward()
    assert graph.grad(x).tolist() == [1, 1]
    fail.append(True)
    with pytest.raises(ZeroDivisionError):
        graph.backward(7.0)
    with pytest.raises(RuntimeError, match="grad before backward"):
        graph.grad(x)


def test_a_gradient_that_was_not_looked_at_is_as_it_was_after_a_pass_that_failed():
    model, fail = Sequential(Linear(2, 3), Linear(3, 1)), []
    model[0].register_full_backward_hook(lambda *given: 1 / 0 if fail else None)
    x = np.ones((1, 2), np.float32)
    model(x)
    model.backward(np.ones((1, 1)))
    fail.append(True)
    with pytest.raises(ZeroDivisionError):
        model.backward(np.full((1, 1), 9.0))
    np.testing.assert_array_equal(model[1].weight.grad, model[0](x))
    assert model[1].bias.grad.tolist() == [1]


def test_parameters_that_move_while_backward_runs_have_their_gradients():
    model = Sequential(Linear(2, 3), Linear(3, 1))
    model[1].register_full_backward_hook(lambda *given: SGD(model.parameters(), lr=0.1) and None)
    x = np.ones((4, 2), np.float32)
    model(x)
    model.backward(np.ones((4, 1)))
    twin = copy.deepcopy(model)
    twin[1]._backward_hooks.clear()
    twin.zero_grad()
    twin(x)
    twin.backward(np.ones((4, 1)))
    for found, expected in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(found.grad, expected.grad)
