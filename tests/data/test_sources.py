"""Rows read and made when a batch needs them: values, and how little memory that takes."""

import mmap
import re
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npnet.data import DataLoader, Scaled, Source, Subset, TensorDataset, open_npy, random_split
from npnet.data.sources import as_source, gatherer
from npnet.random import Generator

MIB = 1 << 20
needs_smaps = pytest.mark.skipif(
    not Path("/proc/self/smaps").exists(), reason="only Linux says what of a file is resident"
)


class Squares(Source):
    """Rows that are nowhere: i, i * i."""

    def __init__(self, count):
        self.shape, self.dtype, self.asked = (count, 2), np.dtype(np.float64), []

    def gather(self, places):
        self.asked.append(places)
        numbers = np.arange(len(self))[places]
        return np.stack([numbers, numbers**2], axis=1).astype(self.dtype)


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.bool_]), hnp.array_shapes(max_dims=3, max_side=4)
    ),
    st.data(),
)
def test_scaled_rows_are_what_the_arithmetic_says(array, data):
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    numbers = st.floats(-4, 4, width=32)
    scale = np.array(data.draw(hnp.arrays(np.float64, array.shape[1:], elements=numbers)), dtype)
    shift = dtype(data.draw(numbers))
    whole = array.astype(dtype) * scale + shift
    rows = Scaled(array, scale, shift, dtype)
    assert rows.shape == array.shape and rows.dtype == dtype == np.asarray(rows).dtype
    np.testing.assert_array_equal(np.asarray(rows), whole, strict=True)
    places = data.draw(st.lists(st.integers(-len(array), len(array) - 1), max_size=5))
    np.testing.assert_array_equal(rows[places], whole[np.array(places, int)], strict=True)
    np.testing.assert_array_equal(
        rows[places[0] if places else 0], whole[places[0] if places else 0]
    )
    np.testing.assert_array_equal(rows[1:], whole[1:], strict=True)
    mask = np.arange(len(array)) % 2 == 0
    np.testing.assert_array_equal(rows[mask], whole[mask], strict=True)


def test_a_255th_rounds_once():
    pixels = np.arange(256, dtype=np.uint8)
    exact = np.array([np.float32(pixel / 255) for pixel in range(256)])
    assert np.array_equal(np.asarray(Scaled(pixels)), exact)
    # Which the product does not.
    assert not np.array_equal(pixels * np.float32(1 / 255), exact)
    deep = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(np.asarray(Scaled(deep, 1 / 65535)), (deep / 65535).astype(np.float32))
    assert np.array_equal(np.asarray(Scaled(pixels, -1 / 255)), -exact)
    # 65535 is no float16, and 2 ** -1070 the inverse of no float: these are products.
    half = np.asarray(Scaled(deep[:9], 1 / 65535, dtype=np.float16))
    assert np.array_equal(half, np.arange(9, dtype=np.float16) * np.float16(1 / 65535))
    assert np.asarray(Scaled(deep, 2.0**-1070, dtype=np.float64))[-1] == 65535 * 2.0**-1070
    assert np.asarray(Scaled(deep, 0))[-1] == 0


def test_a_batch_is_made_when_it_is_asked_for_and_is_the_callers():
    images = np.arange(12, dtype=np.uint8).reshape(4, 3)
    loader = DataLoader(Scaled(images, 1 / 4), np.arange(4), batch_size=3)
    inputs, targets = next(iter(loader))
    assert inputs.dtype == np.float32 and inputs.tolist()[1] == [0.75, 1, 1.25]
    inputs[...] = 9
    images[1] = 8
    assert images[0].tolist() == [0, 1, 2] and targets.tolist() == [0, 1, 2]
    assert next(iter(loader))[0].tolist() == [[0, 0.25, 0.5], [2, 2, 2], [1.5, 1.75, 2]]
    # A source of its own dtype already is not scaled in place.
    floats = np.ones((2, 2), np.float32)
    assert np.asarray(Scaled(floats, 2.0)).tolist() == [[2, 2], [2, 2]] and floats.max() == 1


@pytest.mark.parametrize("shuffle", [False, True])
def test_sources_go_where_arrays_go(shuffle):
    source = Squares(10)
    plain = np.asarray(source)
    source.asked.clear()

    def batches(inputs, wrapped):
        data = TensorDataset(inputs, np.arange(10))
        if wrapped:
            data = Subset(random_split(data, [7, 3], generator=Generator(1))[0], [6, 0, 2, 2, 5])
        loader = DataLoader(data, 2, shuffle, generator=Generator(4))
        return [[part.tolist() for part in batch] for batch in loader]

    for wrapped in (False, True):
        assert batches(source, wrapped) == batches(plain, wrapped)
    assert source.asked and not any(isinstance(p, slice) and p.stop is None for p in source.asked)
    one = list(DataLoader(source, np.arange(10), batch_size=None))
    assert [row.tolist() for row, _ in one] == plain.tolist()
    assert np.asarray(Scaled(source, 0.5))[3].tolist() == [1.5, 4.5]
    assert as_source(source) is source and len(source) == 10 and source.ndim == 2


def test_ranges_of_a_batch_sampler_may_be_any_numbers():
    ranges = [range(0, 9, 3), range(5, 0, -2), range(-2, 1), range(4, 4)]
    for data in (np.arange(9), Subset(TensorDataset(np.arange(9)), range(9))):
        batches = [np.ravel(batch).tolist() for batch in DataLoader(data, batch_sampler=ranges)]
        assert batches == [[0, 3, 6], [5, 3, 1], [7, 8, 0], []]
    with pytest.raises(IndexError, match="out of bounds"):
        list(DataLoader(np.arange(9), batch_sampler=[range(8, 10)]))


def test_a_source_of_numbers_gives_numbers():
    row = Scaled(np.array([0, 255], np.uint8))[1]
    assert row == 1 and row.shape == () and row.dtype == np.float32
    assert repr(Scaled(np.zeros((2, 3), np.uint8), 0.5)) == (
        "Scaled(uint8 (2, 3), scale=0.5, shift=0.0, dtype=float32)"
    )


@pytest.mark.parametrize("index", ["a", 1.0, [0.5], None, np.array(["x"])])
def test_an_index_that_is_no_row_is_refused(index):
    with pytest.raises(IndexError, match="Squares: expected a slice or numbers of rows, got"):
        Squares(3)[index]


def test_rows_out_of_range_and_a_view():
    with pytest.raises(IndexError, match="out of bounds"):
        Scaled(np.zeros((2, 2)))[[2]]
    with pytest.raises(ValueError, match="Squares: an array of its rows is always a copy"):
        Squares(2).__array__(copy=False)
    with pytest.raises(NotImplementedError, match="Source: has no gather; return the rows there"):
        Source().gather(0)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1], 1, 0, np.int32), TypeError, "dtype must be floating, got int32; use np.float32"),
        ((["a"],), TypeError, "expected an array of real numbers, got <U1"),
        (([1j],), TypeError, "expected an array of real numbers, got complex128"),
        ((5,), ValueError, r"of shape \(N, ...\), got a single number"),
        (([[1, 2]], np.nan), ValueError, "expected a scale finite in float32, got nan"),
        (([[1, 2]], 1, 1e39), ValueError, r"expected a shift finite in float32, got 1e\+39"),
        (([[1, 2]], [1, 2, 3]), ValueError, r"to a row of shape \(2,\), got shape \(3,\)"),
        (([[1, 2]], 1, [[1, 2]]), ValueError, r"expected shift as .*, got shape \(1, 2\)"),
        (([1, 2], [1, 2]), ValueError, r"to a row of shape \(\), got shape \(2,\)"),
    ],
)
def test_what_cannot_be_scaled(arguments, error, message):
    with pytest.raises(error, match=f"Scaled: .*{message}"):
        Scaled(*arguments)


# ---------------------------------------------------------------------- memory


def test_rows_of_any_layout_are_gathered_without_copying_the_array():
    whole = np.arange(4096 * 64, dtype=np.float64).reshape(4096, 64)
    packed = np.zeros(4096 * 64 * 8 + 1, np.uint8)[1:].view(np.float64).reshape(4096, 64)
    packed[...] = whole
    layouts = {
        "rows": whole,
        "columns": whole[:, ::2],
        "fortran": np.asfortranarray(whole),
        "backwards": whole[::-1],
        "unaligned": packed,
        "swapped": whole.astype(">f8"),
    }
    assert not packed.flags.aligned
    places = np.array([4000, 3, 3, -1])
    for name, array in layouts.items():
        rows = gatherer(array)
        for wanted in (places, slice(5, 9)):
            tracemalloc.start()
            found = rows(wanted)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            np.testing.assert_array_equal(found, array[wanted], err_msg=name)
            assert found.flags.c_contiguous and found.flags.owndata and found.dtype == array.dtype
            assert peak < 64 * 1024, (name, peak)


def sparse(path, size):
    """Make a file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def resident(path):
    """Return how many bytes of a mapped file are in this process' memory."""
    maps = Path("/proc/self/smaps").read_text()
    found = re.findall(rf" {path}\n(?:.*\n)*?Rss: +(\d+) kB", maps)
    return sum(map(int, found)) * 1024


@needs_smaps
@pytest.mark.parametrize(
    ("kind", "shuffle"), [("memmap", False), ("slice", True), ("scaled", True), ("npy", False)]
)
def test_a_pass_over_a_file_keeps_little_of_it_resident(tmp_path, kind, shuffle):
    rows, width = 160 * 1024, 1024
    path = tmp_path / "big.dat"
    # Written, not sparse: what Linux has just written it may hold, and map, in pages of 2 MiB.
    with path.open("wb") as file:
        if kind == "npy":
            header = np.lib.format.header_data_from_array_1_0(np.zeros((0, width), np.uint8))
            np.lib.format.write_array_header_1_0(file, header | {"shape": (rows, width)})
        for _ in range(10):
            file.write(bytes(rows * width // 10))
    flat = np.memmap(path, np.uint8, "r")
    array = open_npy(path) if kind == "npy" else flat.reshape(rows, width)
    data = {"slice": array[100:], "scaled": Scaled(array)}.get(kind, array)
    tracemalloc.start()
    most = 0
    for number, _ in enumerate(DataLoader(data, batch_size=300, shuffle=shuffle)):
        if number % 5 == 0:
            most = max(most, resident(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < most < 100 * MIB
    # Two batches of float32 at most, and the order.
    assert peak < 10 * MIB


@needs_smaps
def test_a_copy_on_write_map_keeps_what_was_written_into_it(tmp_path):
    path = sparse(tmp_path / "big.dat", 80 * MIB)
    array = np.memmap(path, np.uint8, "c", shape=(80, MIB))
    array[:, 0] = np.arange(80)
    found = [int(batch[0, 0]) for batch in DataLoader(array, batch_size=1)]
    assert found == array[:, 0].tolist() == list(range(80))


@pytest.mark.parametrize("mode", ["r+", "w+"])
def test_what_is_written_into_a_map_stays(tmp_path, mode):
    path = sparse(tmp_path / "big.dat", 80 * MIB)
    array = np.memmap(path, np.uint8, mode, shape=(80, MIB))
    array[:, 0] = np.arange(80)
    found = [int(batch[0, 0]) for batch in DataLoader(array, batch_size=1)]
    assert found == array[:, 0].tolist() == list(range(80))
    array.flush()
    assert np.fromfile(path, np.uint8)[::MIB].tolist() == found


def test_where_pages_cannot_be_let_go_of_rows_are_the_same(tmp_path, monkeypatch):
    array = np.memmap(sparse(tmp_path / "a", 64), np.uint8, "r+", shape=(8, 8))
    array[:, 1] = np.arange(8)
    monkeypatch.delattr(mmap, "MADV_DONTNEED", raising=False)
    assert next(iter(DataLoader(array, batch_size=8)))[:, 1].tolist() == list(range(8))


# ---------------------------------------------------------------------- .npy files


def test_a_npy_file_is_read_in_batches(tmp_path):
    array = np.random.default_rng(0).random((7, 3)).astype(np.float32)
    np.save(tmp_path / "a.npy", array)
    opened = open_npy(tmp_path / "a.npy")
    assert isinstance(opened, np.memmap) and not opened.flags.writeable
    batches = list(DataLoader(opened, batch_size=3))
    np.testing.assert_array_equal(np.concatenate(batches), array, strict=True)
    assert type(batches[0]) is np.ndarray and batches[0].flags.writeable


def npy(folder, change):
    """Write a .npy file, changed."""
    path = folder / "a.npy"
    np.save(path, np.arange(6.0).reshape(3, 2))
    path.write_bytes(change(path.read_bytes()))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", r"is no \.npy file; write one with np\.save"),
        (lambda data: b"PK" + data[2:], r"is no \.npy file"),
        (lambda data: data[:-1], "is truncated or damaged: mmap length"),
        (lambda data: data[:60], "is truncated or damaged"),
        (lambda data: data[:6] + b"\x09" + data[7:], "is truncated or damaged"),
        (lambda data: data.replace(b"(3, 2)", b"(3,-2)"), "is truncated or damaged"),
        (lambda data: data.replace(b"(3, 2)", b"3     "), "is truncated or damaged"),
        (lambda data: data.replace(b"<f8", b"<U2"), r"expected numbers .* holds <U2 of shape \(3"),
        (lambda data: data.replace(b"(3, 2)", b"()    "), r"holds float64 of shape \(\)"),
        (lambda data: data.replace(b"False", b"True "), "lies column by column"),
    ],
)
def test_a_file_that_is_no_npy_of_rows_is_refused(tmp_path, change, message):
    path = npy(tmp_path, change)
    with pytest.raises(ValueError, match=f"open_npy: .*{message}"):
        open_npy(path)


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(
        ValueError, match=r"open_npy: .*a\.npy is truncated or damaged: .*[Oo]bject"
    ):
        open_npy(tmp_path / "a.npy")


@given(st.data())
def test_a_damaged_header_raises_one_kind_of_error(tmp_path_factory, data):
    path = npy(tmp_path_factory.mktemp("npy"), bytes)
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    with warnings.catch_warnings():
        # NumPy tells where a header might be one of Python 2.
        warnings.simplefilter("ignore")
        try:
            found = open_npy(path)
        except ValueError as error:
            assert str(error).startswith("open_npy: ")
        else:
            assert found.nbytes <= path.stat().st_size
