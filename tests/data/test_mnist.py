"""MNIST's files: read from a folder, and downloaded from a mirror on this very machine."""

import gzip
import hashlib
import http.server
import io
import re
import socket
import sys
import threading

import numpy as np
import pytest

from npnet.data import Scaled, load_fashion_mnist, load_mnist, mnist
from tests.support.idx import idx, write

NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]
IMAGES = np.random.default_rng(0).integers(0, 256, (8, 4, 3), dtype=np.uint8)
LABELS = np.arange(8, dtype=np.uint8)
ARRAYS = dict(zip(NAMES, [IMAGES[:5], LABELS[:5], IMAGES[5:], LABELS[5:]], strict=True))


def fill(folder, changes=(), packed=True):
    """Write the four files of a small MNIST into a folder, some of them changed; return it."""
    for name, array in {**ARRAYS, **dict(changes)}.items():
        write(folder / (name if packed else name.removesuffix(".gz")), idx(array))
    return folder


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist])
def test_the_four_files_are_read(tmp_path, load, packed):
    (x, y), (x_test, y_test) = load(fill(tmp_path, packed=packed))
    pixels = IMAGES.reshape(8, 12) / np.float32(255)
    np.testing.assert_array_equal(x, pixels[:5], strict=True)
    np.testing.assert_array_equal(x_test, pixels[5:], strict=True)
    assert x.dtype == np.float32 and 0 <= x.min() <= x.max() <= 1
    assert (y.tolist(), y_test.tolist()) == ([0, 1, 2, 3, 4], [5, 6, 7]) and y.dtype == np.int64


def test_pixels_may_stay_bytes_and_be_scaled_later(tmp_path):
    raw, _ = load_mnist(fill(tmp_path), dtype=np.uint8)
    np.testing.assert_array_equal(raw.inputs, IMAGES[:5].reshape(5, 12), strict=True)
    scaled, _ = load_mnist(tmp_path)
    np.testing.assert_array_equal(np.asarray(Scaled(raw.inputs)), scaled.inputs, strict=True)
    double, _ = load_mnist(str(tmp_path), dtype=np.float64)
    np.testing.assert_array_equal(double.inputs, IMAGES[:5].reshape(5, 12) / 255, strict=True)


def test_files_that_are_missing_are_named(tmp_path):
    fill(tmp_path)
    for name in NAMES[1:3]:
        (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(", ".join(NAMES[1:3]))) as caught:
        load_mnist(tmp_path)
    assert str(caught.value).startswith(f"load_mnist: {tmp_path} lacks ")
    assert str(caught.value).endswith("put the files there, or give download=True")
    with pytest.raises(FileNotFoundError, match=r"load_fashion_mnist: .* lacks train-images"):
        load_fashion_mnist(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({NAMES[1]: LABELS[:4]}, r"train-images.*gz has 5 images, but .*train-labels.* 4 labels"),
        (
            {NAMES[0]: LABELS[:5]},
            r"train-images.* to hold uint8 on 3 axes, got uint8 of shape \(5,",
        ),
        ({NAMES[3]: LABELS[5:].astype("i4")}, r"t10k-labels.* uint8 on 1 axes, got int32 of shape"),
        ({NAMES[2]: IMAGES[5:, :3]}, r"of one size, got 12 pixels in train-im.* and 9 in t10k-im"),
        ({NAMES[3]: LABELS[5:] + 3}, r"the labels of .*t10k-labels.* from 0 to 9, got 10 in row 2"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        load_mnist(fill(tmp_path, changes))


def test_a_damaged_file_is_named(tmp_path):
    fill(tmp_path)
    path = tmp_path / NAMES[2]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=f"read_idx: {path} "):
        load_mnist(tmp_path)


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.complex64])
def test_another_dtype_is_refused(tmp_path, dtype):
    with pytest.raises(TypeError, match="load_mnist: dtype must be floating or uint8, got"):
        load_mnist(fill(tmp_path), dtype=dtype)


# ---------------------------------------------------------------------- downloads

FILES = {name: gzip.compress(idx(array), mtime=0) for name, array in ARRAYS.items()}
KNOWN = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in FILES.items()}


@pytest.fixture
def mirror():
    """Serve what is in its `files`, and remember what was asked for."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            data = server.files.get(self.path.rsplit("/", 1)[1])
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(server.length or len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except ConnectionError:
                return
            server.sent.append(self.path)

        def log_message(self, *_):
            pass

    asked = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.asked, server.sent, server.length = dict(FILES), asked, [], None
        server.url = f"http://127.0.0.1:{server.server_port}/mnist/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def mirrors(monkeypatch, mirror):
    """Return what sets the mirrors of MNIST; they are taken without any proxy."""
    monkeypatch.setenv("no_proxy", "*")

    def set_to(*urls):
        collection = mnist._Collection("load_mnist", urls, KNOWN)
        monkeypatch.setattr(mnist, "_MNIST", collection)

    set_to(mirror.url)
    return set_to


def names(folder):
    """Return the names of what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


def nobody():
    """Return the address of a port of this machine that nobody listens to."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def test_what_is_missing_is_downloaded_once(tmp_path, mirror, mirrors):
    folder = tmp_path / "new" / "mnist"
    folder.mkdir(parents=True)
    write(folder / NAMES[3], idx(LABELS[:3]))
    _, test = load_mnist(folder, download=True)
    # What was there is read as it is.
    assert test.targets.tolist() == [0, 1, 2]
    assert [path.rsplit("/", 1)[1] for path in mirror.asked] == NAMES[:3]
    assert names(folder) == sorted(NAMES)
    assert all((folder / name).read_bytes() == FILES[name] for name in NAMES[:3])
    load_mnist(folder, download=True)
    assert len(mirror.asked) == 3


def test_a_folder_that_is_not_there_is_made(tmp_path, mirrors):
    train, _ = load_mnist(tmp_path / "a" / "b", download=True)
    assert train.targets.tolist() == LABELS[:5].tolist()


def test_a_bar_shows_on_a_terminal_only(tmp_path, mirrors, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        load_mnist(tmp_path / str(shown), download=True)
        assert ("train-images-idx3-ubyte.gz: 100%" in stream.getvalue()) is shown
        assert bool(stream.getvalue()) is shown


def flipped(data):
    """Return bytes with one bit changed."""
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "length", "message"),
    [
        (flipped, None, "sent another file: its SHA-256 is [0-9a-f]{64}"),
        (lambda data: data[:-1], None, r"sent \d+ bytes instead of \d+"),
        (lambda data: data + b"x", None, r"sent more than \d+ bytes instead of \d+"),
        (lambda data: None, None, "HTTP Error 404"),
        (lambda data: data[:-1], 999, "IncompleteRead|instead of"),
    ],
)
def test_a_mirror_that_sends_something_else_leaves_nothing(
    tmp_path, mirror, mirrors, change, length, message
):
    mirror.files[NAMES[1]], mirror.length = change(FILES[NAMES[1]]), None
    if length:
        fill(tmp_path)
        (tmp_path / NAMES[1]).unlink()
        mirror.length = length
    with pytest.raises(ConnectionError, match=message) as caught:
        load_mnist(tmp_path, download=True)
    text = str(caught.value)
    assert text.startswith(f"load_mnist: could not download {NAMES[1]} ({mirror.url}: ")
    assert text.endswith(f"get it by hand and put it into {tmp_path}")
    # The file before is whole; of this one there is nothing.
    assert NAMES[1] not in names(tmp_path) and set(names(tmp_path)) <= set(NAMES)


def test_a_mirror_that_does_not_stop_is_left(tmp_path, mirror, mirrors):
    # More than what is between two programs can hold.
    mirror.files[NAMES[0]] = bytes(1 << 26)
    with pytest.raises(ConnectionError, match="sent more than"):
        load_mnist(tmp_path, download=True)
    assert names(tmp_path) == [] and mirror.sent == []


def test_the_next_mirror_is_asked(tmp_path, mirror, mirrors):
    # Nobody listens to the first, the second is no address, the third has other files.
    mirrors(nobody(), "nonsense/", mirror.url + "x", mirror.url)
    mirror.files |= {f"x{name}": flipped(data) for name, data in FILES.items()}
    load_mnist(tmp_path, download=True)
    assert names(tmp_path) == sorted(NAMES)
    assert [path.rsplit("/", 1)[1] for path in mirror.asked[:2]] == ["x" + NAMES[0], NAMES[0]]


def test_without_a_network_the_error_says_what_to_do(tmp_path, mirrors):
    mirrors(nobody() + "a/", nobody() + "b/")
    with pytest.raises(ConnectionError, match=r"/a/: .*refused.*/b/: .*refused.*by hand"):
        load_mnist(tmp_path, download=True)
    assert names(tmp_path) == []


def test_a_disk_that_is_full_is_not_the_mirrors_fault(tmp_path, mirrors, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        load_mnist(tmp_path, download=True)
    assert not isinstance(caught.value, ConnectionError) and names(tmp_path) == []


def test_the_known_files_are_those_of_the_literature():
    # Sizes as the MNIST page and the Fashion-MNIST README state them, in bytes.
    assert [size for size, _ in mnist._MNIST.files.values()] == [9912422, 28881, 1648877, 4542]
    assert [size for size, _ in mnist._FASHION.files.values()] == [26421880, 29515, 4422102, 5148]
    for collection in (mnist._MNIST, mnist._FASHION):
        assert list(collection.files) == NAMES
        assert all(re.fullmatch("[0-9a-f]{64}", known) for _, known in collection.files.values())
        assert all(url.startswith("http") and url.endswith("/") for url in collection.mirrors)
