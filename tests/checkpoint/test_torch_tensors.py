import io
import tracemalloc
import zipfile

import numpy as np
import pytest

import npnet
from npnet import CheckpointError
from tests.support.files import integer, pickled, tensor, text, torch_file

DATA = np.arange(12, dtype="<f4")
HOOKS = b"ccollections\nOrderedDict\n)R"


def load(instructions, *storages, **records):
    data = torch_file(pickled(instructions), [np.asarray(s) for s in storages], **records)
    return npnet.load(io.BytesIO(data))


@pytest.mark.parametrize(
    ("shape", "stride", "offset", "expected"),
    [
        ((12,), (1,), 0, DATA),
        ((3, 4), (4, 1), 0, DATA.reshape(3, 4)),
        ((4, 3), (1, 4), 0, DATA.reshape(3, 4).T),
        ((2, 2), (4, 1), 5, DATA.reshape(3, 4)[1:, 1:3]),
        ((4,), (3,), 2, DATA[2::3]),
        ((), (), 7, DATA[7]),
        ((2, 3), (0, 1), 9, np.stack([DATA[9:], DATA[9:]])),
        ((0,), (1,), 12, DATA[:0]),
        ((3, 0, 2), (0, 2, 1), 0, np.zeros((3, 0, 2))),
        ((1, 2), (2**62, 1), 0, DATA[None, :2]),
        ((3, 3), (1, 1), 0, [[0, 1, 2], [1, 2, 3], [2, 3, 4]]),
    ],
)
def test_views(shape, stride, offset, expected):
    found = load(tensor(shape, stride, offset, 12), DATA)
    assert type(found) is np.ndarray and found.dtype == np.float32
    assert found.flags.c_contiguous and found.flags.writeable
    assert found.shape == shape and np.array_equal(found, expected)


def test_tensors_of_one_storage_become_arrays_of_their_own():
    views = [tensor((12,), (1,), 0, 12), tensor((12,), (1,), 0, 12), tensor((4,), (3,), 0, 12)]
    found = load(b"](" + b"".join(views) + b"e", DATA)
    for index, array in enumerate(found):
        array += 100 * (index + 1)
    assert np.array_equal(found[0], DATA + 100) and np.array_equal(found[1], DATA + 200)
    assert np.array_equal(found[2], DATA[::3] + 300)


def test_one_tensor_named_twice_is_one_array():
    found = load(b"]" + tensor((12,), (1,), 0, 12) + b"q\0ah\0a", DATA)
    assert found[0] is found[1]


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize(
    ("storage", "dtype", "stored"),
    [("FloatStorage", None, "f4"), ("LongStorage", None, "i8"), ("UntypedStorage", "uint16", "u2")],
)
def test_byte_orders(order, storage, dtype, stored):
    values = np.arange(3).astype({"little": "<", "big": ">"}[order] + stored)
    module, size = ("torch.storage", 6) if dtype else ("torch", 3)
    found = load(
        tensor(size=size, storage=(module, storage), dtype=dtype), values, byteorder=order.encode()
    )
    assert found.dtype == np.dtype(stored) and found.tolist() == [0, 1, 2]


def test_without_a_byte_order_it_is_little():
    found = load(tensor((12,), (1,), 0, 12), DATA, byteorder=None)
    assert np.array_equal(found, DATA)


def test_a_big_endian_bfloat16():
    storage = ("torch", "BFloat16Storage")
    found = load(tensor((1,), (1,), 0, 1, storage=storage), b"\x3f\xc0", byteorder=b"big")
    assert found.dtype == np.float32 and found.tolist() == [1.5]


def test_a_parameter_is_an_array():
    parameter = b"ctorch._utils\n_rebuild_parameter\n(" + tensor() + b"\x88" + HOOKS + b"tR"
    assert load(parameter, DATA[:3]).tolist() == [0, 1, 2]


def bits(**values):
    return b"}(" + b"".join(text(n) + (b"\x88" if v else b"\x89") for n, v in values.items()) + b"u"


@pytest.mark.parametrize(
    ("put_off", "expected"),
    [
        ({"conj": True}, [-1j, 2]),
        ({"neg": True}, [-1j, -2]),
        ({"conj": True, "neg": True}, [1j, -2]),
        ({"conj": False}, [1j, 2]),
    ],
)
def test_what_torch_has_put_off_is_done(put_off, expected):
    storage, values = ("torch", "ComplexFloatStorage"), np.array([1j, 2], np.complex64)
    late = tensor((2,), (1,), 0, 2, storage=storage, tail=bits(**put_off))
    plain = tensor((2,), (1,), 0, 2, storage=storage)
    found = load(b"](" + late + plain + late + b"e", values)
    assert found[0].tolist() == found[2].tolist() == expected
    assert found[1].tolist() == [1j, 2]


LONG = ("torch", "LongStorage")
UNTYPED = ("torch.storage", "UntypedStorage")


@pytest.mark.parametrize(
    ("instructions", "message"),
    [
        (tensor((4,), (1,)), r"shape \(4,\) reaches number 3 of x/data/0, which has 3"),
        (tensor((2,), (2,), 1), "reaches number 3"),
        (tensor((1,), (1,), 3), "reaches number 3"),
        (tensor((2, 2), (2**62, 2**62)), "reaches number"),
        (tensor((1,), (1,), 2**70), "reaches number 1180591620717411303424"),
        (tensor((1,), (1,), -1), "expected an offset from 0 on"),
        (tensor((2,), (-1,), 1), "expected at most 64 axes"),
        (tensor((-1,), (1,)), "expected at most 64 axes"),
        (tensor((1,) * 65, (1,) * 65), "got 65 axes"),
        (tensor((0, 2**62, 2**62), (1, 1, 1)), "NumPy has no array of shape"),
        (tensor((3,), ()), "a step for each of 1 axes, got 0 steps"),
        (tensor((2**20, 2**20), (0, 0)), "takes 4398046511.* bytes of memory or more, the file"),
        (tensor(size=2), "x/data/0 should have 2 x 4 bytes, it has 12"),
        (tensor(size=-3), "x/data/0 should have -3 x 4 bytes"),
        (tensor(size=2**62), "should have 4611686018427387904 x 4 bytes, it has 12"),
        (tensor(storage=LONG), "x/data/0 should have 3 x 8 bytes, it has 12"),
        (tensor(key="1"), "x/data/1 is missing in the zip file"),
        (tensor(key="../data/0"), "x/data/../data/0 is missing"),
        (tensor().replace(b"storage", b"garbage"), "should have 3 x 4 bytes"),
        (tensor(storage=("torch", "float32")), "expected a storage as its class, key, device and"),
        (tensor(storage=("torch", "Size")), "expected a storage as its class"),
        (tensor(storage=("torch", "QInt8Storage")), "refused the global 'torch.QInt8Storage'"),
        (tensor(storage=UNTYPED, size=12), "_rebuild_tensor_v2 has arguments of other types"),
        (tensor(dtype="float32"), "_rebuild_tensor_v3 has arguments of other types"),
        (
            tensor(storage=UNTYPED, size=12, dtype="FloatStorage"),
            "_rebuild_tensor_v3 has arguments",
        ),
        (tensor(dtype="float8_e4m3fn"), "refused the global 'torch.float8_e4m3fn'"),
        (tensor(tail=b"NN"), "_rebuild_tensor_v2 has arguments of other types or number"),
        (tensor(tail=bits(hook=True)), "expected only conj and neg"),
        (tensor(tail=b"}" + text("neg") + b"K\1s"), "expected only conj and neg"),
        (tensor(tail=b"]"), "expected only conj and neg"),
        (tensor().replace(HOOKS, HOOKS + b"K\1K\2s"), "without backward hooks"),
        (tensor().replace(HOOKS, b"]"), "without backward hooks"),
        (tensor().replace(integer(3) + b"tQ", b"NtQ"), "expected a storage as its class, key"),
        (tensor().replace(b"(" + integer(3) + b"t(", b"K\3("), "shape and stride as tuples"),
        (
            tensor().replace(b"(" + integer(3) + b"t(", b"(\x88t("),
            "offset, shape and stride as int",
        ),
        (b"ctorch._utils\n_rebuild_parameter\n(" + b"K\1\x88" + HOOKS + b"tR", "other types"),
        (
            b"](" + tensor() + tensor(storage=("torch", "IntStorage")) + b"e",
            "and as torch.IntStorage",
        ),
        (b"]" + tensor().split(b"Q")[0] + b"Qa", "holds storage as a value"),
    ],
)
def test_tensors_that_are_refused(instructions, message):
    with pytest.raises(CheckpointError, match=message):
        load(instructions, DATA[:3])


def test_bits_of_other_numbers():
    for storage in (LONG, ("torch", "BoolStorage")):
        values = np.zeros(3, "i8" if storage is LONG else "?")
        with pytest.raises(CheckpointError, match="expected no bits of a tensor of"):
            load(tensor(storage=storage, tail=bits(neg=True)), values)


def test_a_bool_that_is_none():
    with pytest.raises(CheckpointError, match="0 and 1 only as bool"):
        load(tensor(storage=("torch", "BoolStorage")), b"\0\1\2")


def test_copies_are_paid_for():
    storage = np.zeros(1 << 18, np.float32)
    whole = tensor((1 << 18,), (1,), 0, 1 << 18)
    first, rest = whole.split(b"(", 1)
    again = first + b"q\0(" + rest[:-1] + b"q\1R" + b"h\0h\1R" * 1000
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match="a bomb, or save it"):
            load(b"](" + again + b"e", storage)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * storage.nbytes + (16 << 20)


def test_storages_are_paid_for_however_little_is_taken():
    data = torch_file(
        pickled(tensor((1,), (1,), 0, 1 << 24)), [bytes(1 << 26)], zipfile.ZIP_DEFLATED
    )
    with pytest.raises(CheckpointError, match=r"takes 67109.* bytes of memory or more, the file"):
        npnet.load(io.BytesIO(data))


def test_reading_takes_the_memory_of_the_arrays_once():
    storage = np.zeros(1 << 21, np.float32)
    data = torch_file(pickled(tensor((1 << 21,), (1,), 0, 1 << 21)), [storage])
    file = io.BytesIO(data)
    tracemalloc.start()
    try:
        found = npnet.load(file)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.nbytes == 8 << 20 and peak < found.nbytes + (4 << 20)
