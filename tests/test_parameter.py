"""Parameter: storage, gradient, and who holds what."""

import copy
import operator
import pickle

import numpy as np
import pytest

import npnet
from npnet import Graph, Linear, Module, Parameter
from npnet.parameter import structure
from npnet.tape import Node


def filled(parameter, value):
    """Do what a backward pass does: write the buffer, then publish."""
    before = parameter.settle().copy() if parameter.has_grad else None
    parameter.buffer[...] = value
    if before is not None:
        parameter.buffer[...] += before
    parameter.publish()


@pytest.mark.parametrize(
    ("data", "dtype", "expected"),
    [
        ([1.0, 2.0], None, np.float32),
        (1, None, np.float32),
        (np.ones(2), None, np.float64),
        (np.ones(2, np.float32), None, np.float32),
        (np.float64(1), None, np.float64),
        (np.arange(3), None, np.float32),
        (np.array([True, False]), None, np.float32),
        (np.ones(2, np.float32), np.float64, np.float64),
        ([1, 2], "float64", np.float64),
        (Parameter(np.ones(2)), None, np.float64),
        (np.ones(2, ">f4"), None, np.float32),
    ],
)
def test_dtype_is_kept_where_it_is_floating(data, dtype, expected):
    assert Parameter(data, dtype=dtype).dtype == expected


def test_data_are_copied_compactly_in_their_order():
    array = np.arange(6.0).reshape(2, 3).T
    parameter = Parameter(array)
    array[...] = 9
    assert parameter.data.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert parameter.data.flags.f_contiguous
    assert Parameter(np.arange(10.0)[::3]).data.strides == (8,)


@pytest.mark.parametrize("data", [1j, "1", [None], np.array(["a"]), [object()]])
def test_what_is_no_real_number_is_refused(data):
    with pytest.raises(TypeError, match=r"Parameter: expected real numbers, got dtype"):
        Parameter(data)


@pytest.mark.parametrize("dtype", [int, bool, complex, "U3"])
def test_dtype_must_be_floating(dtype):
    with pytest.raises(TypeError, match=r"Parameter: dtype must be floating, got .*use np.float32"):
        Parameter([1.0], dtype=dtype)


def test_assigning_data_copies_into_the_same_storage():
    parameter = Parameter(np.zeros((2, 2)))
    storage, given = parameter.data, np.ones((2, 2), np.float32)
    parameter.data = given
    given[...] = 5
    assert parameter.data is storage
    assert storage.tolist() == [[1, 1], [1, 1]]
    parameter.data += 1
    parameter.data = parameter.data
    assert parameter.data is storage
    assert storage.tolist() == [[2, 2], [2, 2]]


@pytest.mark.parametrize("what", ["data", "grad"])
def test_another_shape_or_kind_is_refused_and_changes_nothing(what):
    parameter = Parameter([[1.0, 2.0]], name="w")
    parameter.grad = [[3.0, 4.0]]
    match = rf"Parameter 'w': expected {what} of shape \(1, 2\), got \(2,\); .* keeps its shape"
    with pytest.raises(ValueError, match=match):
        setattr(parameter, what, [5.0, 6.0])
    with pytest.raises(ValueError, match=r"got \(\)"):
        setattr(parameter, what, 5.0)
    with pytest.raises(TypeError, match=rf"expected real numbers as {what}, got dtype complex"):
        setattr(parameter, what, [[1j, 2]])
    assert parameter.data.tolist() == [[1, 2]]
    assert parameter.grad.tolist() == [[3, 4]]


def test_gradient_is_none_until_there_is_one():
    parameter = Parameter([1.0, 2.0])
    assert parameter.grad is None
    filled(parameter, 3)
    assert parameter.grad.tolist() == [3, 3]
    parameter.zero_grad()
    assert parameter.grad is None
    parameter.grad = [4, 5]
    parameter.grad = None
    assert parameter.grad is None


def test_gradient_is_live_until_zero_grad_and_the_holders_after():
    parameter = Parameter([1.0, 2.0])
    filled(parameter, 3)
    held = parameter.grad
    filled(parameter, 4)
    assert held.tolist() == [7, 7]
    assert parameter.grad is held
    parameter.zero_grad()
    filled(parameter, 100)
    assert held.tolist() == [7, 7]
    held[...] = -1
    assert parameter.grad.tolist() == [100, 100]


def test_assigned_gradient_is_a_copy_and_frees_the_one_held():
    parameter = Parameter([1.0, 2.0])
    filled(parameter, 1)
    held, given = parameter.grad, np.array([5.0, 6.0])
    parameter.grad = given
    given[...] = 9
    filled(parameter, 1)
    assert held.tolist() == [1, 1]
    assert parameter.grad.tolist() == [6, 7]
    assert parameter.grad.dtype == np.float32


def test_what_a_holder_writes_into_the_gradient_counts():
    parameter = Parameter([1.0, 2.0])
    filled(parameter, 8)
    parameter.grad *= 0.5
    assert parameter.settle().tolist() == [4, 4]
    parameter.grad[0] = 1
    filled(parameter, 10)
    assert parameter.grad.tolist() == [11, 14]


def test_scalar_parameter():
    parameter = Parameter(2.0)
    assert (parameter.shape, parameter.ndim, parameter.size) == ((), 0, 1)
    filled(parameter, 3)
    parameter.grad += 1
    assert float(parameter.settle()) == 4
    parameter.data -= 1
    assert float(parameter.data) == 1


def test_moving_keeps_numbers_and_gradient():
    parameter = Parameter(np.arange(6.0).reshape(3, 2).T)
    filled(parameter, parameter.data * 10)
    held, flat, grads = parameter.grad, np.zeros(6), np.zeros(6)
    held[0, 0] = 5  # what a holder writes into it counts
    before = structure.now
    parameter.move(flat.reshape(3, 2).T, grads.reshape(3, 2).T)
    assert structure.now is not before
    assert flat.tolist() == [0, 1, 2, 3, 4, 5]
    assert grads.tolist() == [5, 10, 20, 30, 40, 50]
    flat += 1
    assert parameter.data[1, 2] == 6
    filled(parameter, 1)
    assert held[1, 2] == 51


def test_moving_without_gradient_leaves_none():
    parameter = Parameter([1.0])
    parameter.move(np.zeros(1, np.float32), np.full(1, 9, np.float32))
    assert parameter.grad is None
    assert parameter.data.tolist() == [1]


def test_freezing_is_a_change_of_structure_only_where_it_changes():
    parameter = Parameter([1.0])
    before = structure.now
    parameter.requires_grad = True
    assert structure.now is before
    parameter.requires_grad = False
    assert structure.now is not before
    assert not parameter.requires_grad
    assert parameter.requires_grad_() is parameter and parameter.requires_grad
    assert parameter.requires_grad_(False) is parameter and not parameter.requires_grad


def test_repr_is_torchs_form():
    assert repr(Parameter([1.0])).startswith("Parameter containing:\narray([1.]")
    assert repr(Parameter([1.0], requires_grad=False)).endswith(", requires_grad=False")


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda p: pickle.loads(pickle.dumps(p))]
)
def test_copies_are_independent_and_complete(copied):
    parameter = Parameter(np.arange(6.0).reshape(2, 3).T, requires_grad=False, name="w")
    filled(parameter, 2)
    other = copied(parameter)
    assert (other.name, other.requires_grad, other.dtype) == ("w", False, np.float64)
    np.testing.assert_array_equal(other.data, parameter.data)
    np.testing.assert_array_equal(other.grad, parameter.grad)
    other.data += 1
    filled(other, 1)
    assert parameter.data[0, 0] == 0
    assert parameter.grad[0, 0] == 2


def test_deepcopy_keeps_one_parameter_one():
    parameter = Parameter([1.0])
    first, second = copy.deepcopy([parameter, parameter])
    assert first is second


def test_a_number_too_large_changes_nothing():
    """Warnings are errors in these tests."""
    parameter = Parameter([1.0, 2.0])
    parameter.grad = [3.0, 4.0]
    for name in ("data", "grad"):
        with pytest.raises(RuntimeWarning, match="overflow encountered in cast"):
            setattr(parameter, name, [5.0, 1e300])
    assert parameter.data.tolist() == [1, 2] and parameter.grad.tolist() == [3, 4]


class Scaled(Parameter):
    def __init__(self, factor, numbers):
        super().__init__(np.multiply(factor, numbers))
        self.factor, self.notes = factor, [self]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_are_of_the_same_class_with_its_attributes(copied):
    parameter = Scaled(2.0, [1.0, 2.0])
    parameter.grad = [3.0, 4.0]
    other = copied(parameter)
    assert type(other) is Scaled and other.factor == 2 and other.notes[0] is other
    assert other.data.tolist() == [2, 4] and other.grad.tolist() == [3, 4]
    assert type(copy.copy(parameter)) is Scaled


@pytest.mark.parametrize("held", [False, True])
def test_a_gradient_is_set_to_zero_where_it_is(held):
    parameter = Parameter([1.0])
    parameter.zero_grad(set_to_none=False)
    assert parameter.grad is None
    filled(parameter, 2)
    grad = parameter.grad if held else None
    parameter.zero_grad(set_to_none=False)
    assert parameter.grad.tolist() == [0] and parameter.has_grad
    assert not held or parameter.grad is grad
    parameter.zero_grad()
    assert parameter.grad is None


def test_pickle_holds_its_own_numbers_not_the_flat_storage():
    parameter, flat = Parameter([1.0]), np.zeros(100_000, np.float32)
    parameter.move(flat[:1], np.zeros(100_000, np.float32)[:1])
    assert len(pickle.dumps(parameter)) < 2000


def test_numpy_sees_the_data():
    parameter = Parameter([1.0, 2.0])
    assert np.shares_memory(np.asarray(parameter), parameter.data)
    assert np.asarray(parameter, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(parameter), parameter.data)


def test_operators_record_and_know_shapes():
    parameter = Parameter(np.ones((2, 3)))
    node = parameter * 2.0 @ np.ones((3, 4))
    assert isinstance(node, Node)
    assert (node.shape, node.ndim, node.dtype) == ((2, 4), 2, np.float64)
    with pytest.raises(ValueError, match=r"Add: expected shapes that broadcast"):
        parameter + np.ones(5)


def test_module_names_what_has_no_name():
    class Holder(Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Parameter([1.0]), Parameter([1.0], name="own")

    holder = Holder()
    assert (holder.first.name, holder.second.name) == ("first", "own")
    assert Linear(2, 2).weight.name == "weight"


CHANGES = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]
change = pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)


@pytest.mark.torch
@change
@pytest.mark.parametrize("other", [3, 0.5, [[2.0], [3.0]], [1.0, 2.0, 4.0], [[3, 1, 2]] * 2])
def test_changes_in_place_are_torchs_within_no_grad(torch, change, other):
    start = np.array([[1.5, 2.0, 0.25], [4.0, 0.5, 1.0]])
    mine, theirs = Parameter(start), torch.nn.Parameter(torch.tensor(start))
    arrays = [other, torch.tensor(other)] if np.ndim(other) else [other, other]
    data = mine.data
    pairs = zip((mine, theirs), arrays, (npnet, torch), strict=True)
    for parameter, given, library in pairs:
        with library.no_grad():
            assert change(parameter, given) is parameter
    assert mine.data is data
    np.testing.assert_allclose(mine.data, theirs.detach().numpy(), rtol=1e-15)
    mine.requires_grad_(False)
    assert change(mine, np.ones(3, np.float32)) is mine
    assert change(mine, Parameter([1.0])) is mine


@change
def test_what_is_trained_is_not_changed_in_place_unawares(change):
    parameter = Parameter([1.0, 2.0], name="weight")
    with pytest.raises(RuntimeError, match=r"Parameter 'weight': requires a gradient, .* no_grad"):
        change(parameter, 2.0)
    with npnet.no_grad():
        with pytest.raises(TypeError, match="needs numbers, got Node; in a forward write p = p"):
            change(parameter, Graph().input("x"))
        with pytest.raises(ValueError, match=r"cannot write .* of shape \(3,\) into .* \(2,\)"):
            change(parameter, np.ones(3))
        with pytest.raises(TypeError, match="cannot write complex128 of shape"):
            change(parameter, 1j)
        with pytest.raises(TypeError, match="cannot write <U1 of shape"):
            change(parameter, "a")
    assert parameter.data.tolist() == [1.0, 2.0]


@pytest.mark.torch
def test_a_descent_written_by_hand_is_torchs(torch):
    weights = Parameter(np.ones(3)), torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    for library, weight in zip((npnet, torch), weights, strict=True):
        for step in range(3):
            weight.grad = library_gradient(library, step)
            with library.no_grad():
                weight -= 0.5 * weight.grad
                weight *= 0.9
    np.testing.assert_allclose(weights[0].data, weights[1].detach().numpy(), rtol=1e-15)


def library_gradient(library, step):
    """Return a gradient in the arrays of a library."""
    gradient = np.arange(3.0) + step
    return gradient if library is npnet else library.tensor(gradient)
