import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npnet.data import read_idx
from tests.support.idx import CODES, idx, write


def test_a_file_written_down_by_hand(tmp_path):
    # int16 of shape (2, 3): magic 00 00 0B 02, sizes, numbers with their high bytes first.
    data = bytes.fromhex("00000B02 00000002 00000003 0001 0002 FFFF 0100 8000 7FFF")
    for name in ("a-idx2-short", "a.gz"):
        array = read_idx(write(tmp_path / name, data))
        assert array.tolist() == [[1, 2, -1], [256, -32768, 32767]]
        assert array.dtype == np.int16 and array.dtype.isnative and array.flags.writeable


@given(
    hnp.arrays(
        st.sampled_from(list(CODES)),
        hnp.array_shapes(max_dims=4, min_side=0, max_side=4),
        elements={"allow_nan": False},
    ),
    st.booleans(),
)
def test_every_dtype_and_shape_comes_back(tmp_path_factory, array, packed):
    path = tmp_path_factory.mktemp("idx") / ("a.gz" if packed else "a")
    np.testing.assert_array_equal(read_idx(write(path, idx(array))), array, strict=True)


def test_a_gzip_file_of_several_parts_is_one(tmp_path):
    data = idx(np.arange(100, dtype="u1"))
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(data[:50]) + gzip.compress(data[50:]))
    assert read_idx(str(path)).tolist() == list(range(100))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is no IDX file: it starts with b''; expected two zeros"),
        (b"\0\0\x08", "is no IDX file"),
        (b"\0\1\x08\1" + bytes(8), "is no IDX file"),
        (b"\0\0\x0a\1" + bytes(8), r"a byte for the dtype, one of \[8, 9, 11, 12, 13, 14\]"),
        (b"\0\0\x08\0" + bytes(8), "has 0 axes; expected 1 to 32"),
        (b"\0\0\x08\xff" + bytes(2000), "has 255 axes"),
        (b"\0\0\x08\3" + bytes(8), "is not whole: it ends before its 3 sizes"),
        (idx(np.zeros(6, "f4"), (7,)), r"has 24 bytes of numbers, but \(7,\) of float32 are 28;"),
        (idx(np.zeros(6, "i2"), (5,)), r"has 12 bytes of numbers, but \(5,\) of int16 are 10;"),
        (idx(np.zeros(0, "u1"), (0, 2**32 - 1, 2**32 - 1)), "a shape that no memory has"),
        (idx(np.zeros(9, "u1"), (2**32 - 1,)), "of uint8 are 4294967295; it is damaged"),
    ],
)
@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_a_file_that_is_none_is_refused_before_memory_is_taken(tmp_path, data, message, name):
    path = write(tmp_path / name, data)
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"^read_idx: {path} .*{message}"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("change", [-1, 1, 3])
def test_a_gzip_file_whose_last_bytes_lie_is_refused(tmp_path, change):
    # The trailer states the size that the header does; what is packed is shorter or longer.
    packed = gzip.compress(idx(np.zeros(100, "u1"), (100 + change,)))
    path = tmp_path / "a.gz"
    path.write_bytes(packed[:-4] + struct.pack("<I", 108 + change))
    with pytest.raises(ValueError, match=r"read_idx: .* (is damaged|is not whole|has more bytes)"):
        read_idx(path)


def test_numbers_that_cannot_be_packed_so_small_are_refused(tmp_path):
    # 2 ** 32 bytes more: the trailer, which counts modulo 2 ** 32, says nothing against it.
    path = tmp_path / "a.gz"
    packed = gzip.compress(idx(np.zeros(0, "u1"), (2, 2**31)))
    path.write_bytes(packed)
    with pytest.raises(ValueError, match=r"has 0 bytes of numbers, but \(2, 2147483648\) of uint8"):
        read_idx(path)


@given(st.data())
def test_every_flipped_bit_of_a_gzip_file_is_noticed_or_harmless(tmp_path_factory, data):
    array = np.arange(300, dtype="i2").reshape(10, 30)
    path = write(tmp_path_factory.mktemp("idx") / "a.gz", idx(array))
    damaged = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(damaged) * 8 - 1))
    damaged[place // 8] ^= 1 << place % 8
    path.write_bytes(damaged)
    try:
        found = read_idx(path)
    except ValueError as error:
        assert str(error).startswith("read_idx: ")
    else:
        # Time, system and such of gzip's header are told to nobody.
        assert place < 80
        np.testing.assert_array_equal(found, array)


@given(st.binary(max_size=40), st.booleans())
def test_any_bytes_give_an_array_or_a_value_error(tmp_path_factory, data, headed):
    data = b"\0\0" + data if headed else b"\x1f\x8b\x08\0" + data
    path = tmp_path_factory.mktemp("idx") / "a"
    path.write_bytes(data)
    try:
        assert read_idx(path).nbytes <= len(data)
    except ValueError as error:
        assert str(error).startswith(f"read_idx: {path} ")


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
