import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import npnet
from npnet import CheckpointError
from npnet.checkpoint.arrays import BY_NAME
from tests.support.files import check_plain, zipped


def load(data):
    return npnet.load(io.BytesIO(data))


def save(state):
    file = io.BytesIO()
    npnet.save(state, file, format="npz")
    return file.getvalue()


def npy(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


dtypes = st.sampled_from([np.dtype(name) for name in BY_NAME if name != "float16"])
arrays = hnp.arrays(
    dtypes.flatmap(lambda dtype: st.sampled_from([dtype, dtype.newbyteorder(">")])),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
names = st.text("aB0._/é☃😀 ", max_size=9)
states = st.dictionaries(names, arrays.flatmap(lambda a: st.sampled_from([a, a.T])), max_size=4)


@given(states)
def test_npnet_numpy_and_back(state):
    data = save(state)
    found = load(data)
    check_plain(found)
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        for read in (found, dict(file)):
            assert [*read] == [*state]
            for name, array in state.items():
                assert read[name].shape == array.shape
                assert read[name].astype(array.dtype).tobytes() == array.tobytes()
    for name, array in state.items():
        assert found[name].dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_reads_what_numpy_wrote(write):
    state = {
        "float64": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "view": np.arange(20)[::3],
        "big": np.arange(3, dtype=">f4"),
        "half": np.float16([1.5, -2]),
        "flag": np.array(True),
        "empty": np.zeros((0, 5), np.uint8),
    }
    file = io.BytesIO()
    write(file, **state)
    found = load(file.getvalue())
    check_plain(found)
    assert [*found] == [*state]
    for name, array in state.items():
        assert found[name].shape == array.shape and np.array_equal(found[name], array)
    assert found["half"].dtype == np.float32 and found["big"].dtype == np.float32


def test_an_empty_state():
    assert load(save({})) == {}


def test_names_that_numpys_savez_has_no_room_for():
    state = {"file": np.ones(1), "allow_pickle": np.zeros(1), "": np.ones(2), "a/b.npy": np.ones(3)}
    found = load(save(state))
    assert [*found] == [*state] and all(np.array_equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("name", ["a\0b", "x" * 65536, "ü" * 32766])
def test_names_that_a_zip_file_has_no_room_for(name):
    with pytest.raises(ValueError, match=r"names without .* and below 64 KiB for .npz"):
        save({name: np.ones(1)})
    assert [*load(save({"x" * 65531: np.ones(1)}))] == ["x" * 65531]


def header(text, data=b"", version=b"\1\0"):
    text = text.encode()
    width = 2 if version[:1] == b"\1" else 4
    return zipped(
        {"a.npy": b"\x93NUMPY" + version + len(text).to_bytes(width, "little") + text + data}
    )


FIELDS = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n"


@pytest.mark.parametrize(
    "text",
    [
        FIELDS,
        "{'shape':(2,),'descr':'<f4','fortran_order':False}\n",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2), }" + 60 * " " + "\n",
    ],
)
@pytest.mark.parametrize("version", [b"\1\0", b"\2\0"])
def test_headers_that_other_writers_write(text, version):
    assert load(header(text, np.float32([1, 2]).tobytes(), version))["a"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (header(FIELDS, bytes(7)), "a.npy declares 8 bytes by its shape, but holds 7"),
        (header(FIELDS, bytes(9)), "declares 8 bytes by its shape, but holds 9"),
        (header(FIELDS.replace("2", "-2"), bytes(8)), "header that is not numpy.save's"),
        (header(FIELDS.replace("2", "9" * 4400), bytes(8)), "header that is not numpy.save's"),
        (header(FIELDS.replace("2", "9" * 30), bytes(8)), "expected at most 64 axes"),
        (header(FIELDS.replace("2,", "1," * 65), bytes(4)), "got 65 axes"),
        (header(FIELDS.replace("2,", str(2**40)), bytes(8)), "takes 4398046511104 bytes of memory"),
        (header(FIELDS.replace("2,", "0, " + f"{2**62}, " * 2)), "NumPy has no array of shape"),
        (header(FIELDS.replace("'<f4'", "__import__('os')")), "header that is not numpy.save's"),
        (header("(" * 9000), "header that is not numpy.save's"),
        (header(FIELDS.replace("shape", "descr")), "header that is not numpy.save's"),
        (header(FIELDS + " " * 10_000, bytes(8)), "header that is not numpy.save's"),
        (header(FIELDS, bytes(8), b"\3\0"), "no .npy file of version 1 or 2"),
        (zipped({"a.npy": b"\x93NUMPX\1\0"}), "no .npy file"),
        (zipped({"a.npy": b"\x93NUM"}), "a.npy ends early"),
        (zipped({"a.npy": npy(np.ones(3)), "b.txt": b"1"}), "b.txt is no array"),
        (zipped({"readme": b"1"}), "readme is no array; an .npz file holds .npy files"),
        (header(FIELDS.replace("<f4", "|b1"), b"\1\2"), "0 and 1 only as bool"),
        (zipped({"a.npy": npy(np.array(["a"]))}), "a.npy has dtype <U1"),
        (zipped({"a.npy": npy(np.zeros(2, "M8[us]"))}), "a.npy has dtype datetime64"),
        (
            zipped({"a.npy": npy(np.zeros(2, "i4,i4"))}),
            "header that is not numpy.save's of a plain",
        ),
        (zipped({"a.npy": npy(np.zeros(2, "V2"))}), "a.npy has dtype .V2"),
    ],
)
def test_files_that_are_refused(data, message):
    with pytest.raises(CheckpointError, match=message):
        load(data)


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('ran')",)


def test_arrays_of_objects_are_never_unpickled():
    data = zipped({"a.npy": npy(np.array([Evil(), None]), allow_pickle=True)})
    with pytest.raises(
        CheckpointError, match=r"a.npy has dtype object; .* are pickles, which are n"
    ):
        load(data)
    with pytest.raises(TypeError, match=r"array of dtype object and type ndarray as state\['a'\]"):
        save({"a": np.array([Evil(), None])})


def test_zeros_that_inflate_to_a_bomb():
    with pytest.raises(CheckpointError, match="at most 8 times the file and 16 MiB are read"):
        load(zipped({"a.npy": npy(np.zeros(1 << 25, np.uint8))}, zipfile.ZIP_DEFLATED))
