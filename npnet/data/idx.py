"""IDX: the file format of MNIST and its kin, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from npnet.parameter import Array, native

__all__ = ["read_idx"]

#: What the third byte of a file stands for; numbers lie with their high bytes first.
_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_AXES = 32
_CHUNK = 1 << 18


def read_idx(path: str | os.PathLike[str]) -> Array:
    """Return the array of an IDX file.

    Shapes: as the file says; dtype uint8, int8, int16, int32, float32 or float64, as the file says.

    Parameters
    ----------
    path : path
        Plain or gzipped, which its first bytes tell.

    Errors
    ------
    ValueError
        For another kind of file, a damaged one, and one whose size is not the one it states, which
        is found out before memory is taken.
    OSError
        Where it cannot be opened.

    Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits, "The IDX
    file format".

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "labels-idx1-ubyte")
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1]) + bytes([0, 0, 0, 3]) + bytes([5, 0, 4]))
    >>> read_idx(path)
    array([5, 0, 4], dtype=uint8)
    >>> folder.cleanup()
    """
    name = f"read_idx: {os.fspath(path)}"
    with Path(path).open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not packed:
            return _read(name, file, os.fstat(file.fileno()).st_size)
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                return _read(name, stream, None)  # type: ignore[arg-type]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{name} is damaged: {error}") from error


def _read(name: str, stream: BinaryIO, held: int | None) -> Array:
    """Read an array from a stream of `held` bytes; None for one that is unpacked on the way."""
    dtype, shape = _header(name, stream)
    start, size = stream.tell(), math.prod(shape) * dtype.itemsize
    if held is None:
        held = _unpacked_size(stream, start + size)
    if held != start + size:
        raise ValueError(
            f"{name} has {held - start} bytes of numbers, but {shape} of {dtype.name} are {size}; "
            "it is damaged or not whole"
        )
    array = np.empty(shape, dtype)
    empty = array.reshape(-1).view(np.uint8)
    while len(empty):
        read = stream.readinto(empty[:_CHUNK])  # type: ignore[attr-defined]
        if not read:
            raise ValueError(f"{name} is not whole: {len(empty)} of {size} bytes are missing")
        empty = empty[read:]
    # At its end, and not before, a gzip file's checksum is compared.
    if stream.read(1):
        raise ValueError(f"{name} has more bytes than its {shape} of {dtype.name}")
    return array if dtype.isnative else array.byteswap(inplace=True).view(native(dtype))


def _header(name: str, stream: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read dtype and shape."""
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise ValueError(
            f"{name} is no IDX file: it starts with {magic!r}; expected two zeros, a byte for the "
            f"dtype, one of {[*_DTYPES]}, and the number of axes"
        )
    axes = magic[3]
    if not 1 <= axes <= _MAX_AXES:
        raise ValueError(f"{name} has {axes} axes; expected 1 to {_MAX_AXES}")
    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise ValueError(f"{name} is not whole: it ends before its {axes} sizes")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    dtype = np.dtype(_DTYPES[magic[2]])
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > np.iinfo(np.intp).max:
        raise ValueError(f"{name} states a shape that no memory has: {shape}")
    return dtype, shape


def _unpacked_size(stream: Any, expected: int) -> int:
    """Return how many bytes a gzip file unpacks to, where it is likely `expected` unread."""
    file: BinaryIO = stream.fileobj
    place = file.tell()
    packed = file.seek(-4, os.SEEK_END) + 4
    stated = int.from_bytes(file.read(4), "little")
    file.seek(place)
    # A byte of deflate stands for 1032 at most. The stated size is modulo 2 ** 32, and of the last
    # part where a file is several after one another: then only unpacking it all tells.
    if stated == expected % 2**32 and expected <= 1032 * packed:
        return expected
    start = stream.tell()
    while stream.read(_CHUNK):
        pass
    end: int = stream.tell()
    stream.seek(start)
    return end
