"""Tape: what is written down, in which order, and what is known about it."""

import copy
import pickle
import traceback

import numpy as np
import pytest

from npnet import (
    Add,
    Embedding,
    Exp,
    Flatten,
    Graph,
    Linear,
    Module,
    Multiply,
    Parameter,
    ReLU,
    Sequential,
    Unflatten,
)
from npnet.kernel import Spec
from npnet.tape import Input, Node, Tape
from tests.support.reference import SinCos, Total

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def inputs(*names, **keywords):
    return [Node(Input(name), **keywords) for name in names]


def test_steps_stand_in_the_order_they_were_recorded():
    (x,) = inputs("x")
    a = np.exp(x)
    b = np.log(a)
    c = a + b
    tape = Tape([c], [x])
    assert [type(step.layer).__name__ for step in tape.steps] == ["Exp", "Log", "Add"]
    assert [tape.slot(node) for node in (x, a, b, c)] == [0, 1, 2, 3]
    assert [(step.reads, step.writes) for step in tape.steps] == [
        ((0,), (1,)),
        ((1,), (2,)),
        ((1, 2), (3,)),
    ]


def test_every_slot_is_written_once_and_before_it_is_read():
    x, y = inputs("x", "y")
    weight, sine_cosine = Parameter([1.0, 2.0]), SinCos()
    sine, cosine = sine_cosine(x * weight)
    tape = Tape([sine + cosine * y, cosine], [x, y])
    written = set(tape.inputs) | set(tape.parameters)
    for step in tape.steps:
        assert {index for index in step.reads if index is not None} <= written
        assert not written & set(step.writes)
        written |= set(step.writes)
    assert set(tape.outputs) <= written


def test_what_reaches_no_output_is_not_on_the_tape():
    (x,) = inputs("x")
    dead = np.exp(x)
    np.log(dead)
    tape = Tape([x * 2.0], [x])
    assert len(tape.steps) == 1
    assert tape.slot(dead) is None


def test_shared_steps_are_written_once():
    (x,) = inputs("x")
    shared = np.exp(x)
    tape = Tape([shared * shared, shared], [x])
    assert len(tape.steps) == 2
    assert tape.readers[tape.slot(shared)] == 2


def test_outputs_may_be_inputs_parameters_and_repeated():
    (x,) = inputs("x")
    weight = Parameter([1.0])
    tape = Tape([x, weight, x], [x])
    assert tape.outputs == (0, 1, 0)
    assert tape.parameters == {1: weight}
    assert tape.steps == ()


def test_one_constant_object_a_record():
    (x,) = inputs("x")
    constant = np.array([1.0, 2.0])
    tape = Tape([x + constant], [x])
    (slot,) = [slot for slot in tape.slots if slot.kind == "constant"]
    assert slot.source.array is not constant
    np.testing.assert_array_equal(slot.source.array, constant)


def test_unused_inputs_are_named_and_stay():
    x, y, z = inputs("x", "y", "z")
    tape = Tape([np.exp(x), z], [x, y, z])
    assert tape.unused_inputs == ("y",)
    assert tape.inputs == (0, 1, 2)


def test_input_of_another_tape_is_refused():
    x, y = inputs("x", "y")
    with pytest.raises(ValueError, match=r"input 'y' belongs to another graph, .*; make it with"):
        Tape([x * y], [x])


def test_absent_operands_are_none():
    (x,) = inputs("x")
    tape = Tape([Linear(2, 3, bias=False)(x)], [x])
    assert tape.steps[0].reads[2] is None
    specs = tape.specs([Spec((4, 2), F32)], F32)
    assert specs[tape.outputs[0]] == Spec((4, 3), F32)


def test_specs_are_inferred_in_order():
    (x,) = inputs("x")
    sine, cosine = SinCos()(Linear(2, 3)(x))
    tape = Tape([Total()(sine * cosine)], [x])
    specs = tape.specs([Spec((4, 2), F32)], F32)
    assert specs[tape.outputs[0]] == Spec((), F32)
    assert specs[tape.slot(sine)] == specs[tape.slot(cosine)] == Spec((4, 3), F32)


def test_layer_that_refuses_names_its_step():
    (x,) = inputs("x")
    tape = Tape([Linear(2, 3)(np.exp(x))], [x])
    with pytest.raises(ValueError, match=r"^Linear: expected x of shape \(B, 2\), got") as caught:
        tape.specs([Spec((4, 5), F32)], F32)
    assert caught.value.__notes__ == ["at step 1 of the tape"]


def test_parameter_of_another_dtype_is_refused_with_its_mend():
    (x,) = inputs("x")
    tape = Tape([x * Parameter(np.ones(2), name="w")], [x])
    with pytest.raises(
        TypeError, match=r"'w' is float64 .* computes in float32.*dtype=np\.float32"
    ):
        tape.specs([Spec((2,), F32)], F32)


def test_node_knows_shape_and_dtype_only_while_traced():
    (traced,) = inputs("x", spec=Spec((4, 2), F64))
    node = Linear(2, 3, dtype=np.float64)(traced)
    assert (node.shape, node.dtype, node.ndim) == ((4, 3), F64, 2)
    (free,) = inputs("x")
    for name in ("shape", "dtype", "ndim"):
        with pytest.raises(AttributeError, match=r"has no shape yet; a tape built by hand"):
            getattr(np.exp(free), name)


def test_node_says_what_it_is():
    (x,) = inputs("x")
    sine, cosine = SinCos()(x)
    assert repr(x) == "<Node input 'x'>"
    assert repr(ReLU()(x)) == "<Node ReLU>"
    assert (repr(sine), repr(cosine)) == ("<Node SinCos[0]>", "<Node SinCos[1]>")


def test_traced_error_is_raised_in_the_line_that_made_it():
    class Wrong(Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Linear(2, 3), Linear(4, 5)

        def forward(self, x):
            hidden = self.first(x)
            return self.second(hidden)  # the line

    with pytest.raises(ValueError, match=r"Linear: .*got \(1, 3\)") as caught:
        Wrong()(np.ones((1, 2), np.float32))
    lines = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "return self.second(hidden)  # the line" in lines


def test_integer_input_read_as_number_is_floating_from_its_first_reader_on():
    class Both(Module):
        def forward(self, x, n):
            first = n * 2.0
            assert (first.dtype, n.dtype) == (F32, F32)
            return x + first

    result = Both()(np.ones(2, np.float32), np.arange(2))
    assert result.tolist() == [1, 3]
    assert result.dtype == np.float32


def test_constants_take_the_dtype_of_the_others():
    class Constants(Module):
        def forward(self, x):
            assert (np.arange(2) * x).dtype == x.dtype
            assert (x / np.float64(3)).dtype == x.dtype
            return Add()(x, [1, 2])

    for dtype in (np.float32, np.float64):
        result = Constants()(np.zeros(2, dtype))
        assert result.tolist() == [1, 2]
        assert result.dtype == dtype


def test_long_tape_needs_no_recursion():
    (x,) = inputs("x")
    node = x
    for _ in range(5000):
        node = node + 1.0
    tape = Tape([node], [x])
    assert len(tape.steps) == 5000
    model = Sequential(*[ReLU() for _ in range(1500)])
    assert model(np.ones(2, np.float32)).tolist() == [1, 1]
    assert model.backward(np.ones(2), input_grad=True).tolist() == [1, 1]


@pytest.mark.parametrize("layer", [Add(), Multiply(), Exp()])
def test_wrong_number_of_operands_is_refused_with_their_names(layer):
    (x,) = inputs("x")
    with pytest.raises(
        TypeError, match=rf"{type(layer).__name__}: expected \d operand.*\((a, b|x)\)"
    ):
        layer(x, x, x)


@pytest.mark.parametrize("operand", ["word", 1j, object(), [[1], [2, 3]]])
def test_constants_must_be_real_numbers(operand):
    (x,) = inputs("x")
    with pytest.raises(TypeError, match=r"Add: expected operands of real numbers"):
        Add()(x, operand)


class Looking(Module):
    """Looks up what forward makes of integers."""

    def __init__(self, part):
        super().__init__()
        self.table, self.part = Embedding(6, 2), part

    def forward(self, x):
        return self.table(self.part(x))


IDS = np.array([[1, 5, 0], [2, 2, 4]])


@pytest.mark.parametrize(
    "part, expected",
    [
        (lambda x: x[:, 1], [5, 2]),
        (lambda x: x.view(-1), [1, 5, 0, 2, 2, 4]),
        (lambda x: x.T.flatten()[1:], [2, 5, 2, 0, 4]),
        (lambda x: x.unsqueeze(0).squeeze().permute(1, 0), [[1, 2], [5, 2], [0, 4]]),
        (lambda x: x.unflatten(1, (3, 1)).transpose(0, 1)[1], [[5], [2]]),
        (lambda x: x.chunk(3, dim=1)[2], [[0], [4]]),
    ],
)
def test_integers_that_are_moved_stay_integers(part, expected):
    model = Looking(part)
    found = model(IDS)
    np.testing.assert_array_equal(found, model.table.weight.data[expected])
    model.backward(np.ones_like(found))
    assert model.table.weight.grad.sum() == found.size


def test_large_integers_are_moved_to_the_last_digit():
    large = np.array([[2**62 + 1, 3]])
    moved = Sequential(Flatten(0), Unflatten(0, (2, 1)))(large)
    assert (moved.dtype, moved.tolist()) == (np.int64, [[2**62 + 1], [3]])


def test_moved_integers_that_are_counted_with_are_numbers():
    class Both(Module):
        def __init__(self):
            super().__init__()
            self.fc = Linear(3, 2)

        def forward(self, x):
            return self.fc(x.view(-1, 3)) + x[:, :1] / 2

    both = Both()
    found = both(IDS)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, both(IDS.astype(np.float32)))


def test_a_parameter_of_another_dtype_beside_others_is_named_with_them():
    class Scaled(Module):
        def __init__(self):
            super().__init__()
            self.scale = Parameter(np.ones(2))
            self.fc = Linear(2, 2)

        def forward(self, x):
            return self.fc(x) * self.scale

    words = (
        r"'weight' is float32 on a tape that computes in float64, as parameter 'scale' is; .*float"
    )
    with pytest.raises(TypeError, match=words):
        Scaled()(np.ones((1, 2), np.float32))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda given: pickle.loads(pickle.dumps(given))])
def test_a_copy_of_an_expression_is_another(copied):
    weight = Parameter(np.ones(1))
    first = np.exp(weight)
    own, second = copied((weight, first))
    own.data[...] = 2.0
    graph = Graph(dtype=np.float64)
    graph.output(first, second, np.log(second))
    assert [float(y[0]) for y in graph()] == pytest.approx([np.exp(1), np.exp(2), 2.0])
