import numpy as np

from npnet import Graph, Parameter
from npnet.hooks.step import HookStep, is_floating, shown
from npnet.kernel import Spec
from npnet.tape import Input, Node, Tape


def node(name, shape=(2,), dtype=np.float64):
    return Node(Input(name), spec=Spec(shape, np.dtype(dtype)))


def test_what_passes_passes_and_what_is_seen_has_no_gradient():
    from npnet.plan import Plan

    x, y = node("x"), node("y")
    (passed,), token = HookStep([x], [y]).write([x, y])
    assert (passed.shape, token.shape, token.dtype) == ((2,), (0,), np.int64)
    tape = Tape([passed], [x, y])
    plan = Plan(tape, [x.spec, y.spec], np.dtype(np.float64))
    assert plan.forward([np.array([1.0, 2.0]), np.array([3.0, 4.0])]).tolist() == [1, 2]
    sweep = plan.sweep((True,), frozenset(tape.inputs))
    plan.run(sweep, [np.array([5.0, 6.0])])
    assert sweep.gradients[tape.inputs[0]].tolist() == [5, 6]
    assert sweep.gradients[tape.inputs[1]].tolist() == [0, 0]


def test_a_token_alone_brings_a_step_onto_the_tape():
    x, y = node("x"), node("y")
    _, token = HookStep([y]).write([y])
    (passed,), _ = HookStep([x], [token]).write([x, token])
    assert len(Tape([passed], [x, y]).steps) == 2


def test_looking_at_integers_leaves_them_integers():
    labels = node("labels", dtype=np.int64)
    step = HookStep([node("x")], [labels])
    assert step.integer_operands == {"x1"}
    assert not is_floating(labels)
    assert is_floating(Parameter([1.0]))
    assert is_floating(Graph().input("x"))


def test_what_is_shown_is_a_copy_that_cannot_be_written():
    array = np.arange(3.0)
    copy = shown(array)
    array[0] = 9
    assert copy.tolist() == [0, 1, 2]
    assert not copy.flags.writeable
    assert isinstance(shown(np.array(2.0)), np.float64)
