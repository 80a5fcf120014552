"""Archive: a zip file read with its sizes checked first, and how much memory that may take."""

from __future__ import annotations

import copy
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np

from npnet.checkpoint.files import CheckpointError
from npnet.parameter import Array

__all__ = ["Archive", "Budget", "Member"]

#: What zipfile and zlib raise, each in its place, for files that are no zip files.
_DAMAGE = (
    BadZipFile,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
_ENCRYPTED = 0x1
_CHUNK = 1 << 20


class Budget:
    """The memory that reading a file may take: 8 times its size, and 16 MiB."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.limit = 8 * size + (16 << 20)
        self.spent = 0

    def spend(self, nbytes: int) -> None:
        """Count memory before it is allocated."""
        self.spent += nbytes
        if self.spent > self.limit:
            raise CheckpointError(
                f"its content takes {self.spent} bytes of memory or more, the file {self.size}; at "
                "most 8 times the file and 16 MiB are read: a bomb, or save it uncompressed and "
                "without expanded tensors"
            )


class Member:
    """A file in the archive, read from its beginning to its end."""

    def __init__(self, name: str, stream: IO[bytes], size: int) -> None:
        self.name = name
        self.left = size
        self._stream = stream

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        if count > self.left:
            raise CheckpointError(
                f"{self.name} ends early: {count} bytes to read, {self.left} left"
            )
        data = bytearray()
        while len(data) < count:
            more = self._stream.read(min(count - len(data), _CHUNK))
            if not more:
                raise CheckpointError(f"{self.name} ends early, or does not inflate")
            data += more
        self.left -= count
        return bytes(data)

    def fill(self, array: Array) -> None:
        """Read the next bytes into all of a contiguous array."""
        target = array.reshape(-1).view(np.uint8)
        for start in range(0, target.size, _CHUNK):
            part = target[start : start + _CHUNK]
            part[:] = np.frombuffer(self.take(part.size), np.uint8)


class Archive:
    """A zip file of which nothing is allocated that the file is too small to hold."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.budget = Budget(size)
        self._infos: dict[str, ZipInfo] = {}
        with _damage("the zip directory"):
            _check_end(stream, size)
            self._zip = ZipFile(stream)
        packed = 0
        for info in self._zip.infolist():
            packed += info.compress_size
            self._check(info, packed, size)
            self._infos[info.filename] = info

    @property
    def names(self) -> list[str]:
        """The names of all members, in the order of the directory."""
        return [*self._infos]

    def size(self, name: str) -> int:
        """Return how many bytes a member has."""
        if name not in self._infos:
            raise CheckpointError(f"{name} is missing in the zip file")
        return self._infos[name].file_size

    @contextmanager
    def open(self, name: str) -> Iterator[Member]:
        """Give a member to read; what goes beyond its part of the file is an error."""
        size = self.size(name)
        info = self._infos[name]
        if info.CRC == 0:
            # torch.save writes no checksum after set_crc32_options(False).
            info = copy.copy(info)
            del info.CRC
        with _damage(name), self._zip.open(info) as stream:
            yield Member(name, stream, size)

    def read(self, name: str) -> bytes:
        """Return all bytes of a member, counted as memory."""
        self.budget.spend(self.size(name))
        with self.open(name) as member:
            return member.take(member.left)

    def _check(self, info: ZipInfo, packed: int, size: int) -> None:
        """Refuse a member that the file cannot hold, or that is there twice."""
        name = info.filename
        if name in self._infos:
            raise CheckpointError(f"{name} is in the zip file twice")
        if info.flag_bits & _ENCRYPTED:
            raise CheckpointError(f"{name} is encrypted")
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise CheckpointError(f"{name} is compressed by method {info.compress_type}")
        if info.header_offset < 0:
            raise CheckpointError(f"{name} begins before the file: it is cut off")
        if packed > size or info.header_offset + info.compress_size > size:
            raise CheckpointError(f"{name} declares {info.compress_size} bytes beyond the file's")
        if info.compress_type == ZIP_STORED and info.file_size != info.compress_size:
            raise CheckpointError(
                f"{name} declares {info.file_size} bytes, but holds {info.compress_size}"
            )


def _check_end(stream: BinaryIO, size: int) -> None:
    """Refuse what follows the end of a zip file, which zipfile passes over."""
    stream.seek(max(0, size - 22))
    end = stream.read(22)
    if len(end) < 22 or end[:4] != b"PK\5\6" or end[20:] != b"\0\0":
        raise CheckpointError("the zip file is cut off, or bytes follow its end")


@contextmanager
def _damage(what: str) -> Iterator[None]:
    """Turn what zipfile raises for damaged files into a CheckpointError."""
    try:
        yield
    except CheckpointError:
        raise
    except _DAMAGE as error:
        raise CheckpointError(f"{what} is damaged: {error}") from error
