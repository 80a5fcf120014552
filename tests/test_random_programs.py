"""Random programs: Graphs and Modules against a reference in plain NumPy, and against torch."""

import numpy as np
import pytest
from hypothesis import assume, given

from npnet import Graph, Parameter, Sequential
from tests.support.programs import ProgramModule, cases, run_torch
from tests.support.reference import answer


def same(got, expected, scale):
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11 * scale)


def magnitude(found):
    """Return the largest number in an answer: what rounding is measured by."""
    arrays = [a for v in (*found.values, *found.weights, *found.outputs) for a in (v.value, v.grad)]
    return max(1.0, *(np.abs(a).max(initial=0.0) for a in arrays))


def built(case):
    """Return a Graph of the program, its module, inputs, nodes of all values, and outputs."""
    module, graph = ProgramModule(case), Graph()
    x, y = (graph.input(name, requires_grad=True) for name in "xy")
    values, outputs = module.run(x, y)
    graph.output(*outputs)
    return graph, module, values, outputs


def check_parameters(module, expected, scale):
    """Compare gradients; a parameter that no gradient reaches has none."""
    for parameter, variable in zip(module.trained, expected, strict=True):
        gradient = 0.0 if parameter.grad is None else parameter.grad
        same(gradient, variable.grad, scale)


@given(cases())
def test_random_graphs_show_every_value_and_gradient(case):
    expected = answer(case)
    assume(expected.margin > 1e-9)
    scale = magnitude(expected)
    graph, module, values, _ = built(case)
    for training in (True, False):
        module.zero_grad()
        results = graph.train(training)(*case.leaves[:2])
        graph.backward(*case.seeds)
        for result, variable in zip(results, expected.outputs, strict=True):
            same(result, variable.value, scale)
        check_parameters(module, expected.values[2:4] + expected.weights, scale)
        for node, variable in zip(values, expected.values, strict=True):
            if graph.tape.slot(node) is None:
                with pytest.raises(ValueError, match="not on this tape"):
                    graph.value(node)
                continue
            same(graph.value(node), variable.value, scale)
            if isinstance(node, Parameter):
                continue
            try:
                gradient = graph.grad(node)
            except ValueError:
                gradient = np.zeros_like(variable.grad)
            same(gradient, variable.grad, scale)


@given(cases())
def test_random_modules_traced_nested_trained_and_evaluated(case):
    expected = answer(case)
    assume(expected.margin > 1e-9)
    scale, module = magnitude(expected), ProgramModule(case)
    graph = built(case)[0]
    inner = list(graph.parameters())
    for model in (module, Sequential(module), Sequential(graph)):
        for training in (True, False, True):
            module.zero_grad()
            graph.zero_grad()
            results = model.train(training)(*case.leaves[:2])
            for result, variable in zip(results, expected.outputs, strict=True):
                same(result, variable.value, scale)
            gradients = model.backward(*case.seeds, input_grad=True)
            for gradient, variable in zip(gradients, expected.values[:2], strict=True):
                same(0.0 if gradient is None else gradient, variable.grad, scale)
            if model[0] is not graph if isinstance(model, Sequential) else True:
                check_parameters(module, expected.values[2:4] + expected.weights, scale)
    assert {id(p) for p in inner} == {id(p) for p in graph.parameters()}


@pytest.mark.torch
@given(cases())
def test_random_modules_agree_with_torch(case):
    torch = pytest.importorskip("torch")
    expected = answer(case)
    assume(expected.margin > 1e-9)
    scale, module = magnitude(expected), ProgramModule(case)
    outputs, leaves, weights = run_torch(case, torch)
    for result, output in zip(module(*case.leaves[:2]), outputs, strict=True):
        same(result, output, scale)
    gradients = [*module.backward(*case.seeds, input_grad=True)]
    gradients += [parameter.grad for parameter in module.trained]
    for gradient, wanted in zip(gradients, leaves + weights, strict=True):
        same(0.0 if gradient is None else gradient, wanted, scale)
