import io
import pickle
import struct
import sys
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import npnet
from npnet import CheckpointError
from npnet.checkpoint import torch_zip
from npnet.checkpoint.arrays import BY_NAME, KINDS
from tests.support.files import check_plain, pickled, tensor, torch_file
from tests.support.states import plain_states

GOOD = pickled(tensor())


def load(data):
    return npnet.load(io.BytesIO(data))


def save(state):
    file = io.BytesIO()
    npnet.save(state, file, format="pt")
    return file.getvalue()


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def saved(torch, state, **options):
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue()


def loaded(torch, data):
    return torch.load(io.BytesIO(data), weights_only=True)


dtypes = st.sampled_from([np.dtype(name) for name in BY_NAME if name != "float16"])
arrays = hnp.arrays(
    dtypes.flatmap(lambda dtype: st.sampled_from([dtype, dtype.newbyteorder(">")])),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


@given(st.lists(arrays.flatmap(lambda a: st.sampled_from([a, a.T, a[..., None]])), max_size=3))
def test_npnet_and_back(state):
    found = load(save(state))
    check_plain(found)
    assert len(found) == len(state)
    for read, array in zip(found, state, strict=True):
        assert read.shape == array.shape and read.dtype == array.dtype.newbyteorder("=")
        assert read.astype(array.dtype).tobytes() == array.tobytes()


@given(plain_states)
def test_plain_states_and_back(state):
    found = load(save(state))
    check_plain(found)
    assert repr(found) == repr(state)


def test_the_container_is_laid_out_as_torchs():
    state = {"a": np.ones(3), "b" * 70: np.ones((), np.int8), "c": np.zeros(0), "d": np.ones(999)}
    data = save(state)
    assert data == save(state)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = ["data.pkl", "byteorder", *(f"data/{key}" for key in range(4)), "version"]
        assert archive.namelist() == [f"archive/{name}" for name in names]
        assert archive.read("archive/byteorder").decode() == sys.byteorder
        assert archive.read("archive/version") == b"3\n"
        for info in archive.infolist():
            lengths = struct.unpack_from("<2H", data, info.header_offset + 26)
            start = info.header_offset + 30 + sum(lengths)
            assert start % 64 == 0 and info.compress_type == zipfile.ZIP_STORED
            assert data[start : start + info.file_size] == archive.read(info)


@pytest.mark.torch
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_reads_what_torch_wrote(torch, kind):
    base = torch.arange(24).to(getattr(torch, kind.name)).reshape(2, 3, 4)
    views = [base, base.mT, base[:, 1:, ::2], base[1, 2, 3], base[:0], base[:1].expand(3, 3, 4)]
    views += [base.permute(2, 0, 1)[1:], torch.nn.Parameter(base, requires_grad=False), base]
    data = saved(torch, views)
    found = load(data)
    check_plain(found)
    for array, view in zip(found, views, strict=True):
        half = kind.name in ("float16", "bfloat16")
        expected = (view.float() if half else view).detach().numpy()
        assert array.dtype == expected.dtype and np.array_equal(array, expected)
    assert not any(np.shares_memory(found[0], array) for array in found[1:-1])


@pytest.mark.torch
@pytest.mark.parametrize("name", [*BY_NAME])
def test_torch_reads_what_npnet_wrote(torch, name):
    array = np.arange(24).astype(name).reshape(2, 3, 4)
    state = [array, array.T, array[:, 1:, ::2], array[1, 2, 3:].reshape(()), array[:0], array]
    state.append(array.astype(array.dtype.newbyteorder(">")))
    found = loaded(torch, save(state))
    for read, written in zip(found, state, strict=True):
        assert read.dtype == getattr(torch, name) and read.is_contiguous()
        assert np.array_equal(read.numpy(), written)
    assert found[0].data_ptr() == found[5].data_ptr() != found[1].data_ptr()


@pytest.mark.torch
def test_torch_maps_what_npnet_wrote(torch, tmp_path):
    state = {"a": np.arange(3.0), "b": np.arange(1000, dtype=np.float32)}
    npnet.save(state, tmp_path / "a.pt")
    found = torch.load(tmp_path / "a.pt", weights_only=True, mmap=True)
    assert all(np.array_equal(found[name], state[name]) for name in state)
    assert all(found[name].data_ptr() % 64 == 0 for name in state)


@pytest.mark.torch
def test_sizes_of_64_bits(torch, monkeypatch):
    monkeypatch.setattr(torch_zip, "_LARGE", 100)
    data = save({"a": np.arange(2.0), "b": np.arange(300.0)})
    assert data.index(np.arange(300.0).tobytes()) % 64 == 0
    for found in (load(data), loaded(torch, data)):
        assert np.array_equal(found["b"], np.arange(300.0)) and found["a"].tolist() == [0, 1]


@pytest.mark.torch
@given(plain_states)
def test_torch_reads_plain_states(state):
    torch = pytest.importorskip("torch")
    assert repr(loaded(torch, save(state))) == repr(state)


@pytest.mark.torch
def test_checkpoints_of_torch_and_back(torch):
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.AdamW(model.named_parameters(), amsgrad=True)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 1, 2])
    for _ in range(2):
        model(torch.randn(4, 3)).square().sum().backward()
        optimizer.step()
        scheduler.step()
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    states = {name: part.state_dict() for name, part in parts.items()}
    found = load(saved(torch, {**states, "epoch": 3, "shape": torch.Size([1, 2])}))
    check_plain(found)
    assert found["epoch"] == 3 and found["shape"] == (1, 2)
    assert type(found["scheduler"]["milestones"]) is Counter
    assert type(found["model"]) is OrderedDict
    assert found["model"]._metadata == states["model"]._metadata
    again = loaded(torch, save(found))
    assert again["model"]._metadata == states["model"]._metadata
    for name, part in parts.items():
        assert repr(again[name]) == repr(states[name])
        part.load_state_dict(again[name])


@pytest.mark.torch
@pytest.mark.parametrize(
    "make",
    [
        lambda torch: torch.zeros(3).to_sparse(),
        lambda torch: torch.zeros(3, device="meta"),
        lambda torch: torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8),
        lambda torch: torch.zeros(3, dtype=torch.float8_e4m3fn),
        lambda torch: torch.float32,
        lambda torch: torch.device("cpu"),
        lambda torch: torch.ones(3).untyped_storage(),
        lambda torch: torch.nn.Linear(1, 1),
        lambda torch: {"loss": np.float64(1)},
        lambda torch: {1, 2},
        lambda torch: b"bytes",
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_other_values_of_torch_are_refused(torch, make):
    with pytest.raises(CheckpointError, match=r"refused the global '|as a value"):
        load(saved(torch, {"a": make(torch)}))


@pytest.mark.torch
def test_files_without_checksums(torch):
    torch.serialization.set_crc32_options(False)
    try:
        data = saved(torch, {"a": torch.ones(3)})
    finally:
        torch.serialization.set_crc32_options(True)
    assert load(data)["a"].tolist() == [1, 1, 1]


@pytest.mark.torch
def test_files_before_torch_1_6_and_other_protocols(torch):
    old = saved(torch, {"a": torch.ones(3)}, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match=r"torch 1.6; .* torch.save\(torch.load\(path, weigh"):
        load(old)
    with pytest.raises(CheckpointError, match="pickle of protocol 4; expected 2"):
        load(saved(torch, {"a": torch.ones(3)}, pickle_protocol=4))


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript(torch):
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), file)
    with pytest.raises(
        CheckpointError, match=r"TorchScript archive, .*torch.jit.load\(path\).state"
    ):
        load(file.getvalue())


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ({"version": None}, "x/version is missing"),
        ({".data/version": b"12"}, "expected a version from 1 to 10, got b'12'"),
        ({"version": b"11\n"}, "expected a version from 1 to 10, got b'11'"),
        ({"version": b"0"}, "expected a version"),
        ({"version": b"two"}, "expected a version"),
        ({"byteorder": b"middle"}, "byte order of little or big, got b'middle'"),
        ({"constants.pkl": b""}, "TorchScript archive"),
        ({"data.pkl": GOOD + b"x"}, "goes on where it should end"),
        ({"data.pkl": GOOD[:-1]}, "ends early"),
        ({"data.pkl": None, "x/data.pkl": GOOD}, "x/data.pkl is missing"),
        ({"data/0": None}, "x/data/0 is missing"),
        ({"data/0": bytes(11)}, "should have 3 x 4 bytes, it has 11"),
    ],
)
def test_records_that_are_wrong(records, message):
    storages = () if "data/0" in records else [bytes(12)]
    with pytest.raises(CheckpointError, match=message):
        load(torch_file(GOOD, storages, **records))
    assert load(torch_file(GOOD, [bytes(12)], extra=b"1")).tolist() == [0, 0, 0]


def test_pickles_that_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return __import__("os").mkdir, (str(tmp_path / "ran"),)

    with pytest.raises(
        CheckpointError, match=r"load: .*a.pt: data.pkl, byte \d+: refused the glob"
    ):
        (tmp_path / "a.pt").write_bytes(torch_file(pickle.dumps({"a": Evil()}, protocol=2)))
        npnet.load(tmp_path / "a.pt")
    assert not (tmp_path / "ran").exists()
