import io
import json
import struct
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import npnet
from npnet import CheckpointError
from npnet.checkpoint.arrays import BY_NAME
from tests.support.files import check_plain

safetensors = pytest.importorskip("safetensors.numpy")


def load(data):
    return npnet.load(io.BytesIO(data))


def save(state):
    file = io.BytesIO()
    npnet.save(state, file, format="safetensors")
    return file.getvalue()


def made(tensors, data=b""):
    """Return a file of {name: (dtype, shape, start, stop)} or of a header's text, and data."""
    if isinstance(tensors, dict):
        keys = ("dtype", "shape", "data_offsets")
        tensors = {
            name: dict(zip(keys, (*t[:2], t[2:]), strict=True)) for name, t in tensors.items()
        }
        tensors = json.dumps(tensors).encode()
    return struct.pack("<Q", len(tensors)) + tensors + data


dtypes = st.sampled_from([np.dtype(n) for n in BY_NAME if n not in ("float16", "complex128")])
arrays = hnp.arrays(
    dtypes.flatmap(lambda dtype: st.sampled_from([dtype, dtype.newbyteorder(">")])),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
names = st.text('aB0._/é☃😀\0\n" ', max_size=9)
states = st.dictionaries(names, arrays.flatmap(lambda a: st.sampled_from([a, a.T])), max_size=4)


@given(states)
def test_npnet_the_package_and_back(state):
    data = save(state)
    found = load(data)
    check_plain(found)
    assert [*found] == sorted(state)
    for read in (found, safetensors.load(data)):
        assert read.keys() == state.keys()
        for name, array in state.items():
            assert read[name].shape == array.shape
            assert read[name].dtype == array.dtype.newbyteorder("=")
            assert read[name].astype(array.dtype).tobytes() == array.tobytes()


def test_reads_halves_as_float32():
    found = load(
        made(
            {"a": ("BF16", [2], 0, 4), "b": ("F16", [1, 2], 4, 8), "c": ("BF16", [], 8, 10)},
            struct.pack("<2H", 0x3FC0, 0xC000) + np.float16([0.5, -1]).tobytes() + b"\x80\x3f",
        )
    )
    assert {array.dtype.name for array in found.values()} == {"float32"}
    assert [a.tolist() for a in found.values()] == [[1.5, -2], [[0.5, -1]], 1]


def test_passes_over_metadata():
    text = b'{"__metadata__": {"format": "pt"}, "a": {"dtype": "U8", "shape": [1], "data_offsets": '
    assert load(made(text + b"[0, 1]}}", b"\7"))["a"].tolist() == [7]


GOOD = made({"a": ("F32", [2], 0, 8), "b": ("U8", [3], 8, 11)}, bytes(11))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (GOOD[:-1], "safetensors says"),
        (GOOD[:20], "safetensors says"),
        (GOOD[:9], "safetensors says"),
        (GOOD + b"x", "safetensors says"),
        (made({"a": ("F32", [2], 0, 8), "b": ("F32", [2], 4, 12)}, bytes(12)), "safetensors says"),
        (made({"a": ("F32", [2], 4, 12)}, bytes(12)), "safetensors says"),
        (made({"a": ("F32", [3], 0, 8)}, bytes(8)), "safetensors says"),
        (made({"a": ("F32", [-2], 0, 8)}, bytes(8)), "safetensors says"),
        (made({"a": ("F32", [2**62, 2**62], 0, 8)}, bytes(8)), "safetensors says"),
        (made({"a": ("O", [1], 0, 8)}, bytes(8)), "safetensors says"),
        (made(b"{" * 10_000), "safetensors says"),
        (struct.pack("<Q", 2**62) + b"{}", "safetensors says"),
        (made({"a": ("F8_E4M3", [2], 0, 2)}, bytes(2)), "a has dtype F8_E4M3, for which NumPy has"),
        (made({"a": ("BOOL", [2], 0, 2)}, b"\1\2"), "0 and 1 only as bool"),
        (made({"a": ("U8", [1] * 65, 0, 1)}, b"\1"), "got 65 axes"),
        (made({"a": ("U8", [0, 2**62, 2**62], 0, 0)}), "NumPy has no array of shape"),
    ],
)
def test_files_that_are_refused(data, message):
    with pytest.raises(CheckpointError, match=message):
        load(data)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"__metadata__": np.ones(1)}, ValueError, "'__metadata__' is not free in .safetensors"),
        ({"a": np.ones(1, "D")}, TypeError, r"no dtype complex128, which state\['a'\] is; use .pt"),
        ({"a": {"b": np.ones(1)}}, TypeError, r"got a dict as state\['a'\]; use .pt"),
        ({"\ud800": np.ones(1)}, ValueError, "is no Unicode text"),
    ],
)
def test_states_that_it_does_not_hold(state, error, message):
    with pytest.raises(error, match=message):
        save(state)


def test_says_how_to_get_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for who, call in (("load", lambda: load(GOOD)), ("save", lambda: save({"a": np.ones(1)}))):
        with pytest.raises(ImportError, match=rf"{who}: .* pip install 'npnet\[weights\]'"):
            call()
