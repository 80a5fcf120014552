import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet.optim import SGD
from npnet.optim.packing import Block
from npnet.parameter import Parameter, structure


class Rule:
    """A rule with one kind of state."""

    spans = True

    def state_names(self, options):
        return ("kept",) if options[0] else ()

    def spans_gaps(self, options):
        return self.spans


def weights(*shapes, dtype=np.float32):
    return [Parameter(np.ones(shape, dtype)) for shape in shapes]


def give_gradients(parameters, present=None):
    for index, parameter in enumerate(parameters):
        has_grad = present is None or present[index]
        parameter.grad = np.ones(parameter.shape) if has_grad else None


def runs(block, *options):
    """Return first and last slot of every run."""
    return [(run.first, run.last) for run in block.ready(options or (False,), Rule())]


def address(array):
    return array.ctypes.data


@given(
    st.lists(st.lists(st.integers(0, 4), max_size=4), min_size=1, max_size=5),
    st.randoms(use_true_random=False),
    st.sampled_from([np.float16, np.float32, np.float64, np.longdouble]),
)
def test_packing_keeps_numbers_shape_order_and_dtype(shapes, random, dtype):
    parameters = []
    for shape in shapes:
        axes = random.sample(range(len(shape)), len(shape))
        array = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape).transpose(axes)
        parameters.append(Parameter(array))
    before = [(p.data.copy(), p.data.strides, p.data.flags) for p in parameters]
    give_gradients(parameters)
    (run,) = Block(parameters, 1).ready((False,), Rule())
    if not run.pieces:
        assert not any(parameter.size for parameter in parameters)
        return
    ((data, grad, state, (scratch,)),) = run.pieces
    assert data.shape == grad.shape == scratch.shape and state == ()
    assert not data.size or address(data) % 64 == address(grad) % 64 == 0
    for parameter, (numbers, strides, flags) in zip(parameters, before, strict=True):
        assert parameter.data.dtype == dtype
        np.testing.assert_array_equal(parameter.data, numbers)
        np.testing.assert_array_equal(parameter.grad, np.ones_like(numbers))
        assert parameter.data.flags.c_contiguous == flags.c_contiguous
        assert parameter.data.flags.f_contiguous == flags.f_contiguous
        if numbers.size:
            long = [axis for axis, length in enumerate(numbers.shape) if length > 1]
            assert [parameter.data.strides[a] for a in long] == [strides[a] for a in long]
            assert parameter.buffer.strides == parameter.data.strides
            assert address(parameter.data) % 64 == address(parameter.buffer) % 64 == 0
            assert np.shares_memory(parameter.data, data)
            assert np.shares_memory(parameter.buffer, grad)
    assert data.sum(dtype=float) == sum(p.data.sum(dtype=float) for p in parameters)
    assert grad.sum(dtype=float) == sum(p.size for p in parameters)


def test_gaps_stay_zero():
    parameters = weights((3,), (5,), (1,))
    optimizer = SGD(parameters, 0.5, 0.5, 0.5, 0.5)
    for _ in range(3):
        give_gradients(parameters)
        optimizer.step()
    ((_, block),) = optimizer._blocks
    (run,) = block.ready(optimizer.options(optimizer.param_groups[0]), optimizer)
    ((data, grad, (momentum,), _),) = run.pieces
    for vector in (data, grad, momentum):
        assert vector.size == 33
        gaps = np.delete(vector, [0, 1, 2, 16, 17, 18, 19, 20, 32])
        assert not gaps.any() and vector[32] != 0


def test_a_run_ends_where_a_gradient_is_missing():
    parameters = weights((2,), (3, 3), (), (0, 2), (4,))
    block = Block(parameters, 1)
    assert runs(block) == []
    give_gradients(parameters)
    assert runs(block) == [(0, 5)]
    give_gradients(parameters, [True, True, False, True, True])
    assert runs(block) == [(0, 2), (3, 5)]
    give_gradients(parameters, [False, True, False, False, False])
    assert runs(block) == [(1, 2)]


def test_a_run_ends_where_the_state_is_of_another_age():
    parameters = weights((2,), (3,), (4,))
    block, rule = Block(parameters, 1), Rule()
    give_gradients(parameters, [True, False, True])
    for run in block.ready((True,), rule):
        block.grow(run)
    give_gradients(parameters)
    ready = block.ready((True,), rule)
    assert [(run.first, run.last, run.age) for run in ready] == [(0, 1, 1), (1, 2, None), (2, 3, 1)]
    block.grow(ready[1])
    ready = block.ready((True,), rule)
    assert [(run.first, run.last, run.age) for run in ready] == [(0, 3, 1)]
    # Where no state is kept, its age is no reason to cut.
    ready = block.ready((False,), rule)
    assert [(run.first, run.last, run.age) for run in ready] == [(0, 3, None)]
    assert [run.age for run in block.ready((True,), rule)] == [1]


def test_a_run_ends_at_every_gap_while_a_rule_cannot_span_it():
    parameters = weights((2,), (3,), (4,))
    block, rule = Block(parameters, 1), Rule()
    give_gradients(parameters)
    seen = []
    for number, rule.spans in enumerate([True, False, True]):
        ready = block.ready((float(number),), rule)
        seen.append([(run.first, run.last) for run in ready])
    assert seen == [[(0, 3)], [(0, 1), (1, 2), (2, 3)], [(0, 3)]]


def test_state_may_be_there_from_the_start():
    parameters = weights((2,), (3,))
    block, rule = Block(parameters, 1, {"kept": 0.5}), Rule()
    for state in block.states(counts_steps=True).values():
        assert state["step"] == 0 and set(state["kept"].tolist()) == {0.5}
    give_gradients(parameters, [False, True])
    (run,) = block.ready((True,), rule)
    ((_, _, (kept,), _),) = run.pieces
    assert run.age == 0 and set(kept.tolist()) == {0.5}
    block.grow(run)
    ages = [state["step"] for state in block.states(counts_steps=True).values()]
    assert ages == [0, 1]
    block.clear()
    assert [s["step"] for s in block.states(counts_steps=True).values()] == [0, 0]


def test_options_become_arrays_of_the_dtype_once():
    block = Block(weights((2,)), 1)
    block.ready((0.5, None, True), Rule())
    half, nothing, flag = block.options
    assert half.dtype == np.float32 and half.shape == () and half == 0.5
    assert nothing is None and flag is True
    runs = block.ready((0.5, None, True), Rule())
    assert block.options[0] is half
    assert block.ready((0.25, None, True), Rule()) is runs and block.options[0] == 0.25


def test_parameters_packed_in_the_same_order_stay():
    parameters = weights((0, 2), (2, 3), (0, 2), (4,), (0,), (3, 2), (0,))
    SGD(parameters)
    gc.collect()
    before, now = [(p.data, p.buffer) for p in parameters], structure.now
    for members in (parameters, parameters[1:], parameters[:3]):
        give_gradients(parameters)
        assert runs(Block(members, 1)) == [(0, len(members))]
        SGD(members, lr=0.5, momentum=0.5).step()
        assert structure.now is now
    for parameter, (data, buffer) in zip(parameters, before, strict=True):
        assert parameter.data is data and parameter.buffer is buffer
    assert [p.data.sum() for p in parameters if p.size] == [-3.0, 0.0, 0.0]


@pytest.mark.parametrize("order", [[1, 0], [0, 2]])
def test_parameters_packed_in_another_order_are_moved(order):
    parameters = weights((2,), (2,), (2,))
    SGD(parameters)
    before = structure.now
    members = [parameters[index] for index in order]
    give_gradients(parameters)
    assert runs(Block(members, 1)) == [(0, 2)]
    assert structure.now is not before


def test_neighbours_in_memory_of_others_are_stepped_without_what_lies_between():
    data, grad = np.full(64, 7.0, np.float32), np.full(64, 7.0, np.float32)
    parameters = weights((4,), (4,))
    optimizer = SGD(parameters, lr=1.0)
    for index, parameter in enumerate(parameters):
        here = slice(16 * index, 16 * index + 4)
        parameter.move(data[here], grad[here])
    give_gradients(parameters)
    optimizer.step()
    assert [p.data.tolist() for p in parameters] == [[0.0] * 4] * 2
    assert np.shares_memory(parameters[0].data, data)
    assert data.sum() == 56 * 7.0


def test_optimizers_that_overlap_follow_one_another_without_moving():
    """Each keeps its own momentum, wherever the other has put the parameters."""
    packed, alone = weights((2, 2), (3,), (4,)), weights((2, 2), (3,), (4,))
    options = {"lr": 0.5, "momentum": 0.5}
    pairs = [
        (SGD([p[0], p[1], p[2]], **options), SGD([p[2], p[0]], **options)) for p in (packed, alone)
    ]
    alone_again = SGD(alone, **options)
    now = structure.now
    for _ in range(3):
        for optimizer in pairs[0]:
            give_gradients(packed)
            optimizer.step()
    assert structure.now is now
    # By hand: b = 1, 1.5, 1.75 in each optimizer; the second never sees the middle one.
    total = 0.5 * (1 + 1.5 + 1.75)
    assert [p.data.flat[0] for p in packed] == [1 - 2 * total, 1 - total, 1 - 2 * total]
    assert alone_again.state_dict()["state"] == {}


def test_parameters_moved_by_others_are_followed():
    parameters = weights((2, 3), (2,))
    optimizer = SGD(parameters, lr=1.0, momentum=0.5)
    give_gradients(parameters)
    optimizer.step()
    data, grad = np.empty((2, 3), np.float32), np.empty((2, 3), np.float32)
    parameters[0].move(data, grad)
    optimizer.step()
    assert parameters[0].data is data and data.tolist() == [[-1.5] * 3] * 2
    assert parameters[1].data.tolist() == [-1.5, -1.5]
    parameters[1].zero_grad()
    optimizer.step()
    assert parameters[0].data is data and data.tolist() == [[-3.25] * 3] * 2


@pytest.mark.parametrize("name", ["data", "grad", "spread"])
def test_parameters_moved_into_another_order_are_packed_again(name):
    parameter = Parameter(np.zeros((2, 3), np.float32))
    optimizer = SGD([parameter], lr=1.0, momentum=0.5)
    steps = [np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3) ** 2]
    parameter.grad = steps[0]
    optimizer.step()
    kinds = {"data": np.zeros((2, 3), np.float32), "grad": np.zeros((2, 3), np.float32)}
    if name == "spread":
        kinds["data"] = np.zeros((2, 6), np.float32)[:, ::2]
    else:
        kinds[name] = np.asfortranarray(kinds[name])
    parameter.move(kinds["data"], kinds["grad"])
    parameter.grad = steps[1]
    optimizer.step()
    assert parameter.data is not kinds["data"]
    assert parameter.data.tolist() == (-1.5 * steps[0] - steps[1]).tolist()


def test_a_change_of_structure_that_moves_nothing_costs_no_new_runs():
    parameters = weights((2,), (3,))
    block = Block(parameters, 1)
    give_gradients(parameters)
    before = block.ready((False,), Rule())
    parameters[0].requires_grad = False
    block.follow()
    assert block.ready((False,), Rule()) is before
