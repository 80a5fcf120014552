import numpy as np
import pytest

from npnet import Dropout, Graph, Linear, MSELoss, manual_seed
from npnet.check.function import Function
from npnet.check.running import backward_of, outputs_of, run, seeds_for, sweep_back

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def test_seeds_are_random_and_none_is_1():
    first, second = seeds_for([X, X]), seeds_for([X, X], 2)
    assert first[0].shape == X.shape and first[0].dtype == np.float32
    assert (first[0] != second[0]).all() and (first[0] != 1).all()


def test_a_run_has_outputs_and_gradients_by_name():
    layer = Linear(3, 2)
    ran = run(layer, [X])
    assert ran.names == ("x", "weight", "bias")
    assert [name for name, _ in ran.all()] == [
        "y",
        "gradient of x",
        "gradient of weight",
        "gradient of bias",
    ]
    seeds = seeds_for(ran.outputs)
    np.testing.assert_allclose(ran.inputs[0], seeds[0] @ layer.weight.data, rtol=1e-5)
    assert layer.weight.grad is None


def test_only_the_gradients_asked_for():
    loss = MSELoss()
    outputs = outputs_of(loss, [X, X + 1])
    found = backward_of(loss, seeds_for(outputs), (1,))
    assert found.names == ("target",) and len(found.inputs) == 1


def test_a_run_of_what_draws_leaves_the_stream_where_it_was():
    layer = Dropout(0.5)
    manual_seed(3)
    first, again = outputs_of(layer, [X]), outputs_of(layer, [X])
    np.testing.assert_array_equal(first[0], again[0])


def test_a_plain_function_runs_the_same_way():
    function = Function(lambda x, w: (x @ w, lambda dy: (dy @ w.T, x.T @ dy)))
    w = np.ones((3, 2), np.float32)
    ran = run(function, [X, w])
    assert ran.names == ("x", "w") and ran.parameters == []
    np.testing.assert_allclose(ran.inputs[1], X.T @ seeds_for(ran.outputs)[0], rtol=1e-5)
    assert backward_of(function, seeds_for(ran.outputs), (1,)).names == ("w",)


def test_several_outputs_are_numbered():
    graph = Graph()
    x = graph.input("x")
    graph.output(x * 2.0, x * 3.0)
    assert [name for name, _ in run(graph, [X]).all()][:2] == ["output 0", "output 1"]


def test_sweep_back_runs_a_plan_from_some_gradients():
    graph = Graph()
    x = graph.input("x", requires_grad=True)
    graph.output(x * 2.0, x * 3.0)
    outputs_of(graph, [X])
    plan = graph.execution.ran
    (slot,) = plan.tape.inputs
    swept = sweep_back(plan, [None, np.ones_like(X)], frozenset({slot}))
    np.testing.assert_array_equal(swept.gradients[slot], np.full(X.shape, 3.0))
    with pytest.raises(KeyError):
        swept.gradients[99]
