"""Checkpoint: the state of a run in one file, in which no bit can change unnoticed."""

from __future__ import annotations

import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from npnet.checkpoint import CheckpointError, npz
from npnet.checkpoint.archive import Archive
from npnet.checkpoint.files import replacing
from npnet.training.encoding import decode, encode

__all__ = ["pack", "read", "unpack", "write"]

#: The array that holds the text; those of the state have a name or a slash.
_TEXT = "checkpoint.json"
_SEAL = b"npnet checkpoint sha256 "
_SEALED = re.compile(re.escape(_SEAL) + rb"[0-9a-f]{64}")
_SEAL_SIZE = len(_SEAL) + 64


def write(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a state to a file: all of it or, on an error, nothing.

    The file is an .npz: `numpy.load` reads its arrays, which have names like "model/0.weight"; the
    rest is JSON, as bytes in the array "checkpoint.json". It is written to a temporary file next to
    the path, flushed to disk, and takes the path's place then. As the zip file's comment it ends
    with the SHA-256 of all its other bytes.

    Parameters
    ----------
    state : what `npnet.training.encoding` takes
    path : path

    Errors
    ------
    TypeError, ValueError
        For what is no state.
    OSError
        Where the file cannot be written; what was there before is whole.
    """
    with replacing(path) as stream:
        pack(state, stream)


def read(path: str | os.PathLike[str]) -> Any:
    """Return the state that a file holds; every array is new.

    Errors
    ------
    CheckpointError
        For a file that is not, to the last bit, one that `write` wrote.
    OSError
        Where the file cannot be opened.
    """
    try:
        return unpack(Path(path).read_bytes())
    except CheckpointError as error:
        raise CheckpointError(f"Trainer: {os.fspath(path)}: {error}") from error.__cause__


def pack(state: Any, stream: BinaryIO) -> None:
    """Write a state to an empty stream that can go back two bytes.

    Examples
    --------
    >>> stream = io.BytesIO()
    >>> pack({"weight": np.ones(2), "epoch": 3}, stream)
    >>> unpack(stream.getvalue())
    {'weight': array([1., 1.]), 'epoch': 3}
    """
    text, arrays = encode(state)
    hashed = _Hashed(stream)
    npz.write({_TEXT: np.frombuffer(text.encode(), np.uint8), **arrays}, hashed)  # type: ignore[arg-type]
    # The last two bytes of a zip file say how long its comment is.
    stream.seek(-2, os.SEEK_END)
    stream.write(_SEAL_SIZE.to_bytes(2, "little") + _SEAL + hashed.digest())


def unpack(data: bytes) -> Any:
    """Return the state that the bytes of a file hold; CheckpointError for any other bytes."""
    whole, seal = data[:-_SEAL_SIZE], data[-_SEAL_SIZE:]
    if not _SEALED.fullmatch(seal) or whole[-2:] != _SEAL_SIZE.to_bytes(2, "little"):
        raise CheckpointError(
            "is no checkpoint of a Trainer, or not whole: it does not end with its checksum"
        )
    whole = whole[:-2] + bytes(2)
    if hashlib.sha256(whole).hexdigest().encode() != seal.removeprefix(_SEAL):
        raise CheckpointError("is damaged: its checksum is that of other bytes")
    arrays = npz.read(Archive(io.BytesIO(whole), len(whole)))
    if _TEXT not in arrays:
        raise CheckpointError(f"has no {_TEXT}")
    try:
        text = arrays.pop(_TEXT).tobytes().decode()
    except UnicodeDecodeError as error:
        raise CheckpointError(f"its {_TEXT} is no text") from error
    return decode(text, arrays)


class _Hashed:
    """A stream that is only written to, and knows the checksum of what was."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def write(self, data: Any) -> int:
        """Write bytes."""
        self._hash.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        """Do nothing: who opened the stream flushes it."""

    def digest(self) -> bytes:
        """Return the checksum as text."""
        return self._hash.hexdigest().encode()
