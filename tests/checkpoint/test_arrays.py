import re
from collections import OrderedDict

import numpy as np
import pytest

from npnet import Parameter
from npnet.checkpoint.arrays import BY_NAME, KINDS, checked, empty, finished, flat, given
from npnet.checkpoint.files import CheckpointError

FLOAT32, BFLOAT16, BOOL = (KINDS[i] for i in (0, 3, 4))
FLOAT16 = BY_NAME["float16"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_table_is_right(kind):
    stored, read = np.dtype(kind.stored), np.dtype(kind.read)
    assert kind.itemsize == stored.itemsize
    assert kind.nbytes((2, 3)) == np.empty((2, 3), kind.read).nbytes
    if kind.name in ("float16", "bfloat16"):
        assert (stored.itemsize, read) == (2, np.float32)
    else:
        assert read.name == kind.name and stored.itemsize == read.itemsize


@pytest.mark.parametrize("name", [*BY_NAME])
@pytest.mark.parametrize("order", "<>")
def test_finishes_every_dtype_and_byte_order(name, order):
    values = np.array([[0, 1, 3], [1, 0, 1]]).astype(name)
    stored = values.view("u1") if name == "bool" else values
    there = stored.astype(stored.dtype.newbyteorder(order))
    for array in (there, np.asfortranarray(there), np.repeat(there, 2, 1)[:, ::2]):
        read = finished(array, BY_NAME[name], own=False)
        assert read.dtype == (np.float32 if name == "float16" else np.dtype(name))
        assert read.dtype.isnative and read.flags.c_contiguous and read.flags.writeable
        assert np.array_equal(read, values) and not np.shares_memory(read, array)


def test_own_memory_is_not_copied():
    array = np.ones((2, 3), np.float32)
    assert finished(array, FLOAT32, own=True) is array
    flags = np.zeros(3, np.uint8)
    assert finished(flags, BOOL, own=True).base is flags


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1,), (2, 3)])
def test_bfloat16_is_the_upper_half_of_float32(shape):
    generator = np.random.default_rng(0)
    bits = generator.integers(0, 2**16, shape).astype(np.uint16)
    read = finished(bits, BFLOAT16, own=False)
    assert type(read) is np.ndarray and read.dtype == np.float32 and read.shape == shape
    assert np.array_equal(read.view(np.uint32), bits.astype(np.uint32) * 65536)


def test_every_float16_becomes_the_float32_of_the_same_value():
    halves = np.arange(2**16).astype(np.uint16).view(np.float16)
    read = finished(halves, FLOAT16, own=False)
    sign = np.where(np.arange(2**16) < 2**15, 1.0, -1.0)
    exponent, fraction = np.divmod(np.arange(2**16) % 2**15, 1024)
    exact = np.where(exponent == 0, fraction * 2.0**-24, (1024 + fraction) * 2.0 ** (exponent - 25))
    exact = np.where(exponent == 31, np.where(fraction == 0, np.inf, np.nan), exact) * sign
    assert np.array_equal(read, exact.astype(np.float32), equal_nan=True)


def test_a_bool_is_0_or_1():
    with pytest.raises(CheckpointError, match="0 and 1 only as bool"):
        finished(np.array([0, 2], np.uint8), BOOL, own=True)


@pytest.mark.parametrize("shape", [(-1,), (2**63,), (1,) * 65, (3, -(10**40))])
def test_shapes_that_no_array_has(shape):
    with pytest.raises(CheckpointError, match="expected at most 64 axes"):
        checked(shape)
    assert checked([2**63 - 1, 0]) == (2**63 - 1, 0)


def test_shapes_that_numpy_has_not():
    with pytest.raises(CheckpointError, match="NumPy has no array of shape"):
        empty((0, 2**62, 2**62), np.float32)
    assert empty((0, 2**40), np.float32).shape == (0, 2**40)


def test_takes_arrays_parameters_and_numpy_scalars():
    array, parameter = np.ones(2), Parameter([1.0])
    assert given(array) is array
    assert given(parameter) is parameter.data
    scalar = given(np.float32(2))
    assert (scalar.shape, scalar.dtype, scalar.item()) == ((), np.float32, 2)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        [1.0],
        None,
        np.array(["a"]),
        np.array([None]),
        np.array([1, 2], "M8[s]"),
        np.zeros(1, np.longdouble),
        np.zeros(1, "i4,i4"),
        np.ma.masked_array([1.0], [True]),
    ],
    ids=repr,
)
def test_takes_nothing_else(value):
    assert given(value) is None
    with pytest.raises(TypeError, match=r"expected a dict of arrays for .npz, got .* state\['a'\]"):
        flat({"a": value}, ".npz")


def test_a_flat_state_is_a_dict_of_arrays():
    array = np.ones(2)
    found = flat(OrderedDict(a=array, b=np.int64(3)), ".npz")
    assert type(found) is dict and [*found] == ["a", "b"] and found["a"] is array
    for state, message in (
        ([array], "got a list; give the state_dict() of a Module"),
        ({1: array}, "expected names as strings for .npz, got 1; use .pt"),
        ({"a": {"b": array}}, "got a dict as state['a']; use .pt for dicts within dicts"),
    ):
        with pytest.raises(TypeError, match=re.escape(message)):
            flat(state, ".npz")
    with pytest.raises(ValueError, match="is no Unicode text"):
        flat({"\ud800": array}, ".npz")
