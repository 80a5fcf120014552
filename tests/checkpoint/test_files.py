import io
import os
import stat
from pathlib import Path

import pytest

from npnet.checkpoint.files import CheckpointError, format_of, opened, replacing


@pytest.mark.parametrize(
    ("path", "format"),
    [
        ("a.npz", "npz"),
        ("a.safetensors", "safetensors"),
        ("a.pt", "pt"),
        (Path("b.c/a.PTH"), "pt"),
    ],
)
def test_a_suffix_stands_for_a_format(path, format):
    assert format_of(path, None) == format


def test_a_format_goes_before_the_suffix():
    assert format_of("a.bin", "pt") == format_of("a.npz", "pt") == format_of(io.BytesIO(), "pt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.bin", None), r"ends in one of \['.npz', '.safetensors', '.pt', '.pth'\], got 'a.bin'"),
        (("a", None), "got 'a'"),
        ((io.BytesIO(), None), "a file object has no suffix; give format"),
        (("a.pt", "onnx"), r"one of \['npz', 'pt', 'safetensors'\], got 'onnx'"),
    ],
)
def test_a_format_that_is_none(arguments, message):
    with pytest.raises(ValueError, match=message) as caught:
        format_of(*arguments)
    assert not isinstance(caught.value, CheckpointError)


@pytest.mark.parametrize("format", [None, "npz"])
def test_the_state_comes_before_the_path(format):
    message = r"^save: expected a path, .* as second argument, got dict; .* save\(state, path\)$"
    with pytest.raises(TypeError, match=message):
        format_of({"weight": [1.0]}, format)


def test_opens_paths_and_reads_file_objects_from_where_they_are(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1234")
    for given, left in ((path, b"1234"), (str(path), b"1234"), (io.BytesIO(b"1234"), b"1234")):
        with opened(given) as (stream, size, name):
            assert stream.read() == left and size == len(left)
            assert name == (str(path) if given in (path, str(path)) else "file object")
    with path.open("rb") as file:
        file.seek(1)
        with opened(file) as (stream, size, name):
            assert (stream.read(), size, name) == (b"234", 3, str(path))


def test_reads_bytes_only(tmp_path):
    (tmp_path / "a").write_text("x")
    with (tmp_path / "a").open() as file, pytest.raises(TypeError, match='mode "rb", got Text'):
        opened(file).__enter__()
    with pytest.raises(TypeError, match=r"expected a path, .*, got int"):
        opened(3).__enter__()
    with pytest.raises(FileNotFoundError, match="missing"):
        opened(tmp_path / "missing").__enter__()


def write(path, data):
    with replacing(path) as stream:
        stream.write(data)


def test_replaces_whole(tmp_path):
    path = tmp_path / "a"
    write(path, b"old")
    assert path.read_bytes() == b"old"
    with replacing(path) as stream:
        stream.write(b"new")
        stream.flush()
        assert path.read_bytes() == b"old"
        assert len([*tmp_path.iterdir()]) == 2
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("broken", ["write", "fsync", "replace", "interrupt"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise OSError("disk full")

    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    elif broken == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((OSError, KeyboardInterrupt)), replacing(path) as stream:
        stream.write(b"half")
        if broken == "write":
            fail()
        elif broken == "interrupt":
            raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_everything_is_on_disk_before_it_takes_the_place(tmp_path, monkeypatch):
    done, replace = [], Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: done.append(os.fstat(number).st_size))
    monkeypatch.setattr(Path, "replace", lambda *paths: (done.append("moved"), replace(*paths)))
    write(tmp_path / "a", b"12345")
    assert done == [5, "moved"]


def test_mode_is_kept_and_new_files_have_the_usual_one(tmp_path):
    path, usual = tmp_path / "a", tmp_path / "usual"
    usual.touch()
    write(path, b"1")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    write(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "a")
    write(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "a").read_bytes() == b"new"


def test_what_is_no_file_is_not_replaced(tmp_path):
    with pytest.raises(ValueError, match=r"path of a file, got .*, which is none"):
        write(tmp_path, b"1")
    with pytest.raises(ValueError, match="'/dev/null', which is none"):
        write("/dev/null", b"1")
    with pytest.raises(FileNotFoundError, match=r"no such folder: '.*none'"):
        write(tmp_path / "none" / "a", b"1")
    assert [*tmp_path.iterdir()] == []
