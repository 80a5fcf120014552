import dataclasses

import numpy as np
import pytest

import npnet
from npnet import Graph
from npnet.inspect import record
from npnet.inspect.expressions import Number, Symbol
from npnet.inspect.rendering import text


def recording():
    g = Graph(dtype=np.float64)
    x = g.input("x", requires_grad=True)
    g.output(x * 2.0 + x * np.array([3.0]))
    return record(g, [1.0], gradients=[1.0])


def test_events_show_themselves_in_a_line():
    found = recording()
    assert repr(found["x"]) == "<Slot 0 input 'x' (1,)>"
    assert repr(found.steps[0]) == "<Step 0 p = Multiply(x, 2)>"


def test_symbols_have_names_and_shapes_and_constants_are_numbers():
    found = recording()
    assert found["x"].expression == found["x"].symbol == Symbol("x", (1,))
    assert found["2"].expression == Number(2.0)
    assert found["c1"].expression == Symbol("c1", (1,))
    assert text(found["x"].gradient_symbol) == "dx"


def test_a_negative_constant_is_a_number_too_and_a_named_one_is_a_symbol():
    g = Graph()
    x = g.input("x")
    g.output(x * -2.5)
    assert text(record(g, 1.0).steps[0].rule.forward[0]) == "p = −2.5·x"
    named = record(g, 1.0, names={"-2.5": "k"})
    assert text(named.steps[0].rule.forward[0]) == "p = x·k"


def test_forward_and_backward_share_their_step_and_slots():
    found = recording()
    forward, backward = found.events[0], found.backward[-1]
    assert forward.step is found.steps[0] and forward.outputs == found.steps[0].outputs
    assert forward.operands[0].slot is found["x"] and forward.operands[0].value is found["x"].value
    assert backward.contributions[0].operand.slot is found["x"]
    assert found.backward[0].slot is found.outputs[0]


def test_a_rule_is_found_once():
    step = recording().steps[0]
    assert step.rule is step.rule


def test_events_cannot_be_changed():
    found = recording()
    with pytest.raises(dataclasses.FrozenInstanceError):
        found["x"].name = "y"
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.events[0].index = 3


def test_the_rule_is_that_of_the_mode_the_step_ran_in():
    model = npnet.Dropout(0.5)
    model(np.ones(3))
    model.eval()
    assert text(record(model).steps[0].rule.forward[0]) == "p = x ⊙ m/0.5"
    assert text(record(model, np.ones(3)).steps[0].rule.forward[0]) == "p = x"
    assert record(model).steps[0].layer is model
