import numpy as np
import pytest

import npnet
from npnet.inspect.interpreter import Interpreter, Kernels, unchanged
from npnet.inspect.tracing import traced
from npnet.kernel import Spec
from npnet.layers.base import Layer

FLOAT = np.dtype(np.float64)


class Looking(Layer):
    """y = a + sum of b; notes what its kernels are given."""

    backward_reads = frozenset({"a"})
    rows = frozenset({"a", "y"})

    def __init__(self):
        super().__init__()
        self.seen = {}

    def infer(self, a, *b):
        return a

    def scratch_specs(self, a, *b):
        return {"room": Spec((2,), FLOAT), "constant": 7}

    def forward_kernel(self, a, *b, out, scratch):
        self.seen["forward"] = (a.shape, out.shape, scratch.room.shape, scratch.constant)
        np.copyto(out, a + sum(b))

    def backward_kernel(self, dy, a, b, y, *, da, db, scratch):
        self.seen["backward"] = (dy.shape, a.shape, b, y, da.shape, [d is None for d in db])
        np.copyto(da, dy)
        for target in db:
            if target is not None:
                target[...] = dy.sum()


def test_kernels_get_what_a_plan_gives_them():
    layer = Looking()
    operands = [np.ones((2, 3, 4)), np.array(1.0), np.array(2.0)]
    kernels = Kernels(layer, operands, [Spec((2, 3, 4), FLOAT)])
    (y,) = kernels.forward()
    assert (y == 4).all() and layer.seen["forward"] == ((6, 4), (6, 4), (2,), 7)
    da, first, second = kernels.backward([np.ones((2, 3, 4))], [True, False, True])
    assert da.shape == (2, 3, 4) and first is None and second == 24
    assert layer.seen["backward"] == (
        (6, 4),
        (6, 4),
        [None, None],
        None,
        (6, 4),
        [True, False],
    )


def test_an_operand_in_another_memory_order_is_copied_where_the_layer_wants_rows():
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    linear = Kernels(npnet.Linear(3, 2), [columns, columns, None], [Spec((2, 2), FLOAT)])
    assert linear.operands[0].flags.c_contiguous and linear.operands[1] is columns


def test_several_outputs_are_tuples_and_a_missing_gradient_is_none():
    layer = npnet.SoftmaxCrossEntropy()
    operands = [np.zeros((1, 2)), np.array([0])]
    kernels = Kernels(layer, operands, [Spec((), FLOAT), Spec((1, 2), FLOAT)])
    loss, p = kernels.forward()
    assert loss == pytest.approx(np.log(2)) and p.tolist() == [[0.5, 0.5]]
    assert kernels.backward([np.array(2.0), None], [True, False])[0].tolist() == [[-1.0, 1.0]]
    assert kernels.backward([None, np.array([[1.0, 0]])], [True, False])[0].tolist() == [
        [0.25, -0.25]
    ]


def test_gradients_are_passed_on_when_they_are_complete():
    g = npnet.Graph(dtype=FLOAT)
    x = g.input("x", requires_grad=True)
    y = x * 2.0
    g.output(y * y + y)
    run = traced(g, [3.0])
    interpreter = Interpreter(run.tape, run.steps, run.specs, run.arrays)
    interpreter.forward()
    out = run.tape.outputs[0]
    passed = list(interpreter.backward([(out, np.array(1.0))], set(range(len(run.tape.slots)))))
    assert [number for number, _, _ in passed] == [2, 1, 0]
    # d(y^2 + y)/dy = 2 y + 1 = 13 arrives at the first step.
    assert passed[-1][1] == [np.array(13.0)]
    first = passed[-1][2][0]
    assert (first.slot, float(first.value)) == (run.tape.inputs[0], 26.0)


def test_the_seed_is_not_written_to():
    g = npnet.Graph(dtype=FLOAT)
    y = g.input("x") * 2.0
    g.output(y, y)
    run = traced(g, [3.0])
    interpreter = Interpreter(run.tape, run.steps, run.specs, run.arrays)
    interpreter.forward()
    seed = np.array(1.0)
    slot = run.tape.outputs[0]
    (found,) = interpreter.backward([(slot, seed), (slot, seed)], {*run.tape.inputs, slot})
    assert found[1] == [np.array(2.0)] and seed == 1


def test_two_steps_with_one_buffer_leave_it_as_it_was():
    norm = npnet.BatchNorm1d(1)
    run = traced(npnet.Sequential(norm, norm), [np.array([[1.0], [3.0]])])
    with unchanged(run.steps, run.specs, None):
        Interpreter(run.tape, run.steps, run.specs, run.arrays).forward()
        assert norm.num_batches_tracked == 2
    assert norm.num_batches_tracked == 0 and norm.running_mean.tolist() == [0]
