import numpy as np
import pytest

from npnet import Identity, Parameter
from npnet.hooks.hooked import has_hooks, hooked, sealed
from npnet.hooks.step import HookStep
from npnet.kernel import Spec
from npnet.tape import Input, Node, Tape, calls_behind


def node(name):
    return Node(Input(name), spec=Spec((2,), np.dtype(np.float64)))


KINDS = ["forward_pre_hook", "forward_hook", "full_backward_pre_hook", "full_backward_hook"]


@pytest.mark.parametrize("kind", KINDS)
def test_one_hook_of_any_kind_is_hooks(kind):
    module = Identity()
    assert not has_hooks(module)
    handle = getattr(module, f"register_{kind}")(print)
    assert has_hooks(module)
    handle.remove()
    assert not has_hooks(module)


@pytest.mark.parametrize(("kind", "steps"), [*zip(KINDS, (1, 1, 2, 2), strict=True)])
def test_hooks_stand_around_forward(kind, steps):
    module, x, tokens = Identity(), node("x"), []
    getattr(module, f"register_{kind}")(print)
    result = hooked(module, [x], lambda x: x * 2.0, tokens)
    names = [type(call.layer).__name__ for call in calls_behind([result])]
    assert len(names) == 1 + steps
    assert names.index("Multiply") == (kind != "forward_hook")
    assert len(tokens) == (kind in KINDS[:2])


def test_sealing_adds_a_step_only_where_something_is_left_out():
    x, y = node("x"), node("y")
    (output,), reached = HookStep([x]).write([x])
    _, lost = HookStep([y]).write([y])
    assert sealed([output], [reached]) == (output,)
    assert sealed([output], []) == (output,)
    (seal,) = sealed([output], [reached, lost])
    assert seal is not output
    assert len(Tape([seal], [x, y]).steps) == 3
    weight = Parameter(np.ones(2))
    assert [n.shape for n in sealed([weight, output], [lost])] == [(2,), (2,)]
