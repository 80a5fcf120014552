"""Files: opened to be read, replaced whole or not at all, and told apart by their suffix."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

__all__ = ["CheckpointError", "Target", "format_of", "opened", "replacing"]

Target: TypeAlias = str | os.PathLike[str] | BinaryIO

#: The format that each suffix stands for.
FORMATS = {".npz": "npz", ".safetensors": "safetensors", ".pt": "pt", ".pth": "pt"}


class CheckpointError(ValueError):
    """A file is damaged, is of another kind, or holds what is not read from files."""


def format_of(file: Target, format: str | None) -> str:
    """Return the format asked for, or else the one that the suffix stands for."""
    if not isinstance(file, str | os.PathLike) and not hasattr(file, "write"):
        kind = type(file).__name__
        raise TypeError(
            'save: expected a path, or a file opened in mode "wb", as second argument, got '
            f"{kind}; the state comes first: save(state, path)"
        )
    formats = sorted({*FORMATS.values()})
    if format is not None:
        if format not in formats:
            raise ValueError(f"save: expected format as one of {formats}, got {format!r}")
        return format
    if hasattr(file, "write"):
        raise ValueError(f"save: a file object has no suffix; give format, one of {formats}")
    suffix = Path(file).suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            f"save: expected a path that ends in one of {[*FORMATS]}, got {os.fspath(file)!r}; "
            f"use such a suffix, or give format, one of {formats}"
        )
    return FORMATS[suffix]


@contextmanager
def opened(file: Target) -> Iterator[tuple[BinaryIO, int, str]]:
    """Give what to read from, its size, and its name for messages."""
    if isinstance(file, str | os.PathLike):
        with Path(file).open("rb") as stream:
            yield stream, os.fstat(stream.fileno()).st_size, os.fspath(file)
        return
    if isinstance(file, io.TextIOBase) or not hasattr(file, "read"):
        kind = type(file).__name__
        raise TypeError(f'load: expected a path, or a file opened in mode "rb", got {kind}')
    data = file.read()
    yield io.BytesIO(data), len(data), getattr(file, "name", None) or "file object"


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a temporary file, which takes the path's place if all goes well, and else is removed."""
    # A link stays a link: what it points to is replaced.
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "save: no such folder", str(target.parent))
    old = target.stat() if target.exists() else None
    if old and not stat.S_ISREG(old.st_mode):
        raise ValueError(f"save: expected the path of a file, got {str(target)!r}, which is none")
    temporary = target.with_name(f".npnet-{os.urandom(8).hex()}.tmp")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if old:
            temporary.chmod(stat.S_IMODE(old.st_mode))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
