import io
import pickle
from collections import Counter, OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from hypothesis import given

import npnet
from npnet.checkpoint.torch_pickler import Pickler
from tests.support.states import plain_states


def dumped(state):
    return Pickler().dump(state)


@given(plain_states)
def test_pickle_reads_it(state):
    assert repr(pickle.loads(dumped(state))) == repr(state)


def test_metadata_of_an_ordered_dict():
    state = OrderedDict(a=1)
    state._metadata = OrderedDict({"": {"version": 1}})
    found = pickle.loads(dumped(state))
    assert found == state and found._metadata == state._metadata


def test_texts_and_globals_are_written_once():
    data = dumped([OrderedDict(exp_avg=i) for i in range(300)] + [str(i) for i in range(300)] * 2)
    assert (
        data.count(b"exp_avg") == data.count(b"collections") == data.count(b"X\3\0\0\000299") == 1
    )
    assert pickle.loads(data)[-1] == "299"


def test_numpy_scalars_are_numbers():
    state = [np.float32(0.5), np.int64(-3), np.bool_(True), np.float64(0.1)]
    found = pickle.loads(dumped(state))
    assert repr(found) == "[0.5, -3, True, 0.1]"


class Named(str):
    """A global of torch's; calling it returns its name and the arguments."""

    def __call__(self, *arguments):
        return (self, *arguments)


class Names(pickle.Unpickler):
    """What torch's reader would see."""

    def find_class(self, module, name):
        return super().find_class(module, name) if module == "collections" else Named(name)

    def persistent_load(self, identity):
        return identity


def tensors(state):
    """Return what a reader sees, and the arrays to be stored beside it."""
    pickler = Pickler()
    return Names(io.BytesIO(pickler.dump(state))).load(), pickler.storages


@pytest.mark.parametrize(
    ("shape", "steps"),
    [((), ()), ((3,), (1,)), ((2, 3, 4), (12, 4, 1)), ((2, 0, 3), (3, 3, 1)), ((0,), (1,))],
)
def test_a_tensor_is_a_contiguous_view_of_its_storage(shape, steps):
    array = np.zeros(shape, np.float32)
    found, storages = tensors(array)
    storage = ("storage", "FloatStorage", "0", "cpu", array.size)
    expected = ("_rebuild_tensor_v2", storage, 0, shape, steps, False, OrderedDict())
    assert found == expected and storages[0] is array


def test_dtypes_without_a_storage_of_their_own():
    found, _ = tensors(np.zeros(3, np.uint16))
    storage = ("storage", "UntypedStorage", "0", "cpu", 6)
    view = (0, (3,), (1,), False, OrderedDict())
    assert found == ("_rebuild_tensor_v3", storage, *view, "uint16")


def test_an_array_that_is_there_twice_is_one_storage():
    array, parameter = np.zeros(3), npnet.Parameter([1.0])
    state = {"a": array, "b": array, "c": array[:], "d": parameter, "e": parameter.data}
    found, storages = tensors(state)
    assert [found[name][1][2] for name in "abcde"] == ["0", "0", "1", "2", "2"]
    assert len(storages) == 3


Pair = namedtuple("Pair", "a b")
LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({1}, TypeError, "got set as state; give the state_dict"),
        ({"a": [0, {"b": {1}}]}, TypeError, r"got set as state\['a'\]\[1\]\['b'\]"),
        (
            npnet.Linear(1, 1),
            TypeError,
            r"got Linear as state; give the state_dict\(\) of a Module",
        ),
        ([b"x"], TypeError, r"got bytes as state\[0\]"),
        ([1j], TypeError, r"got complex as state\[0\]"),
        ([Pair(1, 2)], TypeError, r"got Pair as state\[0\]"),
        ([defaultdict(int)], TypeError, r"got defaultdict as state\[0\]"),
        ([np.array(["a"])], TypeError, r"got ndarray of dtype <U1 as state\[0\]"),
        ([np.array([None])], TypeError, r"got ndarray of dtype object as state\[0\]"),
        ([np.longdouble(1)], TypeError, r"got longdouble of dtype \S+ as state\[0\]"),
        ({"a": {2.0: 1}}, TypeError, r"strings and integers as keys, got 2.0 in state\['a'\]"),
        ({True: 1}, TypeError, "strings and integers as keys, got True in state"),
        ({"a": Counter({("x",): 1})}, TypeError, r"as keys, got \('x',\) in state\['a'\]"),
        ([2**2039], ValueError, r"integers of at most 255 bytes, state\[0\] has 256"),
        (LOOP, ValueError, "at most 100 levels; .* goes deeper, or holds itself"),
    ],
    ids=str,
)
def test_states_that_are_refused(state, error, message):
    with pytest.raises(error, match=f"^save: .*{message}"):
        dumped(state)


def test_attributes_that_would_be_lost():
    state = OrderedDict()
    state.note = "x"
    with pytest.raises(TypeError, match=r"no attributes but _metadata .* state, got \['note'\]"):
        dumped(state)
