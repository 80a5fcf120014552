import numpy as np

import npnet
from npnet.inspect import record
from npnet.inspect.expansion import expansions, substitute, symbols_in
from npnet.inspect.expressions import Gradient, Symbol, call
from npnet.inspect.rendering import text

X, P = Symbol("x", ()), Symbol("p", ())


def written_out(module, *inputs, limit=40):
    recording = record(module, *inputs)
    found = expansions(recording, limit)
    return [text(found[slot.symbol]) for step in recording.steps for slot in step.outputs]


def test_substitution_reaches_every_part_but_gradients():
    assert substitute(call("f", P * X), {P: X + 1}) == call("f", (X + 1) * X)
    assert substitute(Gradient(P) * P, {P: X}) == Gradient(P) * X
    assert symbols_in(Gradient(P) * X + P) == [X, P]


def test_every_value_is_written_in_the_inputs_names():
    g = npnet.Graph()
    w, x = g.input("w"), g.input("x")
    g.output(npnet.Sigmoid()(w * x) - 1.0)
    assert written_out(g, 1.0, 2.0) == ["w·x", "σ(w·x)", "σ(w·x) − 1"]


def test_what_would_be_longer_keeps_its_operands_names():
    g = npnet.Graph()
    x = g.input("x")
    y = x * x
    g.output(y * y)
    assert written_out(g, 1.0, limit=7) == ["x·x", "x·x·(x·x)"]
    assert written_out(g, 1.0, limit=6) == ["x·x", "p·p"]


def test_the_shortest_parts_are_written_out_first():
    g = npnet.Graph()
    x = g.input("x")
    long = x + x + x + x
    g.output(long * -x)
    # Either would fit alone.
    assert written_out(g, 1.0, limit=9)[-1] == "r·(−x)"


def test_names_that_a_rule_introduces_are_written_out_but_not_what_is_drawn():
    norm = npnet.RMSNorm(2, elementwise_affine=False, eps=0.5)
    assert written_out(norm, np.ones((1, 2))) == ["x/√(mean(x², axis 1) + 0.5)"]
    assert written_out(npnet.Dropout(0.5), np.ones(2)) == ["x ⊙ m/0.5"]


def test_an_output_in_the_equation_of_another_is_written_out():
    loss = npnet.SoftmaxCrossEntropy()
    z, y = np.zeros((1, 2)), np.array([1])
    assert written_out(loss, z, y) == ["mean(−ln(softmax(z)[target]))", "softmax(z)"]
