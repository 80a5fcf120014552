"""MNIST and Fashion-MNIST: read from a folder, and downloaded into it where asked for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from npnet.checkpoint.files import replacing
from npnet.data.checks import check_labels
from npnet.data.datasets import Samples
from npnet.data.idx import read_idx

__all__ = ["load_fashion_mnist", "load_mnist"]

_TRAIN = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
_TEST = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
_CLASSES = 10
_CHUNK, _SECONDS = 1 << 16, 30


@dataclass(frozen=True)
class _Collection:
    """Four files: whose loader reads them, where they are, their sizes and SHA-256."""

    who: str
    mirrors: tuple[str, ...]
    files: Mapping[str, tuple[int, str]]


_MNIST = _Collection(
    "load_mnist",
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    {
        _TRAIN[0]: (
            9912422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        _TRAIN[1]: (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        _TEST[0]: (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        _TEST[1]: (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    },
)
_FASHION = _Collection(
    "load_fashion_mnist",
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    {
        _TRAIN[0]: (
            26421880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        _TRAIN[1]: (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        _TEST[0]: (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        _TEST[1]: (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    },
)


def load_mnist(
    root: str | os.PathLike[str], download: bool = False, dtype: DTypeLike = np.float32
) -> tuple[Samples, Samples]:
    """Return MNIST: 60,000 handwritten digits to train with and 10,000 to test, 28 x 28 pixels.

    inputs = pixels / 255, from 0 to 1; with dtype=np.uint8 the pixels themselves, from 0 to 255,
    a quarter of the memory: `Scaled(inputs)` scales each batch. targets = the digits, 0 to 9.

    Shapes: inputs (N, 784), row by row of an image; targets (N,), int64.

    Parameters
    ----------
    root : path
        The folder with the four files, gzipped or not: train-images-idx3-ubyte.gz,
        train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz.
    download : bool, default False
        Fetch those of them that are missing, some 11.6 MB, with a progress bar on a terminal. A
        file is kept only if its SHA-256 is the known one. What is there already is read as it is.
    dtype : floating dtype or np.uint8, default float32
        Of the inputs.

    Errors
    ------
    FileNotFoundError
        For files that are missing, without download.
    ConnectionError
        Where no mirror can be reached or gives the known file.
    ValueError
        For damaged files, images and labels of different number, images of different sizes, labels
        above 9.
    TypeError
        For another dtype.

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits;
    torchvision.datasets.MNIST with ToTensor, flattened.

    Examples
    --------
    >>> train, test = load_mnist("data/mnist", download=True)  # doctest: +SKIP
    >>> train.inputs.shape, test.targets.shape  # doctest: +SKIP
    ((60000, 784), (10000,))
    """
    return _load(_MNIST, root, download, dtype)


def load_fashion_mnist(
    root: str | os.PathLike[str], download: bool = False, dtype: DTypeLike = np.float32
) -> tuple[Samples, Samples]:
    """Return Fashion-MNIST: pictures of clothes in MNIST's place, as many and of the same shapes.

    Classes: 0 T-shirt or top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker,
    8 bag, 9 ankle boot.

    All else is as for `load_mnist`: files, shapes, parameters (30.9 MB to download) and errors.

    Source: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking
    Machine Learning Algorithms (2017); torchvision.datasets.FashionMNIST, flattened.

    Examples
    --------
    >>> train, test = load_fashion_mnist("data/fashion", download=True)  # doctest: +SKIP
    """
    return _load(_FASHION, root, download, dtype)


def _load(
    collection: _Collection, root: str | os.PathLike[str], download: bool, dtype: DTypeLike
) -> tuple[Samples, Samples]:
    """Read a collection, after fetching what is missing."""
    who, folder, kind = collection.who, Path(root), np.dtype(dtype)
    if kind.kind != "f" and kind != np.uint8:
        raise TypeError(f"{who}: dtype must be floating or uint8, got {kind}; use np.float32")
    missing = [name for name in collection.files if _found(folder, name) is None]
    if missing and not download:
        raise FileNotFoundError(
            f"{who}: {folder} lacks {', '.join(missing)}; put the files there, or give "
            "download=True"
        )
    for name in missing:
        _fetch(collection, folder, name)
    train, test = (_samples(who, folder, names, kind) for names in (_TRAIN, _TEST))
    if train.inputs.shape[1] != test.inputs.shape[1]:
        raise ValueError(
            f"{who}: expected images of one size, got {train.inputs.shape[1]} pixels in "
            f"{_TRAIN[0]} and {test.inputs.shape[1]} in {_TEST[0]}"
        )
    return train, test


def _found(folder: Path, name: str) -> Path | None:
    """Return where a file is, gzipped or not."""
    paths = (folder / name, folder / name.removesuffix(".gz"))
    return next((path for path in paths if path.is_file()), None)


def _samples(who: str, folder: Path, names: tuple[str, str], dtype: np.dtype[Any]) -> Samples:
    """Read images and labels, and hold them to one another."""
    paths: Any = [_found(folder, name) for name in names]
    images, labels = (read_idx(path) for path in paths)
    for path, array, axes in zip(paths, (images, labels), (3, 1), strict=True):
        if array.dtype != np.uint8 or array.ndim != axes:
            raise ValueError(
                f"{who}: expected {path} to hold uint8 on {axes} axes, got {array.dtype} of shape "
                f"{array.shape}"
            )
    if len(images) != len(labels):
        raise ValueError(
            f"{who}: {paths[0]} has {len(images)} images, but {paths[1]} {len(labels)} labels"
        )
    check_labels(labels, _CLASSES, f"the labels of {paths[1]}")
    inputs = images.reshape(len(images), -1).astype(dtype, copy=False)
    if dtype.kind == "f":
        inputs /= 255
    return Samples(inputs, labels.astype(np.int64))


def _fetch(collection: _Collection, folder: Path, name: str) -> None:
    """Download a file from the first mirror that gives what is known, or say what each did."""
    folder.mkdir(parents=True, exist_ok=True)
    size, checksum = collection.files[name]
    failed = []
    for mirror in collection.mirrors:
        try:
            _download(mirror + name, folder / name, size, checksum)
            return
        except _FetchError as error:
            failed.append(f"{mirror}: {error}")
    raise ConnectionError(
        f"{collection.who}: could not download {name} ({'; '.join(failed)}); get it by hand and "
        f"put it into {folder}"
    )


class _FetchError(Exception):
    """A mirror cannot be reached, or gives something else."""


def _download(url: str, path: Path, size: int, checksum: str) -> None:
    """Download a file: all of it and the right one, or nothing."""
    from tqdm import tqdm

    digest, received = hashlib.sha256(), 0
    # The file comes last into being: for a mirror that is not there none is begun.
    with (
        _Response(url) as response,
        replacing(path) as file,
        tqdm(total=size, desc=path.name, unit="B", unit_scale=True, disable=None) as bar,
    ):
        while received <= size and (chunk := response.read()):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            bar.update(len(chunk))
        if received != size:
            more = "more than " if received > size else ""
            raise _FetchError(f"sent {more}{min(received, size)} bytes instead of {size}")
        if digest.hexdigest() != checksum:
            raise _FetchError(f"sent another file: its SHA-256 is {digest.hexdigest()}")


class _Response:
    """What a mirror sends; its troubles are told apart from those of the disk."""

    def __init__(self, url: str) -> None:
        # They are slow to import, and nearly nobody downloads.
        import http.client
        import urllib.request

        self._troubles = (OSError, http.client.HTTPException, ValueError)
        try:
            self._stream = urllib.request.urlopen(url, timeout=_SECONDS)
        except self._troubles as error:
            raise _FetchError(error) from error

    def read(self) -> bytes:
        """Return the next bytes; none at the end."""
        try:
            data: bytes = self._stream.read(_CHUNK)
            return data
        except self._troubles as error:
            raise _FetchError(error) from error

    def __enter__(self) -> _Response:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
