"""Operands that are no arrays: None, True or False, and words. Each value has a tape of its own."""

from enum import StrEnum

import numpy as np
import pytest

from npnet import Graph, Linear, Module, ReLU, Sequential

X = np.arange(6, dtype=np.float32).reshape(2, 3)
MASK = np.array([1, 0, 2], np.float32)


class Masked(Module):
    """A layer with a mask that may be missing, in several modes."""

    def __init__(self):
        super().__init__()
        self.fc, self.traced = Linear(3, 3), []

    def forward(self, x, mask=None, squared=False, mode="sum"):
        self.fc(x)
        y = x if mask is None else x * mask
        y = y.square() if squared else y
        return (y.sum(), y) if mode == "both" else y.sum()


@pytest.mark.parametrize(
    "operands, named, expected",
    [
        ((X,), {}, X.sum()),
        ((X, None), {}, X.sum()),
        ((X, MASK), {}, (X * MASK).sum()),
        ((X, None, True), {}, (X**2).sum()),
        ((X, MASK, True, "sum"), {}, ((X * MASK) ** 2).sum()),
        ((X,), {"squared": True}, (X**2).sum()),
        ((X,), {"mode": "sum", "mask": MASK}, (X * MASK).sum()),
    ],
)
def test_forward_gets_them_as_they_are(operands, named, expected):
    assert Masked()(*operands, **named) == expected


def test_every_value_has_its_tape():
    module = Masked()
    for _ in range(3):
        assert module(X, MASK, False) == (X * MASK).sum()
        assert module(X, MASK, True) == ((X * MASK) ** 2).sum()
        total, values = module(X, None, False, "both")
        assert (total, values.tolist()) == (X.sum(), X.tolist())
        assert module(X) == X.sum()


def test_gradients_stand_where_the_operands_do():
    module = Masked()
    module(X, None, True)
    dx, nothing, flag = module.backward(input_grad=True)
    assert (dx.tolist(), nothing, flag) == ((2 * X).tolist(), None, None)
    module(X, MASK, False)
    dx, dmask, flag = module.backward(input_grad=True)
    assert dx.tolist() == [MASK.tolist()] * 2
    assert (dmask.tolist(), flag) == (X.sum(0).tolist(), None)


def test_backward_after_evaluation():
    module = Masked().eval()
    module(X, None, True)
    assert module.backward(input_grad=True)[0].tolist() == (2 * X).tolist()
    module(X, None, True)
    assert module.backward(input_grad=True)[0].tolist() == (2 * X).tolist()


def graph():
    found = Graph()
    found.output(found.input("x") * 2.0)
    return found


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Linear(3, 2)(X, None), r"Linear: expected 1 operand \(x\), got 2"),
        (lambda: Linear(3, 2)(None), "Linear: expected operands of real numbers, got None; leave"),
        (lambda: Sequential(ReLU())("word"), "ReLU: expected operands of real numbers, got dtype"),
        (lambda: graph()(None), "Graph: expected an array as input 'x', got None"),
        (lambda: graph()(x=True), "Graph: expected an array as input 'x', got True"),
    ],
)
def test_layers_and_graphs_take_arrays_only(call, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        call()


def test_a_word_and_an_equal_member_of_an_enum_are_two():
    class Mode(StrEnum):
        SUM = "sum"

    class Asking(Module):
        def forward(self, x, mode):
            return x * (2.0 if isinstance(mode, Mode) else 3.0)

    asking = Asking()
    ones = np.ones(())
    assert [float(asking(ones, mode)) for mode in ("sum", Mode.SUM, "sum")] == [3, 2, 3]


def test_keyword_only_operands_are_refused_with_the_mend():
    class Flagged(Module):
        def forward(self, x, *, flag=False):
            return x

    with pytest.raises(
        TypeError, match=r"got keyword-only \['flag'\]; leave the \* out of forward"
    ):
        Flagged()(X, flag=True)
