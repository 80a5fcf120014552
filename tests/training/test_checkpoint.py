import io
import json
import os
import random
import zipfile

import numpy as np
import pytest

import npnet
from npnet import CheckpointError
from npnet.training import checkpoint
from npnet.training.checkpoint import pack, read, unpack, write


def state():
    """Return a state of every kind."""
    return {
        "model": {"fc.weight": np.arange(6, dtype=np.float32).reshape(2, 3)},
        "optimizer": {"state": {0: {"step": np.float32(3)}}, "betas": (0.9, 0.999)},
        "order": np.arange(100),
        "epoch": 3,
        "best": float("inf"),
    }


def packed(value=None):
    stream = io.BytesIO()
    pack(state() if value is None else value, stream)
    return stream.getvalue()


def test_a_file_comes_back(tmp_path):
    path = tmp_path / "run.npz"
    write(state(), path)
    expected = state()
    expected["optimizer"]["state"][0]["step"] = 3.0
    assert repr(read(path)) == repr(expected)
    assert [*tmp_path.iterdir()] == [path]


def test_numpy_reads_the_arrays_and_any_zip_program_the_text(tmp_path):
    path = tmp_path / "run.npz"
    write(state(), path)
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["model/fc.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert json.loads(arrays["checkpoint.json"].tobytes())["epoch"] == 3
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


def test_the_same_state_gives_the_same_bytes():
    assert packed() == packed()


def test_every_flipped_bit_is_noticed():
    data = bytearray(packed())
    assert 8 * len(data) > 10_000
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CheckpointError):
            unpack(bytes(data))
        data[bit // 8] ^= 1 << bit % 8
    assert unpack(bytes(data))["epoch"] == 3


def test_other_damage_is_noticed():
    data, draw = packed(), random.Random(0)
    for _ in range(500):
        start, stop = sorted(draw.choices(range(len(data)), k=2))
        for wrong in (
            data[:start],
            data[start + 1 :],
            data[:start] + data[stop + 1 :],
            data[:start] + draw.randbytes(stop - start + 1) + data[stop + 1 :],
            data + data[: start + 1],
        ):
            with pytest.raises(CheckpointError):
                unpack(wrong)


def test_files_of_another_kind_are_named(tmp_path):
    path = tmp_path / "weights.npz"
    npnet.save({"weight": np.zeros(3)}, path)
    with pytest.raises(CheckpointError, match=r"weights\.npz: is no checkpoint of a Trainer"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="not whole"):
        read(path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.npz")


def sealed(arrays):
    """Return a file with a right checksum, of arrays that are no state."""
    stream = io.BytesIO()
    hashed = checkpoint._Hashed(stream)
    checkpoint.npz.write(arrays, hashed)
    stream.seek(-2, os.SEEK_END)
    return stream.getvalue()[:-2] + (88).to_bytes(2, "little") + checkpoint._SEAL + hashed.digest()


@pytest.mark.parametrize(
    "text, match",
    [(None, r"has no checkpoint\.json"), (b"\xff", "no text"), (b"{", "none that a Trainer")],
)
def test_a_right_checksum_does_not_make_it_a_state(text, match):
    arrays = {} if text is None else {"checkpoint.json": np.frombuffer(text, np.uint8)}
    with pytest.raises(CheckpointError, match=match):
        unpack(sealed(arrays))


def test_a_failed_write_leaves_the_file_before(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    write({"epoch": 1}, path)
    with pytest.raises(TypeError, match=r"state\['epoch'\]"):
        write({"epoch": object()}, path)

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write({"epoch": 2}, path)
    assert read(path) == {"epoch": 1}
    assert [*tmp_path.iterdir()] == [path]


def test_a_file_is_flushed_before_it_is_renamed(tmp_path, monkeypatch):
    happened = []
    flush, rename = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda *a: happened.append("flush") or flush(*a))
    monkeypatch.setattr(os, "replace", lambda *a: happened.append("rename") or rename(*a))
    write({"epoch": 1}, tmp_path / "run.npz")
    assert happened == ["flush", "rename"]
