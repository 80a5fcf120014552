import math
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npnet import CheckpointError
from npnet.training.encoding import decode, encode

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
keys = st.one_of(st.text("ab/$é", max_size=4), st.integers(-(2**70), 2**70))
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text("a$é\ud800\0\n", max_size=4)
)


def grown(inner):
    return st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(keys, st.integers(0, 9), max_size=3).map(Counter),
    )


@given(st.recursive(leaves, grown, max_leaves=12))
def test_states_come_back_as_they_were(state):
    text, arrays = encode(state)
    assert not arrays
    assert repr(decode(text, arrays)) == repr(state)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_arrays_come_back_in_their_dtype_to_the_bit(dtype, shape):
    size = math.prod(shape) * np.dtype(dtype).itemsize
    raw = np.random.default_rng(0).integers(0, 2, size).astype(np.uint8)
    array = np.frombuffer(raw.tobytes(), dtype).reshape(shape)
    text, arrays = encode({"a": [array]})
    assert [*arrays] == ["a/0"]
    back = decode(text, arrays)["a"][0]
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, shape, array.tobytes())


def test_arrays_whose_places_read_alike_keep_apart():
    state = {"a/b": np.zeros(1), "a": {"b": np.ones(1), 1: np.full(1, 2.0), "1": np.full(1, 3.0)}}
    text, arrays = encode(state)
    back = decode(text, arrays)
    assert len(arrays) == 4
    assert back["a/b"] == 0 and back["a"] == {"b": 1, 1: 2, "1": 3}


def test_an_ordered_dict_becomes_a_dict_in_its_order_and_a_numpy_number_a_number():
    state = OrderedDict(b=np.float32(0.1), a=np.int64(2), c=np.bool_(True))
    back = decode(*encode(state))
    assert type(back) is dict and [*back] == ["b", "a", "c"]
    assert [type(value) for value in back.values()] == [float, int, bool]
    assert back["b"] == np.float32(0.1)


@pytest.mark.parametrize(
    "value, called",
    [
        (object(), "object"),
        ({1, 2}, "set"),
        (np.array(["a"]), "ndarray of dtype <U1"),
        (np.array([None]), "ndarray of dtype object"),
        (lambda: 0, "function"),
        (np.datetime64("2020"), "datetime64"),
    ],
)
def test_what_a_file_cannot_hold_is_named_with_its_place(value, called):
    with pytest.raises(TypeError, match=rf"got {called}.* as state\['callbacks'\]\[0\]\['x'\]"):
        encode({"callbacks": [{"x": value}]})


def test_keys_are_strings_and_integers():
    with pytest.raises(TypeError, match=r"got 1.5 in state\['a'\]"):
        encode({"a": {1.5: 0}})


def test_a_state_that_holds_itself_is_refused():
    state = []
    state.append(state)
    with pytest.raises(ValueError, match=r"at most 100 levels.*holds itself"):
        encode(state)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1, 2",
        "NaN-",
        '{"$what": 1}',
        '{"$array": "there"}',
        '{"$array": ["a"]}',
        '{"$array": "a", "dtype": "no"}',
        '{"$items": 3}',
        '{"$items": [[1]]}',
        '{"$float": "x"}',
        '{"$tuple": 1}',
        "[" * 100_000,
    ],
)
def test_other_texts_are_checkpoint_errors(text):
    with pytest.raises(CheckpointError):
        decode(text, {"a": np.zeros(3, np.uint8)})
