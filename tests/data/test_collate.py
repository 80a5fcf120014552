"""default_collate: beside torch's."""

from collections import OrderedDict, UserDict, UserList, deque, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

from npnet.data import default_collate

Pair = namedtuple("Pair", "x y")
ARRAYS = [np.arange(6.0).reshape(2, 3) + number for number in range(2)]

BATCHES = {
    "arrays": ARRAYS,
    "float32": [a.astype(np.float32) for a in ARRAYS],
    "uint8": [a.astype(np.uint8) for a in ARRAYS],
    "single arrays": [np.array(1.5), np.array(2.5)],
    "NumPy floats": [np.float32(1.5), np.float32(2.5)],
    "NumPy doubles": [np.float64(1.5), np.float64(2.5)],
    "NumPy integers": [np.int32(1), np.int32(2)],
    "NumPy bools": [np.bool_(True), np.bool_(False)],
    "floats": [1.5, 2.5],
    "floats and ints": [1.5, 2],
    "ints and floats": [1, 2.5],
    "ints": [1, -2],
    "bools": [True, False],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "tuples": [(ARRAYS[0], 3), (ARRAYS[1], 4)],
    "one-tuples": [(1.5,), (2.5,)],
    "lists": [[1, 2], [3, 4]],
    "ranges": [range(2), range(2)],
    "dicts": [{"a": 1, "b": (2.5, "x")}, {"a": 3, "b": (4.5, "y")}],
    "ordered": [OrderedDict(b=1, a=2), OrderedDict(b=3, a=4)],
    "named": [Pair(1, ARRAYS[0]), Pair(2, ARRAYS[1])],
    "nested": [[{"a": Pair(1, (2, 3.5))}], [{"a": Pair(4, (5, 6.5))}]],
    "one sample": [(1, 2.5)],
    "other mappings": [UserDict(a=1), UserDict(a=2)],
    "fixed mappings": [MappingProxyType({"a": 1}), MappingProxyType({"a": 2})],
    "other sequences": [UserList([1, 2]), UserList([3, 4])],
}


def same(ours, theirs):
    """Hold a batch to torch's: kinds, dtypes and numbers."""
    if isinstance(ours, np.ndarray):
        assert ours.dtype == theirs.numpy().dtype
        np.testing.assert_array_equal(ours, theirs.numpy())
        return
    assert type(ours) is type(theirs)
    if hasattr(ours, "items"):
        assert list(ours) == list(theirs)
        for key in ours:
            same(ours[key], theirs[key])
    elif isinstance(ours, (list, tuple, UserList)):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            same(one, other)
    else:
        assert ours == theirs


@pytest.mark.torch
@pytest.mark.parametrize("name", BATCHES)
def test_batches_are_torchs(name):
    torch = pytest.importorskip("torch")
    same(default_collate(BATCHES[name]), torch.utils.data.default_collate(BATCHES[name]))


@pytest.mark.parametrize(
    ("batch", "kind", "message"),
    [
        ([None, None], TypeError, "arrays, numbers, .* got NoneType; give .* a collate_fn"),
        ([1j, 2j], TypeError, "got complex"),
        ([{1}, {2}], TypeError, "got set"),
        ([np.array(["a"]), np.array(["b"])], TypeError, "arrays of numbers, got <U1"),
        ([np.array([None])] * 2, TypeError, "arrays of numbers, got object"),
        ([(1,), (1, 2)], ValueError, r"samples of one length, got \[1, 2\]"),
        ([np.ones(2), np.ones(3)], ValueError, r"one shape, got \(2,\), \(3,\); give .* pads"),
    ],
)
def test_what_cannot_be_a_batch_is_named(batch, kind, message):
    with pytest.raises(kind, match=f"^default_collate: .*{message}"):
        default_collate(batch)


def test_any_sequence_is_a_batch_and_samples_stay():
    samples = deque([[1, 2], [3, 4]])
    assert [part.tolist() for part in default_collate(samples)] == [[1, 3], [2, 4]]
    assert list(samples) == [[1, 2], [3, 4]]
